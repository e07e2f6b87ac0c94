"""Mistakes side by side: on which images two settings fail together, and on which only one of them."""

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
from seedbed.runs import Home
from seedbed.statistics import accuracy_difference


@dataclass(frozen=True)
class Overlap:
    """Two networks of one seed on the same images: how many each has right, alone and together.

    `p` is that of "both are right equally often".
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
        """Of the images that the second has wrong, the share that the first has wrong, too; NaN where there are none."""
        wrong = self.only_a + self.both_wrong
        return self.both_wrong / wrong if wrong else math.nan

    @property
    def alone(self) -> float:
        """Of the images that the second has right, the share that the first has wrong; NaN where there are none."""
        right = self.only_b + self.both_right
        return self.only_b / right if right else math.nan

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = finite({**vars(self), "shared": self.shared})
        return plain


def overlaps(a: Group, b: Group) -> list[Overlap]:
    """Seed by seed, at the best epochs; of the seeds whose runs are in the means of both."""
    found = []
    for seed in sorted(a.correct.keys() & b.correct.keys()):
        one, other = a.correct[seed], b.correct[seed]
        both, only_a, only_b, neither = (int(np.sum(kind)) for kind in (one & other, one & ~other, ~one & other, ~one & ~other))
        found.append(Overlap(seed, both, only_a, only_b, neither, accuracy_difference(one, other).p))
    return found


def differing(home: Home, a: Group, b: Group, *, most: int, names: tuple[str, str]) -> list[Picture]:
    """The images on which the two settings differ in the most seeds, up to `most` of either kind.

    An image counts where more seeds of one setting than of the other are right; those with the largest lead come first.

    Args:
        names: what the panels call the settings.

    Raises:
        DataError, CorruptFile: the images or the predictions cannot be read.
    """
    seeds = sorted(a.correct.keys() & b.correct.keys())
    if not seeds:
        return []
    right = [np.sum([cell.correct[seed] for seed in seeds], axis=0) for cell in (a, b)]
    dataset = data.load(a.run.data)
    found = []
    for place, cell in ((0, b), (1, a)):
        lead = right[place] - right[1 - place]
        rows = [int(row) for row in np.argsort(-lead, kind="stable")[:most] if lead[row] > 0]
        found += _pictures(dataset, rows, _answers(home, cell, seeds), f"only the {names[place]} is right")
    return found


def _answers(home: Home, cell: Group, seeds: list[int]) -> NDArray[np.int64]:
    """What each seed's best network says to each validation image, `(seeds, images)`."""
    kept = [home.predictions(cell.runs[seed].name)["validation_probabilities"] for seed in seeds]
    return np.array([probabilities.argmax(axis=1) for probabilities in kept])


def _pictures(dataset: Dataset, rows: list[int], answers: NDArray[np.int64], panel: str) -> list[Picture]:
    if not rows:
        return []
    part = dataset.validation
    addresses = figures.thumbnails(part.take(np.array(rows)), top=dataset.scale, side=64)
    found = []
    for row, address in zip(rows, addresses, strict=True):
        label, seeds = int(part.labels[row]), len(answers)
        wrong = Counter(int(said) for said in answers[:, row] if said != label)
        said, count = wrong.most_common(1)[0] if wrong else (label, 0)
        above = (f"{dataset.classes[label]}, not {dataset.classes[said]}", f"{count} of {seeds} seeds")
        found.append(Picture(panel, address, above))
    return found
