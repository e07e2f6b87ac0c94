"""Populations of fully connected networks.

The first layers of all members are one matrix `[sum of widths, inputs]`: one large product does most of the work for any mix
of widths, and no gradient with respect to the images is computed. Members with equal later layers form a *shape bucket* and
run as one batched product per layer. The later layers of all buckets are stored in one vector of kernels and one of biases,
so that an optimizer's step is four loops for any number of members. Activations are units x images, images innermost.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kinds import ACTIVATIONS
from seedbed.models import segments
from seedbed.models.architecture import ImageShape, Weights, dense_weight_shapes, each_initial
from seedbed.models.protocol import Batch, Hyperparameters, MatMul, Outputs, Params, Penalty, State, cross_entropy
from seedbed.specs import Dense

Constants = NDArray[np.float32]
Indices = NDArray[np.int32]


@dataclass(frozen=True)
class ShapeBucket:
    """A range of members with equal activation and widths.

    Attributes:
        activation: name of the hidden layers' activation.
        widths: inputs, hidden widths, classes.
        start, stop: range of the members.
        top, bottom: range of their rows in the first layer's matrix.
    """

    activation: str
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
        """Number of layers with weights."""
        return len(self.widths) - 1


@dataclass(frozen=True)
class Block:
    """Position of a bucket's later layer in the vectors of kernels and biases.

    Attributes:
        at, bias_at: offsets of its first kernel value and first bias.
        shape: members, outputs, inputs.
    """

    at: int
    bias_at: int
    shape: tuple[int, int, int]

    def kernel(self, later: Any) -> Any:
        """View of the kernels, `(members, out, in)`."""
        return later["kernels"][self.at : self.at + math.prod(self.shape)].reshape(self.shape)

    def bias(self, later: Any) -> Any:
        """View of the biases, `(members, out, 1)`."""
        members, outputs, _ = self.shape
        return later["biases"][self.bias_at : self.bias_at + members * outputs].reshape(members, outputs, 1)


def _blocks_apart(blocks: Sequence[Sequence[Block]], later: Any) -> list[list[tuple[Array, Array]]]:
    """Split the vectors into each bucket's kernels `(members, out, in)` and biases `(members, out, 1)`, layer by layer."""
    flat = [block for layers in blocks for block in layers]
    kernels = _cut(later["kernels"], [math.prod(block.shape) for block in flat])
    biases = _cut(later["biases"], [math.prod(block.shape[:2]) for block in flat])
    pairs = zip(flat, kernels, biases, strict=True)
    apart = iter([(kernel.reshape(block.shape), bias.reshape(*block.shape[:2], 1)) for block, kernel, bias in pairs])
    return [[next(apart) for _ in layers] for layers in blocks]


def _cut(x: Array, sizes: Sequence[int]) -> list[Array]:
    """Split into consecutive rows. The gradient of `lax.split` is one concatenation, that of slices a sum of padded arrays."""
    return list(jax.lax.split(x, sizes)) if sizes else []


Shares = dict[str, list[tuple[ShapeBucket, Array]]]
"""Name of a probe -> buckets with the shares of their members."""


class Owners(NamedTuple):
    """The member that owns each row of the first layer, each value of the later kernels and each later bias."""

    rows: Indices
    kernels: Indices
    biases: Indices


def _laid_out(buckets: Sequence[ShapeBucket]) -> tuple[list[list[Block]], Owners]:
    """Positions of the later layers of each bucket, and the owners of all values."""
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


def buckets(specs: Sequence[Dense], inputs: int, classes: int) -> tuple[ShapeBucket, ...]:
    """Group neighbouring members with equal activation and hidden widths."""
    result: list[ShapeBucket] = []
    top = 0
    keys = [(spec.activation, (inputs, *spec.hidden, classes)) for spec in specs]
    for (activation, widths), group in groupby(range(len(keys)), key=lambda member: keys[member]):
        members = list(group)
        bottom = top + len(members) * widths[1]
        result.append(ShapeBucket(activation, widths, members[0], members[-1] + 1, top, bottom))
        top = bottom
    return tuple(result)


def _rows(*buckets: ShapeBucket) -> int:
    return buckets[-1].bottom - buckets[0].top


class DensePopulation:
    """Dense networks of any mix of widths, depths and activations.

    Args:
        specs: the members; sorted by activation and hidden widths they form the fewest buckets.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        precision: precision of the matrix products.
    """

    def __init__(self, specs: Sequence[Dense], image_shape: ImageShape, classes: int, *, precision: str = "f32") -> None:
        self.specs = tuple(specs)
        self.image_shape = image_shape
        self.classes = classes
        self.buckets = buckets(self.specs, math.prod(image_shape), classes)
        self.drops = any(spec.dropout > 0 for spec in specs)
        self._matmul = MatMul(precision)
        self._blocks, self._owners = _laid_out(self.buckets)
        self._rows, self._later = segments.Owned(self._owners.rows), segments.Owned(self._kernels_of_layers())

    def _kernels_of_layers(self) -> Indices:
        """Segment of each value in the vector of later kernels: layer times the number of members, plus member."""
        layers = [np.full(math.prod(block.shape), n) for blocks in self._blocks for n, block in enumerate(blocks, start=1)]
        segment = np.concatenate([np.zeros(0, np.int32), *layers]) * len(self.specs) + self._owners.kernels
        return segment.astype(np.int32)

    @property
    def signature(self) -> Hashable:
        return ("dense", self.image_shape, self.buckets, self.drops, self._matmul)

    @property
    def form(self) -> str:
        return ""

    @property
    def self_contained(self) -> bool:
        return True

    @property
    def raw_pixels(self) -> bool:
        return False

    @property
    def eval_batch_size(self) -> int:
        return 500

    def constrained(self, params: Params, alive: Params) -> Params:
        return params

    def apply(self, params: Params, state: State, images: Array, hyper: Hyperparameters, key: Array | None) -> Outputs:
        shares: Shares = defaultdict(list)
        logits = self._logits(params, images, hyper, key, shares)
        return logits, state, {name: self._of_all_members(parts) for name, parts in shares.items()}

    def _of_all_members(self, parts: Sequence[tuple[ShapeBucket, Array]]) -> Array:
        """Values of some buckets as one array `(M,)`, NaN for the members of other buckets."""
        whole, at = [], 0
        for bucket, values in parts:
            whole += [jnp.full(bucket.start - at, jnp.nan), values]
            at = bucket.stop
        return jnp.concatenate([*whole, jnp.full(len(self.specs) - at, jnp.nan)])

    def _logits(
        self, params: Params, images: Array, hyper: Hyperparameters, key: Array | None, shares: Shares | None = None
    ) -> Array:
        """Logits of all members; `shares`, if given, collects the shares of saturated units, which no training step uses."""
        x = images.reshape(images.shape[0], -1)
        first = self._matmul("hd,bd->hb", params["first"]["kernel"], x) + params["first"]["bias"][:, None]
        later = _blocks_apart(self._blocks, params["later"])
        logits = []
        for bucket, top, layers in zip(self.buckets, self._tops(first), later, strict=True):
            a = top.reshape(bucket.members, bucket.widths[1], -1)
            for number, (kernel, bias) in enumerate(layers):
                if shares is not None:
                    units = ACTIVATIONS[bucket.activation].saturated(a, ()).astype(jnp.float32)
                    share = jnp.sum(units * np.full(units.shape, 1 / units.shape[1], np.float32), axis=1)
                    shares[f"saturation/dense_{number}"].append((bucket, share))
                if self.drops and key is not None:
                    a = dropout(a, hyper.dropout[bucket.start : bucket.stop, None, None], jax.random.fold_in(key, number))
                z = self._matmul("goi,gib->gob", kernel, a) + bias
                a = ACTIVATIONS[bucket.activation].function(z) if number + 1 < len(layers) else z
            logits.append(a)
        return jnp.concatenate(logits)

    def _tops(self, first: Array) -> list[Array]:
        """First layer's outputs for each bucket, activated together for neighbouring buckets of one activation."""
        followed = groupby(self.buckets, key=lambda bucket: bucket.activation if bucket.depth > 1 else None)
        groups = [(activation, list(group)) for activation, group in followed]
        tops: list[Array] = []
        for (activation, group), part in zip(groups, _cut(first, [_rows(*group) for _, group in groups]), strict=True):
            tops += _cut(ACTIVATIONS[activation].function(part) if activation else part, [_rows(bucket) for bucket in group])
        return tops

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        def total(params: Params) -> Array:
            logits = self._logits(params, batch.images, hyper, key)
            return jnp.sum(cross_entropy(logits, batch.labels, batch.weights, hyper.class_weights))

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
        """Sum of each layer's kernel, layer -> `(trees, M)`; 0 for members without that layer."""
        rows = jnp.sum(jnp.stack([tree["first"]["kernel"] for tree in trees]), axis=2)
        later = jnp.stack([tree["later"]["kernels"] for tree in trees])
        layers, members = max(bucket.depth for bucket in self.buckets), len(self.specs)
        sums = segments.sums([(self._rows, rows), (self._later, later)], layers * members)
        return {f"dense_{number}": sums[:, number * members : (number + 1) * members] for number in range(layers)}

    def broadcast(self, values: Array, params: Params) -> Params:
        rows = values[self._owners.rows]
        later = {"kernels": values[self._owners.kernels], "biases": values[self._owners.biases]}
        return {"first": {"kernel": rows[:, None], "bias": rows}, "later": later}

    def kernels(self, params: Params) -> Params:
        return {"first": {"kernel": True, "bias": False}, "later": {"kernels": True, "biases": False}}

    def initial(self, seed: int) -> list[Weights]:
        inputs = math.prod(self.image_shape)
        return each_initial([dense_weight_shapes([inputs, *spec.hidden, self.classes]) for spec in self.specs], seed)

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        weights: Weights = {}
        for number, (kernel, bias) in enumerate(self._slots(params, member)):
            weights[f"dense_{number}/kernel"] = np.ascontiguousarray(kernel.T)
            weights[f"dense_{number}/bias"] = bias.copy()
        return weights

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        owners = self._owners
        params = {
            "first": {
                "kernel": np.zeros((len(owners.rows), math.prod(self.image_shape)), np.float32),
                "bias": np.zeros(len(owners.rows), np.float32),
            },
            "later": {"kernels": np.zeros(len(owners.kernels), np.float32), "biases": np.zeros(len(owners.biases), np.float32)},
        }
        for member, weights in enumerate(members):
            for number, (kernel, bias) in enumerate(self._slots(params, member)):
                kernel[:] = weights[f"dense_{number}/kernel"].T
                bias[:] = weights[f"dense_{number}/bias"]
        return params, {}

    def _slots(self, params: Params, member: int) -> Iterator[tuple[Constants, Constants]]:
        """Views of each layer's kernel `(out, in)` and bias `(out,)` of one member."""
        number, bucket = next((n, s) for n, s in enumerate(self.buckets) if s.start <= member < s.stop)
        row = member - bucket.start
        top = bucket.top + row * bucket.widths[1]
        yield tuple(np.asarray(params["first"][name])[top : top + bucket.widths[1]] for name in ("kernel", "bias"))  # type: ignore[misc]
        for block in self._blocks[number]:
            yield block.kernel(_hosted(params["later"]))[row], block.bias(_hosted(params["later"]))[row, :, 0]


def _hosted(later: Any) -> Any:
    return {name: np.asarray(leaf) for name, leaf in later.items()}


def dropout(a: Array, rate: Array, key: Array) -> Array:
    """Apply inverted dropout: each output is 0 with probability `rate`, else scaled to preserve the mean.

    Args:
        a: activations, `(members, units, images)`.
        rate: dropout rates, broadcast against `a`.
        key: key of the random numbers, which all members of a block share; so a member drops the same units in any population.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    draws = jax.random.uniform(key, a.shape[1:])
    return jnp.where(draws[None] >= rate, a / (1.0 - rate), 0.0)
