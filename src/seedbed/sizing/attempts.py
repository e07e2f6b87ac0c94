"""Candidates for the smallest network, and the results of training them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seedbed import words
from seedbed.groups import Group
from seedbed.sizing.networks import SizedNetwork
from seedbed.specs import Plan
from seedbed.statistics import Interval

Stage = Literal["scout", "tune", "size", "claim"]


@dataclass(frozen=True)
class Candidate:
    """A network and how it is trained."""

    model: SizedNetwork
    plan: Plan


@dataclass(frozen=True)
class Attempt:
    """A candidate that was trained: while choosing, or for a claim.

    Attributes:
        stage: purpose of the training: to find about which size is needed, how to train, which size and rate exactly, or a
            claim. A claim has fresh seeds, and is evaluated on images that were not used for choosing.
        group: name of the group of its runs.
        seeds: seeds that it was trained with.
        accuracy: mean accuracy at the last epoch, while choosing on the images for that. None means that no run is left, or
            that a run of a claim is excluded.
        left_out: number of its runs that diverged or collapsed.
        seconds: time of its runs in the workers.
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
        """Make the attempt of a candidate's runs; of one while choosing the accuracy has no interval, since nothing is claimed.

        Raises:
            RunError: a run of a claim kept no predictions of its last epoch.
        """
        last = [float(result.history["validation_accuracy"][-1]) for result in group.kept]
        mean = Interval(math.fsum(last) / len(last), math.nan, math.nan, len(last)) if last else None
        accuracy = group.claimed() if stage == "claim" else mean
        seeds = tuple(group.by_seed)
        return cls(candidate, stage, group.name, group.parameters, seeds, accuracy, group.left_out, group.seconds)

    @property
    def score(self) -> float:
        """Score for rankings: a candidate with an excluded run comes after all others."""
        return -math.inf if self.accuracy is None or self.left_out else self.accuracy.mean

    def holds(self, target: float) -> bool:
        """Return whether the interval is above the target."""
        return self.accuracy is not None and self.accuracy.low > target

    def as_json(self) -> dict[str, Any]:
        claim, accuracy = self.stage == "claim", self.accuracy
        return {
            **({} if claim else {"stage": self.stage}),
            "group": self.group,
            "model": {**self.candidate.model.plain(), "parameters": self.parameters},
            "plan": self.candidate.plan.plain(),
            "seeds": self.seeds,
            "accuracy": as_accuracy(accuracy) if claim else accuracy and accuracy.mean,
            "left_out": self.left_out,
        }


def as_accuracy(interval: Interval | None) -> dict[str, Any] | None:
    """Return an interval as the JSON contract gives it."""
    return {"mean": interval.mean, "interval": interval.pair(), "n": interval.n} if interval else None


# Words


def plan_in_words(plan: Plan) -> str:
    """Name the settings that were tuned, and the others that are not the default."""
    default = Plan()
    always = ("epochs", "learning_rate", "schedule")
    return words.setting(
        {
            name: getattr(plan, name)
            for name in (*always, "batch_size", "l2", "augment")
            if name in always or getattr(plan, name) != getattr(default, name)
        }
    )


def best_so_far(tried: Sequence[Attempt]) -> str:
    """Describe the best of a round of choosing."""
    best = max(tried, key=lambda attempt: attempt.score, default=None)
    if best is None or best.accuracy is None:
        return "every run diverged or collapsed"
    return f"the best: {network_in_words(best)}, {words.percent(best.accuracy.mean, 2)} on the images for choosing"


def claimed(claim: Attempt) -> str:
    """Describe the result of a test."""
    return f"{network_in_words(claim)}: {accuracy_in_words(claim)}"


def network_in_words(attempt: Attempt) -> str:
    return f"{attempt.candidate.model.title}, {words.counted(attempt.parameters, 'parameter')}"


def accuracy_in_words(claim: Attempt, *, brief: bool = False) -> str:
    """The mean accuracy of a claim, with its interval unless `brief`; or why there is none."""
    accuracy = claim.accuracy
    if accuracy is None:
        return f"{claim.left_out} of {words.counted(len(claim.seeds), 'seed')} diverged or collapsed"
    if brief:
        return f"validation accuracy {words.percent(accuracy.mean, 2)}"
    chance = f"95 % interval over {words.counted(accuracy.n, 'fresh seed')} and the images"
    return f"validation accuracy {words.percent(accuracy.mean, 2)} ({words.ends(*accuracy.pair())}, {chance}) at the last epoch"
