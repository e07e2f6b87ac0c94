"""Means of values of which only ranges are known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Floats, special, t_quantile
from seedbed.statistics.seeds import share_of_mean


def mean_over_ranges(
    low: ArrayLike, high: ArrayLike, rounding: float = 0.0, *, folds: int = 1, confidence: float = 0.95
) -> tuple[tuple[float, float], float]:
    """The interval of a mean whose values are known to lie within ranges, and the two-sided p-value of "the mean is 0".

    The interval reaches from the lower end of Student's interval of the ranges' lower ends to the upper end of that of
    their upper ends, so it holds wherever in its range each value lies. It is conservative, the more the wider they are.

    Args:
        low, high: ends of the ranges, shapes `(n,)`, n >= 2; they may be infinite, and so is then the end of the interval.
        rounding: least variance of a single value, so that values of one range do not seem to be known exactly.
        folds: as `mean_estimate` takes it.

    Raises:
        StatisticsError: fewer than two values, or an upper end below its lower one.

    Source: for bounds from ranges of the data Manski 2003, "Partial Identification of Probability Distributions", chapter 1.
    """
    stdtr = special().stdtr
    lows, highs = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    if not (lows.ndim == 1 and len(lows) >= 2 and lows.shape == highs.shape and (lows <= highs).all()):
        raise StatisticsError(f"Two ranges at least are needed, each with its lower end first; got {lows} and {highs}.")
    freedom = len(lows) - 1
    quantile = t_quantile(confidence, freedom)
    ends, sides = [], []
    for values, sign in ((lows, 1), (highs, -1)):
        mean, error = _mean_and_error(values, rounding, share_of_mean(len(values), folds))
        ends.append(mean - sign * quantile * error)
        sides.append(
            float(stdtr(freedom, -sign * mean / error)) if math.isfinite(mean) and error > 0 else float(sign * mean <= 0)
        )
    return (ends[0], ends[1]), min(1.0, 2 * min(sides))


def _mean_and_error(values: Floats, rounding: float, share: float) -> tuple[float, float]:
    mean = float(values.mean())
    if not math.isfinite(mean):
        return mean, 0.0
    return mean, math.sqrt(max(float(values.var(ddof=1)), rounding) * share)
