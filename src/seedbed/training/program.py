"""The compiled part of training: `run_segment` and what an epoch's end needs.

A program belongs to a population's signature, the static part of the plan and the number of blocks. Everything that may
differ between members or runs goes in as data: orders, step sizes, penalties, masks, and the bounds of a segment, so that
one compilation serves segments of every length.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kinds import AUGMENTATIONS
from seedbed.models.protocol import Batch, Knobs, Params, Population, State, image_losses
from seedbed.specs import Plan
from seedbed.training.optimizers import Slots, Strides, last_gradient, update


class Carry(NamedTuple):
    """What training changes; every leaf has a leading axis for the blocks."""

    params: Params
    state: State
    slots: Slots


class Best(NamedTuple):
    """Each member's best epoch so far: its parameters, its state and its logits `(M, C, n)` of the validation images."""

    params: Params
    state: State
    logits: Array


class Settings(NamedTuple):
    """Numbers that may differ between members, each `(S, M)`."""

    knobs: Knobs
    momentum: Array
    alive: Array


class Feed(NamedTuple):
    """The training images of a stretch of steps.

    Attributes:
        images: `(n, h, w, c)` as stored, or `(S, n, h, w, c)` where every block has its own.
        labels: `(n,)` int32, or `(S, n)`.
        order: rows of `images` in the order of the steps, `(S, steps * batch size)` int32; any row fills up the end.
        real: how many of them are real.
        rates, decays: `(S, steps, M)` from `schedules.step_sizes`.
        keys: `(S, 2)` uint32: from which dropout and augmentation draw, changed with the epoch.
        first: the number of the first step of the order within its epoch.
    """

    images: Array
    labels: Array
    order: Array
    real: Array
    rates: Array
    decays: Array
    keys: Array
    first: Array


class Exam(NamedTuple):
    """Images on which an epoch's figures are measured: of a sample of the training part, and of the validation part.

    Attributes:
        images: `(chunks, E, h, w, c)` as stored, first those of the sample.
        labels: `(chunks, E)`.
        weights: of the sample and of the validation part, each `(its chunks, E)`; 0 marks a row that fills up a chunk.
    """

    images: Array
    labels: Array
    weights: tuple[Array, Array]


class Figures(NamedTuple):
    """What an exam gave, each `(S, M)` but for the logits: index 0 is the training sample, 1 the validation part.

    Attributes:
        losses, accuracies: `(2, S, M)`.
        penalties: `(S, M)`.
        logits: of the validation images, `(S, M, C, chunks * E)`.
        probes: `saturation/layer` on the training sample and `weights/layer`, the norm of a layer's kernel, `(S, M)`.
    """

    losses: Array
    accuracies: Array
    penalties: Array
    logits: Array
    probes: dict[str, Array]


def compiled_anew(_: Hashable, compile_it: Callable[[], Any]) -> Any:
    """For programs that are kept in memory alone."""
    return compile_it()


class Program:
    """Compiled functions for populations of one signature.

    Args:
        population: any population of the signature; only its mathematics is used.
        plan: any plan with the right static part.
        blocks: how many seeds train abreast.
        scale: the net sees images divided by this.
        shared: whether all blocks draw from the same images.
        compiled: finds a function by name and shapes, or has it compiled.
    """

    def __init__(
        self,
        population: Population,
        plan: Plan,
        blocks: int,
        scale: float,
        *,
        shared: bool = True,
        compiled: Callable[[Hashable, Callable[[], Any]], Any] = compiled_anew,
    ) -> None:
        self._population = population
        self._plan = plan
        self._scale = scale
        images = None if shared else 0
        feed: Any = Feed(images, images, 0, None, 0, 0, 0, None)  # type: ignore[arg-type]
        self._segment = jax.jit(_over_blocks(self._segment_of_block, blocks, (0, feed, 0, None, None)), donate_argnums=0)
        self._exam = jax.jit(_over_blocks(self._exam_of_block, blocks, (0, 0, 0, None)))
        self._better = jax.jit(_over_blocks(self._best_of_block, blocks, (0, 0, 0)), donate_argnums=0)
        self._norms = jax.jit(_over_blocks(self._norms_of_block, blocks, (0, 0, 0, 0)))
        self._find = compiled
        self._compiled: dict[Hashable, Any] = {}
        self.compile_seconds = 0.0

    def prepare(self, carry: Carry, best: Best, feed: Feed, settings: Settings, exam: Exam) -> None:
        """Compiles all that an epoch takes before its first step, so that whoever shares the programs finds all of them.

        Args:
            exam: a sheet, or its shapes.
        """
        self._ready("segment", self._segment, carry, feed, settings, jnp.int32(0), jnp.int32(0))
        self._ready("exam", self._exam, carry.params, carry.state, settings.knobs, exam)
        self._ready("norms", self._norms, carry, carry, feed.rates[:, 0], settings.momentum)
        self._ready("best", self._better, best, best, settings.alive)

    def run_segment(self, carry: Carry, feed: Feed, settings: Settings, start: int, stop: int) -> Carry:
        """Takes the steps `start` to `stop - 1` of the feed; pure but for the donated carry."""
        bounds = (jnp.int32(start), jnp.int32(stop))
        result: Carry = self._call("segment", self._segment, carry, feed, settings, *bounds)
        return result

    def examine(self, carry: Carry, settings: Settings, exam: Exam) -> Figures:
        """Figures of all members, without dropout."""
        figures: Figures = self._call("exam", self._exam, carry.params, carry.state, settings.knobs, exam)
        losses, accuracies = (jnp.moveaxis(part, 1, 0) for part in (figures.losses, figures.accuracies))
        return figures._replace(losses=losses, accuracies=accuracies)

    def keep_best(self, best: Best, now: Best, better: Array) -> Best:
        """The new networks where `better` `(S, M)` says so, the old ones elsewhere."""
        kept: Best = self._call("best", self._better, best, now, better)
        return kept

    def norms(self, before: Carry, after: Carry, rates: Array, momentum: Array) -> dict[str, Array]:
        """`gradient/layer`: the norm of the last step's gradient; `update/layer`: its change over the kernel's norm."""
        norms: dict[str, Array] = self._call("norms", self._norms, before, after, rates, momentum)
        return norms

    def _call(self, name: str, function: Any, *arguments: Any) -> Any:
        return self._ready(name, function, *arguments)(*arguments)

    def _ready(self, name: str, function: Any, *arguments: Any) -> Any:
        """The function compiled for arguments of these shapes; the seconds that it takes the first time are counted."""
        leaves, tree = jax.tree.flatten(arguments)
        key = (name, tuple((leaf.shape, leaf.dtype) for leaf in leaves))
        if key not in self._compiled:
            started = time.perf_counter()
            self._compiled[key] = self._find(
                (*key, tree, _wanted(name)), lambda: function.lower(*arguments).compile(compiler_options=_options(name))
            )
            self.compile_seconds += time.perf_counter() - started
        return self._compiled[key]

    def _segment_of_block(self, carry: Carry, feed: Feed, settings: Settings, start: Array, stop: Array) -> Carry:
        size = self._plan.batch_size
        spread = self._population.spread
        kernels = self._population.kernels(carry.params)
        momentum, alive = (spread(values, carry.params) for values in (settings.momentum, settings.alive))

        def step(number: Array, carry: Carry) -> Carry:
            batch, key = self._minibatch(feed, number, size)
            params, state, slots = carry
            gradients, new_state = self._population.gradients(params, state, batch, settings.knobs, key)
            strides = Strides(spread(feed.rates[number], params), spread(feed.decays[number], params), momentum, alive)
            params, slots = update(self._plan.optimizer, params, gradients, slots, strides, kernels)
            return Carry(params, self._kept(settings.alive, new_state, state), slots)

        trained: Carry = jax.lax.fori_loop(start, stop, step, carry)
        return trained

    def _kept(self, alive: Array, new: State, old: State) -> State:
        """A frozen member keeps its state."""
        return jax.tree.map(lambda n, o: jnp.where(alive.reshape(-1, *(1,) * (n.ndim - 1)), n, o), new, old)

    def _minibatch(self, feed: Feed, number: Array, size: int) -> tuple[Batch, Array]:
        rows = jax.lax.dynamic_slice_in_dim(feed.order, number * size, size)
        weights = (number * size + jnp.arange(size) < feed.real).astype(jnp.float32)
        draws = jax.random.fold_in(jax.random.wrap_key_data(feed.keys), feed.first + number)
        images = self._seen(feed.images.at[rows].get(mode="promise_in_bounds"))
        images = AUGMENTATIONS[self._plan.augment].function(images, jax.random.fold_in(draws, 0))
        labels = feed.labels.at[rows].get(mode="promise_in_bounds")
        return Batch(images, labels, weights), jax.random.fold_in(draws, 1)

    def _seen(self, images: Array) -> Array:
        seen: Array = images.astype(jnp.float32) * jnp.float32(1 / self._scale)
        return seen

    def _exam_of_block(self, params: Params, state: State, knobs: Knobs, exam: Exam) -> Figures:
        def chunk(images: Array, labels: Array, weights: Array) -> tuple[Array, Array, Array, dict[str, Array]]:
            logits, _, probes = self._population.apply(params, state, self._seen(images), knobs, None)
            losses = jnp.sum(image_losses(logits, labels) * weights, axis=-1)
            hits = jnp.sum(jnp.where(jnp.argmax(logits, axis=1) == labels, weights, 0.0), axis=-1)
            return losses, hits, logits, probes

        pieces = (exam.images, exam.labels, jnp.concatenate(exam.weights))
        losses, hits, logits, probes = jax.lax.map(lambda piece: chunk(*piece), pieces)
        sampled = len(exam.weights[0])

        def means(sums: Array) -> Array:
            parts = zip((sums[:sampled], sums[sampled:]), exam.weights, strict=True)
            return jnp.stack([jnp.sum(part, axis=0) / jnp.sum(weights) for part, weights in parts])

        penalty = self._population.penalty(params, knobs)
        weights = {f"weights/{name}": jnp.sqrt(squares) for name, squares in penalty.squares.items()}
        real = jnp.sum(exam.weights[0], axis=1, keepdims=True)  # a chunk that only fills up the sample counts for nothing
        measured = {name: jnp.sum(values[:sampled] * (real / jnp.sum(real)), axis=0) for name, values in probes.items()}
        return Figures(
            means(losses),
            means(hits),
            penalty.whole,
            jnp.moveaxis(logits[sampled:], 0, 2).reshape(*logits.shape[1:3], -1),
            measured | weights,
        )

    def _best_of_block(self, best: Best, now: Best, better: Array) -> Best:
        mask = self._population.spread(better, best.params)
        params = jax.tree.map(jnp.where, mask, now.params, best.params)
        logits = jnp.where(better[:, None, None], now.logits, best.logits)
        return Best(params, self._kept(better, now.state, best.state), logits)

    def _norms_of_block(self, before: Carry, after: Carry, rates: Array, momentum: Array) -> dict[str, Array]:
        squares, spread = self._population.squares, self._population.spread
        spreads = (spread(rates, before.params), spread(momentum, before.params))
        around = ((before.params, before.slots), (after.params, after.slots))
        gradient = last_gradient(self._plan.optimizer, *around, *spreads)
        change = jax.tree.map(jnp.subtract, after.params, before.params)
        norms = {name: jnp.sqrt(sums) for name, sums in squares([gradient, change, before.params]).items()}
        gradients = {f"gradient/{name}": gradient for name, (gradient, _, _) in norms.items()}
        return gradients | {f"update/{name}": change / size for name, (_, change, size) in norms.items()}


OPTIONS: dict[str, dict[str, str | bool]] = {
    "cpu": {"xla_backend_optimization_level": "1"},
    "gpu": {"xla_gpu_enable_triton_gemm": False},
}
"""How XLA compiles on each kind of device (docs/log.md has the times).

On a CPU LLVM optimizes less: programs are as fast, and compiled in three quarters of the time. On a GPU matrix products come
from cuBLAS alone: to try XLA's own ones for every product takes half a minute, and gains nothing."""
ONCE_AN_EPOCH: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}
"""On a CPU also, for whatever is not a step of training: loops written in XLA's older way. They compile faster, but many stay
scalar, an optimizer's above all."""


def _wanted(name: str) -> dict[str, str | bool]:
    """The options for a function on this process's device."""
    device = jax.default_backend()
    return OPTIONS.get(device, {}) | (ONCE_AN_EPOCH if device == "cpu" and name != "segment" else {})


def _options(name: str) -> dict[str, str | bool]:
    """Those that are wanted; a release of JAX that does not know them compiles as it likes."""
    options = _wanted(name)
    return options if _known(tuple(options.items())) else {}


@cache
def _known(options: tuple[tuple[str, str | bool], ...]) -> bool:
    try:
        jax.jit(jnp.negative).lower(jnp.zeros(())).compile(compiler_options=dict(options))
    except jax.errors.JaxRuntimeError:
        return False
    return True


def together(parts: Sequence[Figures], counts: Sequence[tuple[int, int]]) -> Figures:
    """The figures of a whole exam, from those of its sheets.

    Args:
        counts: of the images that count in each sheet: of the training sample, and of the validation part.
    """
    if len(parts) == 1:
        return parts[0]
    weights = np.array(counts, np.float64).T
    weights /= weights.sum(axis=1, keepdims=True)

    def mean(values: Sequence[Array], weights: NDArray[np.float64]) -> Array:
        terms = [weight * np.asarray(value, np.float64) for value, weight in zip(values, weights, strict=True) if weight]
        return jnp.asarray(np.sum(terms, axis=0), jnp.float32)

    def of_both(values: Sequence[Array]) -> Array:
        return jnp.stack([mean([value[number] for value in values], weights[number]) for number in range(2)])

    return Figures(
        of_both([part.losses for part in parts]),
        of_both([part.accuracies for part in parts]),
        parts[0].penalties,
        jnp.concatenate([part.logits for part in parts], axis=-1),
        {name: mean([part.probes[name] for part in parts], weights[0]) for name in parts[0].probes},
    )


def _over_blocks(function: Callable[..., Any], blocks: int, axes: tuple[Any, ...]) -> Callable[..., Any]:
    """The function of one block for all blocks abreast; a lone block goes without the axis, which costs nothing."""
    if blocks > 1:
        return jax.vmap(function, in_axes=axes)

    def alone(*arguments: Any) -> Any:
        squeezed = [_dropped(argument, axis) for argument, axis in zip(arguments, axes, strict=True)]
        return jax.tree.map(lambda leaf: leaf[None], function(*squeezed))

    return alone


def _dropped(argument: Any, axis: Any) -> Any:
    if axis is None:
        return argument
    if isinstance(axis, tuple):
        return type(argument)(*(_dropped(part, its) for part, its in zip(argument, axis, strict=True)))
    return jax.tree.map(lambda leaf: leaf[0], argument)
