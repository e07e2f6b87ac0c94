"""Networks that need no training: their accuracy is a formula of size and setting, with a little chance from the seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from seedbed.sizing.records import Claim, Setting, Stage, Tried

from seedbed.records import DataFacts
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.hunt import Problem
from seedbed.sizing.networks import DEPTHS, Family, forms, parameters
from seedbed.specs import Plan
from seedbed.statistics import wilson

MNIST = DataFacts(60_000, 10_000, 0, tuple("0123456789"), (28, 28, 1))
CHOOSING = 5_000
FRESH = (1000, 1001, 1002, 1003, 1004)


def problem(target: float, family: Family = "dense", **effort: Any) -> Problem:
    return Problem(target, forms(family, DEPTHS, MNIST), MNIST, CHOOSING, replace(EFFORTS[family], **effort))


def mistakes(setting: Setting) -> float:
    """Fewer with size, best at a rate of 5e-3, fewer with more epochs; convolutional networks need half of theirs to learn."""
    size = parameters(setting.model, MNIST)
    off = abs(math.log(setting.plan.learning_rate / 5e-3))
    begun = 1.6 if setting.model.family == "conv" and setting.plan.epochs < 12 else 1.0
    return min(0.9, begun * 20 * size**-0.65 * (1 + 0.1 * off) * (1 + 1 / setting.plan.epochs))


@dataclass
class Formula:
    """Stands for training: `train` and `test` of a hunt.

    Attributes:
        error: setting -> share of mistakes, before chance.
        shift: of the accuracy on the images of the claim.
        diverges: settings of which every run does.
        images: that a claim is judged by.
    """

    error: Callable[[Setting], float] = mistakes
    shift: float = 0.0
    diverges: Callable[[Setting], bool] = lambda setting: False
    images: int = MNIST.validation
    asked: list[tuple[Stage | str, Setting, tuple[int, ...]]] = field(default_factory=list)

    def train(self, stage: Stage, settings: Sequence[Setting], seeds: Sequence[int]) -> list[Tried]:
        self.asked += [(stage, setting, tuple(seeds)) for setting in settings]
        return [self._tried(stage, setting, seeds) for setting in dict.fromkeys(settings)]

    def _tried(self, stage: Stage, setting: Setting, seeds: Sequence[int]) -> Tried:
        out = len(seeds) if self.diverges(setting) else 0
        accuracy = None if out else float(np.mean([self.accuracy(setting, seed) for seed in seeds]))
        return Tried(setting, stage, _group(setting), parameters(setting.model, MNIST), tuple(seeds), accuracy, out, 1.0)

    def accuracy(self, setting: Setting, seed: int) -> float:
        chance = np.random.default_rng([seed, int(1e6 * setting.plan.learning_rate), parameters(setting.model, MNIST)])
        return 1 - self.error(setting) + 0.001 * float(chance.standard_normal())

    def test(self, chosen: Sequence[Tried]) -> list[Claim]:
        self.asked += [("claim", one.setting, FRESH) for one in chosen]
        return [self._claim(one.setting) for one in chosen]

    def _claim(self, setting: Setting) -> Claim:
        mean = float(np.mean([self.accuracy(setting, seed) for seed in FRESH])) + self.shift
        found = wilson(mean * self.images, self.images)
        return Claim(setting, _group(setting), parameters(setting.model, MNIST), FRESH, replace(found, n=5), 0, 1.0)


def _group(setting: Setting) -> str:
    return f"g-{setting.model.identity[:6]}-{setting.plan.identity[:6]}"


def tried(parameters: int, accuracy: float | None, **plan: Any) -> Tried:
    """Something of a size that was tried, with this outcome."""
    from seedbed.specs import Dense

    setting = Setting(Dense(hidden=(parameters,)), Plan(**plan))
    return Tried(setting, "size", f"g{parameters}", parameters, (0,), accuracy, int(accuracy is None), 1.0)
