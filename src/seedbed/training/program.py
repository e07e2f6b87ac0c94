"""The compiled functions of training: a segment of steps, and the evaluation at an epoch's end.

A program depends on a population's signature, the static part of the plan and the number of blocks. Everything that may differ
between members or runs is an argument: orders, step sizes, penalties, masks, and the bounds of a segment, so that segments of
any length need one compilation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kernels.steps import StepValues
from seedbed.kernels.sums import add_scores
from seedbed.kinds import AUGMENTATIONS
from seedbed.models.protocol import Batch, Hyperparameters, Params, Population, State, image_losses
from seedbed.records import Normalization
from seedbed.specs import Plan
from seedbed.training.optimizers import OptimizerState, last_gradient, step_of


class TrainState(NamedTuple):
    """The state that training changes; every leaf has a leading axis for the blocks."""

    params: Params
    state: State
    slots: OptimizerState


class Best(NamedTuple):
    """Each member's best epoch so far: parameters, state, and logits of the validation images `(M, C, n)`."""

    params: Params
    state: State
    logits: Array


class MemberSettings(NamedTuple):
    """Values that may differ between members, each `(S, M)`."""

    hyper: Hyperparameters
    momentum: Array
    alive: Array

    @property
    def computed(self) -> Hyperparameters:
        """The hyperparameters, which say whose networks need to be computed."""
        return self.hyper._replace(alive=self.alive)


class Feed(NamedTuple):
    """The training images of a chunk of steps.

    Attributes:
        images: images as stored, `(n, h, w, c)`, or `(S, n, h, w, c)` where each block has its own.
        labels: classes, `(n,)` int32, or `(S, n)`.
        order: rows of `images` in the order of the steps, padded at the end, `(S, steps * batch size)` int32.
        real: number of rows per block without padding.
        rates, decays: step sizes from `schedules.step_sizes`, `(S, steps, M)`.
        keys: keys of dropout and augmentation, different in each epoch, `(S, 2)` uint32.
        first: number of the order's first step within its epoch.
    """

    images: Array
    labels: Array
    order: Array
    real: Array
    rates: Array
    decays: Array
    keys: Array
    first: Array


class EvalSet(NamedTuple):
    """Images on which an epoch's metrics are measured: a sample of the training part, then the validation part.

    Attributes:
        images: images as stored, `(batches, E, h, w, c)`.
        labels: classes, `(batches, E)`.
        weights: weights of the sample and of the validation part, each `(its batches, E)`; 0 for a row that pads a batch.
    """

    images: Array
    labels: Array
    weights: tuple[Array, Array]


class EvalMetrics(NamedTuple):
    """Metrics of an evaluation.

    Attributes:
        losses, accuracies: means over the training sample (index 0) and the validation part (index 1), `(2, S, M)`.
        penalties: penalties, `(S, M)`.
        of_classes: right images, predictions, and sum of the losses of each class, on both parts, `(2, S, M, 3, C)`.
        logits: logits of the validation images, `(S, M, C, batches * E)`.
        probes: `saturation/layer` on the training sample and `weights/layer`, the norm of a layer's kernel, `(S, M)`.
    """

    losses: Array
    accuracies: Array
    penalties: Array
    of_classes: Array
    logits: Array
    probes: dict[str, Array]


def compile_always(_: Hashable, compile_it: Callable[[], Any]) -> Any:
    """Compile without a cache on disk."""
    return compile_it()


class Program:
    """Compiled functions for populations of one signature.

    Args:
        population: any population with the signature; only its mathematics is used.
        plan: any plan with the static part.
        blocks: number of blocks that train at once.
        normalization: what the networks get of stored images.
        shared: whether all blocks draw from the same array of images.
        compiled: cache of compiled functions: takes a key, and a function that compiles.
    """

    def __init__(
        self,
        population: Population,
        plan: Plan,
        blocks: int,
        normalization: Normalization,
        *,
        shared: bool = True,
        compiled: Callable[[Hashable, Callable[[], Any]], Any] = compile_always,
    ) -> None:
        self._population = population
        self._plan = plan
        self._normalization = normalization
        images = None if shared else 0
        feed: Any = Feed(images, images, 0, None, 0, 0, 0, None)  # type: ignore[arg-type]
        self._segment = jax.jit(_over_blocks(self._segment_of_block, blocks, (0, feed, 0, None, None)), donate_argnums=0)
        self._evaluate = jax.jit(_parts_first(_over_blocks(self._evaluation_of_block, blocks, (0, 0, 0, None))))
        self._better = jax.jit(_over_blocks(self._best_of_block, blocks, (0, 0, 0)), donate_argnums=0)
        self._find = compiled
        self._older = _by_older_emitters(population, plan)
        self._compiled: dict[Hashable, Any] = {}
        self._compiling: dict[Hashable, Future[Any]] = {}
        self.compile_seconds = 0.0

    def prepare(self, train_state: TrainState, best: Best, feed: Feed, settings: MemberSettings, eval_set: EvalSet) -> None:
        """Compile all functions before an epoch's first step, so that other workers find all of them in the cache.

        Without a cache they are compiled in threads, and each is waited for when it is first called.

        Args:
            train_state, best, feed, settings: arguments of the functions.
            eval_set: a chunk of the evaluation, or its shapes.
        """
        wanted: list[tuple[str, Any, tuple[Any, ...]]] = [
            ("segment", self._segment, (train_state, feed, settings, np.int32(0), np.int32(0))),
            ("evaluation", self._evaluate, (train_state.params, train_state.state, settings.computed, eval_set)),
            ("best", self._better, (best, best, settings.alive)),
        ]
        if self._find is compile_always:
            self._compile_side_by_side(wanted)
        else:
            for name, function, arguments in wanted:
                self._ready(name, function, *arguments)

    def _compile_side_by_side(self, wanted: Sequence[tuple[str, Any, tuple[Any, ...]]]) -> None:
        """Trace the functions that are not compiled yet, and let threads compile them, each until it is first called."""
        known = self._compiled.keys() | self._compiling.keys()
        missing = {key: each for each in wanted if (key := _key(each[0], each[2])) not in known}
        if not missing:
            return
        started, threads = time.perf_counter(), ThreadPoolExecutor(COMPILERS)
        for key, (name, function, arguments) in missing.items():
            lowered = function.lower(*arguments)
            self._compiling[key] = threads.submit(compiled, lowered, _options(older=name in self._older))
        threads.shutdown(wait=False)
        self.compile_seconds += time.perf_counter() - started

    def run_segment(
        self, train_state: TrainState, feed: Feed, settings: MemberSettings, start: int, stop: int
    ) -> tuple[TrainState, dict[str, Array]]:
        """Take steps `start` to `stop - 1` of the feed; the buffers of `train_state` are donated.

        Returns:
            The state after them.
            Norms of the last of them, each `(S, M)`: `gradient/layer`, and `update/layer`, the change relative to the kernel's
            norm.
        """
        arguments = (train_state, feed, settings, np.int32(start), np.int32(stop))
        return cast("tuple[TrainState, dict[str, Array]]", self._call("segment", self._segment, *arguments))

    def evaluate(self, train_state: TrainState, settings: MemberSettings, eval_set: EvalSet) -> EvalMetrics:
        """Evaluate all members, without dropout."""
        arguments = (train_state.params, train_state.state, settings.computed, eval_set)
        return cast("EvalMetrics", self._call("evaluation", self._evaluate, *arguments))

    def keep_best(self, best: Best, now: Best, better: NDArray[np.bool_]) -> Best:
        """Replace the best networks by the current ones where `better` `(S, M)` is True."""
        return cast("Best", self._call("best", self._better, best, now, better))

    def _call(self, name: str, function: Any, *arguments: Any) -> Any:
        return self._ready(name, function, *arguments)(*arguments)

    def _ready(self, name: str, function: Any, *arguments: Any) -> Any:
        """The function compiled for arguments of these shapes; adds the compilation time to `compile_seconds`."""
        key = _key(name, arguments)
        if key not in self._compiled:
            started = time.perf_counter()
            compiling = self._compiling.pop(key, None)
            self._compiled[key] = compiling.result() if compiling else self._compile(name, function, arguments)
            self.compile_seconds += time.perf_counter() - started
        return self._compiled[key]

    def _compile(self, name: str, function: Any, arguments: tuple[Any, ...]) -> Any:
        wanted = _options(older=name in self._older)
        key = (*_key(name, arguments), jax.tree.structure(arguments), wanted)
        return self._find(key, lambda: compiled(function.lower(*arguments), wanted))

    def _segment_of_block(
        self, train_state: TrainState, feed: Feed, settings: MemberSettings, start: Array, stop: Array
    ) -> tuple[TrainState, dict[str, Array]]:
        size, population, hyper = self._plan.batch_size, self._population, settings.computed
        alive = population.broadcast(settings.alive, train_state.params)
        values = StepValues(settings.momentum, hyper.l1, hyper.l2, settings.alive)
        take_step = step_of(population, self._plan.optimizer, train_state.params, values)

        def step(number: Array, train_state: TrainState) -> TrainState:
            batch, key = self._minibatch(feed, number, size)
            params, state, slots = train_state
            gradients, new_state = population.gradients(params, state, batch, hyper, key)
            params, slots = take_step(params, gradients, slots, feed.rates[number], feed.decays[number])
            params = population.constrained(params, alive)
            return TrainState(params, self._kept(settings.alive, new_state, state), slots)

        last = jnp.maximum(start, stop - 1)

        def part(number: Array, around: tuple[TrainState, TrainState]) -> tuple[TrainState, TrainState]:
            """All steps but the last, then that one: a step is compiled once, and its start is kept for its norms."""
            first, end = jnp.where(number == 0, start, last), jnp.where(number == 0, last, stop)
            return around[1], jax.lax.fori_loop(first, end, step, around[1])

        before, after = jax.lax.fori_loop(0, 2, part, (train_state, train_state))
        return after, self._norms(before, after, feed.rates[last], settings.momentum)

    def _kept(self, alive: Array, new: State, old: State) -> State:
        """The new state, but the old one for frozen members."""
        return jax.tree.map(lambda n, o: jnp.where(alive.reshape(-1, *(1,) * (n.ndim - 1)), n, o), new, old)

    def _minibatch(self, feed: Feed, number: Array, size: int) -> tuple[Batch, Array]:
        rows = jax.lax.dynamic_slice_in_dim(feed.order, number * size, size)
        weights = (number * size + jnp.arange(size) < feed.real).astype(jnp.float32)
        draws = jax.random.fold_in(jax.random.wrap_key_data(feed.keys), feed.first + number)
        images = self._seen(feed.images.at[rows].get(mode="promise_in_bounds"))
        images = AUGMENTATIONS[self._plan.augment].function(images, jax.random.fold_in(draws, 0))
        labels = feed.labels.at[rows].get(mode="promise_in_bounds")
        return Batch(self._fed(images), labels, weights), jax.random.fold_in(draws, 1)

    def _seen(self, images: Array) -> Array:
        scaled: Array = images.astype(jnp.float32) * jnp.float32(1 / self._normalization.scale)
        return scaled

    def _fed(self, images: Array) -> Array:
        """What the networks take of images that are divided by the scale."""
        if self._population.raw_pixels:
            stored: Array = images * jnp.float32(self._normalization.scale)
            return stored
        if not self._normalization.centres:
            return images
        mean, deviation = (
            jnp.array(values, jnp.float32) for values in (self._normalization.mean, self._normalization.deviation)
        )
        return (images - mean) * (1 / deviation)

    def _evaluation_of_block(self, params: Params, state: State, hyper: Hyperparameters, eval_set: EvalSet) -> EvalMetrics:
        lanes, (sampled, judged) = self._population.lanes, map(len, eval_set.weights)

        def batch(sums: Array, piece: tuple[Array, Array, Array, Array]) -> tuple[Array, tuple[Array, dict[str, Array]]]:
            part, images, labels, weights = piece
            logits, _, probes = self._population.apply(params, state, self._fed(self._seen(images)), hyper, None)
            if lanes:
                return add_scores(sums, part, logits, labels, weights, lanes), (logits, probes)
            return sums.at[part].add(_scores(logits, labels, weights)), (logits, probes)

        parts = jnp.asarray(np.repeat(np.arange(2, dtype=np.int32), [sampled, judged]))
        pieces = (parts, eval_set.images, eval_set.labels, jnp.concatenate(eval_set.weights))
        nothing = jnp.zeros((2, len(self._population.specs), 3, self._population.classes), jnp.float32)
        of_classes, (logits, probes) = jax.lax.scan(batch, nothing, pieces)
        hits, _, losses = jnp.moveaxis(jnp.sum(of_classes, axis=-1), 2, 0)
        counts = jnp.stack([jnp.sum(weights) for weights in eval_set.weights])[:, None]
        penalty = self._population.penalty(params, hyper)
        weights = {f"weights/{name}": jnp.sqrt(squares) for name, squares in penalty.squares.items()}
        real = jnp.sum(eval_set.weights[0], axis=1, keepdims=True)  # a batch of padding has weight 0
        measured = {name: jnp.sum(values[:sampled] * (real / jnp.sum(real)), axis=0) for name, values in probes.items()}
        return EvalMetrics(
            losses / counts,
            hits / counts,
            penalty.whole,
            of_classes,
            jnp.moveaxis(logits[sampled:], 0, 2).reshape(*logits.shape[1:3], -1),
            measured | weights,
        )

    def _best_of_block(self, best: Best, now: Best, better: Array) -> Best:
        mask = self._population.broadcast(better, best.params)
        params = jax.tree.map(jnp.where, mask, now.params, best.params)
        logits = jnp.where(better[:, None, None], now.logits, best.logits)
        return Best(params, self._kept(better, now.state, best.state), logits)

    def _norms(self, before: TrainState, after: TrainState, rates: Array, momentum: Array) -> dict[str, Array]:
        """Norms of a step from what it changed."""
        squares, broadcast = self._population.squares, self._population.broadcast
        broadcasts = (broadcast(rates, before.params), broadcast(momentum, before.params))
        around = ((before.params, before.slots), (after.params, after.slots))
        gradient = last_gradient(self._plan.optimizer, *around, *broadcasts)
        change = jax.tree.map(jnp.subtract, after.params, before.params)
        norms = {name: jnp.sqrt(sums) for name, sums in squares([gradient, change, before.params]).items()}
        gradients = {f"gradient/{name}": gradient for name, (gradient, _, _) in norms.items()}
        return gradients | {f"update/{name}": change / size for name, (_, change, size) in norms.items()}


def _scores(logits: Array, labels: Array, weights: Array) -> Array:
    """Weights of right images and of predictions, and weighted losses, of each class, `(M, 3, C)`; of logits `(M, C, B)`."""
    classes, predicted = logits.shape[1], jnp.argmax(logits, axis=1)
    hits, losses = jnp.where(predicted == labels, weights, 0.0), image_losses(logits, labels) * weights
    of_label = jax.nn.one_hot(labels, classes, dtype=jnp.float32)
    called = jnp.where(predicted[:, None, :] == jnp.arange(classes)[:, None], weights, 0.0)
    sums = jnp.einsum("kmb,bc->mkc", jnp.stack([hits, losses]), of_label, precision="highest")
    return jnp.stack([sums[:, 0], jnp.sum(called, axis=-1), sums[:, 1]], axis=1)


OPTIONS: dict[str, dict[str, str | bool]] = {
    "cpu": {"xla_backend_optimization_level": "1"},
    "gpu": {"xla_gpu_enable_triton_gemm": False},
}
"""XLA's compiler options on each kind of device (docs/log.md has the times).

On a CPU, LLVM optimizes less: programs are as fast, and compile in three quarters of the time. On a GPU, matrix products come
from cuBLAS only: trying XLA's own kernels for every product takes half a minute, without a gain.
"""
OLDER_EMITTERS: dict[str, str | bool] = {"xla_cpu_use_fusion_emitters": False}
"""On a CPU, XLA's older loop emitters, which jax 0.11 has no more: they compile faster, but leave many loops scalar."""
COMPILERS = 2
"""Threads that compile side by side. The first function takes about as long as all others.

Meanwhile no network is built, since `quick_compilation` changes JAX's options for all threads.
"""


def _by_older_emitters(population: Population, plan: Plan) -> set[str]:
    """Names of the functions whose loops may be scalar: they run once an epoch, or the kernels do what takes long.

    Not those of users' own networks: the evaluation of a small transformer took 25 s so, against 1.4. Nor steps that draw
    random numbers for dropout, or change images: they took 1.1 to 1.4 times as long.
    """
    if not population.self_contained:
        return {"best"}
    drawing = plan.augment != "none" or any(getattr(spec, "dropout", 0) for spec in population.specs)
    return {"best", "evaluation"} | ({"segment"} if population.lanes and not drawing else set())


def _options(*, older: bool) -> dict[str, str | bool]:
    """Compiler options for a function on this process's device."""
    device = jax.default_backend()
    return OPTIONS.get(device, {}) | (OLDER_EMITTERS if older and device == "cpu" else {})


def compiled(lowered: Any, wanted: dict[str, str | bool]) -> Any:
    """Compile with these options, as far as this release of JAX supports them."""
    try:
        return lowered.compile(compiler_options=wanted)
    except jax.errors.JaxRuntimeError:
        known = {option: value for option, value in wanted.items() if _known(option, value)}
        if known == wanted:
            raise
        return lowered.compile(compiler_options=known)


def _key(name: str, arguments: Any) -> tuple[Hashable, ...]:
    """Name of a function and shapes of its arguments, for which it is compiled."""
    return name, tuple((leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(arguments))


@cache
def _known(option: str, value: str | bool) -> bool:
    try:
        jax.jit(jnp.negative).lower(jnp.zeros(())).compile(compiler_options={option: value})
    except jax.errors.JaxRuntimeError:
        return False
    return True


def together(parts: Sequence[EvalMetrics], counts: Sequence[tuple[int, int]]) -> EvalMetrics:
    """Combine the metrics of an evaluation's chunks.

    Args:
        parts: metrics of each chunk.
        counts: number of images in each chunk without padding, from the training sample and from the validation part.
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

    return EvalMetrics(
        of_both([part.losses for part in parts]),
        of_both([part.accuracies for part in parts]),
        parts[0].penalties,
        jnp.asarray(np.sum([np.asarray(part.of_classes, np.float64) for part in parts], axis=0), jnp.float32),
        jnp.concatenate([part.logits for part in parts], axis=-1),
        {name: mean([part.probes[name] for part in parts], weights[0]) for name in parts[0].probes},
    )


def _over_blocks(function: Callable[..., Any], blocks: int, axes: tuple[Any, ...]) -> Callable[..., Any]:
    """Vectorize a function of one block over all blocks; a single block runs without the axis."""
    if blocks > 1:
        return jax.vmap(function, in_axes=axes)

    def alone(*arguments: Any) -> Any:
        squeezed = [_dropped(argument, axis) for argument, axis in zip(arguments, axes, strict=True)]
        return jax.tree.map(lambda leaf: jax.lax.expand_dims(leaf, (0,)), function(*squeezed))

    alone.__name__ = function.__name__
    return alone


def _parts_first(evaluation: Callable[..., EvalMetrics]) -> Callable[..., EvalMetrics]:
    """Bring the axis of sample and validation part before that of the blocks."""

    def function(*arguments: Any) -> EvalMetrics:
        metrics = evaluation(*arguments)
        losses, accuracies, of_classes = (
            jnp.moveaxis(part, 1, 0) for part in (metrics.losses, metrics.accuracies, metrics.of_classes)
        )
        return metrics._replace(losses=losses, accuracies=accuracies, of_classes=of_classes)

    function.__name__ = evaluation.__name__
    return function


def _dropped(argument: Any, axis: Any) -> Any:
    if axis is None:
        return argument
    if isinstance(axis, tuple):
        return type(argument)(*(_dropped(part, its) for part, its in zip(argument, axis, strict=True)))
    return jax.tree.map(lambda leaf: jax.lax.squeeze(leaf, (0,)), argument)  # indexing takes ten times as long to trace
