"""Mistakes of two settings: the images on which both fail, and those on which only one of them does."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, figures
from seedbed.data import Dataset
from seedbed.figures import Picture
from seedbed.groups import Group
from seedbed.records import finite
from seedbed.runs import RunStore
from seedbed.statistics import accuracy_difference


@dataclass(frozen=True)
class Overlap:
    """Two networks of one seed on the same images: how many each has right, alone and together.

    Attributes:
        p: p-value of "both are right equally often".
    """

    seed: int
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p: float

    @property
    def images(self) -> int:
        return self.both_right + self.only_a + self.only_b + self.both_wrong

    @property
    def shared(self) -> float:
        """The share of the second's mistakes that the first makes too; NaN where there are none."""
        wrong = self.only_a + self.both_wrong
        return self.both_wrong / wrong if wrong else math.nan

    @property
    def alone(self) -> float:
        """The share of the images that the second has right and the first has wrong; NaN where there are none."""
        right = self.only_b + self.both_right
        return self.only_b / right if right else math.nan

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = finite({**vars(self), "shared": self.shared})
        return plain


def overlaps(a: Group, b: Group) -> list[Overlap]:
    """The overlap of each seed, at the best epochs; only seeds that neither setting excludes."""
    return [_overlap(seed, a.correct[seed], b.correct[seed]) for seed in sorted(a.correct.keys() & b.correct.keys())]


def _overlap(seed: int, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Overlap:
    both_right, only_a, only_b, both_wrong = (int(np.sum(kind)) for kind in (a & b, a & ~b, ~a & b, ~a & ~b))
    return Overlap(seed, both_right, only_a, only_b, both_wrong, accuracy_difference(a, b).p)


def differing(home: RunStore, a: Group, b: Group, *, most: int, names: tuple[str, str]) -> list[Picture]:
    """The images on which the two settings differ in the most seeds, up to `most` of either kind.

    An image counts where more seeds of one setting than of the other are right; those with the largest lead come first.

    Args:
        names: names of the settings in the panels.

    Raises:
        DataError, CorruptFile: the images or the predictions cannot be read.
    """
    seeds = sorted(a.correct.keys() & b.correct.keys())
    if not seeds:
        return []
    right = [np.sum([cell.correct[seed] for seed in seeds], axis=0) for cell in (a, b)]
    dataset = data.load(a.run.data)
    pictures = []
    for place, cell in ((0, b), (1, a)):
        lead = right[place] - right[1 - place]
        rows = [int(row) for row in np.argsort(-lead, kind="stable")[:most] if lead[row] > 0]
        pictures += _pictures(dataset, rows, _predictions(home, cell, seeds), f"only the {names[place]} is right")
    return pictures


def _predictions(home: RunStore, cell: Group, seeds: list[int]) -> NDArray[np.int64]:
    """The class that each seed's best network predicts for each validation image, `(seeds, images)`."""
    kept = [home.predictions(cell.runs[seed].name)["validation_probabilities"] for seed in seeds]
    return np.array([probabilities.argmax(axis=1) for probabilities in kept])


def _pictures(dataset: Dataset, rows: list[int], predictions: NDArray[np.int64], panel: str) -> list[Picture]:
    if not rows:
        return []
    part = dataset.validation
    addresses = figures.thumbnails(dataset.pictures.shown(part.take(np.array(rows))), side=64)
    pictures = []
    for row, address in zip(rows, addresses, strict=True):
        label = int(part.labels[row])
        wrong = Counter(int(predicted) for predicted in predictions[:, row] if predicted != label)
        predicted, count = wrong.most_common(1)[0] if wrong else (label, 0)
        above = (f"{dataset.classes[label]}, not {dataset.classes[predicted]}", f"{count} of {len(predictions)} seeds")
        pictures.append(Picture(panel, address, above))
    return pictures
