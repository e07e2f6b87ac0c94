"""Transfer of images to the device: all at once, or in chunks where memory is too small for all.

Chunks are read from the images' file, which workers share through the operating system's file cache; a thread gathers the next
chunk while the device works on the current one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol, TypeVar

import jax
import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset, Part
from seedbed.randomness import device_seed, generator, minibatch_order
from seedbed.specs import Plan
from seedbed.training import footprint
from seedbed.training.program import EvalSet, Feed
from seedbed.training.schedules import step_sizes

Piece = TypeVar("Piece")

ALIGNMENT = 64
"""Alignment that XLA needs to use an array without copying it (bytes)."""


class Chunk(NamedTuple):
    """Steps `start` to `stop - 1` of a feed, which are steps `offset + start` to `offset + stop - 1` of the epoch."""

    feed: Feed
    start: int
    stop: int
    offset: int


class Source(Protocol):
    """A source of minibatches.

    Attributes:
        shared: whether all blocks draw from the same array of images.
    """

    shared: bool

    def chunks(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Chunk]:
        """Yield the epoch's steps from `from_step` on.

        Args:
            epoch: number of the epoch, from 0.
            from_step: first step.
            plans: plans of the members, S x M, which determine the step sizes.
        """


class _Orders:
    """The order of the training images in each epoch, per block, and the keys of its random numbers.

    Args:
        room: number of images for which the arrays have room, if more; the program takes no step beyond those that there are.
    """

    def __init__(self, seeds: Sequence[int], images: int, batch_size: int, room: int = 0) -> None:
        self.seeds = seeds
        self.images = images
        self.batch_size = batch_size
        self.steps = -(-images // batch_size)
        self._room = max(self.steps, -(-room // batch_size))
        self._draws = [device_seed(seed, "augmentation") for seed in seeds]

    def order(self, epoch: int) -> NDArray[np.int32]:
        """Rows of the training part, `(S, steps with room * batch size)`.

        The last minibatch is padded with the epoch's first images; they have weight 0, but enter batch normalization.
        """
        rows = np.zeros((len(self.seeds), self._room * self.batch_size), np.int32)
        used = self.steps * self.batch_size
        for own, seed in zip(rows, self.seeds, strict=True):
            own[:used] = np.resize(minibatch_order(seed, epoch, self.images), used)
        return rows

    def step_sizes(self, plans: Sequence[Sequence[Plan]], epoch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rates and decays of all blocks in an epoch, each `(S, steps with room, M)`."""
        rates, decays = zip(*(step_sizes(block, epoch, self.steps) for block in plans), strict=True)
        return _cut(np.stack(rates), 0, self._room), _cut(np.stack(decays), 0, self._room)

    def keys(self, epoch: int) -> NDArray[np.uint32]:
        return np.array([[draw, epoch] for draw in self._draws], np.uint32)


class Resident:
    """A source with all training images on the device; an epoch is one chunk.

    What is small stays in host memory until a segment takes it: `device_put` took longer than a step on small images.

    Args:
        part: training images.
        seeds: seed of each block.
        batch_size: images per minibatch.
        room: number of images for which the arrays have room, if more than those of the part: programs depend on it. What
            is beyond the part is never read.
    """

    shared = True

    def __init__(self, part: Part, seeds: Sequence[int], batch_size: int, room: int = 0) -> None:
        room = max(room, len(part))
        self._orders = _Orders(seeds, len(part), batch_size, room)
        shape, dtype = part.pictures.image
        images = aligned((room, *shape), dtype)
        part.take(np.arange(len(part)), images[: len(part)])
        self._images = jax.device_put(images)
        self._labels = jax.device_put(np.pad(part.labels.astype(np.int32), (0, room - len(part))))

    def chunks(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Chunk]:
        orders = self._orders
        drawn: Any = (
            orders.order(epoch),
            np.int32(orders.images),
            *orders.step_sizes(plans, epoch),
            orders.keys(epoch),
            np.int32(0),
        )
        yield Chunk(Feed(self._images, self._labels, *drawn), from_step, orders.steps, 0)


class Streamed:
    """A source that reads the training images from their file, chunk by chunk."""

    shared = False

    def __init__(self, part: Part, seeds: Sequence[int], batch_size: int) -> None:
        self._part = part
        self._orders = _Orders(seeds, len(part), batch_size)
        per_step = batch_size * len(seeds) * part.nbytes // len(part)
        self._steps = max(1, min(footprint.PIECE_BYTES // per_step, self._orders.steps))

    def chunks(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Chunk]:
        order, sizes = self._orders.order(epoch), self._orders.step_sizes(plans, epoch)
        gather = partial(self._gather, epoch, order, sizes)
        yield from _ahead(gather, range(from_step, self._orders.steps, self._steps))

    def _gather(self, epoch: int, order: NDArray[np.int32], sizes: Sequence[NDArray[np.float32]], first: int) -> Chunk:
        size = self._orders.batch_size
        steps = min(self._steps, self._orders.steps - first)
        rows = np.zeros((len(order), self._steps * size), np.int64)
        rows[:, : steps * size] = order[:, first * size : (first + steps) * size]
        rates, decays = (_cut(array, first, self._steps) for array in sizes)
        gathered = (
            _gathered(self._part, rows),
            self._part.labels[rows].astype(np.int32),
            np.broadcast_to(np.arange(rows.shape[1], dtype=np.int32), rows.shape),
            np.int32(min(self._orders.images - first * size, steps * size)),
            rates,
            decays,
            self._orders.keys(epoch),
            np.int32(first),
        )
        return Chunk(Feed(*jax.device_put(gathered)), 0, steps, first)


def _cut(array: NDArray[np.float32], first: int, steps: int) -> NDArray[np.float32]:
    """Some steps of `(S, steps, M)`, padded with zeros."""
    part = array[:, first : first + steps]
    padded = np.zeros((len(array), steps, array.shape[2]), np.float32)
    padded[:, : part.shape[1]] = part
    return padded


class EvalPiece(NamedTuple):
    """A chunk of the evaluation images.

    Attributes:
        eval_set: the images.
        counts: number of images without padding, from the training sample and from the validation part.
    """

    eval_set: EvalSet
    counts: tuple[int, int]


class EvalBatches:
    """Images for the evaluation after each epoch: the validation part, and a fixed training sample of at most the same size.

    They stay on the device as one chunk, or are gathered from their file in chunks.

    Args:
        dataset: the data set.
        batch: largest number of images per evaluation batch.
    """

    def __init__(self, dataset: Dataset, batch: int) -> None:
        self._classes = len(dataset.classes)
        validation = len(dataset.validation)
        sample = generator(dataset.spec.split_seed, "sample").permutation(len(dataset.train))[:validation]
        self._parts = [(dataset.train, np.sort(sample)), (dataset.validation, np.arange(validation))]
        size = dataset.room.validation if dataset.room else validation
        batches = -(-size // batch)
        self._batch = -(-size // batches)
        fitting = max(1, footprint.PIECE_BYTES * validation // (2 * dataset.validation.nbytes * self._batch))
        self._batches = -(-batches // -(-batches // fitting))
        self._sampled = min(self._batches, -(-len(sample) // self._batch))
        self._starts = range(0, batches, self._batches)
        self._kept = [self._gather(0)] if len(self._starts) == 1 else []

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Number of images of each class in the training sample and in the validation part, `(2, C)`."""
        return np.stack([np.bincount(part.labels[rows], minlength=self._classes) for part, rows in self._parts])

    @property
    def predictions(self) -> int:
        """Number of predictions per evaluation: one for each validation image, and for each that pads the last chunk."""
        return len(self._starts) * self._batches * self._batch

    @property
    def shapes(self) -> EvalSet:
        """Shapes and dtypes of each chunk."""
        shape, dtype = self._parts[1][0].pictures.image
        sample, part = ((batches, self._batch) for batches in (self._sampled, self._batches))
        both = (self._sampled + self._batches, self._batch)

        def of(shape: tuple[int, ...], kind: Any) -> Any:
            return jax.ShapeDtypeStruct(shape, kind)  # type: ignore[no-untyped-call]

        return EvalSet(of((*both, *shape), dtype), of(both, np.int32), (of(sample, np.float32), of(part, np.float32)))

    @cached_property
    def glimpse(self) -> EvalSet:
        """One batch of the training sample, and one of the validation part."""
        whole = (self._kept[0] if self._kept else self._gather(0)).eval_set
        images, labels = (jax.device_put(np.stack([part[0], part[self._sampled]])) for part in whole[:2])
        sampled, judged = whole.weights
        return EvalSet(images, labels, (sampled[:1], judged[:1]))

    def __iter__(self) -> Iterator[EvalPiece]:
        return iter(self._kept) if self._kept else _ahead(self._gather, self._starts)

    def _gather(self, first: int) -> EvalPiece:
        shape, dtype = self._parts[1][0].pictures.image
        sizes = [batches * self._batch for batches in (self._sampled, self._batches)]
        images, labels = aligned((sum(sizes), *shape), dtype), np.empty(sum(sizes), np.int32)
        weights: list[Any] = []
        counts, at = [], 0
        for (part, rows), size in zip(self._parts, sizes, strict=True):
            own = rows[first * self._batch :][:size]
            some = own if len(own) else rows[:1]
            padded = np.pad(some, (0, size - len(some)), constant_values=some[0])
            part.take(padded, images[at : at + size])
            labels[at : at + size] = part.labels[padded]
            weights.append((np.arange(size) < len(own)).astype(np.float32).reshape(-1, self._batch))
            counts.append(len(own))
            at += size
        put = jax.device_put
        batched = put(images.reshape(-1, self._batch, *shape)), put(labels.reshape(-1, self._batch))
        return EvalPiece(EvalSet(*batched, (put(weights[0]), put(weights[1]))), (counts[0], counts[1]))


def _ahead(gather: Callable[[int], Piece], starts: Sequence[int]) -> Iterator[Piece]:
    """Yield the chunks that start at these positions; a thread gathers the next one in the meantime."""
    with ThreadPoolExecutor(1) as thread:
        ahead: Future[Piece] = thread.submit(gather, starts[0])
        for following in [*starts[1:], None]:
            piece = ahead.result()
            if following is not None:
                ahead = thread.submit(gather, following)
            yield piece


def _gathered(part: Part, positions: NDArray[np.int64]) -> NDArray[Any]:
    """Images at these positions, `(*positions.shape, h, w, c)`, aligned so that XLA uses them without a copy."""
    shape, dtype = part.pictures.image
    images = aligned((positions.size, *shape), dtype)
    part.take(positions.ravel(), images)
    return images.reshape(*positions.shape, *shape)


def aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Empty array whose address is a multiple of `ALIGNMENT`."""
    size = math.prod(shape) * dtype.itemsize
    buffer = np.empty(size + ALIGNMENT, np.uint8)
    start = -buffer.ctypes.data % ALIGNMENT
    return buffer[start : start + size].view(dtype).reshape(shape)
