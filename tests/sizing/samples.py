"""Networks that need no training: their accuracy is a formula of size and setting, with a little chance from the seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from seedbed.records import DataFacts
from seedbed.sizing.attempts import Attempt, Candidate, Stage
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.networks import DEPTHS, forms, parameters
from seedbed.sizing.stages import Problem
from seedbed.specs import Plan
from seedbed.statistics import Interval, wilson

MNIST = DataFacts(60_000, 10_000, 0, tuple("0123456789"), (28, 28, 1))
CHOOSING = 5_000
FRESH = (1000, 1001, 1002, 1003, 1004)


def problem(target: float, family: str = "dense", **effort: Any) -> Problem:
    return Problem(target, forms(family, DEPTHS, MNIST), MNIST, CHOOSING, replace(EFFORTS[family], **effort))


def mistakes(candidate: Candidate) -> float:
    """Fewer with size, best at a rate of 5e-3, fewer with more epochs; convolutional networks need half of theirs to learn."""
    size = parameters(candidate.model, MNIST)
    off = abs(math.log(candidate.plan.learning_rate / 5e-3))
    begun = 1.6 if candidate.model.family == "conv" and candidate.plan.epochs < 12 else 1.0
    return min(0.9, begun * 20 * size**-0.65 * (1 + 0.1 * off) * (1 + 1 / candidate.plan.epochs))


@dataclass
class Formula:
    """Stands for training: `train` and `test` of the stages.

    Attributes:
        error: candidate -> share of mistakes, before chance.
        shift: of the accuracy on the images of the claim.
        diverges: candidates of which every run does.
        images: that a claim is judged by.
    """

    error: Callable[[Candidate], float] = mistakes
    shift: float = 0.0
    diverges: Callable[[Candidate], bool] = lambda candidate: False
    images: int = MNIST.validation
    asked: list[tuple[Stage, Candidate, tuple[int, ...]]] = field(default_factory=list)

    def train(self, stage: Stage, candidates: Sequence[Candidate], seeds: Sequence[int]) -> list[Attempt]:
        self.asked += [(stage, candidate, tuple(seeds)) for candidate in candidates]
        return [self._tried(stage, candidate, seeds) for candidate in dict.fromkeys(candidates)]

    def _tried(self, stage: Stage, candidate: Candidate, seeds: Sequence[int]) -> Attempt:
        out = len(seeds) if self.diverges(candidate) else 0
        mean = None if out else float(np.mean([self.accuracy(candidate, seed) for seed in seeds]))
        accuracy = chosen_by(mean, len(seeds))
        return Attempt(
            candidate, stage, _group(candidate), parameters(candidate.model, MNIST), tuple(seeds), accuracy, out, 1.0
        )

    def accuracy(self, candidate: Candidate, seed: int) -> float:
        chance = np.random.default_rng([seed, int(1e6 * candidate.plan.learning_rate), parameters(candidate.model, MNIST)])
        return 1 - self.error(candidate) + 0.001 * float(chance.standard_normal())

    def test(self, chosen: Sequence[Attempt]) -> list[Attempt]:
        self.asked += [("claim", one.candidate, FRESH) for one in chosen]
        return [self._claim(one.candidate) for one in chosen]

    def _claim(self, candidate: Candidate) -> Attempt:
        mean = float(np.mean([self.accuracy(candidate, seed) for seed in FRESH])) + self.shift
        found = wilson(mean * self.images, self.images)
        return Attempt(
            candidate, "claim", _group(candidate), parameters(candidate.model, MNIST), FRESH, replace(found, n=5), 0, 1.0
        )


def _group(candidate: Candidate) -> str:
    return f"g-{candidate.model.identity[:6]}-{candidate.plan.identity[:6]}"


def chosen_by(mean: float | None, seeds: int) -> Interval | None:
    """A mean while choosing, of which no interval is asked."""
    return None if mean is None else Interval(mean, math.nan, math.nan, seeds)


def tried(parameters: int, accuracy: float | None, **plan: Any) -> Attempt:
    """Something of a size that was tried, with this outcome."""
    from seedbed.specs import Dense

    candidate = Candidate(Dense(hidden=(parameters,)), Plan(**plan))
    return Attempt(candidate, "size", f"g{parameters}", parameters, (0,), chosen_by(accuracy, 1), int(accuracy is None), 1.0)
