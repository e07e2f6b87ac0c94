"""The way of the training images to the device: at once, or in stretches where they are too many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset, Part
from seedbed.randomness import device_seed, generator, minibatch_order
from seedbed.specs import Plan
from seedbed.training.program import Exam, Feed
from seedbed.training.schedules import step_sizes

STRETCH_BYTES = 64 * 2**20
"""How many bytes of images a stretch holds; two are in memory at a time."""


class Stretch(NamedTuple):
    """Steps `start` to `stop - 1` of a feed, which are the epoch's steps `offset + start` to `offset + stop - 1`."""

    feed: Feed
    start: int
    stop: int
    offset: int


class Source(Protocol):
    """Where a job's minibatches come from."""

    shared: bool

    def stretches(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Stretch]:
        """The epoch's steps from `from_step` on; plans of the S x M members give the step sizes."""


class _Orders:
    """What both sources know: who comes when. The seeds of the blocks, the batch size, the steps of an epoch."""

    def __init__(self, seeds: Sequence[int], images: int, batch_size: int) -> None:
        self.seeds = seeds
        self.images = images
        self.batch_size = batch_size
        self.steps = -(-images // batch_size)
        self._draws = [device_seed(seed, "augmentation") for seed in seeds]

    def order(self, epoch: int) -> NDArray[np.int32]:
        """Rows of the training part, `(S, steps * batch size)`.

        The last minibatch is filled up with the epoch's first images: they weigh nothing, but batch normalisation sees them.
        """
        missing = self.steps * self.batch_size - self.images
        orders = [np.pad(minibatch_order(seed, epoch, self.images), (0, missing), mode="wrap") for seed in self.seeds]
        return np.stack(orders)

    def keys(self, epoch: int) -> NDArray[np.uint32]:
        return np.array([[draw, epoch] for draw in self._draws], np.uint32)


class Resident:
    """All training images lie on the device; an epoch is one stretch."""

    shared = True

    def __init__(self, part: Part, seeds: Sequence[int], batch_size: int) -> None:
        self._orders = _Orders(seeds, len(part), batch_size)
        self._images = jax.device_put(part.images)
        self._labels = jax.device_put(part.labels.astype(np.int32))

    def stretches(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Stretch]:
        orders = self._orders
        order = jax.device_put(orders.order(epoch))
        sizes = [step_sizes(block, epoch, orders.steps) for block in plans]
        rates, decays = (jnp.asarray(np.stack(part)) for part in zip(*sizes, strict=True))
        keys = jnp.asarray(orders.keys(epoch))
        real = jnp.int32(orders.images)
        feed = Feed(self._images, self._labels, order, real, rates, decays, keys, jnp.int32(0))
        yield Stretch(feed, from_step, orders.steps, 0)


class Streamed:
    """The training images stay in their file; a thread gathers the next stretch while the device trains on this one."""

    shared = False

    def __init__(self, part: Part, seeds: Sequence[int], batch_size: int) -> None:
        self._part = part
        self._orders = _Orders(seeds, len(part), batch_size)
        per_step = batch_size * len(seeds) * int(np.prod(part.store.shape[1:])) * part.store.dtype.itemsize
        self._steps = max(1, min(STRETCH_BYTES // per_step, self._orders.steps))

    def stretches(self, epoch: int, from_step: int, plans: Sequence[Sequence[Plan]]) -> Iterator[Stretch]:
        order = self._orders.order(epoch)
        sizes = [step_sizes(block, epoch, self._orders.steps) for block in plans]
        starts = list(range(from_step, self._orders.steps, self._steps))
        with ThreadPoolExecutor(1) as thread:
            ahead: Future[Stretch] = thread.submit(self._gather, epoch, order, sizes, starts[0])
            for following in [*starts[1:], None]:
                stretch = ahead.result()
                if following is not None:
                    ahead = thread.submit(self._gather, epoch, order, sizes, following)
                yield stretch

    def _gather(
        self,
        epoch: int,
        order: NDArray[np.int32],
        sizes: list[tuple[NDArray[np.float32], NDArray[np.float32]]],
        first: int,
    ) -> Stretch:
        size = self._orders.batch_size
        steps = min(self._steps, self._orders.steps - first)
        rows = np.zeros((len(order), self._steps * size), np.int64)
        rows[:, : steps * size] = order[:, first * size : (first + steps) * size]
        sized = [tuple(_cut(array, first, self._steps) for array in block) for block in sizes]
        rates, decays = (jnp.asarray(np.stack(part)) for part in zip(*sized, strict=True))
        feed = Feed(
            jax.device_put(np.stack([self._part.take(block) for block in rows])),
            jax.device_put(self._part.labels[rows].astype(np.int32)),
            jnp.broadcast_to(jnp.arange(rows.shape[1], dtype=jnp.int32), rows.shape),
            jnp.int32(min(self._orders.images - first * size, steps * size)),
            rates,
            decays,
            jnp.asarray(self._orders.keys(epoch)),
            jnp.int32(first),
        )
        return Stretch(feed, 0, steps, first)


def _cut(array: NDArray[np.float32], first: int, steps: int) -> NDArray[np.float32]:
    part = array[first : first + steps]
    return np.pad(part, ((0, steps - len(part)), (0, 0)))


def exam(dataset: Dataset, chunk: int) -> Exam:
    """The validation part and a fixed sample of the training part, as large where there are that many images."""
    size = len(dataset.validation)
    sample = generator(dataset.spec.split_seed, "sample").permutation(len(dataset.train))[:size]
    chunks = -(-size // chunk)
    chunk = -(-size // chunks)
    parts = [(dataset.train, np.sort(sample)), (dataset.validation, np.arange(size))]
    filled = [_chunks(part, rows, chunks, chunk) for part, rows in parts]
    return Exam(*(jax.device_put(np.stack(column)) for column in zip(*filled, strict=True)))


def _chunks(part: Part, rows: NDArray[np.int64], chunks: int, size: int) -> tuple[NDArray[np.generic], ...]:
    """Images, labels and weights `(chunks, size, ...)`; repeated first rows fill up the end and weigh 0."""
    weights = (np.arange(chunks * size) < len(rows)).astype(np.float32)
    padded = np.pad(rows, (0, chunks * size - len(rows)), constant_values=rows[0])
    images = part.take(padded)
    labels = part.labels[padded].astype(np.int32)
    return images.reshape(chunks, size, *images.shape[1:]), labels.reshape(chunks, size), weights.reshape(chunks, size)
