"""Few repeats, told honestly: the median, with the smallest and the largest beside it. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Repeats of one measurement, in its own unit."""

    median: float
    low: float
    high: float
    n: int

    def text(self, digits: int = 2, unit: str = "") -> str:
        """`1.23 (1.20 to 1.31)`; a single repeat stands alone."""
        middle = f"{self.median:,.{digits}f}{unit}"
        return middle if self.n < 2 else f"{middle} ({self.low:,.{digits}f} to {self.high:,.{digits}f})"


def summarize(values: Sequence[float]) -> Summary:
    """Median and range of at least one value.

    Raises:
        ValueError: there is no value.
    """
    if not values:
        raise ValueError("A summary needs at least one value.")
    return Summary(statistics.median(values), min(values), max(values), len(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Summary:
    """How many times as long theirs took, round by round: both stood in the same weather of the machine."""
    return summarize([their / our for our, their in zip(ours, theirs, strict=True)])


@dataclass(frozen=True)
class Difference:
    """The difference of two means, with its 95 % interval."""

    value: float
    low: float
    high: float


def welch(a: Sequence[float], b: Sequence[float], *, confidence: float = 0.95) -> Difference:
    """`mean(a) - mean(b)` of two independent samples whose variances may differ.

    Raises:
        ValueError: a sample of fewer than two.

    Source: Welch 1947, "The generalization of `Student's' problem when several different population variances are involved".
    """
    from scipy import stats

    if min(len(a), len(b)) < 2:
        raise ValueError("Welch's interval needs at least two values on each side.")
    value = statistics.fmean(a) - statistics.fmean(b)
    parts = [statistics.variance(sample) / len(sample) for sample in (a, b)]
    if not sum(parts) > 0:
        return Difference(value, value, value)
    freedom = sum(parts) ** 2 / sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, (a, b), strict=True))
    reach = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(sum(parts))
    return Difference(value, value - reach, value + reach)
