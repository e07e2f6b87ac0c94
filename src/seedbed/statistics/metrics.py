"""Metrics that count all classes alike: balanced accuracy and macro F1, with intervals and differences.

Both are smooth functions of counts, so each network's value is the mean of one value per image, to first order: the metric
plus what the image contributes to it (its influence). With these values in place of right and wrong, the methods for
accuracies hold: seeds and images as crossed sources of chance. What tiny classes have not shown yet is added by hand, class by
class, as half an image that is right and half of one that is wrong. docs/benchmarks/comparisons.md has the
coverage by simulation.

Source: for influence values Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans"; for macro F1 Opitz, Burst
2019, "Macro F1 and Macro F1" (the mean of the classes' F1), and as scikit-learn's `f1_score(average="macro")` defines it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import StatisticsError
from seedbed.specs import Metric
from seedbed.statistics.crossed import accuracy_interval, beyond_images, two_sources
from seedbed.statistics.differences import PairedDifference
from seedbed.statistics.interval import Floats, Interval, t_quantile
from seedbed.statistics.shares import score_interval


def balanced_accuracy(hits: ArrayLike, there: ArrayLike) -> Floats:
    """Mean over the classes of the share of their images that are right, `(...,)`.

    Args:
        hits: right images of each class, `(..., C)`.
        there: all images of each class, `(..., C)`; classes without images do not count.
    """
    right, images = np.asarray(hits, dtype=np.float64), np.asarray(there, dtype=np.float64)
    shares = np.where(images > 0, right / np.maximum(images, 1), 0.0)
    mean: Floats = shares.sum(axis=-1) / (images > 0).sum(axis=-1)
    return mean


def macro_f1(hits: ArrayLike, called: ArrayLike, there: ArrayLike) -> Floats:
    """Mean over the classes of F1, the harmonic mean of precision and recall, `(...,)`.

    Args:
        hits, called, there: right images, predictions and images of each class, `(..., C)`; classes of which there are neither
            images nor predictions do not count.
    """
    right = np.asarray(hits, dtype=np.float64)
    both = np.asarray(called, dtype=np.float64) + np.asarray(there, dtype=np.float64)
    scores = np.where(both > 0, 2 * right / np.maximum(both, 1), 0.0)
    mean: Floats = scores.sum(axis=-1) / (both > 0).sum(axis=-1)
    return mean


def metric_value(metric: Metric, hits: ArrayLike, called: ArrayLike, there: ArrayLike) -> Floats:
    """A metric of counts `(..., C)`, as `macro_f1` takes them."""
    if metric == "balanced":
        return balanced_accuracy(hits, there)
    if metric == "f1":
        return macro_f1(hits, called, there)
    shares: Floats = np.sum(hits, axis=-1) / np.sum(there, axis=-1)
    return shares


@dataclass(frozen=True, eq=False)
class MetricTable:
    """A metric of some networks, image by image.

    Attributes:
        metric: its name.
        values: the metric plus the image's influence, `(seeds, images)`; a row's mean is the network's metric. NaN where a
            network of a fold did not judge an image.
        labels: class of each image, `(images,)`.
        effects: how far the mean moves, at most and to first order, if one image of a class becomes wrong, `(C,)`.
        folds: number of folds of cross-validation; 1 means one validation part.
    """

    metric: Metric
    values: Floats
    labels: NDArray[np.int64]
    effects: Floats
    folds: int

    @classmethod
    def of(cls, metric: Metric, labels: ArrayLike, predicted: ArrayLike, classes: int, *, folds: int = 1) -> MetricTable:
        """Make the table.

        Args:
            labels: class of each image, `(images,)`, or `(seeds, images)`.
            predicted: predicted class, `(seeds, images)`; NaN where a network of a fold did not judge an image.
            classes: number of classes.
            folds: as `two_sources` takes it. Networks that judge one fold each are counted together: few images of a class
                are in one fold (Forman, Scholz 2010, "Apples-to-apples in cross-validation studies").

        Raises:
            StatisticsError: shapes that differ, or an image without a prediction where there are no folds.
        """
        answers = np.atleast_2d(np.asarray(predicted, dtype=np.float64))
        true = np.broadcast_to(np.asarray(labels, dtype=np.float64), answers.shape)
        there = np.isfinite(answers)
        if not (there.any(axis=0).all() and (folds > 1 or there.all())):
            raise StatisticsError("Every image needs a prediction of every network; with folds, of one network at least.")
        of_image = np.nanmax(np.where(np.isfinite(true), true, -1), axis=0).astype(np.int64)
        parts = [slice(None)] if not there.all() else [slice(row, row + 1) for row in range(len(answers))]
        values, effects = np.full(answers.shape, np.nan), np.zeros((len(parts), classes))
        for number, part in enumerate(parts):
            own = there[part]
            labelled = np.broadcast_to(of_image, own.shape)[own]
            values[part][own], effects[number] = _influences(metric, labelled, answers[part][own].astype(np.int64), classes)
        return cls(metric, values, of_image, effects.mean(axis=0), folds)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of images of each class, `(C,)`."""
        return np.bincount(self.labels, minlength=len(self.effects))

    def interval(self, confidence: float = 0.95) -> Interval:
        """The mean over seeds and images: Wilson's interval at the effective number of images, as of an accuracy."""
        if self.metric == "accuracy":
            return accuracy_interval(self.values, confidence=confidence, folds=self.folds)
        spread = two_sources(self.values, folds=self.folds)
        from_images, freedom = self.images_part(self.values, self.effects**2 / 2)
        parts = [from_images] if spread.seeds == 1 else [spread.from_seeds, from_images]
        variance = max(sum(parts) - (spread.residual if spread.seeds > 1 else 0.0), *parts)
        if self.folds > 1 and spread.seeds > 1:
            parts = [beyond_images(spread.from_seeds, spread.residual, self.folds), from_images]
            variance = sum(parts)
        below = from_images**2 / freedom + (parts[0] ** 2 / (spread.seeds - 1) if spread.seeds > 1 else 0.0)
        of_both = variance**2 / below if below > 0 else math.inf
        shrunk = spread.mean + float((self.effects * (0.5 - spread.mean)).sum())
        mean = float(np.clip(spread.mean, 0.0, 1.0))
        centre = float(np.clip(shrunk, 0.0, 1.0))
        size = centre * (1 - centre) / variance
        quantile = t_quantile(confidence, of_both)
        return score_interval(mean, size, quantile, spread.seeds if spread.seeds > 1 else spread.images)

    def images_part(self, values: Floats, unseen: Floats) -> tuple[float, float]:
        """Variance by the images of the mean of values `(seeds, images)`, and its degrees of freedom.

        Args:
            unseen: variance that each class brings by what its images have not shown yet, `(C,)`.
        """
        of_image = np.nanmean(values, axis=0)
        centred = (of_image - of_image.mean()) / len(of_image)
        seen = np.bincount(self.labels, weights=centred**2, minlength=len(self.effects))
        variance = float((seen + unseen).sum())
        uncertain = float((seen**2 / np.maximum(self.counts, 1)).sum())
        return variance, variance**2 / uncertain if uncertain > 0 else math.inf


def metric_difference(a: MetricTable, b: MetricTable) -> PairedDifference:
    """How much larger `a`'s metric is than `b`'s, paired by seed and by image.

    As `accuracy_difference`, with half an image on either side in each class, and a least width that grows with the classes'
    effects: what has not been seen in the n images of a class may still have a rate of 3 / n.

    Raises:
        StatisticsError: other metrics, seeds or images.
    """
    if (a.metric, a.values.shape, a.folds) != (b.metric, b.values.shape, b.folds) or not np.array_equal(a.labels, b.labels):
        raise StatisticsError("A paired difference needs the same metric of equal seeds and images.")
    table = a.values - b.values
    spread = two_sources(table, folds=a.folds)
    effects = (a.effects + b.effects) / 2
    from_images, freedom = a.images_part(table, effects**2)
    counts = a.counts
    least = math.sqrt(float(((effects * counts / (counts + 1)) ** 2).sum()))
    return PairedDifference(
        spread.mean,
        spread.mean,
        spread.from_seeds,
        from_images,
        spread.residual,
        spread.seeds,
        spread.images,
        freedom,
        least,
        a.folds,
    )


def _influences(metric: Metric, labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> tuple[Floats, Floats]:
    """Values of each image `(n,)` with the metric as their mean, and the effect of one image of each class `(C,)`."""
    right, images = labels == predicted, len(labels)
    there, called = (np.bincount(each, minlength=classes).astype(np.float64) for each in (labels, predicted))
    if metric == "accuracy":
        return right.astype(np.float64), np.where(there > 0, 1 / images, 0.0)
    hits = np.bincount(labels[right], minlength=classes).astype(np.float64)
    value = float(metric_value(metric, hits, called, there))
    if metric == "balanced":
        weight = np.where(there > 0, 1 / np.maximum(there, 1), 0.0) / (there > 0).sum()
        recall = hits / np.maximum(there, 1)
        return value + images * weight[labels] * (right - recall[labels]), weight
    both = there + called
    share, known = 1 / np.maximum(both, 1), (both > 0).sum()
    f1 = 2 * hits * share
    lost = f1 * share
    influence = (2 * right * share[labels] - lost[labels] - lost[predicted]) * images / known
    worst = np.array([np.delete(lost, place).max(initial=0.0) for place in range(classes)])
    effects = np.where(there > 0, (2 - f1) * share + worst, 0.0) / known
    return value + influence, effects
