"""One value per seed: means and paired differences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import UNLIMITED, Estimate, Floats, Interval, ValueRange, checked, t_quantile


def mean_estimate(values: ArrayLike, *, folds: int = 1) -> Estimate:
    """The mean of one value per seed, shape `(n,)`, n >= 2, with its standard error.

    The networks of several folds share training images, so their values are alike. Their variance is not divided by n, but
    multiplied by 1 / n + test images / training images, the latter of K folds 1 / (K - 1). That is wide where the seeds
    decide a value, and too narrow only where the training images alone do and K is large.

    Args:
        folds: number of folds that the seeds validate on in turn; 1 means one validation part.

    Raises:
        StatisticsError: fewer than two values, or one that is not finite.

    Source: Nadeau, Bengio 2003, "Inference for the Generalization Error"; for several runs per fold Bouckaert, Frank 2004,
    "Evaluating the Replicability of Significance Tests for Comparing Learning Algorithms".
    """
    sample = checked("values", values, least=2)
    return Estimate(float(sample.mean()), float(_standard_errors(sample, folds)), len(sample) - 1, len(sample))


def _standard_errors(samples: Floats, folds: int) -> Floats:
    """Of the mean along the last axis; see `mean_estimate`."""
    errors: Floats = samples.std(axis=-1, ddof=1) * math.sqrt(share_of_mean(samples.shape[-1], folds))
    return errors


def share_of_mean(n: int, folds: int) -> float:
    """The variance of a mean of n values, in units of the values' own; see `mean_estimate`."""
    return 1 / n + (1 / (folds - 1) if folds > 1 else 0.0)


def mean_interval(values: ArrayLike, *, confidence: float = 0.95, folds: int = 1) -> Interval:
    """The mean of one value per seed, shape `(n,)`, and its Student-t interval with n - 1 degrees of freedom."""
    return mean_estimate(values, folds=folds).interval(confidence)


def mean_intervals(values: ArrayLike, *, folds: int = 1, limits: ValueRange = UNLIMITED) -> list[Interval]:
    """Mean and Student's 95 % interval of each row of values, shape `(k, n)`; bit for bit what `mean_interval` says of each.

    Args:
        values: a row for each epoch, say, and in it one value per seed. In a row of one value, or with one that is not finite,
            the ends are NaN.
        folds: as `mean_estimate` takes it.
        limits: range of possible values, beyond which no interval reaches.
    """
    sample = np.ascontiguousarray(values, dtype=np.float64)
    n = sample.shape[1]
    with np.errstate(invalid="ignore"):
        means, reach = sample.mean(axis=1), np.full(len(sample), math.nan)
        if n > 1:
            reach = t_quantile(0.95, n - 1) * _standard_errors(sample, folds)
        low, high = (np.clip(ends, *limits).tolist() for ends in (means - reach, means + reach))
    return [Interval(*ends, n) for ends in zip(means.tolist(), low, high, strict=True)]


def interval_of(values: Sequence[float], *, folds: int = 1, limits: ValueRange = UNLIMITED) -> Interval | None:
    """Mean and Student's interval of the finite values; None where there is none, and with NaN ends where there is one.

    Args:
        folds: as `mean_estimate` takes it.
        limits: range of possible values, beyond which the interval does not reach.
    """
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) > 1:
        return mean_interval(known, folds=folds).within(*limits)
    return Interval(float(known[0]), math.nan, math.nan, 1) if len(known) else None


def paired_estimate(a: ArrayLike, b: ArrayLike, *, folds: int = 1) -> Estimate:
    """How much larger `a` is than `b`, run by run; shapes `(n,)`, the same seeds in the same order."""
    first, second = checked("a", a, least=2), checked("b", b, least=2)
    if not len(first) == len(second):
        raise StatisticsError(f"A paired difference needs one value per seed in both; a has {len(first)}, b has {len(second)}.")
    return mean_estimate(first - second, folds=folds)


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
