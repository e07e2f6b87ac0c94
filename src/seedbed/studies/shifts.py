"""Trained networks on validation images that were shifted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, models
from seedbed.groups import Group
from seedbed.statistics import Interval, two_sources
from seedbed.studies.context import StudyContext

FARTHEST, SIDE = 6, 28
"""Pixels of the longest shift, on images of this side; on other images in proportion."""

MOST_IMAGES = 1_000
"""Of more validation images, evenly spaced ones are shifted: every net looks at all of them two dozen times."""

DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True, eq=False)
class Shifted:
    """A setting's accuracy over the distance of the shift.

    Attributes:
        accuracies: (pixels, mean with its interval).
        images: how many were shifted.
    """

    accuracies: Sequence[tuple[int, Interval]]
    images: int

    def at(self, pixels: int) -> Interval:
        return dict(self.accuracies)[pixels]

    def as_json(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "accuracies": [{"pixels": pixels, "mean": one.mean, "interval": one.pair()} for pixels, one in self.accuracies],
        }


def distances(image_shape: tuple[int, int, int]) -> list[int]:
    """The shifts that are tried, 0 first: at most seven.

    >>> distances((28, 28, 1)), distances((8, 8, 1)), distances((64, 64, 3))
    ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2], [0, 2, 4, 6, 8, 10, 12])
    """
    side = min(image_shape[:2])
    step, farthest = max(1, side // SIDE), max(1, round(FARTHEST * side / SIDE))
    return list(range(0, farthest + 1, step))[: FARTHEST + 1]


def shifted(images: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Images `(n, h, w, c)` moved by so many pixels, negative for up and left; what comes in is 0."""
    height, width = images.shape[1:3]
    moved = np.zeros_like(images)
    (to_y, from_y), (to_x, from_x) = _overlap(down, height), _overlap(right, width)
    moved[:, to_y, to_x] = images[:, from_y, from_x]
    return moved


def _overlap(by: int, side: int) -> tuple[slice, slice]:
    return slice(max(by, 0), max(0, side + min(by, 0))), slice(max(-by, 0), max(0, side - max(by, 0)))


def shifted_accuracy(study: StudyContext, cell: Group) -> Shifted:
    """The kept runs of a setting, at their best epochs, on shifted validation images; the mean over four directions.

    Raises:
        DataError, CorruptFile: the images or the weights cannot be read.
    """
    started = time.perf_counter()
    dataset = data.load(cell.run.data)
    every = -(-len(dataset.validation) // MOST_IMAGES)
    images, labels = dataset.validation.images[::every], dataset.validation.labels[::every]
    weights = [study.home.weights(result.name, "best") for result in cell.kept]
    found = [(0, cell.accuracy)] if cell.accuracy else []
    for pixels in distances(dataset.image_shape)[1:]:
        right = np.zeros((len(weights), len(labels)))
        for down, across in DIRECTIONS:
            moved = shifted(images, pixels * down, pixels * across)
            for row, own in enumerate(weights):
                said = models.probabilities(cell.run.model, own, moved, scale=dataset.scale, classes=len(dataset.classes))
                right[row] += (said.argmax(axis=1) == labels) / len(DIRECTIONS)
        found.append((pixels, _interval(right)))
    study.seconds += time.perf_counter() - started
    return Shifted(found, len(labels))


def _interval(right: NDArray[np.float64]) -> Interval:
    """Of shares `(seeds, images)`, over both sources of chance."""
    found = two_sources(right).estimate.interval()
    return Interval(found.mean, max(0.0, found.low), min(1.0, found.high), len(right))
