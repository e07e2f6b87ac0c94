"""Split content into training, validation and test parts. Pure functions of the content and the spec.

Every draw ranks images by random 64-bit words. NumPy promises that the words of a bit generator stay the same from version
to version, which it does not promise for shuffles; so a split can be reproduced years later.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Int64Array, Labels, PartName
from seedbed.data.dataset import Dataset, Part, Pictures, Room
from seedbed.data.ranges import picture_rule
from seedbed.errors import DataError, SpecError
from seedbed.specs import DataSpec

VALIDATION_SHARE = 1 / 12
"""Share of the training images where there is an official test set; MNIST: 5,000 of 60,000."""

LEAST_VALIDATION = 10
"""Minimum of validation images per class, where the class has twice this number."""

HELD_OUT_SHARE = 0.15
"""Share of all images for validation, and again for the test, where there is no official test set."""

_PURPOSES = ("validation", "test", "first", "noise", "replacement", "permutation", "inner")


def split(content: Content, spec: DataSpec) -> Dataset:
    """Split content by the protocol of the spec, and apply its subset, label noise and permutation.

    The honest protocol draws validation images from the training images, stratified by class: a twelfth, and at least 10 of
    a class that has 20 (else half of it). Without an official test set 70 % are for training, 15 % for validation, 15 % for
    the test. A validation part of the data set's own is used unchanged. The handout protocol calls the test images
    validation, trains on all others, and has no test part.

    Raises:
        DataError: a class has too few images to be in every part.
        SpecError: `first` is not between the number of classes and the number of training images.
    """
    pixels = permutation(spec.permutation, content.image_shape)
    whole = {
        name: Part(Pictures(part.images, part.sources, pixels), np.arange(len(part.labels)), part.labels)
        for name, part in content.parts.items()
    }
    drawn = _handout(whole, spec, content) if spec.protocol == "handout" else _honest(whole, spec, content)
    drawn = _inner(drawn, spec, content) if spec.inner else drawn
    train = _noisy(_first(drawn.train, spec, len(content.classes)), spec, len(content.classes))
    return Dataset(
        spec=spec,
        train=train,
        validation=drawn.validation,
        test=drawn.test,
        classes=content.classes,
        image_shape=content.image_shape,
        scale=content.scale,
        pictures=content.pictures or picture_rule(content),
        notes=(*content.rules, drawn.note),
        room=_room(drawn, spec),
    )


@dataclass(frozen=True)
class _Drawn:
    train: Part
    validation: Part
    test: Part | None
    note: str


def _room(drawn: _Drawn, spec: DataSpec) -> Room:
    """The largest parts that a fold has: of a class with an image too many, the first folds have one more than the last."""
    if not spec.fold or spec.inner:
        return Room(len(drawn.train), len(drawn.validation))
    everything, folds = np.bincount(np.concatenate([drawn.train.labels, drawn.validation.labels])), spec.fold[1]
    return Room(int((everything - everything // folds).sum()), int((-(-everything // folds)).sum()))


def _honest(whole: dict[PartName, Part], spec: DataSpec, content: Content) -> _Drawn:
    train, test = whole["train"], whole.get("test")
    if "validation" in whole:
        if spec.fold:
            raise SpecError(f"fold = {spec.fold}: {spec.name} has a validation part of its own, so it is not cut into folds.")
        note = "The validation part is the data set's own." + ("" if test else " It has no test part, so there is none.")
        return _Drawn(train, whole["validation"], test, note)
    if test is not None:
        origin, rest, counts = "The test part is the official one.", train, _validation_counts(train)
        note = "Validation: {:,} of {:,} training images, drawn by class with split seed {}. The test part is the official one."
    else:
        origin = "There is no official test set: 15 % were drawn for it before."
        counts = _held_out_counts(train)
        test, rest = _draw(train, counts, spec.split_seed, "test", content)
        note = "There is no official test set: 70/15/15 %, drawn by class with split seed {2}."
    if spec.fold:
        validation, rest, fold = _fold(rest, spec, content)
        return _Drawn(rest, validation, test, f"{fold} {origin}")
    validation, rest = _draw(rest, counts, spec.split_seed, "validation", content)
    return _Drawn(rest, validation, test, note.format(len(validation), len(train), spec.split_seed))


def _handout(whole: dict[PartName, Part], spec: DataSpec, content: Content) -> _Drawn:
    train, test = whole["train"], whole.get("test")
    if test is not None:
        note = f"As in the exercise, the {len(test):,} test images are called validation; there is no test part."
        return _Drawn(train, test, None, note)
    if "validation" in whole:
        return _Drawn(train, whole["validation"], None, "The validation part is the data set's own; there is no test part.")
    held, rest = _draw(train, _held_out_counts(train), spec.split_seed, "test", content)
    note = "There is no official test set: as in the exercise, the test images (15 %, drawn by class with split seed"
    return _Drawn(rest, held, None, f"{note} {spec.split_seed}) are called validation.")


def _inner(drawn: _Drawn, spec: DataSpec, content: Content) -> _Drawn:
    validation, rest = _draw(drawn.train, _validation_counts(drawn.train), spec.split_seed, "inner", content)
    aside = f"Inner split: the {len(drawn.validation):,} validation images are not used"
    note = f"{aside}, and {len(validation):,} of the {len(drawn.train):,} training images take their place."
    return _Drawn(rest, validation, None, note)


def _words(seed: int, purpose: str, n: int) -> NDArray[np.uint64]:
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(_PURPOSES.index(purpose),))
    return np.asarray(np.random.Philox(sequence).random_raw(n), dtype=np.uint64)


def _ranks(part: Part, seed: int, purpose: str) -> NDArray[np.uint64]:
    """A random word for each image of a part; it depends on the image's row alone, not on the other images of the part."""
    return _words(seed, purpose, int(part.rows[-1]) + 1)[part.rows]


def _ranked_members(part: Part, ranks: NDArray[np.uint64], classes: int) -> Iterator[Int64Array]:
    """The positions of each class's images, in the order of their ranks."""
    for label in range(classes):
        members = np.flatnonzero(part.labels == label)
        yield members[np.argsort(ranks[members], kind="stable")]


def _draw(part: Part, counts: NDArray[Any], seed: int, purpose: str, content: Content) -> tuple[Part, Part]:
    """Draw `counts` images of each class; returns them and the rest."""
    here = np.bincount(part.labels, minlength=len(counts))
    short = np.flatnonzero(~((counts >= 1) & (here - counts >= 1)))
    if len(short):
        name = content.classes[int(short[0])]
        total = int(np.bincount(content.parts["train"].labels, minlength=len(counts))[short[0]])
        needed = 2 if "test" in content.parts else 3
        raise DataError(
            f"Each class needs at least {needed} images to be in every part, and class {name!r} has {total}. "
            f"Add images, or leave the class out."
        )
    chosen = np.zeros(len(part), dtype=bool)
    for count, members in zip(counts, _ranked_members(part, _ranks(part, seed, purpose), len(counts)), strict=True):
        chosen[members[:count]] = True
    return _some(part, chosen), _some(part, ~chosen)


def _fold(part: Part, spec: DataSpec, content: Content) -> tuple[Part, Part, str]:
    """One fold, the rest, and a note. Of each class every n-th image in the order of the random words is in the same fold."""
    assert spec.fold is not None
    number, folds = spec.fold
    chosen = np.zeros(len(part), dtype=bool)
    ranks = _ranks(part, spec.split_seed, "validation")
    for name, members in zip(content.classes, _ranked_members(part, ranks, len(content.classes)), strict=True):
        if not len(members) >= folds:
            raise DataError(
                f"{folds} folds need {folds} images of each class to train on, and class {name!r} has {len(members)}."
            )
        chosen[members[number::folds]] = True
    note = (
        f"Validation: fold {number + 1} of {folds} of {len(part):,} images, drawn by class with split seed {spec.split_seed}."
    )
    return _some(part, chosen), _some(part, ~chosen), note


def _some(part: Part, chosen: NDArray[np.bool_]) -> Part:
    return Part(part.pictures, part.rows[chosen], part.labels[chosen])


def _validation_counts(part: Part) -> Int64Array:
    """A twelfth of the images, by class; at least 10 per class, or half of a class that is too small for this."""
    return _counts(part, VALIDATION_SHARE, LEAST_VALIDATION, 2)


def _held_out_counts(part: Part) -> Int64Array:
    """15 % of the images, by class; at least one of each class of three."""
    return _counts(part, HELD_OUT_SHARE, 1, 3)


def _counts(part: Part, share: float, least: int, divisor: int) -> Int64Array:
    sizes = np.bincount(part.labels)
    counts: Int64Array = np.maximum(_apportion(sizes, round(len(part) * share)), np.minimum(least, sizes // divisor))
    return counts


def _apportion(counts: NDArray[Any], total: int) -> NDArray[np.int64]:
    """Distribute `total` seats over classes in proportion to their sizes, the rest to the largest remainders."""
    exact = counts * total / counts.sum()
    seats: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    left = total - int(seats.sum())
    seats[np.argsort(seats - exact, kind="stable")[:left]] += 1
    return seats


def _first(train: Part, spec: DataSpec, classes: int) -> Part:
    if spec.first is None or spec.first == len(train):
        return train
    if not classes <= spec.first <= len(train):
        raise SpecError(
            f"first = {spec.first}: it must be at least the {classes} classes and at most the {len(train):,} training images."
        )
    words = _ranks(train, spec.split_seed, "first")
    # Each class is spread evenly over one common line, its first image at the start: any beginning of the line is stratified,
    # and a smaller subset lies within a larger one.
    place = np.empty(len(train))
    for members in _ranked_members(train, words, classes):
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
        place[members[:1]] = -1
    chosen = np.zeros(len(train), dtype=bool)
    chosen[np.lexsort((words, place))[: spec.first]] = True
    return _some(train, chosen)


def _noisy(train: Part, spec: DataSpec, classes: int) -> Part:
    if not spec.label_noise:
        return train
    flipped = np.argsort(_ranks(train, spec.split_seed, "noise"), kind="stable")[: round(spec.label_noise * len(train))]
    step = 1 + _ranks(train, spec.split_seed, "replacement")[flipped] % np.uint64(classes - 1)
    labels: Labels = train.labels.copy()
    labels[flipped] = (labels[flipped] + step.astype(np.int32)) % classes
    return replace(train, labels=labels)


def permutation(seed: int | None, image_shape: tuple[int, int, int]) -> Int64Array | None:
    """Index of the original pixel for each position, `(h * w,)`; None without a seed."""
    if seed is None:
        return None
    height, width, _ = image_shape
    return np.argsort(_words(seed, "permutation", height * width), kind="stable").astype(np.int64)
