"""How much better one setting is than another: paired by seed and by image, with both as sources of chance.

Every command that compares accuracies asks `accuracy_difference`, so that the same runs always give the same interval.
docs/benchmarks/comparisons.md has its false alarms, coverage and power by simulation, next to McNemar's test and Student's t.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.statistics.crossed import OVERLAP, beyond_images, table_of, two_sources
from seedbed.statistics.interval import Floats, Interval, t_quantile

LEAST_P = 1e-12
"""Smaller p-values are given as this one."""

HALVINGS = 50
"""Of the range of log p-values: to its last bit."""


@dataclass(frozen=True)
class PairedDifference:
    """The mean of a difference over seeds x images.

    Attributes:
        mean: the first minus the second.
        centre: the middle of the intervals; for accuracies a little nearer to 0 than the mean.
        by_seeds, by_images: variance of the mean that each source shows by itself; both hold `residual` once.
        seeds, images: how many of each; with one seed the intervals speak of these two networks alone.
        freedom: degrees of freedom of the images' variance.
        least: least half-width of an interval, in units of `-ln(1 - confidence)`; 0 where the values have no largest one.
        folds: number of folds of cross-validation; 1 means one validation part.
    """

    mean: float
    centre: float
    by_seeds: float
    by_images: float
    residual: float
    seeds: int
    images: int
    freedom: float
    least: float
    folds: int = 1

    def interval(self, confidence: float = 0.95) -> Interval:
        """The mean with its interval; `n` seeds, or images where there is one seed."""
        reach = self._reach(1 - confidence)
        low, high = self.centre - reach, self.centre + reach
        if self.least:
            low, high = max(low, -1.0), min(high, 1.0)
        count = self.seeds if self.seeds > 1 else self.images
        return Interval(self.mean, min(low, self.mean), max(high, self.mean), count)

    @property
    def p(self) -> float:
        """Two-sided p-value of "there is no difference": the smallest level at which the interval excludes 0."""
        centre = abs(self.centre)
        return _smallest_level(lambda level: self._reach(level) <= centre) if centre else 1.0

    def equivalence_p(self, margin: float) -> float:
        """p-value of "the true difference is `margin` or more, on either side": small values show that it is less.

        Two one-sided tests, each at half the level: it is the smallest level at which the interval lies within the margin, so
        that what is called equivalent at 5 % has its whole 95 % interval there. Each test at the full level would be wrong
        more often than that where few images differ, or few seeds vary much.

        Args:
            margin: above 0, in the units of the values.

        Source: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach for assessing the
        equivalence of average bioavailability".
        """
        if not margin > 0:
            raise StatisticsError(f"margin = {margin!r}: it must be above 0.")
        return _smallest_level(lambda level: abs(self.centre) + self._reach(level) <= margin)

    def _reach(self, level: float) -> float:
        """Half the width of the interval of confidence `1 - level`."""
        of_images = t_quantile(1 - level, self.freedom) ** 2
        of_seeds = t_quantile(1 - level, self.seeds - 1) ** 2 if self.seeds > 1 else 0.0
        if self.folds > 1:
            beyond = beyond_images(self.by_seeds, self.residual, self.folds)
            squares = OVERLAP * of_images * self.by_images + of_seeds * beyond
        else:
            both = of_seeds * self.by_seeds + of_images * max(self.by_images - self.residual, 0.0)
            squares = max(of_images * self.by_images, both)
        return max(math.sqrt(squares), -math.log(level) * self.least)


def _smallest_level(shown: Callable[[float], bool]) -> float:
    """The smallest level at which something is shown; 1 where it is shown at none."""
    low, high = math.log(LEAST_P), -1e-9
    if not shown(math.exp(high)):
        return 1.0
    if shown(LEAST_P):
        return LEAST_P
    for _ in range(HALVINGS):  # importing scipy.optimize takes longer than all else that `compare` computes
        middle = (low + high) / 2
        low, high = (low, middle) if shown(math.exp(middle)) else (middle, high)
    return math.exp(high)


def accuracy_difference(a: ArrayLike, b: ArrayLike, *, folds: int = 1) -> PairedDifference:
    """How much more often `a` is right than `b`, paired on both sources of chance.

    The interval joins three parts:

    - The seeds: Student's t over the differences of single seeds, with seeds - 1 degrees of freedom.
    - The images: Student's t over the differences of single images, less what the seeds' part holds already. Each part keeps
      its own quantile, and their half-widths are added as squares; together they are never narrower than the images' alone.
    - Few differences: where few predictions differ, no variance can be estimated from them. So half an image is added that
      only `a` has right in every seed, and half of one that only `b` has. The half-width is at least
      `-ln(1 - confidence) / (images + 1)`, at 95 % three images: what has not been seen in n images may still have a rate of
      3 / n. So with n images no difference below 3 / n is ever shown, however many seeds there are.

    With folds, each network judges its own fold, so the seeds' part holds images too. There it is Student's t over what the
    networks differ beyond their images; the images' part is enlarged by `OVERLAP`, since networks share training images.

    Args:
        a, b: correctness `(seeds, images)`, the same seeds and images in the same order; or `(images,)` of one network each.
            NaN where a network of a fold did not judge an image.
        folds: number of folds; 1 means one validation part.

    Raises:
        StatisticsError: shapes that differ, or fewer than two images.

    Source: for seeds and images as crossed random effects Hillis 2007, "A comparison of denominator degrees of freedom
    methods for multiple observer ROC analysis"; for a quantile of its own for each part Graybill, Wang 1980, "Confidence
    intervals on nonnegative linear combinations of variances", and Zou, Donner 2008, "Construction of confidence limits about
    effect measures: a general approach"; for the added images Agresti, Min 2005, "Simple improved confidence intervals for
    comparing matched proportions"; for the least width Hanley, Lippman-Hand 1983, "If nothing goes wrong, is everything all
    right?" (the rule of three).
    """
    return _difference(_paired(a, b, folds), share=True, folds=folds)


def loss_difference(a: ArrayLike, b: ArrayLike, *, folds: int = 1) -> PairedDifference:
    """How much larger `a`'s losses are than `b`'s, `(seeds, images)`: as `accuracy_difference`, but for its third part.

    Losses of single images are skewed: few of them decide, and others might have been drawn. So one image is added on either
    side, as far from the mean as the most extreme one. There is no least width, since a loss has no largest value.
    """
    return _difference(_paired(a, b, folds), share=False, folds=folds)


def _paired(a: ArrayLike, b: ArrayLike, folds: int) -> Floats:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if not first.shape == second.shape:
        raise StatisticsError(f"A paired difference needs equal seeds and images; a is {first.shape}, b is {second.shape}.")
    return table_of(first - second, folds=folds)


def _difference(table: Floats, *, share: bool, folds: int) -> PairedDifference:
    spread = two_sources(table, folds=folds)
    mean, images = spread.mean, spread.images
    squares = images * (images - 1) * spread.from_images
    if share:
        size = images + 1
        shrunk, squares = images / size, squares + 1 + images * mean**2 / size  # about the centre
    else:
        size, extreme = images + 2, float(np.abs(np.nanmean(table, axis=0) - mean).max())
        shrunk, squares = 1.0, squares + 2 * extreme**2
    return PairedDifference(
        mean,
        mean * shrunk,
        shrunk**2 * spread.from_seeds,
        squares / (size - 1) / size,
        shrunk**2 * spread.residual,
        spread.seeds,
        images,
        images - 1,
        1 / (images + 1) if share else 0.0,
        folds,
    )
