"""What a data set holds once it is decoded: images and labels part by part, and the digest that stands for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptData, DataError

PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")

Images = NDArray[np.uint8] | NDArray[np.float32]
Labels = NDArray[np.int32]

CHUNK = 8 << 20
"""Bytes that are looked at in one go, so that a memory map of any size needs little memory."""


@dataclass(frozen=True)
class Labelled:
    """Images of one part, as they were found.

    Attributes:
        images: `(n, h, w, c)`, uint8 or float32; may be a memory map.
        labels: `(n,)`, numbers of classes.
        sources: the images' file names, or nothing where an image is known by its index.
    """

    images: Images
    labels: Labels
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Content:
    """A whole data set, decoded.

    Attributes:
        parts: "train" always, "validation" and "test" where the data set itself tells them apart.
        classes: the classes' names; a label is an index into them.
        scale: networks see the images divided by it.
        rules: what the reader decided on the way, one sentence each.
    """

    parts: Mapping[PartName, Labelled]
    classes: tuple[str, ...]
    scale: float
    rules: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        height, width, channels = self.parts["train"].images.shape[1:]
        return height, width, channels

    @property
    def digest(self) -> str:
        """SHA-256 of the content, whatever files it came in.

        Hashed are, part by part in the order of `PARTS`, a line `PART DTYPE SHAPE`, the images' bytes (C order, little
        endian) and the labels' (int32); then the classes' names and the scale as a line of JSON. Names of files and the
        readers' rules are left out.
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


def chunks(array: NDArray[Any], most: int = CHUNK) -> Iterator[tuple[int, NDArray[Any]]]:
    """Stretches of rows of at most about `most` bytes, each with its first row's index."""
    row = max(1, array[:1].nbytes)
    step = max(1, most // row)
    for start in range(0, len(array), step):
        yield start, np.asarray(array[start : start + step])


def pieces(array: NDArray[Any]) -> Iterator[memoryview]:
    """The array's bytes in C order and little endian, a stretch at a time."""
    little = array.dtype.newbyteorder("<")
    for _, chunk in chunks(array):
        yield np.ascontiguousarray(chunk, dtype=little).data.cast("B")


def class_order(names: Sequence[str]) -> tuple[str, ...]:
    """The different names in the order of their labels: as numbers where all are whole numbers, else as text."""
    different = set(names)
    if all(name.removeprefix("-").isdecimal() and name.isascii() for name in different):
        return tuple(sorted(different, key=lambda name: (int(name), name)))
    return tuple(sorted(different))


def check(content: Content, where: str) -> None:
    """See that networks can be trained on the content.

    Args:
        where: the file or folder, for the message.

    Raises:
        CorruptData: an image holds NaN or an infinity; names the image and the pixel.
        DataError: fewer than two classes, or a class without training images.
    """
    if len(content.classes) < 2:
        raise DataError(f"{where}: at least 2 classes are needed, and it has {len(content.classes)} {content.classes}.")
    for name, part in content.parts.items():
        if len(part.images) != len(part.labels) or not len(part.images):
            raise CorruptData(f"{where}: the {name} part has {len(part.images)} images and {len(part.labels)} labels.")
        if part.images.shape[1:] != content.image_shape:
            raise CorruptData(f"{where}: {name} images are {part.images.shape[1:]}, training images {content.image_shape}.")
        check_finite(part.images, f"{where}, {name} part", part.sources)
    counts = np.bincount(content.parts["train"].labels, minlength=len(content.classes))
    if not counts.all():
        missing = content.classes[int(counts.argmin())]
        raise DataError(f"{where}: each class needs training images, and class {missing!r} has none.")


def check_finite(images: Images, where: str, sources: Sequence[str] = ()) -> None:
    """See that no pixel is NaN or infinite.

    Raises:
        CorruptData: one is; names the image, row and column.
    """
    if images.dtype.kind != "f":
        return
    for start, chunk in chunks(images):
        wrong = ~np.isfinite(chunk)
        if wrong.any():
            index, *place = (int(i) for i in np.argwhere(wrong)[0])
            image = sources[start + index] if sources else str(start + index)
            at = f", row {place[0]}, column {place[1]}" if len(place) >= 2 else f", value {place[0]}" if place else ""
            value = chunk[(index, *place)]
            raise CorruptData(f"{where}, image {image}{at}: pixels must be finite, and this one is {value}.")
