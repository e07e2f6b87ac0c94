"""Facts about a data set before training: balance, pixels, duplicates, leakage.

The test part stays locked: its pixels are compared, and none of its labels is read.

Two images are *exact duplicates* if every pixel is equal, and *near duplicates* if the correlation of their pixels (all
channels together) is at least a threshold: then they differ by little more than noise, brightness or contrast. Images of one
value have no correlation and are never near duplicates.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Int64Array
from seedbed.data.dataset import Dataset
from seedbed.data.parts import Part
from seedbed.errors import DataError

Floats32 = NDArray[np.float32]

CHUNK = 4096
"""Images that are in memory as float32 at once, unless they are large."""

CHUNK_VALUES = 2**24


@dataclass(frozen=True)
class ClassPictures:
    """The mean image of each class and the standard deviation of each pixel.

    Attributes:
        mean, deviation: arrays `(C, h, w, c)` in the units of the images; NaN for classes without images.
        counts: numbers of images `(C,)`.
    """

    mean: Floats32
    deviation: Floats32
    counts: Int64Array


@dataclass(frozen=True)
class PixelFacts:
    """The pixels of one part, in the units of the images.

    Attributes:
        low, high: smallest and largest value.
        mean, deviation: one value per channel.
        zeros: share of values that are 0.
        constant: number of values of an image (pixel and channel) that are equal in all images.
        places: number of values of an image.
    """

    low: float
    high: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    zeros: float
    constant: int
    places: int


def class_balance(dataset: Dataset) -> dict[str, Int64Array]:
    """Count the images of each class, `(C,)`, in the training and the validation part; labels of the test part are not read."""
    parts = {"training": dataset.train, "validation": dataset.validation}
    return {name: np.bincount(part.labels, minlength=len(dataset.classes)) for name, part in parts.items()}


def class_pictures(part: Part, classes: int) -> ClassPictures:
    """Compute the mean and the standard deviation of each class's images."""
    shape, _ = part.pictures.image
    sums, squares = (np.zeros((classes, math.prod(shape))) for _ in range(2))
    for start, images in chunks(part):
        belongs = (part.labels[start : start + len(images), None] == np.arange(classes)).astype(np.float32)
        sums += belongs.T @ images
        squares += belongs.T @ images**2
    counts = np.bincount(part.labels, minlength=classes)
    with np.errstate(invalid="ignore"):
        mean = (sums / counts[:, None]).reshape(classes, *shape)
        deviation = np.sqrt(np.maximum((squares / counts[:, None]).reshape(mean.shape) - mean**2, 0))
    return ClassPictures(mean.astype(np.float32), deviation.astype(np.float32), counts.astype(np.int64))


def pixel_facts(part: Part) -> PixelFacts:
    """Compute the range, the moments and the constant pixels of a part."""
    channels = part.pictures.image[0][-1]
    total, squares, zeros = np.zeros(channels), np.zeros(channels), 0
    lows, highs = [], []
    for _, images in chunks(part):
        per_channel = images.reshape(-1, channels)
        total += per_channel.sum(axis=0, dtype=np.float64)
        squares += np.square(per_channel).sum(axis=0, dtype=np.float64)
        zeros += int(images.size - np.count_nonzero(images))
        lows.append(images.min(axis=0))
        highs.append(images.max(axis=0))
    low, high = np.min(lows, axis=0), np.max(highs, axis=0)
    n = len(part) * low.size // channels
    mean = total / n
    deviation = np.sqrt(np.maximum(squares / n - mean**2, 0))
    idle, share = int((low == high).sum()), zeros / (n * channels)
    return PixelFacts(
        float(low.min()), float(high.max()), tuple(mean.tolist()), tuple(deviation.tolist()), share, idle, low.size
    )


def chunks(part: Part) -> Iterator[tuple[int, Floats32]]:
    """Yield the part's images in blocks, float32 `(k, h * w * c)`, each with the position of its first image."""
    step = _step(part.pictures.image[0])
    for start in range(0, len(part), step):
        images = part.take(np.arange(start, min(start + step, len(part))))
        yield start, images.reshape(len(images), -1).astype(np.float32)


def _step(shape: Sequence[int]) -> int:
    """Number of images of this shape that are processed at once."""
    return max(1, min(CHUNK, CHUNK_VALUES // math.prod(shape)))


# --- Duplicates --------------------------------------------------------------------------------------------------------

NEAR = 0.98
"""Lowest correlation of near duplicates."""

KEPT_PAIRS = 1000
MOST_CANDIDATES = 5_000_000
"""Pairs that are compared pixel by pixel before the search stops and is marked incomplete."""

LEAF, AXES, SAMPLE = 1024, 32, 5000
PLACES = 1024
"""Values per image for the projection; larger images are summed over blocks of pixels."""


@dataclass(frozen=True)
class ImageLocation:
    """An image: its part, its position there, and its origin (file name or index)."""

    part: str
    position: int
    source: str


@dataclass(frozen=True)
class ImagePair:
    """Two similar images. `same_label` is None where one belongs to the test part, whose labels are not read."""

    first: ImageLocation
    second: ImageLocation
    correlation: float
    same_label: bool | None


@dataclass(frozen=True)
class DuplicatePairs:
    """Duplicates of one kind, exact or near, within the training part and across parts.

    Attributes:
        pairs: most similar pairs, at most `KEPT_PAIRS`; an exact duplicate is paired with the first image that equals it.
        count: number of all pairs.
        affected: part -> number of its images with a duplicate in the training part (for "training": another one there).
            In "validation" and "test" this is leakage.
        conflicts: pairs outside the test part whose labels differ, at most `KEPT_PAIRS`.
        complete: False where the search stopped at `MOST_CANDIDATES`; the numbers are then lower bounds.
    """

    pairs: tuple[ImagePair, ...]
    count: int
    affected: dict[str, int]
    conflicts: tuple[ImagePair, ...]
    complete: bool = True


@dataclass(frozen=True)
class Duplicates:
    """Exact duplicates, near duplicates among images that differ, and the correlation that makes two images near."""

    exact: DuplicatePairs
    near: DuplicatePairs
    threshold: float


def duplicates(dataset: Dataset, *, threshold: float = NEAR, on_event: Callable[[str], None] | None = None) -> Duplicates:
    """Find the images that occur twice, within training or across parts.

    Near duplicates are searched for without missing any: with `z` an image's pixels, centred and of length 1, the correlation
    of two images is `1 - |z1 - z2|**2 / 2`, and a projection onto orthonormal axes never makes the distance larger. So pairs
    that are far apart on the first principal axes are ruled out by matrix products there, groups of images far apart are not
    compared at all, and what remains is measured on all pixels.

    Args:
        dataset: data set whose parts are compared.
        threshold: lowest correlation of near duplicates, in (0, 1).
        on_event: callback for lines about the progress of the search.

    Raises:
        DataError: the threshold is not in (0, 1).
    """
    if not 0 < threshold < 1:
        raise DataError(
            f"threshold = {threshold!r}: a correlation from which images are near duplicates must lie between 0 and 1."
        )
    from threadpoolctl import threadpool_limits

    everything = _AllImages(dataset)
    copies, firsts = _exact(everything)
    collection = _PairCollection(everything)
    collection.add(copies[:, 0], copies[:, 1], np.ones(len(copies), dtype=np.float32))
    with threadpool_limits(1):  # thousands of small products: threads would mostly wait, and next to other work, spin
        near = _near(everything, firsts, threshold, on_event)
    return Duplicates(collection.summary(), near, threshold)


class _AllImages:
    """All images of a data set under one numbering: training first, then validation, then test."""

    def __init__(self, dataset: Dataset) -> None:
        parts = {"training": dataset.train, "validation": dataset.validation, "test": dataset.test}
        self.parts = {name: part for name, part in parts.items() if part is not None}
        self.names = list(self.parts)
        self.starts = np.cumsum([0, *(len(part) for part in self.parts.values())])
        self.part = np.repeat(np.arange(len(self.parts)), np.diff(self.starts))
        unread = np.full(len(dataset.test) if dataset.test else 0, -1)
        self.labels = np.concatenate([dataset.train.labels, dataset.validation.labels, unread]).astype(np.int64)
        self.shape = dataset.image_shape
        self.step = _step(self.shape)

    def __len__(self) -> int:
        return int(self.starts[-1])

    def take(self, numbers: Int64Array) -> NDArray[np.generic]:
        """Gather the images of these ascending numbers, `(k, h, w, c)`."""
        bounds = np.searchsorted(numbers, self.starts)
        pieces = [
            part.take(numbers[bounds[i] : bounds[i + 1]] - self.starts[i])
            for i, part in enumerate(self.parts.values())
            if bounds[i] < bounds[i + 1]
        ]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def place(self, number: int) -> ImageLocation:
        name = self.names[self.part[number]]
        position = int(number - self.starts[self.part[number]])
        return ImageLocation(name, position, self.parts[name].source(position))

    def centred(self, numbers: Int64Array) -> Floats32:
        """Gather the images of ascending numbers as vectors of mean 0 and length 1, `(k, d)`; an image of one value stays 0."""
        vectors = self.take(numbers).reshape(len(numbers), -1).astype(np.float32)
        vectors -= vectors.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        vectors /= np.where(lengths > 1e-4, lengths, np.inf)[:, None]
        return vectors


class _PairCollection:
    """A collection of pairs: all are counted, the most similar kept."""

    def __init__(self, everything: _AllImages) -> None:
        self._all = everything
        self._in_training = np.zeros(len(everything), dtype=bool)
        self._count = 0
        self._best: list[tuple[float, int, int]] = []
        self._conflicts: list[tuple[float, int, int]] = []

    def add(self, a: Int64Array, b: Int64Array, correlation: Floats32) -> None:
        """Add pairs of numbers with a < b, each pair once."""
        training = self._all.part == 0
        self._in_training[b[training[a]]] = True
        self._in_training[a[training[b]]] = True
        self._count += len(a)
        labels = self._all.labels
        differ = (labels[a] != labels[b]) & (labels[a] >= 0) & (labels[b] >= 0)
        self._best = _most_alike(self._best, a, b, correlation)
        self._conflicts = _most_alike(self._conflicts, a[differ], b[differ], correlation[differ])

    def summary(self, *, complete: bool = True) -> DuplicatePairs:
        numbers = np.bincount(self._all.part, self._in_training, len(self._all.names)).astype(int).tolist()
        affected = dict(zip(self._all.names, numbers, strict=True))
        pairs, conflicts = (tuple(self._pair(*scored) for scored in chosen) for chosen in (self._best, self._conflicts))
        return DuplicatePairs(pairs, self._count, affected, conflicts, complete)

    def _pair(self, correlation: float, a: int, b: int) -> ImagePair:
        labels = self._all.labels[[a, b]]
        same = bool(labels[0] == labels[1]) if (labels >= 0).all() else None
        return ImagePair(self._all.place(a), self._all.place(b), correlation, same)


def _most_alike(best: list[tuple[float, int, int]], a: Int64Array, b: Int64Array, s: Floats32) -> list[tuple[float, int, int]]:
    order = np.argsort(-s, kind="stable")[:KEPT_PAIRS]
    both = best + list(zip(s[order].tolist(), a[order].tolist(), b[order].tolist(), strict=True))
    return sorted(both, key=lambda scored: (-scored[0], *scored[1:]))[:KEPT_PAIRS]


def _exact(everything: _AllImages) -> tuple[Int64Array, Int64Array]:
    """Find pairs (first, copy) `(k, 2)` of equal images, and the ascending numbers of all first images `(m,)`."""
    first: dict[bytes, int] = {}
    pairs: list[tuple[int, int]] = []
    for start in range(0, len(everything), everything.step):
        numbers = np.arange(start, min(start + everything.step, len(everything)))
        for number, image in zip(numbers.tolist(), everything.take(numbers), strict=True):
            earlier = first.setdefault(hashlib.blake2b(image.tobytes(), digest_size=16).digest(), number)
            if earlier != number:
                pairs.append((earlier, number))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(list(first.values()), dtype=np.int64)


def _near(
    everything: _AllImages, numbers: Int64Array, threshold: float, on_event: Callable[[str], None] | None
) -> DuplicatePairs:
    """Find near duplicates among the images of these numbers."""
    collection, waiting, compared, reported = _PairCollection(everything), [np.empty((0, 2), dtype=np.int64)], 0, 0.0
    for candidates, share in _candidates(_projected(everything, numbers), 2 * (1 - threshold)):
        if not compared < MOST_CANDIDATES:
            return collection.summary(complete=False)
        waiting.append(candidates)
        compared += len(candidates)
        if sum(map(len, waiting)) >= 8 * CHUNK:
            _verify(everything, numbers[np.concatenate(waiting)], threshold, collection)
            waiting = [candidates[:0]]
        if on_event and share > reported:
            on_event(f"looking for duplicates: {share:.0%}")
            reported = share
    _verify(everything, numbers[np.concatenate(waiting)], threshold, collection)
    return collection.summary()


def _verify(everything: _AllImages, pairs: Int64Array, threshold: float, collection: _PairCollection) -> None:
    pairs = np.sort(pairs, axis=1)
    for start in range(0, len(pairs), everything.step):
        some = pairs[start : start + everything.step]
        numbers, where = np.unique(some, return_inverse=True)
        vectors = everything.centred(numbers)
        a, b = where.reshape(some.shape).T
        correlation = np.einsum("ij,ij->i", vectors[a], vectors[b])
        near = correlation >= threshold
        collection.add(some[near, 0], some[near, 1], np.minimum(correlation[near], 1))


def _projected(everything: _AllImages, numbers: Int64Array) -> Floats32:
    """Project the centred images onto the principal axes of a sample of them, `(n, axes)`."""
    blocks = _blocks(everything.shape)
    pieces = [numbers[start : start + everything.step] for start in range(0, len(numbers), everything.step)]
    chosen = np.sort(np.random.default_rng(0).permutation(numbers)[:SAMPLE])
    sample = np.concatenate([blocks(everything.centred(piece)) for piece in np.array_split(chosen, len(pieces)) if len(piece)])
    middle = sample.mean(axis=0)
    axes: Floats32 = np.linalg.eigh((sample - middle).T @ (sample - middle))[1][:, : -AXES - 1 : -1]
    points: Floats32 = np.concatenate([(blocks(everything.centred(piece)) - middle) @ axes for piece in pieces])
    return points


def _blocks(shape: Sequence[int]) -> Callable[[Floats32], Floats32]:
    """A projection of vectors `(k, d)` of images of this shape: scaled sums over blocks of pixels, or the pixels if few."""
    h, w, c = shape
    side = 1
    while -(-h // side) * -(-w // side) * c > PLACES:
        side += 1
    rows, columns = np.arange(0, h, side), np.arange(0, w, side)
    area = np.outer(np.diff([*rows, h]), np.diff([*columns, w])).astype(np.float32)

    def summed(vectors: Floats32) -> Floats32:
        if side == 1:
            return vectors
        sums = np.add.reduceat(np.add.reduceat(vectors.reshape(-1, h, w, c), rows, axis=1), columns, axis=2)
        return np.asarray(sums / np.sqrt(area)[:, :, None], dtype=np.float32).reshape(len(vectors), -1)

    return summed


def _candidates(points: Floats32, squared: float) -> Iterator[tuple[Int64Array, float]]:
    """Find pairs of rows of `points` `(n, k)` whose squared distance is at most `squared`, two groups of rows at a time.

    Yields:
        Pairs `(m, 2)` and the share of the groups that were begun.
    """
    leaves = _leaves(points, np.arange(len(points)))
    low, high = (np.array([pick(points[leaf], axis=0) for leaf in leaves]) for pick in (np.min, np.max))
    lengths = np.einsum("ij,ij->i", points, points)
    ones = np.ones_like(lengths)
    # 2 a.b - |a|^2 - |b|^2 is minus the squared distance: one product, no further pass over the block
    left = [np.column_stack([2 * points[leaf], -lengths[leaf], ones[leaf]]) for leaf in leaves]
    right = [np.column_stack([points[leaf], ones[leaf], -lengths[leaf]]) for leaf in leaves]
    slack = 1e-5  # of float32 sums
    for i, leaf in enumerate(leaves):
        gaps = np.maximum(0, np.maximum(low[i] - high[i:], low[i:] - high[i]))
        for j in (i + np.flatnonzero((gaps**2).sum(axis=1) <= squared)).tolist():
            hits = np.flatnonzero(left[i] @ right[j].T >= -np.float32(squared + slack))
            a, b = np.divmod(hits, len(leaves[j]))
            once = a < b if j == i else slice(None)
            yield np.column_stack([leaf[a[once]], leaves[j][b[once]]]), (i + 1) / len(leaves)


def _leaves(points: Floats32, rows: Int64Array) -> list[Int64Array]:
    """Group the rows into neighbourhoods of at most `LEAF`, by repeated halving along the widest axis."""
    if len(rows) <= LEAF:
        return [rows]
    inside = points[rows]
    order = np.argpartition(inside[:, np.argmax(inside.var(axis=0))], len(rows) // 2)
    return _leaves(points, rows[order[: len(rows) // 2]]) + _leaves(points, rows[order[len(rows) // 2 :]])
