"""What a search for the smallest network tried, and what it may claim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.records import finite
from seedbed.sizing.networks import Network
from seedbed.specs import DataSpec, Plan
from seedbed.statistics import Interval

Stage = Literal["scout", "tune", "size"]


@dataclass(frozen=True)
class Setting:
    """A network and how it is trained."""

    model: Network
    plan: Plan


@dataclass(frozen=True)
class Tried:
    """What came of a setting while choosing.

    Attributes:
        stage: why it was tried: to find about which size it takes, how to train, or which size and rate exactly.
        group: of its runs.
        seeds: that it was trained with.
        accuracy: mean accuracy at the last epoch on the images for choosing; None where every run diverged or collapsed.
        left_out: how many of its runs did.
        seconds: that its runs took in the workers.
    """

    setting: Setting
    stage: Stage
    group: str
    parameters: int
    seeds: tuple[int, ...]
    accuracy: float | None
    left_out: int
    seconds: float

    @property
    def score(self) -> float:
        """For rankings: a setting of which a run failed comes behind all others."""
        return -math.inf if self.accuracy is None or self.left_out else self.accuracy

    def as_json(self) -> dict[str, Any]:
        return {
            "stage": self.stage,
            "group": self.group,
            "model": {**self.setting.model.plain(), "parameters": self.parameters},
            "plan": self.setting.plan.plain(),
            "seeds": self.seeds,
            "accuracy": self.accuracy,
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class Claim:
    """A setting trained with fresh seeds and judged by images that had no say in choosing it.

    Attributes:
        group: of its runs.
        seeds: none of them was used while choosing.
        accuracy: mean validation accuracy at the last epoch, over seeds and images; None where a run diverged or collapsed.
        left_out: how many runs did.
        seconds: that its runs took in the workers.
    """

    setting: Setting
    group: str
    parameters: int
    seeds: tuple[int, ...]
    accuracy: Interval | None
    left_out: int
    seconds: float

    def holds(self, target: float) -> bool:
        """Whether the interval lies above the target."""
        return self.accuracy is not None and self.accuracy.low > target

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.group,
            "model": {**self.setting.model.plain(), "parameters": self.parameters},
            "plan": self.setting.plan.plain(),
            "seeds": self.seeds,
            "accuracy": as_accuracy(self.accuracy),
            "left_out": self.left_out,
        }


def as_accuracy(found: Interval | None) -> dict[str, Any] | None:
    """An interval as the contract gives it."""
    return {"mean": found.mean, "interval": found.pair(), "n": found.n} if found else None


@dataclass(frozen=True)
class Smallest:
    """The answer to "how few parameters reach the target", with all that was tried for it.

    Attributes:
        name: of the search; its runs are `NAME-SETTING.SEED`.
        target: the accuracy to be above.
        data: on whose validation part the claim is made; choosing was done on an inner split of its training part.
        tried: every setting that was tried while choosing, in order; a setting counts once for each stage.
        claims: the networks that were tested, in the order of the test: from large to small, up to the first that failed.
        stopped: whether the time was over before the search was.
    """

    name: str
    target: float
    data: DataSpec
    tried: Sequence[Tried]
    claims: Sequence[Claim]
    stopped: bool

    @property
    def confirmed(self) -> Claim | None:
        """The smallest network whose interval lies above the target."""
        held = [claim for claim in self.claims if claim.holds(self.target)]
        return min(held, key=lambda claim: claim.parameters) if held else None

    @property
    def settled(self) -> bool:
        """Whether a network is confirmed, and the search came to its end."""
        return self.confirmed is not None and not self.stopped

    @property
    def nearest(self) -> Claim | None:
        """The confirmed network, or else the one whose interval came nearest to the target."""
        known = [claim for claim in self.claims if claim.accuracy]
        return self.confirmed or max(known, key=lambda one: one.accuracy.low if one.accuracy else 0.0, default=None)

    @property
    def everything(self) -> list[Tried | Claim]:
        """What was tried, then what was tested."""
        return [*self.tried, *self.claims]

    @property
    def settings(self) -> int:
        """How many different settings were trained."""
        return len({one.group for one in self.everything})

    @property
    def runs(self) -> int:
        """How many runs were trained."""
        return len({(one.group, seed) for one in self.everything for seed in one.seeds})

    @property
    def seconds(self) -> float:
        """What all runs took in the workers."""
        return math.fsum({one.group: one.seconds for one in self.everything}.values())

    def sentences(self) -> list[str]:
        """The answer, how sure it is, and what was tried for it."""
        from seedbed.sizing.sentences import sentences

        return sentences(self)

    def as_json(self) -> dict[str, Any]:
        """The contract of `smallest --json`, and every setting that was tried (NaN is null)."""
        best = self.nearest
        model = {**best.setting.model.plain(), "parameters": best.parameters} if best else None
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "target": self.target,
                "settled": self.settled,
                "model": model,
                "plan": best.setting.plan.plain() if best else None,
                "accuracy": as_accuracy(best.accuracy) if best else None,
                "group": best.group if best else None,
                "measure": "validation accuracy at the last epoch",
                "confidence": 0.95,
                "data": self.data.plain(),
                "tried": self.settings,
                "runs": self.runs,
                "seconds": self.seconds,
                "stopped": self.stopped,
                "claims": [claim.as_json() for claim in self.claims],
                "choosing": [one.as_json() for one in self.tried],
                "sentences": self.sentences(),
            }
        )
        return plain
