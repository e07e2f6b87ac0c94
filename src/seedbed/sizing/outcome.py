"""The answer to "how few parameters reach the target"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.figures import words
from seedbed.records import finite
from seedbed.sizing.attempts import Attempt, as_accuracy, interval_in_words, network_in_words, plan_in_words
from seedbed.specs import DataSpec


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
    tried: Sequence[Attempt]
    claims: Sequence[Attempt]
    stopped: bool

    @property
    def confirmed(self) -> Attempt | None:
        """The smallest network whose interval lies above the target."""
        held = [claim for claim in self.claims if claim.holds(self.target)]
        return min(held, key=lambda claim: claim.parameters) if held else None

    @property
    def settled(self) -> bool:
        """Whether a network is confirmed, and the search came to its end."""
        return self.confirmed is not None and not self.stopped

    @property
    def nearest(self) -> Attempt | None:
        """The confirmed network, or else the one whose interval came nearest to the target."""
        known = [claim for claim in self.claims if claim.accuracy]
        return self.confirmed or max(known, key=lambda one: one.accuracy.low if one.accuracy else 0.0, default=None)

    @property
    def everything(self) -> list[Attempt]:
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
        """The answer, how it was trained, what was tested, what was tried, and what limits it."""
        said = [_answer(self)]
        best = self.nearest
        if best:
            said.append(f"Trained with {plan_in_words(best.candidate.plan)}.")
        if self.claims:
            said.append(_tested(self))
        how = f"{words.counted(self.settings, 'setting')} in {words.counted(self.runs, 'run')}"
        said.append(f"For that {how} were trained; seeds and images of the tests had no part in choosing.")
        if self.stopped:
            said.append("The time was over before the search was; the same command with --resume and more --minutes goes on.")
        elif self.confirmed and all(claim.holds(self.target) for claim in self.claims):
            said.append("All sizes that were tested are above the target, so a smaller one may be as well.")
        return said

    def as_json(self) -> dict[str, Any]:
        """The contract of `smallest --json`, and every setting that was tried (NaN is null)."""
        best = self.nearest
        model = {**best.candidate.model.plain(), "parameters": best.parameters} if best else None
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "target": self.target,
                "settled": self.settled,
                "model": model,
                "plan": best.candidate.plan.plain() if best else None,
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


# Words


def _answer(found: Smallest) -> str:
    target, best = words.percent(found.target, 2), found.nearest
    if found.confirmed:
        smallest = f"{network_in_words(found.confirmed)}, {interval_in_words(found.confirmed)}"
        return f"The smallest network shown to be above {target}: {smallest}."
    if best:
        return f"No network is shown to be above {target}. The nearest: {network_in_words(best)}, {interval_in_words(best)}."
    tried = max(found.tried, key=lambda one: one.score, default=None)
    if tried and tried.accuracy is not None:
        so_far = f"{words.percent(tried.accuracy.mean, 2)} on the images for choosing, {network_in_words(tried)}"
        return f"No network is shown to be above {target}. The best so far: {so_far}, which is no claim."
    return f"No network is shown to be above {target}; every run diverged or collapsed, or none was trained."


def _tested(found: Smallest) -> str:
    holds = [claim.holds(found.target) for claim in found.claims]
    results = [f"{c.parameters:,} {'above' if held else 'not shown'}" for c, held in zip(found.claims, holds, strict=True)]
    order = "Sizes were tested from large to small, in an order fixed before"
    order += "" if holds[-1] else ", up to the first that failed"
    second = " (the larger ones only because the first had failed)" if len(holds) > 1 and not holds[0] else ""
    return f"{order}{second}: {words.listed(results)}."
