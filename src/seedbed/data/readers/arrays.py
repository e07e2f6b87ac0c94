"""From arrays of any honest kind to content: the shapes, types and labels that files come with, brought to one form."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Images, Labelled, Labels, PartName, check_finite, chunks, class_order
from seedbed.errors import CorruptData, DataError

ImageSize = tuple[int, int]

SCALES = (1, 15, 16, 255, 65535)
"""What pixels are divided by: the first that is not below the largest training pixel; a larger one is its own scale."""

MOST_DECODED = 8 << 30
"""Bytes of decoded images that are held in memory. Larger data sets come as .npy or plain IDX, which are mapped."""


@dataclass(frozen=True)
class RawPart:
    """Images and labels as a file holds them, and its name for messages."""

    images: NDArray[Any]
    labels: NDArray[Any]
    where: str


def assemble(found: Mapping[PartName, RawPart], size: ImageSize | None = None, rules: tuple[str, ...] = ()) -> Content:
    """Content from raw arrays.

    Args:
        found: images `(n, h, w)`, `(n, h, w, c)`, `(n, c, h, w)` or `(n, pixels)`; labels `(n,)` or `(n, 1)`, whole numbers or
            text. Parts share one image shape.
        size: height and width of images that come as rows of pixels; else they must be square.
        rules: what was decided before.

    Raises:
        DataError: a shape or type that cannot be images or labels.
        CorruptData: NaN or an infinity, or numbers of images and labels that differ.
    """
    shaped: dict[PartName, NDArray[Any]] = {}
    decided: list[str] = list(rules)
    for name, part in found.items():
        shaped[name], rule = _shaped(part, size)
        decided += [rule] if rule and rule not in decided else []
        if part.labels.ndim == 0:
            raise DataError(f"{part.where}: labels must be one an image, and this is a single {part.labels.dtype} for all.")
        if len(part.labels) != len(part.images):
            raise CorruptData(f"{part.where}: {len(part.images)} images, but {len(part.labels)} labels.")
        check_finite(shaped[name], part.where)
    classes, labels = _labelled(found)
    images = _one_type(shaped)
    for name, part in found.items():
        if images[name] is not shaped[name]:
            check_finite(images[name], f"{part.where}, as 32-bit numbers")
    scale = scale_of(images["train"])
    if scale not in (1, 255):
        decided.append(f"Pixels are divided by {scale:g}, for the largest of the training images.")
    parts = {name: Labelled(images[name], labels[name]) for name in found}
    return Content(parts=parts, classes=classes, scale=scale, rules=tuple(decided))


def scale_of(images: NDArray[Any]) -> float:
    """What the pixels are divided by, see `SCALES`."""
    low, high = extent(images)
    largest = max(abs(low), abs(high))
    return float(next((scale for scale in SCALES if largest <= scale), largest))


def extent(images: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest pixel."""
    lows, highs = zip(*((float(chunk.min()), float(chunk.max())) for _, chunk in chunks(images)), strict=True)
    return min(lows), max(highs)


def square(pixels: int, size: ImageSize | None, where: str) -> tuple[int, int, int]:
    """Height, width and channels of images that come as rows of pixels.

    Raises:
        DataError: they are not square and no size was given, or not of the size given.
    """
    for channels in (1, 3):
        height, width = size or (math.isqrt(pixels // channels),) * 2
        if height * width * channels == pixels:
            return height, width, channels
    if size:
        raise DataError(
            f"{where}: images of {size[0]} x {size[1]} have {size[0] * size[1]} pixels (or 3 x), and here are {pixels}."
        )
    raise DataError(
        f"{where}: {pixels} pixels an image are no square, grey or colour. Say what they are with --size HEIGHTxWIDTH."
    )


def _shaped(part: RawPart, size: ImageSize | None) -> tuple[NDArray[Any], str]:
    """The images as `(n, h, w, c)`, and the rule where one was needed."""
    images, where = part.images, part.where
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: images must be numbers, and these are {images.dtype}.")
    if not (images.size and images.ndim in (2, 3, 4)):
        raise DataError(
            f"{where}: images must have the shape (n, height, width) or (n, height, width, channels), not {images.shape}."
        )
    if images.ndim == 2:
        shape = square(images.shape[1], size, where)
        return images.reshape(
            -1, *shape
        ), f"Int64Array of {images.shape[1]} pixels are read as {shape[0]} x {shape[1]} x {shape[2]} images."
    if images.ndim == 3:
        images = images[..., None] if not isinstance(images, np.memmap) else images.reshape(*images.shape, 1)
    elif images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        return images.transpose(0, 2, 3, 1), "Channels came first and were moved last."
    if images.shape[3] not in (1, 3):
        raise DataError(f"{where}: images must have 1 or 3 channels, and these are {images.shape[1:]}.")
    if size and images.shape[1:3] != tuple(size):
        raise DataError(
            f"{where}: its images are {images.shape[1]} x {images.shape[2]}, not {size[0]} x {size[1]}; only folders of "
            f"pictures are brought to another --size."
        )
    return images, ""


def _one_type(shaped: Mapping[PartName, NDArray[Any]]) -> dict[PartName, Images]:
    """All parts as uint8 where every pixel is a whole number of 0 to 255 stored as such, else as float32."""
    small = all(_fits_a_byte(images) for images in shaped.values())
    return {name: _converted(images, np.dtype(np.uint8 if small else np.float32)) for name, images in shaped.items()}


def _fits_a_byte(images: NDArray[Any]) -> bool:
    if images.dtype in (np.uint8, np.bool_):
        return True
    low, high = extent(images) if images.dtype.kind in "iu" else (-1.0, -1.0)
    return low >= 0 and high <= 255


def _converted(images: NDArray[Any], kind: np.dtype[Any]) -> Any:
    if images.dtype == kind and images.flags.c_contiguous:
        return images
    if not images.size * kind.itemsize <= MOST_DECODED:
        raise DataError(
            f"{images.shape} images of {images.dtype} would fill {images.size * kind.itemsize >> 30} GiB of memory. Store "
            f"them as a C-contiguous uint8 or float32 .npy, which is mapped instead."
        )
    converted = np.empty(images.shape, dtype=kind)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        for start, chunk in chunks(images):
            converted[start : start + len(chunk)] = chunk
    return converted


def _labelled(found: Mapping[PartName, RawPart]) -> tuple[tuple[str, ...], dict[PartName, Labels]]:
    """The classes' names in order, and each part's labels as indices into them."""
    unique = {name: np.unique(_flat_labels(part), return_inverse=True) for name, part in found.items()}
    names = {name: [_label_name(value) for value in values] for name, (values, _) in unique.items()}
    classes = class_order([text for texts in names.values() for text in texts])
    number = {text: index for index, text in enumerate(classes)}
    labels = {
        name: np.array([number[text] for text in names[name]], dtype=np.int32)[inverse] for name, (_, inverse) in unique.items()
    }
    return classes, labels


def _flat_labels(part: RawPart) -> NDArray[Any]:
    labels, where = part.labels, part.where
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"{where}: labels must be one number or name an image, shape (n,), and these are {labels.shape}.")
    if labels.dtype.kind == "f":
        whole = np.flatnonzero(~(labels == np.floor(labels)))
        if len(whole):
            raise DataError(
                f"{where}: labels must be whole numbers or names, and that of image {whole[0]} is {labels[whole[0]]}."
            )
        if not np.abs(labels).max(initial=0) < 2**53:
            raise DataError(
                f"{where}: labels must be whole numbers or names, and {labels[np.abs(labels).argmax()]} is too large."
            )
        return labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise DataError(f"{where}: labels must be whole numbers or names, and these are {labels.dtype}.")
    if labels.dtype.kind == "U" and labels.size and not _code_points(labels).max(initial=0) <= sys.maxunicode:
        raise CorruptData(f"{where}: labels hold what is no character of Unicode.")
    return labels


def _code_points(labels: NDArray[Any]) -> NDArray[np.uint32]:
    return np.ascontiguousarray(labels).view(np.dtype(np.uint32).newbyteorder(labels.dtype.byteorder))


def _label_name(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(int(value)) if isinstance(value, np.bool_) else str(value)
