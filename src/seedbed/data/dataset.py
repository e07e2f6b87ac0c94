"""A data set as training and evaluation see it: the parts of its content, also where that comes from arrays in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.data import kept
from seedbed.data.content import Content, PartName, check
from seedbed.data.parts import Part, Room
from seedbed.data.ranges import moments, picture_rule
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.options import ImageSize, ReadOptions
from seedbed.data.split import drawn
from seedbed.errors import DataError
from seedbed.records import DataFacts, Normalization, PictureRule
from seedbed.specs import DataSpec

ArrayPair = tuple[ArrayLike, ArrayLike]
"""Images and labels."""

ARRAYS = "arrays-"
"""Beginning of the names of data sets of arrays; the digest of the content follows."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split as the data spec says.

    Attributes:
        spec: data spec with the digest of the content.
        train, validation, test: parts; `test` is None where the protocol or the data set has none.
        classes: names of the classes; a label is an index into them.
        image_shape: height, width, channels (1 or 3).
        scale: divisor of the pixels that the network sees.
        pictures: how picture files and values of images belong together.
        notes: decisions of reading and splitting, one sentence each.
        room: sizes for which programs are compiled, so that folds and subsets share them. None means those of these parts.
    """

    spec: DataSpec
    train: Part
    validation: Part
    test: Part | None
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    scale: float
    pictures: PictureRule
    notes: tuple[str, ...] = ()
    room: Room | None = None

    @classmethod
    def of(
        cls,
        images: ArrayLike,
        labels: ArrayLike,
        *,
        classes: Sequence[str] | None = None,
        validation: ArrayPair | None = None,
        test: ArrayPair | None = None,
        size: ImageSize | None = None,
    ) -> Self:
        """Make a data set of arrays, without a file and without a name: equal arrays are the same data set.

            train(Dense(), Dataset.of(images, labels, classes=("cat", "dog")))

        The content is kept in seedbed's cache under its digest, so that its runs can be evaluated and resumed later. If the
        cache is emptied, the same call brings it back.

        Args:
            images: numbers `(n, h, w)`, `(n, h, w, c)` or `(n, pixels)`, on any usual scale.
            labels: whole numbers or names, `(n,)` or `(n, 1)`, or one-hot `(n, C)`.
            classes: names of the classes: for the labels 0, 1, ... in this order, or all names that occur, in the order wanted.
                None means the labels themselves, sorted.
            validation, test: images and labels of these parts. None means that they are drawn from the others by class: 15 %
                each, and where there are test images, a twelfth for validation.
            size: height and width of images that come as rows of pixels. None means square ones.

        Raises:
            DataError: shapes or types that cannot be images or labels, fewer than two classes, or too few images of one.
            CorruptData: NaN or an infinity, or different numbers of images and labels.
        """
        given: dict[PartName, ArrayPair | None] = {"train": (images, labels), "validation": validation, "test": test}
        raw = {name: _raw(pair, name) for name, pair in given.items() if pair is not None}
        content = _with_classes(assemble(raw, ReadOptions(size=size)), classes)
        check(content, "arrays")
        digest = content.digest
        made = cls.split(content, DataSpec(name=f"{ARRAYS}{digest[:8]}", digest=digest))
        if kept.sound(digest) is None:
            kept.keep(content, digest)
        return made

    @classmethod
    def split(cls, content: Content, spec: DataSpec) -> Self:
        """Split content as `seedbed.data.split.drawn` does.

        Raises:
            DataError, SpecError: see there.
        """
        parts = drawn(content, spec)
        return cls(
            spec=spec,
            train=parts.train,
            validation=parts.validation,
            test=parts.test,
            classes=content.classes,
            image_shape=content.image_shape,
            scale=content.scale,
            pictures=content.pictures or picture_rule(content),
            notes=(*content.rules, parts.note),
            room=parts.room,
        )

    def __repr__(self) -> str:
        """What a notebook shows: sizes, no pixels."""
        height, width, channels = self.image_shape
        parts = {"training": self.train, "validation": self.validation, "test": self.test}
        counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items() if part)
        return f"Dataset {self.spec.name!r}: {counts} images of {height} x {width} x {channels}, {len(self.classes)} classes"

    @cached_property
    def normalization(self) -> Normalization:
        """What networks get of the stored values, as `DataSpec.normalize` says."""
        if self.spec.normalize == "none":
            return Normalization(1.0)
        if self.spec.normalize == "unit":
            return Normalization(self.scale)
        return Normalization(self.scale, *moments(self.train.blocks(), self.scale))

    def facts(self) -> DataFacts:
        """The sizes that a result records."""
        return DataFacts(
            train=len(self.train),
            validation=len(self.validation),
            test=len(self.test) if self.test else 0,
            classes=self.classes,
            image_shape=self.image_shape,
            pictures=self.pictures,
            normalization=self.normalization,
            validation_counts=tuple(np.bincount(self.validation.labels, minlength=len(self.classes)).tolist()),
        )


def _raw(pair: Any, name: PartName) -> RawPart:
    where = "arrays" if name == "train" else f"{name} arrays"
    if not (isinstance(pair, tuple | list) and len(pair) == 2):
        raise DataError(f"{where}: give images and labels, as (images, labels).")
    images, labels = (np.asarray(each) for each in pair)
    return RawPart(images, _texts(labels) if labels.dtype == object else labels, where)


def _texts(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels as text where all of them are; data frames hold text as objects."""
    return labels.astype(str) if all(isinstance(label, str) for label in labels.flat) else labels


def _with_classes(content: Content, names: Sequence[str] | None) -> Content:
    """The content with the classes named, or in the order of the names.

    Raises:
        DataError: the names do not belong to the labels.
    """
    if names is None:
        return content
    known, wanted = content.classes, tuple(map(str, names))
    if len(set(wanted)) < len(wanted):
        raise DataError(f"classes = {wanted}: each name may stand once.")
    if known == tuple(map(str, range(len(wanted)))):
        return replace(content, classes=wanted)
    if set(wanted) != set(known):
        raise DataError(
            f"classes = {wanted}: the labels are {', '.join(known)}; name 0, 1, ... in order, or these in any order."
        )
    places = np.array([wanted.index(name) for name in known], dtype=np.int32)
    parts = {name: replace(part, labels=places[part.labels]) for name, part in content.parts.items()}
    return replace(content, parts=parts, classes=wanted)
