"""Differences in words: the answer first, then the estimate with its 95 % interval, then what else decides it.

All intervals are 95 % intervals. Values are scaled by the measure's factor, so that accuracies are in percentage points.
"""

from __future__ import annotations

from dataclasses import dataclass

from seedbed import words
from seedbed.groups.measures import Measure
from seedbed.statistics import Decision, Equivalence

AT_ODDS = "The two measures disagree: {a} is right more often, and {b} gives the right class more probability on average."


@dataclass(frozen=True)
class Estimated:
    """A decision seen from the side of the higher value: sizes are above 0.

    Attributes:
        above, below: names of the groups with the higher and the lower mean; the first and the second where these are equal.
        interval: difference with its ends, in the measure's unit.
        brief: whether sentences leave out intervals and p-values.
    """

    measure: Measure
    decision: Decision
    above: str
    below: str
    interval: tuple[float, float, float]
    brief: bool = False

    @classmethod
    def of(cls, measure: Measure, decision: Decision, names: tuple[str, str], *, brief: bool = False) -> Estimated:
        interval = decision.interval
        mean, low, high = (measure.factor * each for each in (interval.mean, interval.low, interval.high))
        if mean < 0:
            return cls(measure, decision, names[1], names[0], (-mean, -high, -low), brief)
        return cls(measure, decision, *names, (mean, low, high), brief)

    @property
    def level(self) -> bool:
        """Whether the two means are the same."""
        return self.interval[0] == 0

    @property
    def ahead(self) -> bool:
        """Whether a brief sentence says which is higher, though it is not shown: its own interval excludes 0."""
        return self.brief and self.decision.interval.excludes()

    @property
    def size(self) -> str:
        return f"{self._number(self.interval[0])} {self.measure.unit}".strip()

    def reach(self, ends: tuple[str, str] | None = None) -> str:
        """The interval in brackets, after a space; with words for ends below and above 0 where it is not shown."""
        _, low, high = self.interval
        if self.brief:
            return ""
        if ends is None:
            return f" (95 % interval: {self._number(low)} to {self._number(high)})"
        below, above = (f"{self._number(abs(end))} {ends[end > 0]}" if end else "0" for end in (low, high))
        return f" (95 % interval: {below} to {above})"

    def _number(self, value: float) -> str:
        return f"{value:.{self.measure.digits}f}"


def accuracy_sentence(estimated: Estimated, equivalence: Equivalence | None, when: str = "") -> str:
    """Say which of two groups is more accurate, by how much, and whether they are equivalent.

    Args:
        when: epoch, with a space before it; may be empty.
    """
    above, below, decision = estimated.above, estimated.below, estimated.decision
    less = equivalence is not None and equivalence.shown
    margin = margin_text(equivalence) if equivalence else ""
    if decision.shown:
        small = f" This is less than {margin}." if less else ""
        return f"{above} is more accurate than {below}{when} by {estimated.size}{estimated.reach()}.{small}"
    if less:
        begin = f"{above} and {below} are equally accurate{when} within {margin}"
    else:
        begin = f"No clear difference between {above} and {below} in accuracy{when}{_after_correction(estimated)}"
    if estimated.ahead and not less:
        return f"{above} is ahead of {below} in accuracy{when}, by {estimated.size}."
    reach = estimated.reach(("worse", "better"))
    by = f"both have the same mean{reach}" if estimated.level else f"{above} is ahead by {estimated.size}{reach}"
    return f"{begin}: {by}."


def loss_sentence(estimated: Estimated, more_accurate: str | None, *, equivalent: bool = False) -> str:
    """Say whose loss is lower, after the sentence on accuracies; where the two disagree, that is the finding.

    Args:
        estimated: difference of losses.
        more_accurate: name of the group that is shown to be more accurate, or None.
        equivalent: whether the two are equally accurate.
    """
    lower, higher = estimated.below, estimated.above
    if not estimated.decision.shown:
        reach = estimated.reach(("lower", "higher"))
        by = "both have the same" if estimated.level else f"that of {higher} is higher by {estimated.size}"
        begin = "No clear difference in loss" if more_accurate or equivalent else "Nor in loss"
        return f"{begin}{_after_correction(estimated)}: {by}{reach}."
    by = f"by {estimated.size}{estimated.reach()}"
    if more_accurate is None:
        return f"The loss does differ: {lower} has the lower one, {by}."
    if more_accurate == lower:
        return f"Its loss is lower too, {by}."
    return f"But {lower} has the lower loss, {by}. {AT_ODDS.format(a=higher, b=lower)}"


def measure_sentence(estimated: Estimated) -> str:
    """Say in which of two groups another measure is higher, and by how much."""
    above, below, name = estimated.above, estimated.below, estimated.measure.name
    if estimated.decision.shown:
        return f"{above} has a higher {name} than {below}, by {estimated.size}{estimated.reach()}."
    if estimated.ahead:
        return f"{above} has the higher {name}, {below} the lower one, by {estimated.size}."
    begin = f"No clear difference between {above} and {below} in {name}{_after_correction(estimated)}"
    reach = estimated.reach(("lower", "higher"))
    by = f"both have the same{reach}" if estimated.level else f"that of {above} is higher by {estimated.size}{reach}"
    return f"{begin}: {by}."


def _after_correction(estimated: Estimated) -> str:
    """Why a difference is not shown although its own interval excludes 0."""
    decision = estimated.decision
    if estimated.brief or not decision.interval.excludes():
        return ""
    return f" after correction for {words.counted(decision.claims, 'comparison')} (p = {decision.corrected_p:.2g})"


def margin_text(equivalence: Equivalence) -> str:
    """Format a margin of accuracies.

    >>> margin_text(Equivalence(0.01, p=0.01, corrected_p=0.02, shown=True))
    '1 point'
    """
    points = 100 * equivalence.margin
    return f"{points:g} point{'' if points == 1 else 's'}"
