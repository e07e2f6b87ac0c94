"""Candidates for the smallest network, and what training them gave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.figures import words
from seedbed.groups import Group
from seedbed.sizing.networks import Network
from seedbed.specs import Plan
from seedbed.statistics import Interval

PLAN_TOLD = ("epochs", "learning_rate", "schedule", "batch_size", "l2", "augment")

Stage = Literal["scout", "tune", "size", "claim"]


@dataclass(frozen=True)
class Candidate:
    """A network and how it is trained."""

    model: Network
    plan: Plan


@dataclass(frozen=True)
class Attempt:
    """A candidate that was trained: while choosing, or to be claimed.

    Attributes:
        stage: why it was trained: to find about which size it takes, how to train, which size and rate exactly, or for a claim.
            A claim has fresh seeds, and is judged by images that had no say in choosing.
        group: of its runs.
        seeds: that it was trained with.
        accuracy: mean accuracy at the last epoch, while choosing on the images for that; None where no run is left, and of a
            claim where a run is excluded.
        left_out: how many of its runs diverged or collapsed.
        seconds: that its runs took in the workers.
    """

    candidate: Candidate
    stage: Stage
    group: str
    parameters: int
    seeds: tuple[int, ...]
    accuracy: Interval | None
    left_out: int
    seconds: float

    @classmethod
    def of(cls, candidate: Candidate, stage: Stage, group: Group) -> Attempt:
        """From the candidate's runs.

        Raises:
            RunError: a run of a claim kept no predictions of its last epoch.
        """
        accuracy = group.claimed() if stage == "claim" else _mean_at_last(group)
        return cls(
            candidate, stage, group.name, group.parameters, tuple(group.by_seed), accuracy, group.left_out, group.seconds
        )

    @property
    def score(self) -> float:
        """For rankings: a candidate of which a run is excluded comes behind all others."""
        return -math.inf if self.accuracy is None or self.left_out else self.accuracy.mean

    def holds(self, target: float) -> bool:
        """Whether the interval lies above the target."""
        return self.accuracy is not None and self.accuracy.low > target

    def as_json(self) -> dict[str, Any]:
        claim, found = self.stage == "claim", self.accuracy
        return {
            **({} if claim else {"stage": self.stage}),
            "group": self.group,
            "model": {**self.candidate.model.plain(), "parameters": self.parameters},
            "plan": self.candidate.plan.plain(),
            "seeds": self.seeds,
            "accuracy": as_accuracy(found) if claim else found and found.mean,
            "left_out": self.left_out,
        }


def _mean_at_last(group: Group) -> Interval | None:
    """The mean of the last epochs; without an interval, since nothing is claimed."""
    values = [float(result.history["validation_accuracy"][-1]) for result in group.kept]
    return Interval(math.fsum(values) / len(values), math.nan, math.nan, len(values)) if values else None


def as_accuracy(found: Interval | None) -> dict[str, Any] | None:
    """An interval as the contract gives it."""
    return {"mean": found.mean, "interval": found.pair(), "n": found.n} if found else None


# Words


def plan_in_words(plan: Plan) -> str:
    """What was tuned, and what else is not as by default."""
    default = Plan()
    told = {n: getattr(plan, n) for n in PLAN_TOLD if n in PLAN_TOLD[:3] or getattr(plan, n) != getattr(default, n)}
    return words.setting(told)


def best_so_far(tried: Sequence[Attempt]) -> str:
    """What came of a round of choosing."""
    best = max(tried, key=lambda one: one.score, default=None)
    if best is None or best.accuracy is None:
        return "every run diverged or collapsed"
    return f"the best: {network_in_words(best)}, {words.percent(best.accuracy.mean, 2)} on the images for choosing"


def claimed(claim: Attempt) -> str:
    """What came of a test."""
    return f"{network_in_words(claim)}: {interval_in_words(claim)}"


def network_in_words(one: Attempt) -> str:
    return f"{words.network(one.candidate.model)}, {words.counted(one.parameters, 'parameter')}"


def interval_in_words(claim: Attempt) -> str:
    accuracy = claim.accuracy
    if accuracy is None:
        return f"{claim.left_out} of {words.counted(len(claim.seeds), 'seed')} diverged or collapsed"
    chance = f"95 % interval over {words.counted(accuracy.n, 'fresh seed')} and the images"
    return f"validation accuracy {words.percent(accuracy.mean, 2)} ({words.ends(accuracy)}, {chance}) at the last epoch"
