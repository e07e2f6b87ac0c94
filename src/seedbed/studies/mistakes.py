"""Mistakes of two settings: the images on which both fail, and those on which only one of them does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, figures, words
from seedbed.data import Dataset, Part
from seedbed.figures import Picture
from seedbed.groups import Group
from seedbed.groups.statements import Certainty, Statement
from seedbed.records import finite
from seedbed.runs import RunStore
from seedbed.statistics import SHARE, Floats, Interval, accuracy_difference, independence_p, interval_of
from seedbed.studies.answers import AnswerPart, Figure
from seedbed.studies.context import StudyContext
from seedbed.studies.texts import number_text, share_text, subtitle
from seedbed.tables import Column, Table

SHOWN = 10
"""The most pictures of either kind: images that one setting gets right and the other wrong."""

ALPHA = 0.05


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
    def independent_p(self) -> float:
        """The p-value of "on which images one is wrong says nothing about the other" (Fisher's exact test)."""
        return independence_p([[self.both_right, self.only_a], [self.only_b, self.both_wrong]])

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
        plain: dict[str, Any] = finite({**vars(self), "independent_p": self.independent_p, "shared": self.shared})
        return plain


def overlaps(a: Group, b: Group) -> list[Overlap]:
    """The overlap of each seed, at the best epochs, on the images of its fold; only seeds that neither setting excludes."""
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


# The answer


def part(study: StudyContext, a: Group, b: Group, *, names: tuple[str, str]) -> AnswerPart:
    """Answer whether two settings, trained on the same images, fail on the same ones; `names` without an article."""
    found = FailedTogether(overlaps(a, b), a.folds, names)
    pictures = differing(study.home, a, b, most=SHOWN, names=names)
    said = ["validation images on which most seeds differ", "above: the label, and the class that was predicted instead"]
    title = "Images that one net gets right and the other wrong"
    chart = pictures and figures.picture_panels(pictures, title, subtitle(study.setup, [a, b], *said), columns=5)
    caption = f"Upper panel: only the {names[0]} is right; lower: only the {names[1]}."
    return AnswerPart(
        name="mistakes",
        question="Do both nets fail on the same images?",
        answer=found.sentences()
        if found.pairs
        else ["All runs of one of the nets are excluded, so there is nothing to compare."],
        finding=found.finding(),
        method="Seed by seed, each validation image at the best epoch; each pair of networks compared image by image.",
        figures=[Figure("conv_mistakes", chart, caption)] if chart else [],
        tables=[found.table()] if found.pairs else [],
        data={"pairs": [each.as_json() for each in found.pairs]},
    )


@dataclass(frozen=True)
class FailedTogether:
    """The overlaps of all pairs of networks, in words; `names` of the two settings without an article."""

    pairs: Sequence[Overlap]
    folds: int
    names: tuple[str, str]

    def finding(self) -> Statement | None:
        """How often the first is wrong where the second is, and elsewhere; clear where each pair shows that these differ.

        None where the second makes no mistake.
        """
        if not self._mean("shared"):
            return None
        in_all = max(each.independent_p for each in self.pairs) < ALPHA
        tested = f"{words.counted(len(self.pairs), 'pair')} of networks, each by Fisher's exact test over the images"
        which, less = ("In every pair", f", p < {ALPHA:g}") if in_all else ("Not in every pair do", "")
        sure = Certainty(
            "clear" if in_all else "not shown", f"{which} the two tend to fail on the same images: {tested}{less}."
        )
        return Statement(self._where_wrong(brief=True), sure, self._where_wrong())

    def sentences(self) -> list[str]:
        """How many images each has right alone, how often both fail, and how many pairs differ in accuracy."""
        images, of_fold = max(each.images for each in self.pairs), " of a fold" if self.folds > 1 else ""
        one, other, both = (number_text(self._mean(name), digits=1) for name in ("only_a", "only_b", "both_wrong"))
        said = [
            f"Of {images:,} validation images{of_fold} only the {self.names[0]} is right on {one}, only the {self.names[1]} on "
            f"{other}, and neither on {both} (means over {words.counted(len(self.pairs), 'pair')} of networks)."
        ]
        if self._mean("shared"):
            said.append(self._where_wrong())
        clear = f"in {sum(each.p < ALPHA for each in self.pairs)} of {len(self.pairs)} pairs"
        return [*said, f"The two networks differ in accuracy (p < {ALPHA:g}, uncorrected) {clear}."]

    def table(self) -> Table[Overlap]:
        columns: list[Column[Overlap]] = [
            Column("seed", lambda overlap: overlap.seed),
            Column("both right", lambda overlap: overlap.both_right, ","),
            Column(f"only {self.names[0]} right", lambda overlap: overlap.only_a, ","),
            Column(f"only {self.names[1]} right", lambda overlap: overlap.only_b, ","),
            Column("neither", lambda overlap: overlap.both_wrong, ","),
            Column("p", lambda overlap: overlap.p, ".2g"),
        ]
        return Table(columns, self.pairs, "Validation images at the best epoch of each network.")

    def _where_wrong(self, *, brief: bool = False) -> str:
        shared, alone = (share_text(self._mean(name), 1, brief=brief) for name in ("shared", "alone"))
        first, second = self.names
        return (
            f"The {first} is wrong on {shared} of the images that the {second} gets wrong, and on {alone} of those that it "
            "gets right."
        )

    def _mean(self, name: str) -> Interval | None:
        """The mean of a count or share over the pairs."""
        limits = SHARE if name in ("shared", "alone") else (0, max((each.images for each in self.pairs), default=0))
        return interval_of([getattr(each, name) for each in self.pairs], folds=self.folds, limits=limits)
