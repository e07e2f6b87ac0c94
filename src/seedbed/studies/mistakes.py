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
from seedbed.records import finite
from seedbed.runs import RunStore
from seedbed.statistics import Discordance
from seedbed.studies.cells import Cell


@dataclass(frozen=True)
class Overlap:
    """Two networks of one seed on the same images: how many each has right, alone and together."""

    seed: int
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int

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

    @property
    def p(self) -> float:
        """McNemar's, of "both are right equally often"."""
        return Discordance(self.only_a, self.only_b, self.images).p

    def as_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = finite({**vars(self), "shared": self.shared, "p": self.p})
        return plain


def overlaps(a: Cell, b: Cell) -> list[Overlap]:
    """Seed by seed, at the best epochs; of the seeds whose runs are in the means of both."""
    found = []
    for seed in sorted(a.judged.correct.keys() & b.judged.correct.keys()):
        one, other = a.judged.correct[seed], b.judged.correct[seed]
        counts = [int(np.sum(kind)) for kind in (one & other, one & ~other, ~one & other, ~one & ~other)]
        found.append(Overlap(seed, *counts))
    return found


def differing(home: RunStore, a: Cell, b: Cell, *, most: int, names: tuple[str, str]) -> list[Picture]:
    """The images on which the two settings differ in the most seeds, up to `most` of either kind.

    An image counts where more seeds of one setting than of the other are right; those with the largest lead come first.

    Args:
        names: what the panels call the settings.

    Raises:
        DataError, CorruptFile: the images or the predictions cannot be read.
    """
    seeds = sorted(a.judged.correct.keys() & b.judged.correct.keys())
    if not seeds:
        return []
    right = [np.sum([cell.judged.correct[seed] for seed in seeds], axis=0) for cell in (a, b)]
    dataset = data.load(a.run.data)
    found = []
    for place, cell in ((0, b), (1, a)):
        lead = right[place] - right[1 - place]
        rows = [int(row) for row in np.argsort(-lead, kind="stable")[:most] if lead[row] > 0]
        found += _pictures(dataset, rows, _answers(home, cell, seeds), f"only the {names[place]} is right")
    return found


def _answers(home: RunStore, cell: Cell, seeds: list[int]) -> NDArray[np.int64]:
    """What each seed's best network says to each validation image, `(seeds, images)`."""
    kept = [home.predictions(cell.judged.runs[seed].name)["validation_probabilities"] for seed in seeds]
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
