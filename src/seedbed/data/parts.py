"""The parts of a data set: rows of a shared array of images, never copies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import CHUNK, Images, Int64Array, Labels, evenly


class Pictures:
    """Images `(n, h, w, c)` that several parts share, with their file names and the study's permutation of pixels.

    Args:
        images: uint8 or float32 array `(n, h, w, c)`; may be a memory map of any size.
        sources: file names; empty where an image is known by its index.
        pixels: index of the original pixel for each position, `(h * w,)`. None means no permutation.
    """

    def __init__(self, images: Images, sources: Sequence[str] = (), pixels: Int64Array | None = None) -> None:
        self._original = images
        self._pixels = pixels
        self._sources = sources

    def take(self, rows: NDArray[Any], out: Images | None = None) -> Images:
        """Gather the images of these rows, `(k, h, w, c)`; no other image is touched.

        Args:
            out: array of their shape and type for the result, which saves a copy.
        """
        if out is None:
            taken: Images = self._permuted(self._original[rows])
            return taken
        if self._pixels is None:
            np.take(self._original, rows, axis=0, out=out, mode="clip")  # "raise" would use a buffer
        else:
            out[...] = self._permuted(self._original[rows])
        return out

    @cached_property
    def array(self) -> Images:
        """All images: the memory map itself, or with permuted pixels one copy for all parts."""
        images: Images = self._permuted(self._original)
        return images

    @property
    def image(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape `(h, w, c)` and type of an image."""
        return self._original.shape[1:], self._original.dtype

    def source(self, row: int) -> str:
        return self._sources[row] if self._sources else str(row)

    def _permuted(self, images: Any) -> Any:
        return permuted(images, self._pixels)


def permuted(images: Any, pixels: Int64Array | None) -> Any:
    """Images `(n, h, w, c)` with the pixel `pixels[i]` at the position i, `(h * w,)`; unchanged where that is None."""
    if pixels is None:
        return images
    return images.reshape(len(images), -1, images.shape[-1])[:, pixels].reshape(images.shape)


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a data set with their labels.

    Attributes:
        pictures: images that the parts share.
        rows: rows of the part in `pictures`, int64 `(n,)`, ascending.
        labels: classes as training sees them, int32 `(n,)`; a study may have replaced some.
    """

    pictures: Pictures
    rows: Int64Array
    labels: Labels

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        """Bytes that the images of the part take."""
        shape, dtype = self.pictures.image
        return len(self) * math.prod(shape) * dtype.itemsize

    @property
    def store(self) -> Images:
        """The shared images: `store[rows]` are those of this part. A memory map unless the pixels are permuted."""
        return self.pictures.array

    @property
    def images(self) -> Images:
        """All images of the part, `(n, h, w, c)`, uint8 or float32; gathered at each call."""
        return self.pictures.take(self.rows)

    def take(self, positions: NDArray[Any], out: Images | None = None) -> Images:
        """Gather the images at these positions of the part, `(k, h, w, c)`, in `out` if given; no other image is touched."""
        return self.pictures.take(self.rows[positions], out)

    def sample(self, most: int) -> Images:
        """Gather at most `most` images, evenly spread over the part, `(k, h, w, c)`."""
        return self.take(evenly(len(self), most))

    def blocks(self) -> Iterator[Images]:
        """All images, `CHUNK` bytes or so at a time."""
        each = max(1, CHUNK * len(self) // max(1, self.nbytes))
        for start in range(0, len(self), each):
            yield self.take(np.arange(start, min(start + each, len(self))))

    def source(self, position: int) -> str:
        """The origin of an image: its file name, or its index in the original file."""
        return self.pictures.source(int(self.rows[position]))


class Room(NamedTuple):
    """Number of images for which compiled programs have room: the largest parts of all folds and subsets of the same data."""

    train: int
    validation: int
