"""A decoded data set: the images and labels of each part, and the digest that identifies them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptData, DataError
from seedbed.records import PictureRule

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")

PART_NAMES: Mapping[str, PartName] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "t10k"), "test"),
}
"""Names of folders and files -> the part that they have."""

Images = NDArray[np.uint8] | NDArray[np.float32]
Labels = NDArray[np.int32]
Int64Array = NDArray[np.int64]

CHUNK = 8 << 20
"""Bytes that are read at once, so that a memory map of any size needs little memory."""


@dataclass(frozen=True)
class Labelled:
    """Images and labels of one part, as they were read.

    Attributes:
        images: uint8 or float32 array `(n, h, w, c)`; may be a memory map.
        labels: indices of classes `(n,)`.
        sources: file names of the images; empty where an image is known by its index.
    """

    images: Images
    labels: Labels
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """A whole data set, decoded.

    Attributes:
        parts: "train" always; "validation" and "test" where the data set itself separates them.
        classes: names of the classes; a label is an index into them.
        scale: divisor of the pixels that networks see.
        rules: decisions of the reader, one sentence each.
        pictures: how picture files become such images. None: values from 0 to `scale` are black to white.
    """

    parts: Mapping[PartName, Labelled]
    classes: tuple[str, ...]
    scale: float
    rules: tuple[str, ...] = ()
    pictures: PictureRule | None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        height, width, channels = self.parts["train"].images.shape[1:]
        return height, width, channels

    @property
    def digest(self) -> str:
        """SHA-256 of the content, independent of the files that held it.

        Hashed are, part by part in the order of `PARTS`, a line `PART DTYPE SHAPE`, the images' bytes (C order, little
        endian) and the labels' (int32); then the classes' names and the scale as a line of JSON. What belongs to the files
        and not to the pixels (names, the reader's rules, how pictures were read) is left out.
        """
        return storage.sha256(self._hashed())

    def _hashed(self) -> Iterator[bytes | memoryview]:
        for name in PARTS:
            if name in self.parts:
                part = self.parts[name]
                yield f"{name} {part.images.dtype.name} {part.images.shape}\n".encode()
                yield from pieces(part.images)
                yield from pieces(part.labels)
        yield json.dumps({"classes": self.classes, "scale": self.scale}, ensure_ascii=True).encode() + b"\n"


def evenly(count: int, most: int) -> Int64Array:
    """At most `most` of the numbers 0 to `count - 1`, evenly spread, in ascending order."""
    numbers: Int64Array = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    return numbers


def chunks(array: NDArray[Any], most: int = CHUNK) -> Iterator[tuple[int, NDArray[Any]]]:
    """Split an array into blocks of rows of at most about `most` bytes, each with the index of its first row."""
    step = max(1, most // max(1, array[:1].nbytes))
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])


def pieces(array: NDArray[Any]) -> Iterator[memoryview]:
    """The bytes of an array in C order and little endian, in blocks."""
    little = array.dtype.newbyteorder("<")
    for _, block in chunks(array):
        yield np.ascontiguousarray(block, dtype=little).data.cast("B")


def class_order(names: Sequence[str]) -> tuple[str, ...]:
    """Sort the different names: as numbers where all are whole numbers, else as text."""
    different = set(names)
    if all(name.removeprefix("-").isdecimal() and name.isascii() for name in different):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))


def check(content: Content, where: str) -> None:
    """Check that networks can be trained on the content.

    Args:
        where: file or folder, for the message.

    Raises:
        CorruptData: an image has NaN or an infinity; or the numbers or shapes of a part do not fit together.
        DataError: fewer than two classes, or a class without training images.
    """
    if len(content.classes) < 2:
        raise DataError(f"{where}: at least 2 classes are needed, and it has {len(content.classes)} {content.classes}.")
    for name, part in content.parts.items():
        if len(part.images) != len(part.labels) or not len(part.images):
            raise CorruptData(f"{where}: the {name} part has {len(part.images)} images and {len(part.labels)} labels.")
        if part.images.shape[1:] != content.image_shape:
            raise CorruptData(f"{where}: {name} images are {part.images.shape[1:]}, training images {content.image_shape}.")
        check_finite(part.images, f"{where}, {name} part")
    counts = np.bincount(content.parts["train"].labels, minlength=len(content.classes))
    if not counts.all():
        missing = content.classes[int(counts.argmin())]
        raise DataError(f"{where}: each class needs training images, and class {missing!r} has none.")


def check_finite(images: NDArray[Any], where: str) -> None:
    """Check that no pixel is NaN or infinite.

    Raises:
        CorruptData: a pixel is; the message names the image, row and column.
    """
    for start, block in chunks(images) if images.dtype.kind == "f" else ():
        wrong = np.argwhere(~np.isfinite(block))
        if len(wrong):
            index, *place = wrong[0].tolist()
            at = f", row {place[0]}, column {place[1]}" if len(place) >= 2 else f", value {place[0]}" if place else ""
            value = block[(index, *place)]
            raise CorruptData(f"{where}, image {start + index}{at}: pixels must be finite, and this one is {value}.")
