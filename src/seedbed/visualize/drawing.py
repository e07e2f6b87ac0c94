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
from seedbed.figures.words import percent
from seedbed.palette import Mode
from seedbed.visualize.survey import Survey

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

EXAMPLES, COLUMNS = 15, 5
PAIRS = 12
SHOWN_CLASSES = 40

ThemedPng = dict[Mode, bytes]


def grids(dataset: Dataset, found: Survey) -> dict[str, ThemedPng]:
    """Name -> PNG for light and for dark pages; kinds of pairs that do not occur have no picture."""
    drawn = {
        "training_example": _examples(dataset, dataset.train, "training"),
        "validation_example": _examples(dataset, dataset.validation, "validation"),
        **_class_grids(dataset, found),
    }
    both = found.duplicates.exact.pairs + found.duplicates.near.pairs
    conflicts = found.duplicates.exact.conflicts + found.duplicates.near.conflicts
    equal = {*found.duplicates.exact.pairs, *found.duplicates.exact.conflicts}
    within = [pair for pair in both if pair.second.part == "training"]
    leaked = [pair for pair in both if (pair.first.part, pair.second.part) == ("training", "validation")]
    kinds = {
        "duplicates": ("Similar pairs within the training part", within),
        "other_label": ("Similar pairs with different labels", list(conflicts)),
        "leakage": ("Training images and similar validation images", leaked),
    }
    return drawn | {name: _pairs(dataset, heading, pairs, equal) for name, (heading, pairs) in kinds.items() if pairs}


def charts(dataset: Dataset, found: Survey) -> dict[str, AnyChart]:
    """Name -> chart."""
    drawn = {"class_balance": figures.class_balance(found.balance, dataset.classes)}
    if found.embedding is None:
        return drawn
    positions, variances = found.embedding.positions, [percent(share) for share in found.embedding.explained]
    images: dict[str, Any] = {
        "labels": dataset.train.labels[positions],
        "classes": dataset.classes,
        "pictures": figures.thumbnails(dataset.train.take(positions), top=dataset.scale),
    }
    first, second = (
        f"{name} principal axis ({share} of the variance)" for name, share in zip(("first", "second"), variances, strict=True)
    )
    drawn["embedding_pca"] = figures.embedding_scatter(found.embedding.pca, method="PCA", axes=(first, second), **images)
    drawn["embedding_tsne"] = figures.embedding_scatter(found.embedding.tsne, method="t-SNE", axes=("", ""), **images)
    return drawn


def _both(images: NDArray[Any], titles: Sequence[str], **settings: Any) -> ThemedPng:
    modes: tuple[Mode, Mode] = ("light", "dark")
    return {mode: figures.picture_bytes(figures.picture_grid(images, titles, mode=mode, **settings)) for mode in modes}


def _examples(dataset: Dataset, part: Part, name: str) -> ThemedPng:
    """The exercise's grid of 3 x 5, drawn at random (always the same ones), each class by its share."""
    positions = np.random.default_rng(0).permutation(stratified(part.labels, EXAMPLES))
    titles = [dataset.classes[label] for label in part.labels[positions]]
    heading = f"{dataset.spec.name}: {name} images"
    return _both(part.take(positions), titles, columns=COLUMNS, top=dataset.scale, heading=heading)


def _class_grids(dataset: Dataset, found: Survey) -> dict[str, ThemedPng]:
    shown = np.flatnonzero(found.classes.counts > 0)[:SHOWN_CLASSES]
    titles = [f"{dataset.classes[i]} (n = {found.classes.counts[i]:,})" for i in shown]
    deviation = found.classes.deviation[shown]
    top = max(float(deviation.max()), 1e-12)
    rest = f" (the first {SHOWN_CLASSES} classes)" if np.count_nonzero(found.classes.counts) > SHOWN_CLASSES else ""
    return {
        "class_means": _both(
            found.classes.mean[shown], titles, columns=COLUMNS, top=dataset.scale, heading=f"Mean image of each class{rest}"
        ),
        "class_variation": _both(
            deviation, titles, columns=COLUMNS, top=top, heading=f"Standard deviation of each pixel{rest}; white = {top:.3g}"
        ),
    }


def _pairs(dataset: Dataset, heading: str, pairs: Sequence[ImagePair], equal: Collection[ImagePair]) -> ThemedPng:
    shown = pairs[:PAIRS]
    count = f"{len(shown)} of {len(pairs):,}" if len(pairs) > len(shown) else str(len(pairs))
    images = np.stack([_side_by_side(dataset, pair) for pair in shown])
    titles = [_caption(dataset, pair, "equal" if pair in equal else f"correlation {pair.correlation:.4f}") for pair in shown]
    return _both(images, titles, columns=4, top=dataset.scale, heading=f"{heading} ({count})", side=224, size=13)


def _side_by_side(dataset: Dataset, pair: ImagePair) -> NDArray[Any]:
    """Both images with a grey line between them."""
    first, second = _image(dataset, pair.first), _image(dataset, pair.second)
    line = np.full_like(first[:, : max(1, first.shape[1] // 14)], dataset.scale / 2)
    return np.concatenate([first, line, second], axis=1)


def _image(dataset: Dataset, place: ImageLocation) -> NDArray[Any]:
    image: NDArray[Any] = _part(dataset, place.part).take(np.array([place.position]))[0]
    return image


def _caption(dataset: Dataset, pair: ImagePair, likeness: str) -> str:
    return f"{_called(dataset, pair.first)}\n{_called(dataset, pair.second)}\n{likeness}"


def _called(dataset: Dataset, place: ImageLocation) -> str:
    file = place.source.rpartition("/")[2]
    return f"{place.part} {file}: {dataset.classes[_part(dataset, place.part).labels[place.position]]}"


def _part(dataset: Dataset, name: str) -> Part:
    """A part that may be looked at: there is no way from here to the test part."""
    return {"training": dataset.train, "validation": dataset.validation}[name]
