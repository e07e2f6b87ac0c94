"""Turn arrays of any shape, type and kind of labels into content of one form."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Labelled, Labels, PartName, check_finite, chunks, class_order, evenly
from seedbed.data.ranges import check_same, extent_of, levels_of, scale_of
from seedbed.data.readers.files import MOST_DECODED
from seedbed.data.readers.options import NO_OPTIONS, ImageSize, ReadOptions
from seedbed.errors import CorruptData, DataError
from seedbed.records import PictureRule

SMOOTHER = 0.9
"""Rows of colour pixels are read channel by channel where that makes neighbours differ less than this share of otherwise."""

LOOKED_AT = 256
"""Images by which the order of the channels is decided."""


@dataclass(frozen=True)
class RawPart:
    """Images and labels as a file has them, and its name for messages."""

    images: NDArray[Any]
    labels: NDArray[Any]
    where: str


def assemble(
    raw: Mapping[PartName, RawPart],
    options: ReadOptions = NO_OPTIONS,
    rules: tuple[str, ...] = (),
    names: Mapping[str, str] | None = None,
) -> Content:
    """Build content from raw arrays.

    Args:
        raw: images `(n, h, w)`, `(n, h, w, c)`, `(n, c, h, w)` or `(n, pixels)`; labels `(n,)`, `(n, 1)` or one-hot `(n, C)`,
            whole numbers or text. Parts share one image shape.
        options: `size` is that of images in rows of pixels (None means square); `transpose` swaps rows and columns.
        rules: earlier decisions of the reader, one sentence each.
        names: label as text -> name of the class, for those that have another name.

    Raises:
        DataError: a shape or type that cannot be images or labels, or parts on different scales.
        CorruptData: NaN or an infinity, or different numbers of images and labels.
    """
    shaped: dict[PartName, NDArray[Any]] = {}
    decided: list[str] = list(rules)
    for name, part in raw.items():
        shaped[name], rule = _shaped(part, options)
        decided += [rule] if rule and rule not in decided else []
        if part.labels.ndim == 0:
            raise DataError(f"{part.where}: each image needs a label, and there is a single {part.labels.dtype} for all.")
        if len(part.labels) != len(part.images):
            raise CorruptData(f"{part.where}: {len(part.images)} images, but {len(part.labels)} labels.")
        check_finite(shaped[name], part.where)
    classes, labels = _labelled(raw)
    dtype = np.dtype(np.uint8 if all(_fits_a_byte(images) for images in shaped.values()) else np.float32)
    images = {name: _converted(array, dtype) for name, array in shaped.items()}
    for name, part in raw.items():
        if images[name] is not shaped[name]:
            check_finite(images[name], f"{part.where}, as 32-bit numbers")
    scale, pictures, said = _learned(images, raw["train"].where)
    parts = {name: Labelled(images[name], labels[name]) for name in raw}
    return Content(parts, _renamed(classes, names or {}), scale, (*decided, *said), pictures)


def _learned(images: Mapping[PartName, NDArray[Any]], where: str) -> tuple[float, PictureRule, list[str]]:
    """The divisor of the pixels, the values of black and white, and the rules about them, from the training part."""
    train = extent_of(images["train"])
    check_same(train, [(name, extent_of(array)) for name, array in images.items() if name != "train"], where)
    scale = scale_of(train)
    black, white = levels_of(train, scale)
    said = [] if scale in (1, 255) else [f"Pixels are divided by {scale:g}, for the largest of the training images."]
    if train.centred:
        said.append(f"Pixels lie on both sides of 0 ({train}): black is {_levels(black)}, white {_levels(white)}.")
    return scale, PictureRule(black, white), said


def _levels(values: tuple[float, ...]) -> str:
    return " / ".join(f"{value:.4g}" for value in values)


def _renamed(classes: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    """The classes by their names; where two would be equal, with the label."""
    renamed = [names.get(label, label) for label in classes]
    return tuple(
        name if renamed.count(name) == 1 else f"{name} ({label})" for label, name in zip(classes, renamed, strict=True)
    )


def square(pixels: int, size: ImageSize | None, where: str) -> tuple[int, int, int]:
    """Height, width and channels of images that come as rows of pixels.

    Raises:
        DataError: the images are not square and no size was given, or they have another size.
    """
    for channels in (1, 3):
        height, width = size or (math.isqrt(pixels // channels),) * 2
        if height * width * channels == pixels:
            return height, width, channels
    if size:
        expected = f"images of {size[0]} x {size[1]} have {size[0] * size[1]} pixels, or 3 times this number in colour"
        raise DataError(f"{where}: {expected}, and here are {pixels}.")
    raise DataError(f"{where}: {pixels} pixels per image are no square, grey or colour. State the --size HEIGHTxWIDTH.")


def _shaped(part: RawPart, options: ReadOptions) -> tuple[NDArray[Any], str]:
    """The images as `(n, h, w, c)`, and the rule if one was applied."""
    images, where, size = part.images, part.where, options.size
    if images.dtype.kind not in "buif":
        raise DataError(f"{where}: images must be numbers, and these are {images.dtype}.")
    if not (images.size and images.ndim in (2, 3, 4)):
        raise DataError(
            f"{where}: images must have the shape (n, height, width) or (n, height, width, channels), not {images.shape}."
        )
    images, rule = _with_channels_last(images, size, where)
    if images.shape[3] not in (1, 3):
        raise DataError(f"{where}: images must have 1 or 3 channels, and these are {images.shape[1:]}.")
    if size and images.shape[1:3] != tuple(size):
        raise DataError(
            f"{where}: its images are {images.shape[1]} x {images.shape[2]}, not {size[0]} x {size[1]}; only pictures in files "
            f"of their own are brought to another --size."
        )
    return (images.swapaxes(1, 2), f"{rule} Rows and columns were swapped.".strip()) if options.transpose else (images, rule)


def _with_channels_last(images: NDArray[Any], size: ImageSize | None, where: str) -> tuple[NDArray[Any], str]:
    if images.ndim == 2:
        height, width, channels = square(images.shape[1], size, where)
        rule = f"Rows of {images.shape[1]} pixels are read as {height} x {width} x {channels} images"
        if channels == 3 and _channel_by_channel(images, height, width):
            return images.reshape(-1, 3, height, width).transpose(0, 2, 3, 1), f"{rule}, channel by channel."
        return images.reshape(-1, height, width, channels), f"{rule}."
    if images.ndim == 3:
        return images[..., None] if not isinstance(images, np.memmap) else images.reshape(*images.shape, 1), ""
    if images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        return images.transpose(0, 2, 3, 1), "Channels came first and were moved last."
    return images, ""


def _channel_by_channel(rows: NDArray[Any], height: int, width: int) -> bool:
    """Whether rows of colour pixels hold all of red first, then green and blue: then neighbours are more alike."""
    chosen = rows[evenly(len(rows), LOOKED_AT)].astype(np.float64)
    last, first = chosen.reshape(-1, height, width, 3), chosen.reshape(-1, 3, height, width).transpose(0, 2, 3, 1)
    rough = [sum(float(np.abs(np.diff(images, axis=axis)).sum()) for axis in (1, 2)) for images in (last, first)]
    return rough[1] < SMOOTHER * rough[0]


def _fits_a_byte(images: NDArray[Any]) -> bool:
    if images.dtype in (np.uint8, np.bool_):
        return True
    return images.dtype.kind in "iu" and all(chunk.min() >= 0 and chunk.max() <= 255 for _, chunk in chunks(images))


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


def _labelled(raw: Mapping[PartName, RawPart]) -> tuple[tuple[str, ...], dict[PartName, Labels]]:
    """The names of the classes in order, and the labels of each part as indices into them."""
    unique = {name: np.unique(_flat_labels(part), return_inverse=True) for name, part in raw.items()}
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
    if labels.ndim == 2 and _one_hot(labels):
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise DataError(f"{where}: labels must be one number or name per image, shape (n,), and these are {labels.shape}.")
    if labels.dtype.kind == "f":
        rule = f"{where}: labels must be whole numbers or names"
        broken = np.flatnonzero(~(labels == np.floor(labels)))
        if len(broken):
            raise DataError(f"{rule}, and that of image {broken[0]} is {labels[broken[0]]}.")
        if not np.abs(labels).max(initial=0) < 2**53:
            raise DataError(f"{rule}, and {labels[np.abs(labels).argmax()]} is too large.")
        return labels.astype(np.int64)
    if labels.dtype.kind not in "buiUS":
        raise DataError(f"{where}: labels must be whole numbers or names, and these are {labels.dtype}.")
    if labels.dtype.kind == "U" and labels.size:
        code_points = np.ascontiguousarray(labels).view(np.dtype(np.uint32).newbyteorder(labels.dtype.byteorder))
        if not code_points.max() <= sys.maxunicode:
            raise CorruptData(f"{where}: a label has a code that is no character of Unicode.")
    return labels


def _one_hot(labels: NDArray[Any]) -> bool:
    """Whether each row has one 1, and 0 elsewhere."""
    numbers = labels.dtype.kind in "buif"
    return numbers and bool(((labels == 0) | (labels == 1)).all() and (labels.sum(axis=1) == 1).all())


def _label_name(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return str(int(value)) if isinstance(value, np.bool_) else str(value)
