"""One value per seed: means and paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, Interval, checked


def mean_estimate(values: ArrayLike) -> Estimate:
    """The mean of one value per seed, shape `(n,)`, n >= 2, with its standard error.

    Raises:
        StatisticsError: fewer than two values, or one that is not finite.
    """
    sample = checked("values", values, least=2)
    return Estimate(float(sample.mean()), float(sample.std(ddof=1)) / math.sqrt(len(sample)), len(sample) - 1, len(sample))


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """The mean of one value per seed, shape `(n,)`, and its Student-t interval with n - 1 degrees of freedom."""
    return mean_estimate(values).interval(confidence)


def interval_of(values: Sequence[float]) -> Interval | None:
    """Mean and Student's interval of the finite values; None where there is none, and with NaN ends where there is one."""
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) > 1:
        return mean_interval(known)
    return Interval(float(known[0]), math.nan, math.nan, 1) if len(known) else None


def paired_estimate(a: ArrayLike, b: ArrayLike) -> Estimate:
    """How much larger `a` is than `b`, run by run; shapes `(n,)`, the same seeds in the same order."""
    first, second = checked("a", a, least=2), checked("b", b, least=2)
    if not len(first) == len(second):
        raise StatisticsError(f"A paired difference needs one value per seed in both; a has {len(first)}, b has {len(second)}.")
    return mean_estimate(first - second)


def paired_difference(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """How much larger `a` is than `b`, run by run.

    Args:
        a, b: one value per seed, shape `(n,)`, the same seeds in the same order.
        confidence: coverage of the interval, in (0, 1).

    Returns:
        Mean of `a - b` and its Student-t interval with n - 1 degrees of freedom.

    Raises:
        StatisticsError: fewer than two seeds, or shapes that differ.

    Source: Dror et al. 2018, "The Hitchhiker's Guide to Testing Statistical Significance in NLP".
    """
    return paired_estimate(a, b).interval(confidence)
