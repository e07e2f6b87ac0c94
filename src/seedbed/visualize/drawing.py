"""The pictures and charts of the page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed import figures
from seedbed.data import Dataset, Part
from seedbed.data.embedding import stratified
from seedbed.data.facts import ImageLocation, ImagePair
from seedbed.palette import Mode
from seedbed.visualize.survey import Survey
from seedbed.words import percent

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

EXAMPLES, COLUMNS = 15, 5
PAIRS = 12
SHOWN_CLASSES = 40

ThemedPng = dict[Mode, bytes]


def grids(survey: Survey) -> dict[str, ThemedPng]:
    """Draw the pictures: name -> PNG for light and for dark pages; kinds of pairs that do not occur have no picture."""
    dataset = survey.dataset
    drawn = {
        "training_example": _examples(dataset, dataset.train, "training"),
        "validation_example": _examples(dataset, dataset.validation, "validation"),
        **_class_grids(survey),
    }
    both = survey.duplicates.exact.pairs + survey.duplicates.near.pairs
    conflicts = survey.duplicates.exact.conflicts + survey.duplicates.near.conflicts
    equal = {*survey.duplicates.exact.pairs, *survey.duplicates.exact.conflicts}
    within = [pair for pair in both if pair.second.part == "training"]
    leaked = [pair for pair in both if (pair.first.part, pair.second.part) == ("training", "validation")]
    kinds = {
        "duplicates": ("Similar pairs within the training part", within),
        "other_label": ("Similar pairs with different labels", list(conflicts)),
        "leakage": ("Training images and similar validation images", leaked),
    }
    return drawn | {name: _pairs(dataset, heading, pairs, equal) for name, (heading, pairs) in kinds.items() if pairs}


def charts(survey: Survey) -> dict[str, AnyChart]:
    """Draw the charts: name -> chart."""
    dataset = survey.dataset
    drawn = {"class_balance": figures.class_balance(survey.balance, dataset.classes)}
    if survey.embedding is None:
        return drawn
    positions = survey.embedding.positions
    first, second = (percent(share) for share in survey.embedding.explained)
    images: dict[str, Any] = {
        "labels": dataset.train.labels[positions],
        "classes": dataset.classes,
        "pictures": figures.thumbnails(dataset.pictures.shown(dataset.train.take(positions))),
    }
    axes = f"first principal axis ({first} of the variance)", f"second principal axis ({second} of the variance)"
    drawn["embedding_pca"] = figures.embedding_scatter(survey.embedding.pca, method="PCA", axes=axes, **images)
    drawn["embedding_tsne"] = figures.embedding_scatter(survey.embedding.tsne, method="t-SNE", axes=("", ""), **images)
    return drawn


def _both(images: NDArray[Any], titles: Sequence[str], **settings: Any) -> ThemedPng:
    modes: tuple[Mode, Mode] = ("light", "dark")
    return {mode: figures.picture_bytes(figures.picture_grid(images, titles, mode=mode, **settings)) for mode in modes}


def _examples(dataset: Dataset, part: Part, name: str) -> ThemedPng:
    """The exercise's grid of 3 x 5: a stratified sample by a fixed seed."""
    positions = np.random.default_rng(0).permutation(stratified(part.labels, EXAMPLES))
    titles = [dataset.classes[label] for label in part.labels[positions]]
    heading = f"{dataset.spec.name}: {name} images"
    return _both(dataset.pictures.shown(part.take(positions)), titles, columns=COLUMNS, heading=heading)


def _class_grids(survey: Survey) -> dict[str, ThemedPng]:
    dataset = survey.dataset
    shown = np.flatnonzero(survey.classes.counts > 0)[:SHOWN_CLASSES]
    titles = [f"{dataset.classes[i]} (n = {survey.classes.counts[i]:,})" for i in shown]
    deviation = survey.classes.deviation[shown]
    top = max(float(deviation.max()), 1e-12)
    rest = f" (the first {SHOWN_CLASSES} classes)" if np.count_nonzero(survey.classes.counts) > SHOWN_CLASSES else ""
    return {
        "class_means": _both(
            dataset.pictures.shown(survey.classes.mean[shown]),
            titles,
            columns=COLUMNS,
            heading=f"Mean image of each class{rest}",
        ),
        "class_variation": _both(
            deviation, titles, columns=COLUMNS, top=top, heading=f"Standard deviation of each pixel{rest}; white = {top:.3g}"
        ),
    }


def _pairs(dataset: Dataset, heading: str, pairs: Sequence[ImagePair], equal: Collection[ImagePair]) -> ThemedPng:
    shown = pairs[:PAIRS]
    count = f"{len(shown)} of {len(pairs):,}" if len(pairs) > len(shown) else str(len(pairs))
    images = np.stack([_side_by_side(dataset, pair) for pair in shown])
    similarity = ["equal" if pair in equal else f"correlation {pair.correlation:.4f}" for pair in shown]
    sides = [f"{_title(dataset, pair.first)}\n{_title(dataset, pair.second)}" for pair in shown]
    titles = [f"{names}\n{text}" for names, text in zip(sides, similarity, strict=True)]
    return _both(images, titles, columns=4, heading=f"{heading} ({count})", side=224)


def _side_by_side(dataset: Dataset, pair: ImagePair) -> NDArray[Any]:
    """Join both images with a grey line between them."""
    first, second = (
        dataset.pictures.shown(_part(dataset, image.part).take(np.array([image.position]))[0])
        for image in (pair.first, pair.second)
    )
    line = np.full_like(first[:, : max(1, first.shape[1] // 14)], 128)
    return np.concatenate([first, line, second], axis=1)


def _title(dataset: Dataset, image: ImageLocation) -> str:
    file = image.source.rpartition("/")[2]
    return f"{image.part} {file}: {dataset.classes[_part(dataset, image.part).labels[image.position]]}"


def _part(dataset: Dataset, name: str) -> Part:
    """A part that may be shown; the test part is unreachable here."""
    return {"training": dataset.train, "validation": dataset.validation}[name]
