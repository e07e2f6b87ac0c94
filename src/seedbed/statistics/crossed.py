"""Networks x images: accuracies and differences with both sources of chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Estimate, Floats, Interval, t_quantile
from seedbed.statistics.shares import score_interval, wilson

OVERLAP = 1.2
"""How many times the images' variance of independent results that of folds is: their networks share training images.

Simulated with ridge regression, nearest class means, random features and small networks, on 150 to 1,500 images in 3 to 10
folds, the variance is 0.85 to 1.35 times that of independent results, without what the networks' own part shows.
"""


@dataclass(frozen=True)
class TwoSources:
    """The variance of a mean over seeds x images, and how much of it each source brings.

    Attributes:
        variance: the variance of the mean; `from_seeds` and `from_images` are what either source alone would give.
        freedom: degrees of freedom of `variance`, after Satterthwaite.
        residual: the variance that both sources hold; 0 with one seed.
        folds: number of folds of cross-validation; 1 means one validation part.
    """

    mean: float
    variance: float
    freedom: float
    from_seeds: float
    from_images: float
    residual: float
    seeds: int
    images: int
    folds: int = 1

    @property
    def estimate(self) -> Estimate:
        """The mean with Student's interval; `n` seeds, or images where there is one seed."""
        count = self.seeds if self.seeds > 1 else self.images
        return Estimate(self.mean, math.sqrt(self.variance), self.freedom, count)


def two_sources(values: ArrayLike, *, folds: int = 1) -> TwoSources:
    """The mean of `values` and its variance when both the seeds and the images are drawn again.

    With one seed nothing is known of other seeds, and the variance is that of the images.

    With folds, the seeds take turns: each network judges the images of its fold only. The networks' part is what their means
    vary more than their images explain (`beyond_images`), and the images' part is enlarged by `OVERLAP`.

    Args:
        values: `(seeds, images)`, NaN where a network did not judge an image.
        folds: number of folds; 1 means one validation part.

    Source: the two-way random-effects analysis of variance; for its use with readers x cases see Hillis 2007, "A comparison
    of denominator degrees of freedom methods for multiple observer ROC analysis". That no unbiased estimate of the variance
    of cross-validation exists: Bengio, Grandvalet 2004, "No unbiased estimator of the variance of K-fold cross-validation".
    """
    table = table_of(values, folds=folds)
    seeds, images = table.shape
    means, weights, noise = _networks(table)
    mean = float(np.nanmean(table, axis=0).mean())
    by_images = float(weights @ noise @ weights)
    if seeds == 1:
        return TwoSources(mean, by_images, images - 1, 0.0, by_images, 0.0, seeds, images, folds)
    squares = float((weights**2).sum())
    diagonal = float(np.trace(noise))
    by_seeds = squares * float(means.var(ddof=1))
    residual = squares * (diagonal - (float(noise.sum()) - diagonal) / (seeds - 1)) / seeds
    parts = _parts(by_seeds, by_images, residual, folds)
    variance = sum(parts) if folds > 1 else max(by_seeds + by_images - residual, *parts)
    below = parts[0] ** 2 / (seeds - 1) + parts[1] ** 2 / (images - 1)
    freedom = variance**2 / below if below > 0 else math.inf
    return TwoSources(mean, variance, freedom, by_seeds, by_images, residual, seeds, images, folds)


def beyond_images(by_seeds: float, residual: float, folds: int) -> float:
    """The variance that networks of different folds show beyond that of their images; 0 where they show none.

    What one fold lacks, the other folds' networks have been trained on. So the results of K folds are a little further apart
    than networks that do not differ, and closer than independent images: a share of 1 - 1/K of the images' variance is
    subtracted.
    """
    return max(by_seeds - (1 - 1 / folds) * residual, 0.0)


def _parts(by_seeds: float, by_images: float, residual: float, folds: int) -> tuple[float, float]:
    """The variances of seeds and images, each with its own degrees of freedom."""
    return (beyond_images(by_seeds, residual, folds), OVERLAP * by_images) if folds > 1 else (by_seeds, by_images)


def _networks(table: Floats) -> tuple[Floats, Floats, Floats]:
    """Means of the networks and their weights in the whole mean, `(seeds,)`; the images' covariance, `(seeds, seeds)`."""
    there = ~np.isnan(table)
    counts = there.sum(axis=1)
    means = np.nansum(table, axis=1) / counts
    weights = (there / there.sum(axis=0)).sum(axis=1) / table.shape[1]
    centred = np.where(there, table - means[:, None], 0.0)
    shared = there.astype(np.float64) @ there.T
    noise = centred @ centred.T / np.maximum(shared - 1, 1) * shared / np.outer(counts, counts)
    return means, weights, noise


def accuracy_interval(correct: ArrayLike, *, confidence: float = 0.95, folds: int = 1) -> Interval:
    """A setting's accuracy with both sources of chance: Wilson's interval at the effective number of images.

    The effective number is the one at which a binomial share would vary as much as this mean does; with one seed it is the
    number of images (and the interval is of that network only). Simulated coverage at 95 %: 0.94 to 0.96 with 1 to 20 seeds
    and 150 to 1,000 images; 0.90 with 5 seeds that differ as much among themselves as images do (2 % mistakes, give or take 2).

    Args:
        correct: `(seeds, images)`, 1 for right and 0 for wrong; NaN where a network of a fold did not judge an image.
        folds: as `two_sources` takes it.

    Source: Korn, Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts
    Estimated from Survey Data", with Wilson's interval in place of Clopper's and Pearson's.
    """
    spread = two_sources(correct, folds=folds)
    if spread.seeds == 1 or not spread.variance > 0:
        exact = wilson(spread.mean * spread.images, spread.images, confidence=confidence)
        return Interval(exact.mean, exact.low, exact.high, spread.seeds if spread.seeds > 1 else spread.images)
    answers = np.isfinite(np.asarray(correct, dtype=np.float64)).sum()
    size = min(spread.mean * (1 - spread.mean) / spread.variance, float(answers))
    return score_interval(spread.mean, size, t_quantile(confidence, spread.freedom), spread.seeds)


def table_of(values: ArrayLike, *, folds: int = 1) -> Floats:
    """The values as a table `(seeds, images)`, without images that no network judged.

    Raises:
        StatisticsError: fewer than two images, or a value that is not finite (with folds, a row that judged fewer than two).
    """
    table: Floats = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if not (table.ndim == 2 and table.shape[0] >= 1 and table.shape[1] >= 2):
        raise StatisticsError(f"Values over seeds x images are needed, two images at least; the shape is {table.shape}.")
    there = np.isfinite(table)
    if folds > 1 and not np.isinf(table).any() and (there.sum(axis=1) >= 2).all():
        return table[:, there.any(axis=0)]
    if not there.all():
        raise StatisticsError("Values over seeds x images must be finite; leave diverged runs out, and count them.")
    return table
