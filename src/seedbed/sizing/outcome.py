"""The answer to "how few parameters reach the target"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed import words
from seedbed.groups.statements import Certainty, Statement, remarks
from seedbed.records import finite_fields
from seedbed.sizing.attempts import Attempt, accuracy_in_words, as_accuracy, network_in_words, plan_in_words
from seedbed.specs import DataSpec


@dataclass(frozen=True)
class Smallest:
    """The answer to "how few parameters reach the target", with all attempts.

    Attributes:
        name: name of the search; its runs are `NAME-SETTING.SEED`.
        target: accuracy to be above.
        data: data on whose validation part the claim is made; choosing used an inner split of its training part.
        tried: every setting that was tried while choosing, in order; a setting counts once for each stage.
        claims: networks that were tested, in the order of the test: from large to small, up to the first that failed.
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
        """The smallest network whose interval is above the target."""
        held = (claim for claim in self.claims if claim.holds(self.target))
        return min(held, key=lambda claim: claim.parameters, default=None)

    @property
    def settled(self) -> bool:
        """Whether a network is confirmed, and the search was complete."""
        return self.confirmed is not None and not self.stopped

    @property
    def nearest(self) -> Attempt | None:
        """The confirmed network, or else the one whose interval came nearest to the target."""
        known = [claim for claim in self.claims if claim.accuracy]
        return self.confirmed or max(known, key=lambda claim: claim.accuracy.low if claim.accuracy else 0.0, default=None)

    @property
    def everything(self) -> list[Attempt]:
        """The attempts while choosing, then the claims."""
        return [*self.tried, *self.claims]

    @property
    def settings(self) -> int:
        """Number of different settings that were trained."""
        return len({attempt.group for attempt in self.everything})

    @property
    def runs(self) -> int:
        """Number of runs that were trained."""
        return len({(attempt.group, seed) for attempt in self.everything for seed in attempt.seeds})

    @property
    def seconds(self) -> float:
        """Time of all runs in the workers."""
        return math.fsum({attempt.group: attempt.seconds for attempt in self.everything}.values())

    def sentences(self) -> list[str]:
        """Give the answer, how it was trained, what was tested, what was tried, and what limits it."""
        return [statement.sentence for statement in self.statements()]

    def statements(self) -> list[Statement]:
        """The answer with how sure it is, how its networks were trained, then what limits it."""
        best = self.nearest
        found = [Statement(self._answer(brief=True), self._certainty(), self._answer())]
        if best:
            found.append(Statement(f"Trained with {plan_in_words(best.candidate.plan)}."))
        if self.claims:
            found.append(Statement("", None, self._tests()))
        work = f"{words.counted(self.settings, 'setting')} in {words.counted(self.runs, 'run')}"
        used = f"In all, {work} were trained; seeds and images of the tests were not used for choosing."
        return [*found, Statement("", None, used), *remarks(self._limits())]

    def _certainty(self) -> Certainty:
        target = words.percent(self.target, 2)
        if self.confirmed is None:
            return Certainty("not shown", f"No network that was tested has its whole 95 % interval above {target}.")
        rule = f"The whole 95 % interval lies above {target}, with fresh seeds and images that chose nothing."
        return Certainty("clear", rule)

    def _limits(self) -> list[str]:
        if self.stopped:
            return ["The time was over before the search was; the same command with --resume and more --minutes continues."]
        if self.confirmed and all(claim.holds(self.target) for claim in self.claims):
            return ["All sizes that were tested are above the target, so a smaller one may be as well."]
        return []

    def _answer(self, *, brief: bool = False) -> str:
        target, best = words.percent(self.target, 2), self.nearest
        if best:
            begin = f"The smallest network shown to be above {target}:"
            begin = begin if self.confirmed else f"No network is shown to be above {target}. The nearest:"
            return f"{begin} {network_in_words(best)}, {accuracy_in_words(best, brief=brief)}."
        tried = max(self.tried, key=lambda attempt: attempt.score, default=None)
        if tried and tried.accuracy is not None:
            so_far = f"{words.percent(tried.accuracy.mean, 2)} on the images for choosing, {network_in_words(tried)}"
            return f"No network is shown to be above {target}. The best so far: {so_far}, which is no claim."
        return f"No network is shown to be above {target}; every run diverged or collapsed, or none was trained."

    def _tests(self) -> str:
        holds = [claim.holds(self.target) for claim in self.claims]
        results = [
            f"{claim.parameters:,} {'above' if held else 'not shown'}" for claim, held in zip(self.claims, holds, strict=True)
        ]
        end = "" if holds[-1] else ", up to the first that failed"
        second = " (the larger ones only because the first had failed)" if len(holds) > 1 and not holds[0] else ""
        order = f"Sizes were tested from large to small, in an order fixed before{end}{second}"
        return f"{order}: {words.listed(results)}."

    def as_json(self) -> dict[str, Any]:
        """Return the contract of `smallest --json`, and every setting that was tried (NaN is null)."""
        best = self.nearest
        model = {**best.candidate.model.plain(), "parameters": best.parameters} if best else None
        return finite_fields(
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
                "choosing": [attempt.as_json() for attempt in self.tried],
                "sentences": self.sentences(),
            }
        )
