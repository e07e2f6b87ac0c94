"""A data set as training and evaluation see it: parts that are rows of a store, never copies of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Images, Labels
from seedbed.records import DataFacts
from seedbed.specs import DataSpec

RowNumbers = NDArray[np.int64]


class Pictures:
    """Images `(n, h, w, c)` that several parts share, with their file names and the study's permutation of pixels.

    Args:
        images: uint8 or float32; may be a memory map of any size.
        sources: file names; empty where an image is known by its index.
        pixels: `(h * w,)`, which pixel of the original stands at each place; None leaves them where they are.
    """

    def __init__(self, images: Images, sources: Sequence[str] = (), pixels: RowNumbers | None = None) -> None:
        self._original = images
        self._pixels = pixels
        self._sources = sources

    def take(self, rows: NDArray[Any], out: Images | None = None) -> Images:
        """The images of these rows, `(k, h, w, c)`; no other image is touched.

        Args:
            out: an array of their shape and type to put them in, which saves a copy.
        """
        if out is None or self._pixels is not None:
            taken: Any = self._original[rows]
            found = self._permuted(taken)
            if out is None:
                return found
            out[...] = found
        else:
            np.take(self._original, rows, axis=0, out=out, mode="clip")  # "raise" would put them somewhere else first
        return out

    @cached_property
    def array(self) -> Images:
        """All images; the memory map itself, unless their pixels are permuted, which makes one copy for all parts."""
        return self._original if self._pixels is None else self._permuted(self._original)

    @property
    def image(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape `(h, w, c)` and type of one."""
        return self._original.shape[1:], self._original.dtype

    def source(self, row: int) -> str:
        return self._sources[row] if self._sources else str(row)

    def _permuted(self, images: Images) -> Images:
        if self._pixels is None:
            return images
        flat = images.reshape(len(images), -1, images.shape[-1])
        return flat[:, self._pixels].reshape(images.shape)


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a data set with their labels.

    Attributes:
        pictures: what the rows point into; parts share it.
        rows: int64 `(n,)`, ascending.
        labels: int32 `(n,)`, as training sees them (a study may have replaced some).
    """

    pictures: Pictures
    rows: RowNumbers
    labels: Labels

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """How many bytes the images of the part take."""
        shape, dtype = self.pictures.image
        return len(self) * math.prod(shape) * dtype.itemsize

    @property
    def store(self) -> Images:
        """The underlying images: `store[rows]` are this part's. A memory map where the pixels are not permuted."""
        return self.pictures.array

    @property
    def images(self) -> Images:
        """All images of the part, `(n, h, w, c)`, uint8 or float32, gathered again at each call."""
        return self.pictures.take(self.rows)

    def take(self, positions: NDArray[Any], out: Images | None = None) -> Images:
        """The images at these positions of the part, `(k, h, w, c)`, in `out` if one is given; no other image is touched."""
        return self.pictures.take(self.rows[positions], out)

    def source(self, position: int) -> str:
        """Where an image came from: its file name, or its index in the original file."""
        return self.pictures.source(int(self.rows[position]))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels, split as the data spec says.

    Attributes:
        spec: with the content's digest filled in.
        train, validation, test: the parts; there is no test part where the protocol or the data set has none.
        classes: their names; a label is an index into them.
        image_shape: height, width, channels (1 or 3).
        scale: the network sees images / scale.
        notes: what was decided on the way, one sentence each.
    """

    spec: DataSpec
    train: Part
    validation: Part
    test: Part | None
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    scale: float
    notes: tuple[str, ...] = ()

    def facts(self) -> DataFacts:
        """The sizes that a result records."""
        return DataFacts(
            train=len(self.train),
            validation=len(self.validation),
            test=len(self.test) if self.test else 0,
            classes=self.classes,
            image_shape=self.image_shape,
        )
