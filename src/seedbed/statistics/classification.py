"""Labels, predictions and probabilities: confusion, precision and recall, calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import StatisticsError
from seedbed.statistics.interval import Interval
from seedbed.statistics.shares import wilson

Integers = NDArray[np.int64]


def confusion(labels: ArrayLike, predicted: ArrayLike, classes: int) -> Integers:
    """Counts `(classes, classes)`: row the true class, column the predicted one; both arguments int `(n,)`."""
    true, found = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if not (true.shape == found.shape and true.ndim == 1):
        raise StatisticsError(f"Every image needs a label and a prediction; there are {true.shape} and {found.shape}.")
    for name, values in (("label", true), ("prediction", found)):
        if values.size and not (values.min() >= 0 and values.max() < classes):
            raise StatisticsError(f"A {name} must be a class from 0 to {classes - 1}; found {values.min()} to {values.max()}.")
    return np.bincount(true * classes + found, minlength=classes**2).reshape(classes, classes)


@dataclass(frozen=True)
class ClassFigures:
    """One class of a confusion matrix; precision is None where nothing was called so, recall where there are no images."""

    precision: Interval | None
    recall: Interval | None
    n: int


def per_class(matrix: Integers, *, confidence: float = 0.95) -> list[ClassFigures]:
    """Precision and recall of each class of a confusion matrix (rows the true class), with Wilson intervals."""
    figures = []
    for hits, called, there in zip(np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1), strict=True):
        precision = wilson(int(hits), int(called), confidence=confidence) if called else None
        recall = wilson(int(hits), int(there), confidence=confidence) if there else None
        figures.append(ClassFigures(precision, recall, int(there)))
    return figures


@dataclass(frozen=True)
class ReliabilityBin:
    """The images whose highest probability lies in (low, high]: mean confidence, and accuracy with its Wilson interval."""

    low: float
    high: float
    confidence: float
    accuracy: Interval


@dataclass(frozen=True)
class Calibration:
    """How well probabilities keep their word: the expected calibration error, and the bins that hold images."""

    ece: float
    bins: tuple[ReliabilityBin, ...]


def calibration(probabilities: ArrayLike, labels: ArrayLike, *, bins: int = 15) -> Calibration:
    """Expected calibration error over bins of equal width: the mean of |accuracy - confidence|, weighted by images.

    Args:
        probabilities: `(n, classes)`, n >= 1.
        labels: int `(n,)`.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    table, true = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if not (table.ndim == 2 and len(table) == len(true) > 0 and bins >= 1):
        raise StatisticsError(f"Calibration needs probabilities (n, classes) and n labels; got {table.shape}, {true.shape}.")
    confidence, right = table.max(axis=1), table.argmax(axis=1) == true
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    found = []
    for index in np.unique(place):
        inside = place == index
        accuracy = wilson(int(right[inside].sum()), int(inside.sum()))
        found.append(ReliabilityBin(int(index) / bins, (int(index) + 1) / bins, float(confidence[inside].mean()), accuracy))
    error = sum(one.accuracy.n * abs(one.accuracy.mean - one.confidence) for one in found) / len(true)
    return Calibration(float(error), tuple(found))


LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""Smaller probabilities count as this one in the loss: 87 nats, where float32 would give infinitely many."""


def losses(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Each image's cross-entropy, `(n,)`, in nats.

    Args:
        probabilities: `(n, classes)`.
        labels: int `(n,)`.
    """
    table, true = np.asarray(probabilities), np.asarray(labels)
    of_label = table[np.arange(len(true)), true].astype(np.float64)
    found: NDArray[np.float64] = -np.log(np.maximum(of_label, LEAST_PROBABILITY))
    return found
