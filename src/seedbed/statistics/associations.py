"""How two columns go together, and how one goes on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, Interval, checked, special, t_quantile


def spearman(x: ArrayLike, y: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Spearman's rank correlation of two columns `(n,)`, n >= 4, with its interval.

    The interval is Fisher's z with the variance of Bonett and Wright. A perfect correlation has no finite z; its other end is
    that of the midpoint to the next coefficient that n values can have.

    Raises:
        StatisticsError: fewer than four pairs, lengths that differ, or a column that never changes.

    Source: Bonett, Wright 2000, "Sample size requirements for estimating Pearson, Kendall and Spearman correlations".
    """
    from scipy.stats import spearmanr

    first, second = checked("x", x, least=4), checked("y", y, least=4)
    if not len(first) == len(second):
        raise StatisticsError(f"A correlation needs pairs; x has {len(first)} values, y has {len(second)}.")
    if not (np.ptp(first) > 0 and np.ptp(second) > 0):
        raise StatisticsError("A correlation needs columns that change; one of them holds one value only.")
    n, r = len(first), float(spearmanr(first, second).statistic)
    inner = max(-1.0, min(1.0, r)) * (1 - 6 / (n * (n**2 - 1))) if abs(r) > 1 - 1e-12 else r
    reach = t_quantile(confidence, math.inf) * math.sqrt((1 + inner**2 / 2) / (n - 3))
    low, high = math.tanh(math.atanh(inner) - reach), math.tanh(math.atanh(inner) + reach)
    return Interval(r, min(r, low), max(r, high), n)


def slope(values: ArrayLike) -> Estimate:
    """The least-squares slope per step of `values` `(n,)`, n >= 3, taken at equal steps."""
    sample = checked("values", values, least=3)
    steps = np.arange(len(sample)) - (len(sample) - 1) / 2
    squares = float((steps**2).sum())
    rise = float((steps * sample).sum()) / squares
    residual = sample - sample.mean() - rise * steps
    freedom = len(sample) - 2
    return Estimate(rise, math.sqrt(float((residual**2).sum()) / freedom / squares), freedom, len(sample))


def independence_p(table: ArrayLike) -> float:
    """The two-sided p-value of "rows and columns of a table of counts `(2, 2)` are independent".

    It sums the tables that are at most as probable. Computed here, since scipy.stats takes two seconds to import.

    Source: Fisher's exact test; Agresti 2013, "Categorical Data Analysis", section 3.5.
    """
    (both, row), (column, _) = counts = np.asarray(table)
    in_row, in_column, rest = both + row, both + column, counts.sum() - both - row - column
    possible = np.arange(max(0, both - rest), min(in_row, in_column) + 1)  # first counts with the same sums
    cells = (possible, in_row - possible, in_column - possible, rest - both + possible)
    weights = -sum(special().gammaln(cell + 1) for cell in cells)
    chances = np.exp(weights - weights.max())
    extreme = chances <= chances[possible == both] * (1 + 1e-7)
    return float(chances[extreme].sum() / chances.sum())
