"""The facts about a data set that the page shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seedbed.data import Dataset, facts
from seedbed.data.content import Int64Array
from seedbed.data.embedding import FEWEST, Embedding, embed, nearest_centroid
from seedbed.statistics import Interval, wilson

LISTED = 20
"""Pairs of each kind in the JSON object."""


@dataclass(frozen=True)
class Survey:
    """The facts about a data set before any training.

    Attributes:
        dataset: data set that was surveyed.
        balance: part -> number of images per class.
        classes: mean image and variation of each class of the training part.
        pixels: facts about the pixels of the training part.
        baseline: share of validation images that are nearest to the mean image of their own class.
        duplicates: exact and near duplicates, within training and across parts.
        embedding: maps of a sample of the training part; None where it has too few images.
    """

    dataset: Dataset
    balance: dict[str, Int64Array]
    classes: facts.ClassPictures
    pixels: facts.PixelFacts
    baseline: Interval
    duplicates: facts.Duplicates
    embedding: Embedding | None

    def plain(self) -> dict[str, Any]:
        """Counts and facts as plain values."""
        spec, names = self.dataset.spec, self.dataset.classes
        return {
            "data": {"name": spec.name, "protocol": spec.protocol, **vars(self.dataset.facts())},
            "balance": {part: dict(zip(names, counts.tolist(), strict=True)) for part, counts in self.balance.items()},
            "pixels": vars(self.pixels),
            "nearest_mean": {"accuracy": self.baseline.mean, "interval": self.baseline.pair(), "n": self.baseline.n},
            "duplicates": {
                "threshold": self.duplicates.threshold,
                "exact": _plain(self.duplicates.exact),
                "near": _plain(self.duplicates.near),
            },
            "embedding": self.embedding and {"n": len(self.embedding.positions), "explained": self.embedding.explained},
        }


def survey(dataset: Dataset, on_event: Callable[[str], None]) -> Survey:
    """Gather all facts; `on_event` is called with one line before each piece of work."""
    on_event("counting classes and pixels")
    balance = facts.class_balance(dataset)
    centres = facts.class_pictures(dataset.train, len(dataset.classes))
    pixels = facts.pixel_facts(dataset.train)
    baseline = wilson(nearest_centroid(centres, dataset.validation), len(dataset.validation))
    on_event("looking for duplicates")
    similar = facts.duplicates(dataset, on_event=on_event)
    on_event("placing images in a plane")
    embedding = embed(dataset.train, scale=dataset.scale) if len(dataset.train) >= FEWEST else None
    return Survey(dataset, balance, centres, pixels, baseline, similar, embedding)


def _plain(kind: facts.DuplicatePairs) -> dict[str, Any]:
    return {
        "pairs": kind.count,
        "complete": kind.complete,
        "images_with_one_in_training": kind.affected,
        "other_label": [_pair(pair) for pair in kind.conflicts[:LISTED]],
        "most_alike": [_pair(pair) for pair in kind.pairs[:LISTED]],
    }


def _pair(pair: facts.ImagePair) -> dict[str, Any]:
    return {
        "first": {"part": pair.first.part, "source": pair.first.source},
        "second": {"part": pair.second.part, "source": pair.second.source},
        "correlation": round(pair.correlation, 4),
        "same_label": pair.same_label,
    }
