"""Populations of fully connected networks.

The first layers of all members are one matrix `[sum of widths, inputs]`: one large product does most of the work for any mix
of widths, and no gradient with respect to the images is computed. Each later layer of all members is one matrix, too, with a
block for every member, so that neighbouring members with equal layers, a *shape bucket*, may run as one batched product. The
numbers of these blocks are in one vector of kernels and one of biases, so that an optimizer's step is four loops for any number
of members. Activations are units x images, images innermost, the units of all members one after the other.

On a CPU, native code multiplies with these matrices, `seedbed.kernels.products`: it takes the blocks as data, so that compiling
a program of many different networks takes no longer than one of a single network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby, islice
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kernels.activations import LOGITS, NUMBERS, Units, activate, saturation
from seedbed.kernels.calls import ranges_of
from seedbed.kernels.products import Block, Diagonal, multiply
from seedbed.kernels.sums import SIZES, SQUARES, norms
from seedbed.kinds import ACTIVATIONS
from seedbed.models import segments
from seedbed.models.architecture import ImageShape, Weights, dense_weight_shapes, each_initial
from seedbed.models.forms import KERNELS, PRODUCTS, XLA, native_kernels
from seedbed.models.protocol import Batch, Hyperparameters, MatMul, Outputs, Params, Penalty, Probes, State, loss_gradients
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
    """

    activation: str
    widths: tuple[int, ...]
    start: int
    stop: int

    @property
    def members(self) -> int:
        return self.stop - self.start

    @property
    def depth(self) -> int:
        """Number of layers with weights."""
        return len(self.widths) - 1

    def units(self, layer: int) -> int:
        """Units of all its members in a layer."""
        return self.members * self.widths[layer + 1]


@dataclass(frozen=True)
class UnitRange:
    """Neighbouring units of a layer that are treated alike.

    Attributes:
        activation: name of their activation; None for logits.
        start: first of their members.
        units: number of the units.
    """

    activation: str | None
    start: int
    units: int


class Owners(NamedTuple):
    """The member that owns each row of the first layer, each value of the later kernels and each later bias."""

    rows: Indices
    kernels: Indices
    biases: Indices


class DenseLayer:
    """A layer of all members that have it, bucket after bucket.

    Args:
        number: its number, from 0.
        buckets: all buckets.

    Attributes:
        buckets: those whose members have this layer.
        blocks: block of each bucket in the layer's matrix.
        owners: the member that each unit belongs to.
        ranges: the units, by how they are treated.
    """

    def __init__(self, number: int, buckets: Sequence[ShapeBucket]) -> None:
        self.number = number
        self.buckets = tuple(bucket for bucket in buckets if bucket.depth > number)
        shapes = [(bucket.members, bucket.widths[number + 1], bucket.widths[number]) for bucket in self.buckets]
        starts = accumulate((members * inputs for members, _, inputs in shapes), initial=0)
        self.blocks = tuple(Block(*shape, start) for shape, start in zip(shapes, starts, strict=False))
        self.owners = np.concatenate([self._of_bucket(bucket, bucket.widths[number + 1]) for bucket in self.buckets])
        self.ranges = self._ranges()

    @staticmethod
    def _of_bucket(bucket: ShapeBucket, repeats: int) -> Indices:
        return np.repeat(np.arange(bucket.start, bucket.stop, dtype=np.int32), repeats)

    def _ranges(self) -> list[UnitRange]:
        """The units in the fewest ranges of one activation, or of the logits of neighbouring members."""
        ranges: list[UnitRange] = []
        ended = 0
        for bucket in self.buckets:
            activation = bucket.activation if self._hides(bucket) else None
            last = ranges[-1] if ranges else None
            if last and last.activation == activation and (activation or ended == bucket.start):
                ranges[-1] = replace(last, units=last.units + bucket.units(self.number))
            else:
                ranges.append(UnitRange(activation, bucket.start, bucket.units(self.number)))
            ended = bucket.stop
        return ranges

    def _hides(self, bucket: ShapeBucket) -> bool:
        """Whether this layer is a hidden one of these members."""
        return bucket.depth > self.number + 1

    @property
    def units(self) -> int:
        return len(self.owners)

    @property
    def hides(self) -> bool:
        """Whether it has hidden units."""
        return any(map(self._hides, self.buckets))

    @property
    def numbers(self) -> int:
        """Count of the numbers in the layer's kernels."""
        return sum(block.numbers for block in self.blocks)

    @property
    def hidden_owners(self) -> Indices:
        """The member that each hidden unit belongs to."""
        hidden = [bucket for bucket in self.buckets if self._hides(bucket)]
        return np.concatenate([self._of_bucket(bucket, bucket.widths[self.number + 1]) for bucket in hidden])

    @property
    def kernel_owners(self) -> Indices:
        """The member that each number of the layer's kernels belongs to."""
        sizes = [bucket.widths[self.number + 1] * bucket.widths[self.number] for bucket in self.buckets]
        return np.concatenate([self._of_bucket(bucket, size) for bucket, size in zip(self.buckets, sizes, strict=True)])

    def place(self, member: int) -> tuple[int, int, tuple[int, int]]:
        """Where a member's kernel and bias begin in those of the layer, and the kernel's shape (outputs, inputs)."""
        at = bias_at = 0
        for bucket, block in zip(self.buckets, self.blocks, strict=True):
            before = min(member, bucket.stop) - bucket.start
            at, bias_at = at + before * block.outputs * block.inputs, bias_at + before * block.outputs
            if member < bucket.stop:
                return at, bias_at, (block.outputs, block.inputs)
        raise IndexError(member)

    def treated(self, lanes: int) -> Units:
        """What native code of these vectors does with the layer's units."""
        return Units(
            tuple(
                (NUMBERS[bucket.activation] if self._hides(bucket) else LOGITS, member, bucket.widths[self.number + 1])
                for bucket in self.buckets
                for member in range(bucket.start, bucket.stop)
            ),
            lanes,
        )

    def member_means(self, values: Array, members: int) -> Array:
        """Means of one value per hidden unit over each member's units, `(M,)`; NaN for those without hidden units here."""
        counts = np.bincount(self.hidden_owners, minlength=members).astype(np.float32)
        sums = jax.ops.segment_sum(values, self.hidden_owners, num_segments=members, indices_are_sorted=True)
        return sums / np.where(counts > 0, counts, np.nan).astype(np.float32)


def _joined(parts: Sequence[Array]) -> Array:
    return parts[0] if len(parts) == 1 else jnp.concatenate(parts)


def buckets(specs: Sequence[Dense], inputs: int, classes: int) -> tuple[ShapeBucket, ...]:
    """Group neighbouring members with equal activation and hidden widths."""
    keys = [(spec.activation, (inputs, *spec.hidden, classes)) for spec in specs]
    found = [(key, list(group)) for key, group in groupby(range(len(keys)), key=lambda member: keys[member])]
    return tuple(ShapeBucket(named, widths, members[0], members[-1] + 1) for (named, widths), members in found)


class DensePopulation:
    """Dense networks of any mix of widths, depths and activations.

    Args:
        specs: the members; sorted by activation and hidden widths they form the fewest buckets.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        precision: precision of the matrix products.
        on_cpu: whether a CPU runs it, by native code where that is at hand.
    """

    def __init__(
        self, specs: Sequence[Dense], image_shape: ImageShape, classes: int, *, precision: str = "f32", on_cpu: bool = True
    ) -> None:
        self.specs = tuple(specs)
        self.image_shape = image_shape
        self.classes = classes
        self.buckets = buckets(self.specs, math.prod(image_shape), classes)
        self.drops = any(spec.dropout > 0 for spec in specs)
        self._matmul = MatMul(precision)
        self._native = native_kernels(self._matmul, on_cpu=on_cpu)
        self._activates = self.lanes > 0 and all(spec.activation in NUMBERS for spec in self.specs)
        self._on_cpu = on_cpu
        self._first, *self._later = (DenseLayer(number, self.buckets) for number in range(max(b.depth for b in self.buckets)))
        self._owners = self._owners_of_all()
        self._of_layers = self._kernels_of_layers()
        self._rows, self._numbers = segments.Owned(self._owners.rows), segments.Owned(self._of_layers)

    def _owners_of_all(self) -> Owners:
        nothing = np.zeros(0, np.int32)
        kernels = [nothing, *(layer.kernel_owners for layer in self._later)]
        biases = [nothing, *(layer.owners for layer in self._later)]
        return Owners(self._first.owners, np.concatenate(kernels), np.concatenate(biases))

    def _kernels_of_layers(self) -> Indices:
        """Segment of each value in the vector of later kernels: layer times the number of members, plus member."""
        layers = [np.full(layer.numbers, layer.number) for layer in self._later]
        segment = np.concatenate([np.zeros(0, np.int32), *layers]) * len(self.specs) + self._owners.kernels
        return segment.astype(np.int32)

    @property
    def signature(self) -> Hashable:
        return ("dense", self.image_shape, self.buckets, self.drops, self.form, self._matmul)

    @property
    def form(self) -> str:
        return f"{KERNELS} {self._native.name}" if self._native.lanes else PRODUCTS if self._on_cpu else XLA

    @property
    def lanes(self) -> int:
        return self._native.lanes

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
        shares: Probes = {}
        return self._logits(params, images, hyper, key, shares), state, shares

    def _logits(
        self, params: Params, images: Array, hyper: Hyperparameters, key: Array | None, shares: Probes | None = None
    ) -> Array:
        """Logits of all members; `shares`, if given, collects the shares of saturated units, which no training step uses."""
        x, members = images.reshape(images.shape[0], -1), len(self.specs)
        logits = jnp.zeros((members * self.classes, len(images)))
        alive = jnp.ones(members, bool) if hyper.alive is None else hyper.alive
        for layer, kernels, biases in self._layers(params):
            z = self._multiplied(layer, alive, kernels, biases, x)
            logits, x = self._activated(layer, alive, z, logits)
            if shares is not None and layer.hides:
                shares[f"saturation/dense_{layer.number}"] = self._saturation(layer, alive, x)
            if self.drops and key is not None and layer.hides:
                x = self._dropped(layer, x, hyper.dropout, jax.random.fold_in(key, layer.number))
        return logits.reshape(members, self.classes, -1)

    def _activated(self, layer: DenseLayer, alive: Array, z: Array, logits: Array) -> tuple[Array, Array]:
        """All logits `(M * C, images)` with those of the layer, and outputs of its hidden units."""
        if z.shape == logits.shape and not layer.hides:
            return z, z
        if self._activates:
            return activate(layer.treated(self.lanes), logits, alive, z)
        hidden = []
        for units, part in zip(layer.ranges, segments.cut(z, [units.units for units in layer.ranges]), strict=True):
            if units.activation is None:
                logits = jax.lax.dynamic_update_slice(logits, part, (units.start * self.classes, 0))
            else:
                hidden.append(ACTIVATIONS[units.activation].function(part))
        return logits, _joined(hidden) if hidden else z

    def _saturation(self, layer: DenseLayer, alive: Array, x: Array) -> Array:
        """Share of saturated units of each member, `(M,)`; NaN for those without hidden units here."""
        if self._activates:
            return saturation(layer.treated(self.lanes), alive, x)
        hidden = [(ACTIVATIONS[units.activation], units.units) for units in layer.ranges if units.activation is not None]
        parts = segments.cut(x, [count for _, count in hidden])
        shares = [activation.saturated(part, ()) for (activation, _), part in zip(hidden, parts, strict=True)]
        return layer.member_means(_joined([share.astype(jnp.float32) for share in shares]), len(self.specs))

    def _layers(self, params: Params, cut: Callable[..., list[Any]] = segments.cut) -> Iterator[tuple[DenseLayer, Any, Any]]:
        """Each layer with its kernels as a vector, and its biases."""
        first, later = params["first"], params["later"]
        kernels = cut(later["kernels"], [layer.numbers for layer in self._later])
        biases = cut(later["biases"], [layer.units for layer in self._later])
        yield self._first, first["kernel"].reshape(-1), first["bias"]
        yield from zip(self._later, kernels, biases, strict=True)

    def _multiplied(self, layer: DenseLayer, alive: Array, kernels: Array, biases: Array, x: Array) -> Array:
        """Pre-activations `(units, images)` from images `(images, inputs)` in the first layer, else from `(inputs, images)`."""
        if self.lanes:
            blocks = (Block(1, layer.units, x.shape[1]),) if layer is self._first else layer.blocks
            owners = ranges_of(layer.owners, layer.units)
            return multiply(Diagonal(blocks, owners, self.lanes, images=layer is self._first), alive, kernels, biases, x)
        if layer is self._first:
            return self._matmul("hd,bd->hb", kernels.reshape(layer.units, -1), x) + biases[:, None]
        apart = segments.cut(kernels, [block.numbers for block in layer.blocks])
        inputs = segments.cut(x, [block.members * block.inputs for block in layer.blocks])
        products = []
        for block, kernel, rows in zip(layer.blocks, apart, inputs, strict=True):
            stacked = kernel.reshape(block.members, block.outputs, block.inputs)
            z = self._matmul("goi,gib->gob", stacked, rows.reshape(block.members, block.inputs, -1))
            products.append(z.reshape(block.rows, -1))
        return _joined(products) + biases[:, None]

    def _dropped(self, layer: DenseLayer, x: Array, rates: Array, key: Array) -> Array:
        """Dropout of the hidden units: equal layers drop the same units in any population."""
        following = self._later[layer.number]
        widths = sorted({block.inputs for block in following.blocks})
        draws = dict(zip(widths, (jax.random.uniform(key, (width, x.shape[1])) for width in widths), strict=True))
        of_units = _joined([draws[block.inputs] for block in following.blocks for _ in range(block.members)])
        return dropped(x, rates[layer.hidden_owners][:, None], of_units)

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        logits, backward = jax.vjp(lambda params: self._logits(params, batch.images, hyper, key), params)
        shares = batch.weights / jnp.sum(batch.weights)
        (gradients,) = backward(loss_gradients(logits, batch.labels, shares, hyper.class_weights, lanes=self.lanes))
        return gradients, state

    def penalty(self, params: Params, hyper: Hyperparameters) -> Penalty:
        sums = self._sums([params], (SQUARES, SIZES))
        squares, sizes = ({name: of_both[kind] for name, of_both in sums.items()} for kind in range(2))
        whole = hyper.l2 * sum(squares.values(), jnp.zeros(())) + hyper.l1 * sum(sizes.values(), jnp.zeros(()))
        return Penalty(whole, squares)

    def squares(self, trees: Sequence[Params]) -> dict[str, Array]:
        return self._sums(trees, (SQUARES,))

    def _sums(self, trees: Sequence[Params], kinds: tuple[int, ...]) -> dict[str, Array]:
        """Sums over each layer's kernel, layer -> `(trees * kinds, M)`; 0 for members without that layer.

        Args:
            kinds: which sums, as `kernels.sums` numbers them.
        """
        layers, members = max(bucket.depth for bucket in self.buckets), len(self.specs)
        parts = [("first", "kernel", self._owners.rows), ("later", "kernels", self._of_layers)]
        if self.lanes:

            def of_tree(tree: Params) -> Array:
                arrays = [(tree[part][name], owners) for part, name, owners in parts if tree[part][name].size]
                each = [norms(x, ranges_of(owners, x.size), layers * members, self.lanes) for x, owners in arrays]
                return jnp.stack([sum((sums[kind] for sums in each[1:]), each[0][kind]) for kind in kinds])

            sums = _joined([of_tree(tree) for tree in trees])
        else:
            changed = [jax.tree.map(segments.ELEMENTWISE[kind], tree) for tree in trees for kind in kinds]
            rows = jnp.sum(jnp.stack([tree["first"]["kernel"] for tree in changed]), axis=2)
            later = jnp.stack([tree["later"]["kernels"] for tree in changed])
            sums = segments.sums([(self._rows, rows), (self._numbers, later)], layers * members)
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
        hosted = jax.tree.map(np.asarray, params)
        depth = len(self.specs[member].hidden) + 1
        for layer, kernels, biases in islice(self._layers(hosted, segments.views), depth):
            at, bias_at, shape = layer.place(member)
            yield kernels[at : at + math.prod(shape)].reshape(shape), biases[bias_at : bias_at + shape[0]]


def dropout(a: Array, rate: Array, key: Array) -> Array:
    """Apply inverted dropout: each output is 0 with probability `rate`, else scaled to preserve the mean.

    Args:
        a: activations, `(members, units, images)`.
        rate: dropout rates, broadcast against `a`.
        key: key of the random numbers, which all members of a block share; so a member drops the same units in any population.

    Source: Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """
    return dropped(a, rate, jax.random.uniform(key, a.shape[1:])[None])


def dropped(a: Array, rate: Array, draws: Array) -> Array:
    """Dropout by numbers drawn from 0 to 1, broadcast against `a`."""
    return jnp.where(draws >= rate, a / (1.0 - rate), 0.0)
