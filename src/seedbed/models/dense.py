"""Fully connected networks, many at a time.

The first layers of all members are one matrix `[sum of widths, inputs]`: one large product does most of the work, whatever
the mix of widths, and there is no gradient to the images. Members with equal later layers sit side by side on a *bucket* and
run as one batched product per layer; the later layers of all buckets lie in one vector of kernels and one of biases, so that
an optimizer's step is four loops however many members there are. Activations are units x images, images innermost.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.models import segments
from seedbed.models.activations import ACTIVATIONS, ZERO_AT_ZERO, saturated
from seedbed.models.architecture import Weights, dense_widths, each_initial
from seedbed.models.protocol import Batch, Hyperparameters, MatMul, Params, Penalty, Probes, State, cross_entropy
from seedbed.specs import Activation, Dense

Constants = NDArray[np.float32]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class ShapeBucket:
    """A class of neighbouring members with equal activation and padded widths.

    Attributes:
        activation: of their hidden layers.
        widths: inputs, hidden widths (padded), classes.
        start, stop: the members, as a range.
        top, bottom: their rows of the first layer's matrix, as a range.
    """

    activation: Activation
    widths: tuple[int, ...]
    start: int
    stop: int
    top: int
    bottom: int

    @property
    def members(self) -> int:
        return self.stop - self.start

    @property
    def depth(self) -> int:
        """Layers with weights."""
        return len(self.widths) - 1


@dataclass(frozen=True)
class Block:
    """Where one later layer of a bucket lies in the vectors of kernels and biases.

    Attributes:
        at, bias_at: where it begins.
        shape: members, outputs, inputs.
    """

    at: int
    bias_at: int
    shape: tuple[int, int, int]

    def kernel(self, later: Any) -> Any:
        """The view `(members, out, in)`."""
        return later["kernels"][self.at : self.at + math.prod(self.shape)].reshape(self.shape)

    def bias(self, later: Any) -> Any:
        """The view `(members, out, 1)`."""
        members, outputs, _ = self.shape
        return later["biases"][self.bias_at : self.bias_at + members * outputs].reshape(members, outputs, 1)


def _blocks_apart(blocks: Sequence[Sequence[Block]], later: Any) -> list[list[tuple[Array, Array]]]:
    """Each bucket's later layers as kernels `(members, out, in)` and biases `(members, out, 1)`."""
    flat = [block for layers in blocks for block in layers]
    kernels = _cut(later["kernels"], [math.prod(block.shape) for block in flat])
    biases = _cut(later["biases"], [math.prod(block.shape[:2]) for block in flat])
    pairs = zip(flat, kernels, biases, strict=True)
    apart = iter([(kernel.reshape(block.shape), bias.reshape(*block.shape[:2], 1)) for block, kernel, bias in pairs])
    return [[next(apart) for _ in layers] for layers in blocks]


def _cut(x: Array, sizes: Sequence[int]) -> list[Array]:
    """Consecutive rows. The gradient of `lax.split` is one concatenation; that of slices would be a sum of padded arrays."""
    return list(jax.lax.split(x, sizes)) if sizes else []


class Owners(NamedTuple):
    """Which member each row of the first layer, each later kernel's number and each later bias belongs to."""

    rows: Indices
    kernels: Indices
    biases: Indices


def _laid_out(buckets: Sequence[ShapeBucket]) -> tuple[list[list[Block]], Owners]:
    """The later layers of each bucket, and whose everything is."""
    rows, kernels, biases, laid_out = [], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)], []
    at = bias_at = 0
    for bucket in buckets:
        members = np.arange(bucket.start, bucket.stop, dtype=np.int32)
        rows.append(np.repeat(members, bucket.widths[1]))
        blocks = []
        for inputs, outputs in pairwise(bucket.widths[1:]):
            blocks.append(Block(at, bias_at, (bucket.members, outputs, inputs)))
            kernels.append(np.repeat(members, outputs * inputs))
            biases.append(np.repeat(members, outputs))
            at, bias_at = at + len(kernels[-1]), bias_at + len(biases[-1])
        laid_out.append(blocks)
    return laid_out, Owners(*map(np.concatenate, (rows, kernels, biases)))


def buckets(specs: Sequence[Dense], padded: Sequence[tuple[int, ...]], inputs: int, classes: int) -> tuple[ShapeBucket, ...]:
    """Neighbours with equal activation and padded hidden widths, together."""
    found: list[ShapeBucket] = []
    top = 0
    keys = [(spec.activation, (inputs, *hidden, classes)) for spec, hidden in zip(specs, padded, strict=True)]
    for (activation, widths), group in groupby(range(len(keys)), key=lambda member: keys[member]):
        members = list(group)
        bottom = top + len(members) * widths[1]
        found.append(ShapeBucket(activation, widths, members[0], members[-1] + 1, top, bottom))
        top = bottom
    return tuple(found)


def _rows(*buckets: ShapeBucket) -> int:
    return buckets[-1].bottom - buckets[0].top


def _first_activation(bucket: ShapeBucket) -> Activation | None:
    """What follows the first layer; nothing where that one gives the logits."""
    return bucket.activation if bucket.depth > 1 else None


class DensePopulation:
    """Dense networks of any mix of widths, depths and activations.

    Args:
        specs: the members; sorted by activation and hidden widths they form the fewest classes.
        image_shape, classes: of the data.
        padded: each member's hidden widths in the program, at least its own; None pads nothing.
        precision: of the matrix products.
    """

    def __init__(
        self,
        specs: Sequence[Dense],
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        padded: Sequence[tuple[int, ...]] | None = None,
        precision: str = "f32",
    ) -> None:
        self.specs = tuple(specs)
        self.image_shape = image_shape
        self.classes = classes
        self.padded = tuple(padded) if padded is not None else tuple(spec.hidden for spec in specs)
        self.buckets = buckets(self.specs, self.padded, math.prod(image_shape), classes)
        self.drops = any(spec.dropout > 0 for spec in specs)
        self._matmul = MatMul(precision)
        self._is_padded = any(spec.hidden != hidden for spec, hidden in zip(self.specs, self.padded, strict=True))
        self._blocks, self._owners = _laid_out(self.buckets)
        self._rows, self._later = segments.Owned(self._owners.rows), segments.Owned(self._kernels_of_layers())

    def _kernels_of_layers(self) -> Indices:
        """Layer times members plus member, of each number in the vector of later kernels."""
        layers = [np.full(math.prod(block.shape), n) for blocks in self._blocks for n, block in enumerate(blocks, start=1)]
        whose = np.concatenate([np.zeros(0, np.int32), *layers]) * len(self.specs) + self._owners.kernels
        return whose.astype(np.int32)

    @property
    def signature(self) -> Hashable:
        exact = tuple(spec.hidden for spec in self.specs) if self._is_padded else None  # masks and shares hold the widths
        return ("dense", self.image_shape, self.buckets, self.drops, self._matmul, exact)

    @property
    def self_contained(self) -> bool:
        return True

    @property
    def eval_batch_size(self) -> int:
        return 500

    def apply(
        self, params: Params, state: State, images: Array, hyper: Hyperparameters, key: Array | None
    ) -> tuple[Array, State, Probes]:
        saturation = _Saturation(len(self.specs))
        return self._logits(params, images, hyper, key, saturation), state, saturation.probes()

    def _logits(
        self, params: Params, images: Array, hyper: Hyperparameters, key: Array | None, saturation: _Saturation | None = None
    ) -> Array:
        """Of all members; what collects the saturated units stays away from a step, where it would be traced for nothing."""
        x = images.reshape(images.shape[0], -1)
        first = self._matmul("hd,bd->hb", params["first"]["kernel"], x) + params["first"]["bias"][:, None]
        later = _blocks_apart(self._blocks, params["later"])
        logits = []
        for bucket, top, layers in zip(self.buckets, self._tops(first), later, strict=True):
            a = top.reshape(bucket.members, bucket.widths[1], -1)
            for number, (kernel, bias) in enumerate(layers):
                a = self._masked(bucket, number, a)
                if saturation is not None:
                    saturation.add(number, bucket, self._real_units(bucket, number), a)
                if self.drops and key is not None:
                    a = dropout(a, hyper.dropout[bucket.start : bucket.stop, None, None], jax.random.fold_in(key, number))
                z = self._matmul("goi,gib->gob", kernel, a) + bias
                a = ACTIVATIONS[bucket.activation](z) if number + 1 < len(layers) else z
            logits.append(a)
        return jnp.concatenate(logits)

    def _tops(self, first: Array) -> list[Array]:
        """What the first layer hands to each bucket's next one; neighbouring buckets of one activation at a time."""
        groups = [(activation, list(group)) for activation, group in groupby(self.buckets, key=_first_activation)]
        tops: list[Array] = []
        for (activation, group), part in zip(groups, _cut(first, [_rows(*group) for _, group in groups]), strict=True):
            tops += _cut(ACTIVATIONS[activation](part) if activation else part, [_rows(bucket) for bucket in group])
        return tops

    def _masked(self, bucket: ShapeBucket, number: int, a: Array) -> Array:
        """Padded units put out 0; only where the activation does not see to it."""
        if bucket.activation in ZERO_AT_ZERO or not self._is_padded:
            return a
        return a * self._real_units(bucket, number)[:, :, None]

    def _real_units(self, bucket: ShapeBucket, number: int) -> Constants:
        """1 for a unit of the member's own, 0 for padding, `(members, width)`."""
        real = np.zeros((bucket.members, bucket.widths[number + 1]), np.float32)
        for row, spec in enumerate(self.specs[bucket.start : bucket.stop]):
            real[row, : spec.hidden[number]] = 1
        return real

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        def total(params: Params) -> Array:
            logits = self._logits(params, batch.images, hyper, key)
            return jnp.sum(cross_entropy(logits, batch.labels, batch.weights))

        def with_penalty(gradient: Array, kernel: bool, w: Array, l1: Array, l2: Array) -> Array:
            return gradient + (2 * l2 * w + l1 * jnp.sign(w)) if kernel else gradient

        broadcasts = (self.broadcast(hyper.l1, params), self.broadcast(hyper.l2, params))
        return jax.tree.map(with_penalty, jax.grad(total)(params), self.kernels(params), params, *broadcasts), state

    def penalty(self, params: Params, hyper: Hyperparameters) -> Penalty:
        sums = self._sums([jax.tree.map(norm, params) for norm in (jnp.square, jnp.abs)])
        squares, sizes = ({name: of_both[kind] for name, of_both in sums.items()} for kind in range(2))
        whole = hyper.l2 * sum(squares.values(), jnp.zeros(())) + hyper.l1 * sum(sizes.values(), jnp.zeros(()))
        return Penalty(whole, squares)

    def squares(self, trees: Sequence[Params]) -> dict[str, Array]:
        return self._sums([jax.tree.map(jnp.square, tree) for tree in trees])

    def _sums(self, trees: Sequence[Params]) -> dict[str, Array]:
        """Each layer's kernel summed up, layer -> `(trees, M)`; 0 for members without that layer."""
        rows = jnp.sum(jnp.stack([tree["first"]["kernel"] for tree in trees]), axis=2)
        later = jnp.stack([tree["later"]["kernels"] for tree in trees])
        layers, members = max(bucket.depth for bucket in self.buckets), len(self.specs)
        found = segments.sums([(self._rows, rows), (self._later, later)], layers * members)
        return {f"dense_{number}": found[:, number * members : (number + 1) * members] for number in range(layers)}

    def broadcast(self, values: Array, params: Params) -> Params:
        rows = values[self._owners.rows]
        later = {"kernels": values[self._owners.kernels], "biases": values[self._owners.biases]}
        return {"first": {"kernel": rows[:, None], "bias": rows}, "later": later}

    def kernels(self, params: Params) -> Params:
        return {"first": {"kernel": True, "bias": False}, "later": {"kernels": True, "biases": False}}

    def initial(self, seed: int) -> list[Weights]:
        return each_initial(self.specs, self.image_shape, self.classes, seed)

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        widths = dense_widths(self.specs[member], self.image_shape, self.classes)
        weights: Weights = {}
        for number, (kernel, bias) in enumerate(self._slots(params, member)):
            inputs, outputs = widths[number], widths[number + 1]
            weights[f"dense_{number}/kernel"] = np.ascontiguousarray(kernel[:outputs, :inputs].T)
            weights[f"dense_{number}/bias"] = bias[:outputs].copy()
        return weights

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        owners = self._owners
        params = {
            "first": {
                "kernel": np.zeros((len(owners.rows), math.prod(self.image_shape)), np.float32),
                "bias": np.zeros(len(owners.rows), np.float32),
            },
            "later": {
                "kernels": np.zeros(len(owners.kernels), np.float32),
                "biases": np.zeros(len(owners.biases), np.float32),
            },
        }
        for member, weights in enumerate(members):
            for number, (kernel, bias) in enumerate(self._slots(params, member)):
                own = weights[f"dense_{number}/kernel"]
                kernel[: own.shape[1], : own.shape[0]] = own.T
                bias[: own.shape[1]] = weights[f"dense_{number}/bias"]
        return params, {}

    def _slots(self, params: Params, member: int) -> Iterator[tuple[Constants, Constants]]:
        """Views of each layer's kernel `(out, in)` and bias `(out,)` of one member, padding included."""
        number, bucket = next((n, s) for n, s in enumerate(self.buckets) if s.start <= member < s.stop)
        row = member - bucket.start
        top = bucket.top + row * bucket.widths[1]
        yield tuple(np.asarray(params["first"][name])[top : top + bucket.widths[1]] for name in ("kernel", "bias"))  # type: ignore[misc]
        for block in self._blocks[number]:
            yield block.kernel(_hosted(params["later"]))[row], block.bias(_hosted(params["later"]))[row, :, 0]


def _hosted(later: Any) -> Any:
    return {name: np.asarray(leaf) for name, leaf in later.items()}


class _Saturation:
    """Collects the shares of saturated units, layer by layer."""

    def __init__(self, members: int) -> None:
        self._members = members
        self._parts: dict[str, list[tuple[ShapeBucket, Array]]] = {}

    def add(self, number: int, bucket: ShapeBucket, real: Constants, a: Array) -> None:
        """Outputs `(members, units, images)` of a bucket's hidden layer; `real` marks the units that are not padding."""
        units = saturated(bucket.activation, a, ()).astype(jnp.float32)
        share = jnp.sum(units * (real / real.sum(axis=1, keepdims=True)), axis=1)
        self._parts.setdefault(f"saturation/dense_{number}", []).append((bucket, share))

    def probes(self) -> Probes:
        """One `(M,)` a layer, NaN for members that have no such layer."""
        return {name: self._whole(parts) for name, parts in self._parts.items()}

    def _whole(self, parts: list[tuple[ShapeBucket, Array]]) -> Array:
        whole, at = [], 0
        for bucket, share in parts:
            whole += [jnp.full(bucket.start - at, jnp.nan), share]
            at = bucket.stop
        return jnp.concatenate([*whole, jnp.full(self._members - at, jnp.nan)])


def dropout(a: Array, rate: Array, key: Array) -> Array:
    """Inverted dropout: each output is 0 with probability `rate`, else scaled so that the mean stays.

    Args:
        a: `(members, units, images)`.
        rate: broadcasts against `a`.
        key: all members of a block draw from the same numbers, a member alone draws what it would among others.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    draws = jax.random.uniform(key, a.shape[1:])
    return jnp.where(draws[None] >= rate, a / (1.0 - rate), 0.0)
