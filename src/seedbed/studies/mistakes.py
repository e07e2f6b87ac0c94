"""Mistakes of two settings: the images on which both fail, and those on which only one of them does."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, figures, words
from seedbed.data import Dataset, Part
from seedbed.figures import Picture
from seedbed.groups import Group
from seedbed.records import finite
from seedbed.runs import RunStore
from seedbed.statistics import Floats, accuracy_difference, independence_p


@dataclass(frozen=True)
class Overlap:
    """Two networks of one seed on the same images: how many each has right, alone and together.

    Attributes:
        p: p-value of "both are right equally often".
        independent_p: p-value of "on which images one is wrong says nothing about the other" (Fisher's exact test).
    """

    seed: int
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    p: float
    independent_p: float

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
    """The overlap of each seed, at the best epochs, on the images of its fold; only seeds that neither setting excludes."""
    return [_overlap(seed, a.correct[seed], b.correct[seed]) for seed in sorted(a.correct.keys() & b.correct.keys())]


def _overlap(seed: int, a: NDArray[np.bool_], b: NDArray[np.bool_]) -> Overlap:
    both_right, only_a, only_b, both_wrong = (int(np.sum(kind)) for kind in (a & b, a & ~b, ~a & b, ~a & ~b))
    independent = independence_p([[both_right, only_a], [only_b, both_wrong]])
    return Overlap(seed, both_right, only_a, only_b, both_wrong, accuracy_difference(a, b).p, independent)


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
    right = [np.nansum(cell.table(cell.correct, seeds), axis=0) for cell in (a, b)]
    judged = _JudgedImages([data.load(spec) for spec in a.parts(seeds)])
    pictures = []
    for place, cell in ((0, b), (1, a)):
        lead = right[place] - right[1 - place]
        columns = [int(column) for column in np.argsort(-lead, kind="stable")[:most] if lead[column] > 0]
        predictions = cell.table(_predictions(home, cell, seeds), seeds)
        pictures += _pictures(judged, columns, predictions, f"only the {names[place]} is right")
    return pictures


class _JudgedImages:
    """The validation images of all folds, in the order of `Group.table`."""

    def __init__(self, datasets: list[Dataset]) -> None:
        self.datasets = datasets
        self._starts = np.cumsum([0, *(len(dataset.validation) for dataset in datasets)])

    def at(self, column: int) -> tuple[Part, int]:
        """The part and the row of an image."""
        fold = int(np.searchsorted(self._starts, column, side="right")) - 1
        return self.datasets[fold].validation, column - int(self._starts[fold])


def _predictions(home: RunStore, cell: Group, seeds: list[int]) -> dict[int, NDArray[np.int64]]:
    """Seed -> the class that its best network predicts for each validation image of its fold, `(images,)`."""
    return {seed: home.predictions(cell.runs[seed].name)["validation_probabilities"].argmax(axis=1) for seed in seeds}


def _pictures(judged: _JudgedImages, columns: list[int], predictions: Floats, panel: str) -> list[Picture]:
    if not columns:
        return []
    classes, places = judged.datasets[0].classes, [judged.at(column) for column in columns]
    images = np.concatenate([part.take(np.array([row])) for part, row in places])
    addresses = figures.thumbnails(judged.datasets[0].pictures.shown(images), side=64)
    pictures = []
    for column, (part, row), address in zip(columns, places, addresses, strict=True):
        label, seen = int(part.labels[row]), predictions[~np.isnan(predictions[:, column]), column]
        wrong = Counter(int(predicted) for predicted in seen if predicted != label)
        predicted, count = wrong.most_common(1)[0] if wrong else (label, 0)
        above = (f"{classes[label]}, not {classes[predicted]}", f"{count} of {words.counted(len(seen), 'seed')}")
        pictures.append(Picture(panel, address, above))
    return pictures
