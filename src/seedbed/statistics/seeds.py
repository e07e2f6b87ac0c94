"""One value per seed: means, paired differences, and a variance pooled over the cells of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, Floats, Interval, checked


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


@dataclass(frozen=True)
class Pooled:
    """A variance of single runs, shared by the cells of a study; `paired` when the seeds' own effects were taken out."""

    variance: float
    freedom: int
    paired: bool


def pooled_variance(cells: Sequence[ArrayLike], *, paired: bool = False) -> Pooled:
    """One variance for all cells of a study: few seeds in each, but many cells, give many degrees of freedom.

    It assumes that the cells' variances are alike; nets of very unlike quality (a collapsed one, say) do not belong in it.

    Args:
        cells: one value per seed for each cell, shapes `(n,)`.
        paired: the cells hold the same seeds in the same order, NaN where a run is missing. Then a seed's effect on all
            cells is taken out first: what remains is the residual of "cell + seed" (two-way analysis of variance).

    Raises:
        StatisticsError: no degrees of freedom are left.
    """
    rows = [np.asarray(cell, dtype=np.float64) for cell in cells]
    if paired and len({row.shape for row in rows}) > 1:
        raise StatisticsError(f"Paired cells need the same seeds; they have {sorted({len(row) for row in rows})} values.")
    if paired:
        squares, freedom = _two_way_residual(np.stack(rows))
    else:
        kept = [checked("a cell", row, least=1) for row in rows]
        squares = float(sum(((row - row.mean()) ** 2).sum() for row in kept))
        freedom = sum(len(row) - 1 for row in kept)
    if not freedom > 0:
        raise StatisticsError("A pooled variance needs a second seed in some cell; no degree of freedom is left.")
    return Pooled(squares / freedom, freedom, paired)


def _two_way_residual(table: Floats) -> tuple[float, int]:
    """Sum of squares and degrees of freedom of `table` `(cells, seeds)` around "cell + seed", NaN left out."""
    cell, seed = np.nonzero(np.isfinite(table))
    values = table[cell, seed]
    design = np.concatenate([np.eye(table.shape[0])[cell], np.eye(table.shape[1])[seed]], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    return float(((values - design @ solution) ** 2).sum()), len(values) - int(rank)


def pooled_difference(a: ArrayLike, b: ArrayLike, pooled: Pooled) -> Estimate:
    """How much larger cell `a` is than cell `b`, with the variance of all cells.

    Args:
        a, b: one value per seed, shapes `(n,)`; paired: the same seeds in the same order, NaN where a run is missing.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if pooled.paired:
        common = checked("the seeds in common", (first - second)[np.isfinite(first - second)], least=1)
        return Estimate(float(common.mean()), math.sqrt(2 * pooled.variance / len(common)), pooled.freedom, len(common))
    first, second = checked("a", first, least=1), checked("b", second, least=1)
    error = math.sqrt(pooled.variance * (1 / len(first) + 1 / len(second)))
    return Estimate(float(first.mean() - second.mean()), error, pooled.freedom, min(len(first), len(second)))
