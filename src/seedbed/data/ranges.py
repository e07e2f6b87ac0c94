"""The range of pixel values: what networks divide them by, and which values stand for black and white.

Both are learned from the training part and hold for every other image. Three kinds of values occur:

- *whole numbers from 0 on*: the smallest usual depth that holds them (1, 4, 8, 10, 12, 14 or 16 bits, or 0 to 16);
- *fractions from 0 on*: 0 to 1, 0 to 255, or up to their own maximum, each with a hair of room for rounding and resizing;
- *values on both sides of 0*: already centred. They are left as they are up to `CENTRED`, else divided by the largest; black
  and white are -1 and 1 (or -0.5 and 0.5) where the values span that, else the smallest and largest value of each channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, chunks
from seedbed.errors import DataError
from seedbed.records import PictureRule

DEPTHS = (1, 15, 16, 255, 1023, 4095, 16383, 65535)
"""Usual largest values of whole numbers."""

HAIR = 0.05
"""Share by which fractions may exceed a usual range: interpolation overshoots."""

CENTRED = 16.0
"""Centred values up to this are not divided: standardised images reach 3 or so."""

LEAST_DEVIATION = 1 / 255
"""Standard deviations below this one, of values from 0 to 1, count as this: a channel without contrast stays finite."""

FAR = 10.0
"""Parts whose largest values differ by more than this factor are on different scales."""


@dataclass(frozen=True)
class ValueExtent:
    """The values of some images.

    Attributes:
        low, high: smallest and largest value of each channel.
        whole: whether all are whole numbers.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    whole: bool

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(min(self.low)), abs(max(self.high)))

    @property
    def centred(self) -> bool:
        """Whether the values lie on both sides of 0."""
        return min(self.low) < -HAIR * self.largest

    def __str__(self) -> str:
        return f"{min(self.low):g} to {max(self.high):g}"


def extent_of(images: NDArray[Any]) -> ValueExtent:
    """Smallest and largest values of images `(n, h, w, c)`, block by block."""
    lows, highs, whole = [], [], True
    for _, block in chunks(images):
        flat = block.reshape(-1, block.shape[-1])
        lows.append(flat.min(axis=0))
        highs.append(flat.max(axis=0))
        whole = whole and (flat.dtype.kind in "bui" or bool((flat == np.rint(flat)).all()))
    low, high = np.min(lows, axis=0).astype(float), np.max(highs, axis=0).astype(float)
    return ValueExtent(tuple(low.tolist()), tuple(high.tolist()), whole)


def scale_of(extent: ValueExtent) -> float:
    """Divisor of values of this extent."""
    largest = extent.largest
    if extent.whole:
        return depth_of(largest)
    if largest <= 1 + HAIR or (extent.centred and largest <= CENTRED):
        return 1.0
    return 255.0 if not extent.centred and 255 / 2 < largest <= 255 * (1 + HAIR) else largest


def depth_of(largest: float) -> float:
    """The smallest usual largest value of whole numbers that holds this one; beyond all of them the value itself."""
    return float(next((depth for depth in DEPTHS if largest <= depth), largest))


def levels_of(extent: ValueExtent, scale: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The values of black and of white, for all channels or for each."""
    if not extent.centred:
        return (0.0,), (scale,)
    low, high = min(extent.low), max(extent.high)
    for edge in (0.5, 1.0):
        if all(edge * (1 - 2 * HAIR) <= side <= edge * (1 + HAIR) for side in (-low, high)):
            return (-edge,), (edge,)
    if extent.whole and (low, high) >= (-128, 0) and high <= 127 and low < -64:
        return (-128.0,), (127.0,)
    return extent.low, tuple(max(high, low + 1e-6) for low, high in zip(extent.low, extent.high, strict=True))


def moments(blocks: Iterable[NDArray[Any]], scale: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of images `(n, h, w, c)`, which come in blocks, divided by the scale."""
    count, total, squares = 0, np.zeros(1), np.zeros(1)
    for block in blocks:
        flat = block.reshape(-1, block.shape[-1]).astype(np.float64) / scale
        count, total, squares = count + len(flat), total + flat.sum(axis=0), squares + (flat**2).sum(axis=0)
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
    return tuple(mean.tolist()), tuple(np.maximum(deviation, LEAST_DEVIATION).tolist())


def check_same(train: ValueExtent, others: Iterable[tuple[str, ValueExtent]], where: str) -> None:
    """Check that the other parts are on the scale of the training part.

    Raises:
        DataError: one is not; the message gives both ranges.
    """
    for name, other in others:
        apart = max(train.largest, other.largest) > FAR * min(train.largest, other.largest) and other.largest > 0
        if apart or (train.centred != other.centred and not (train.whole and other.whole)):
            raise DataError(
                f"{where}: the {name} part is on another scale than the training part: its pixels are {other}, those of the "
                f"training part {train}. Bring both to one scale."
            )


def check_like(images: NDArray[Any], scale: float, levels: PictureRule, where: str) -> None:
    """Check that images `(n, h, w, c)` for a trained network are on the scale of its training images.

    Args:
        scale: divisor of the pixels.
        levels: the values that are black and white.

    Raises:
        DataError: they are not; the message gives both ranges.
    """
    black, white = min(levels.black), max(levels.white)
    found = extent_of(images)
    fixed = black >= 0 and scale in (*DEPTHS, 1.0)
    beyond = found.largest > (white * (1 + HAIR) if fixed else FAR * max(abs(black), abs(white)))
    faint = 0 < found.largest <= 1 + HAIR and scale > FAR
    if beyond or faint or (found.centred and black >= 0) or (black < 0 <= min(found.low) and found.largest > 0):
        raise DataError(
            f"{where}: these pixels are {found}, and black is {black:g} and white {white:g} in the images that the network "
            f"learned from. Bring them to that scale."
        )


def picture_rule(content: Content) -> PictureRule:
    """The values of black and white of content that was decoded without them, from its training part."""
    images = content.parts["train"].images
    if images.dtype == np.uint8:
        return PictureRule((0.0,), (content.scale,))
    black, white = levels_of(extent_of(images), content.scale)
    return PictureRule(black, white)
