"""Trained networks on validation images that were shifted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.groups import Group
from seedbed.groups.group import BySeed
from seedbed.runs.arrays import Arrays
from seedbed.specs import ModelSpec
from seedbed.statistics import Floats, Interval, two_sources
from seedbed.studies.context import StudyContext

FARTHEST, SIDE = 6, 28
"""The longest shift on images of this side (pixels); in proportion on other images."""

MOST_IMAGES = 1_000
"""The most validation images that are shifted, evenly spaced: every net classifies all of them two dozen times."""

DIRECTIONS = ((-1, 0), (1, 0), (0, -1), (0, 1))


@dataclass(frozen=True, eq=False)
class Shifted:
    """A setting's accuracy over the distance of the shift.

    Attributes:
        accuracies: distance (pixels) -> mean accuracy with its interval.
        right: distance (pixels), from 1 on -> seed -> share of the directions in which each image was right, `(images,)`.
        images: number of shifted images.
    """

    accuracies: Mapping[int, Interval]
    right: Mapping[int, BySeed]
    images: int

    def as_json(self) -> dict[str, Any]:
        points = [{"pixels": pixels, "mean": share.mean, "interval": share.pair()} for pixels, share in self.accuracies.items()]
        return {"images": self.images, "accuracies": points}


def distances(image_shape: tuple[int, int, int]) -> list[int]:
    """The shifts that are tried, 0 first: at most seven.

    >>> distances((28, 28, 1)), distances((8, 8, 1)), distances((64, 64, 3))
    ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2], [0, 2, 4, 6, 8, 10, 12])
    """
    side = min(image_shape[:2])
    step, farthest = max(1, side // SIDE), max(1, round(FARTHEST * side / SIDE))
    return list(range(0, farthest + 1, step))[: FARTHEST + 1]


def shifted(images: NDArray[Any], down: int, right: int) -> NDArray[Any]:
    """Move images `(n, h, w, c)` by a number of pixels, negative for up and left; new pixels are 0."""
    height, width = images.shape[1:3]
    pad = max(abs(down), abs(right))
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    return padded[:, pad - down : pad - down + height, pad - right : pad - right + width]


def shifted_accuracy(study: StudyContext, cell: Group) -> Shifted:
    """The accuracy of a setting's included runs, at their best epochs, on shifted images; mean over four directions.

    Raises:
        DataError, CorruptFile: the images or the weights cannot be read.
    """
    started = time.perf_counter()
    datasets = {spec: data.load(spec) for spec in cell.parts(list(cell.runs))}
    every = -(-sum(len(dataset.validation) for dataset in datasets.values()) // MOST_IMAGES)
    weights = {seed: study.home.weights(result.name, "best") for seed, result in cell.runs.items()}
    accuracies, by_distance, images = {0: cell.accuracy} if cell.accuracy else {}, {}, 0
    for pixels in distances(study.setup.facts.image_shape)[1:]:
        right = {
            seed: _shares_right(cell.run.model, own, datasets[cell.runs[seed].run.data], pixels, every)
            for seed, own in weights.items()
        }
        by_distance[pixels], table = right, cell.table(right)
        interval = two_sources(table, folds=cell.folds).estimate.interval()
        accuracies[pixels], images = replace(interval.within(0, 1), n=len(right)), table.shape[1]
    study.seconds += time.perf_counter() - started
    return Shifted(accuracies, by_distance, images)


def advantage(one: tuple[Group, Shifted], other: tuple[Group, Shifted], pixels: int) -> Interval | None:
    """How much more accurate one setting is than another on images that are shifted so far, paired by seed and image.

    None where no seed of both is included.
    """
    (cell, shifted), (_, others) = one, other
    seeds = [seed for seed in shifted.right[pixels] if seed in others.right[pixels]]
    if not seeds:
        return None
    differences = {seed: shifted.right[pixels][seed] - others.right[pixels][seed] for seed in seeds}
    return two_sources(cell.table(differences), folds=cell.folds).estimate.interval()


def _shares_right(model: ModelSpec, weights: Arrays, dataset: Dataset, pixels: int, every: int) -> Floats:
    """In how many of the four directions a network is right on each of some validation images, as shares `(images,)`."""
    images, labels = dataset.validation.images[::every], dataset.validation.labels[::every]
    right = np.zeros(len(labels))
    for down, across in DIRECTIONS:
        moved = shifted(images, pixels * down, pixels * across)
        predicted = models.probabilities(
            model, weights, moved, normalization=dataset.normalization, classes=len(dataset.classes)
        )
        right += (predicted.argmax(axis=1) == labels) / len(DIRECTIONS)
    return right
