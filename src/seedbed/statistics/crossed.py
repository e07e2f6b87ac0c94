"""Seeds x images: accuracies and differences with both sources of chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, Floats, Interval, t_quantile
from seedbed.statistics.shares import score_interval, wilson


@dataclass(frozen=True)
class TwoSources:
    """The variance of a mean over seeds x images, and how much of it each source brings.

    Attributes:
        variance: the variance of the mean; `from_seeds` and `from_images` are what either source alone would give.
        freedom: degrees of freedom of `variance`, after Satterthwaite.
        residual: the variance that both sources hold; 0 with one seed.
    """

    mean: float
    variance: float
    freedom: float
    from_seeds: float
    from_images: float
    residual: float
    seeds: int
    images: int

    @property
    def estimate(self) -> Estimate:
        """The mean with Student's interval; `n` seeds, or images where there is one seed."""
        count = self.seeds if self.seeds > 1 else self.images
        return Estimate(self.mean, math.sqrt(self.variance), self.freedom, count)


def two_sources(values: ArrayLike) -> TwoSources:
    """The mean of `values` `(seeds, images)` and its variance when both the seeds and the images are drawn again.

    With one seed nothing is known of other seeds, and the variance is that of the images.

    Source: the two-way random-effects analysis of variance; for its use with readers x cases see Hillis 2007, "A comparison
    of denominator degrees of freedom methods for multiple observer ROC analysis".
    """
    table = table_of(values)
    seeds, images = table.shape
    rows, columns, mean = table.mean(axis=1), table.mean(axis=0), float(table.mean())
    by_images = float(columns.var(ddof=1)) / images
    if seeds == 1:
        return TwoSources(mean, by_images, images - 1, 0.0, by_images, 0.0, seeds, images)
    by_seeds = float(rows.var(ddof=1)) / seeds
    residual = float(((table - rows[:, None] - columns + mean) ** 2).sum()) / ((seeds - 1) * (images - 1)) / (seeds * images)
    # Both terms hold the residual once; taking one of them out must not leave less than either source alone.
    variance = max(by_seeds + by_images - residual, by_seeds, by_images)
    squares = by_seeds**2 / (seeds - 1) + by_images**2 / (images - 1)
    freedom = variance**2 / squares if squares > 0 else math.inf
    return TwoSources(mean, variance, freedom, by_seeds, by_images, residual, seeds, images)


def accuracy_interval(correct: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """A setting's accuracy with both sources of chance: Wilson's interval at the effective number of images.

    The effective number is the one at which a binomial share would vary as much as this mean does; with one seed it is the
    number of images (and the interval is of that network only). Simulated coverage at 95 %: 0.94 to 0.96 with 1 to 20 seeds
    and 150 to 1,000 images; 0.90 with 5 seeds that differ as much among themselves as images do (2 % mistakes, give or take 2).

    Args:
        correct: booleans `(seeds, images)`.

    Source: Korn, Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts
    Estimated from Survey Data", with Wilson's interval in place of Clopper's and Pearson's.
    """
    table = table_of(correct)
    spread = two_sources(table)
    if len(table) == 1 or not spread.variance > 0:
        exact = wilson(spread.mean * spread.images, spread.images, confidence=confidence)
        return Interval(exact.mean, exact.low, exact.high, len(table) if len(table) > 1 else spread.images)
    size = min(spread.mean * (1 - spread.mean) / spread.variance, table.size)
    return score_interval(spread.mean, size, t_quantile(confidence, spread.freedom), len(table))


def table_of(values: ArrayLike) -> Floats:
    table: Floats = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if not (table.ndim == 2 and table.shape[0] >= 1 and table.shape[1] >= 2):
        raise StatisticsError(f"Values over seeds x images are needed, two images at least; the shape is {table.shape}.")
    if not np.isfinite(table).all():
        raise StatisticsError("Values over seeds x images must be finite; leave diverged runs out, and count them.")
    return table
