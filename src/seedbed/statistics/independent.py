"""How far two shares lie apart that were measured on different images."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seedbed.statistics.crossed import table_of, two_sources
from seedbed.statistics.interval import Interval, t_quantile
from seedbed.statistics.shares import score_interval, wilson


def share_difference(first: Interval, second: Interval) -> Interval:
    """How much larger the first share is than the second, from the intervals of each, on independent samples.

    The reach of an interval towards the other share is added as squares. Of two Wilson intervals that is Newcombe's hybrid
    score interval, which holds its level for small samples and shares near 0 and 1.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions" (method 10); for other
    intervals Zou, Donner 2008, "Construction of confidence limits about effect measures: a general approach".
    """
    mean = first.mean - second.mean
    down = math.hypot(first.mean - first.low, second.high - second.mean)
    up = math.hypot(first.high - first.mean, second.mean - second.low)
    return Interval(mean, max(-1.0, mean - down), min(1.0, mean + up), min(first.n, second.n))


def images_interval(correct: ArrayLike, *, confidence: float = 0.95, folds: int = 1) -> Interval:
    """The mean accuracy of these very networks, with the images as the only source of chance.

    Wilson's interval at the number of images at which a share would vary as much as the mean over the networks does: a network
    more makes it narrower only as far as networks fail on different images.

    Args:
        correct: booleans `(networks, images)`, or `(images,)` of one network.
        folds: as `two_sources` takes it.
    """
    table = table_of(correct, folds=folds)
    spread = two_sources(table, folds=folds)
    if len(table) == 1 or not spread.from_images > 0:
        return wilson(spread.mean * spread.images, spread.images, confidence=confidence)
    size = min(spread.mean * (1 - spread.mean) / spread.from_images, np.isfinite(table).sum())
    return score_interval(spread.mean, size, t_quantile(confidence, spread.images - 1), spread.images)
