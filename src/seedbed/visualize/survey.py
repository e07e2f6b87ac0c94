"""The facts about a data set that the page shows, gathered once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.data.embedding import FEWEST, Embedding, embed, nearest_centroid
from seedbed.data.facts import (
    ClassPictures,
    DuplicatePairs,
    Duplicates,
    ImagePair,
    PixelFacts,
    class_balance,
    class_pictures,
    duplicates,
    pixel_facts,
)
from seedbed.records import DataFacts
from seedbed.statistics import Interval, wilson

LISTED = 20
"""Pairs of each kind that the JSON object names."""


@dataclass(frozen=True)
class Survey:
    """The facts about a data set before any training.

    Attributes:
        facts: sizes, classes, shape.
        name, protocol: of the data spec.
        labels: of the training part.
        balance: part -> images of each class.
        classes: each class's mean image and variation, of the training part.
        pixels: of the training part.
        baseline: share of validation images that lie nearest to the mean image of their own class.
        duplicates: exact and near, within training and across parts.
        embedding: of a sample of the training part; None where it has too few images.
    """

    facts: DataFacts
    name: str
    protocol: str
    labels: NDArray[np.int32]
    balance: dict[str, NDArray[np.int64]]
    classes: ClassPictures
    pixels: PixelFacts
    baseline: Interval
    duplicates: Duplicates
    embedding: Embedding | None

    def plain(self) -> dict[str, Any]:
        """Counts and facts as plain values."""
        names = self.facts.classes
        return {
            "data": {"name": self.name, "protocol": self.protocol, **vars(self.facts)},
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
    """Gather every fact; `on_event` is called with one line before each piece of work."""
    on_event("counting classes and pixels")
    balance = class_balance(dataset)
    centres = class_pictures(dataset.train, len(dataset.classes))
    pixels = pixel_facts(dataset.train)
    baseline = wilson(nearest_centroid(centres, dataset.validation), len(dataset.validation))
    on_event("looking for duplicates")
    like = duplicates(dataset, on_event=on_event)
    on_event("placing images in a plane")
    plane = embed(dataset.train, scale=dataset.scale) if len(dataset.train) >= FEWEST else None
    spec = dataset.spec
    return Survey(
        dataset.facts(), spec.name, spec.protocol, dataset.train.labels, balance, centres, pixels, baseline, like, plane
    )


def _plain(found: DuplicatePairs) -> dict[str, Any]:
    return {
        "pairs": found.found,
        "complete": found.complete,
        "images_with_one_in_training": found.affected,
        "other_label": [_pair(pair) for pair in found.conflicts[:LISTED]],
        "most_alike": [_pair(pair) for pair in found.pairs[:LISTED]],
    }


def _pair(pair: ImagePair) -> dict[str, Any]:
    return {
        "first": {"part": pair.first.part, "source": pair.first.source},
        "second": {"part": pair.second.part, "source": pair.second.source},
        "correlation": round(pair.correlation, 4),
        "same_label": pair.same_label,
    }
