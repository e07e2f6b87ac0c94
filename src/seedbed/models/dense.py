"""Fully connected networks, many at a time.

The first layers of all members are one matrix `[sum of widths, inputs]`: one large product does most of the work, whatever
the mix of widths, and there is no gradient to the images. Members with equal later layers sit side by side (a *class*) and
run as one batched product per layer. Activations are units x images, images innermost, so that a member is a row slice.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.models.activations import ACTIVATIONS, ZERO_AT_ZERO, saturated
from seedbed.models.architecture import Weights, dense_widths, initial_weights
from seedbed.models.protocol import Batch, Knobs, MatMul, Params, Probes, State, cross_entropy
from seedbed.specs import Activation, Dense


@dataclass(frozen=True)
class Shelf:
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


def shelves(specs: Sequence[Dense], padded: Sequence[tuple[int, ...]], inputs: int, classes: int) -> tuple[Shelf, ...]:
    """Neighbours with equal activation and padded hidden widths, together."""
    found: list[Shelf] = []
    top = 0
    keys = [(spec.activation, (inputs, *hidden, classes)) for spec, hidden in zip(specs, padded, strict=True)]
    for (activation, widths), group in groupby(range(len(keys)), key=lambda member: keys[member]):
        members = list(group)
        bottom = top + len(members) * widths[1]
        found.append(Shelf(activation, widths, members[0], members[-1] + 1, top, bottom))
        top = bottom
    return tuple(found)


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
        self.shelves = shelves(self.specs, self.padded, math.prod(image_shape), classes)
        self.drops = any(spec.dropout > 0 for spec in specs)
        self._matmul = MatMul(precision)
        self._is_padded = any(spec.hidden != hidden for spec, hidden in zip(self.specs, self.padded, strict=True))
        owners = [np.repeat(np.arange(s.start, s.stop), s.widths[1]) for s in self.shelves]
        self._owner = np.concatenate(owners)

    @property
    def signature(self) -> Hashable:
        masked = self._is_padded and any(shelf.activation not in ZERO_AT_ZERO for shelf in self.shelves)
        exact = tuple(spec.hidden for spec in self.specs) if masked else None
        return ("dense", self.image_shape, self.shelves, self.drops, self._matmul, exact)

    @property
    def exam_batch(self) -> int:
        return 500

    def apply(
        self, params: Params, state: State, images: Array, knobs: Knobs, key: Array | None
    ) -> tuple[Array, State, Probes]:
        x = images.reshape(images.shape[0], -1)
        first = self._matmul("hd,bd->hb", params["first"]["kernel"], x) + params["first"]["bias"][:, None]
        probes: list[tuple[Shelf, dict[str, Array]]] = []
        logits = []
        for number, shelf in enumerate(self.shelves):
            z = first[shelf.top : shelf.bottom].reshape(shelf.members, shelf.widths[1], -1)
            out, saturation = self._later_layers(shelf, params["later"][number], z, knobs, key)
            logits.append(out)
            probes.append((shelf, saturation))
        return jnp.concatenate(logits), state, self._joined(probes)

    def _later_layers(
        self, shelf: Shelf, layers: list[dict[str, Array]], z: Array, knobs: Knobs, key: Array | None
    ) -> tuple[Array, dict[str, Array]]:
        saturation = {}
        for number, layer in enumerate(layers):
            a = self._masked(shelf, number, ACTIVATIONS[shelf.activation](z))
            saturation[f"saturation/dense_{number}"] = self._saturation(shelf, number, a)
            if self.drops and key is not None:
                a = dropout(a, knobs.dropout[shelf.start : shelf.stop, None, None], jax.random.fold_in(key, number))
            z = self._matmul("goi,gib->gob", layer["kernel"], a) + layer["bias"][..., None]
        return z, saturation

    def _masked(self, shelf: Shelf, number: int, a: Array) -> Array:
        """Padded units put out 0; only where the activation does not see to it."""
        if shelf.activation in ZERO_AT_ZERO or not self._is_padded:
            return a
        return a * self._real_units(shelf, number)[:, :, None]

    def _saturation(self, shelf: Shelf, number: int, a: Array) -> Array:
        real = self._real_units(shelf, number)
        per_unit = saturated(shelf.activation, a, ()).astype(jnp.float32)
        return jnp.sum(per_unit * real, axis=1) / np.sum(real, axis=1, dtype=np.float32)

    def _real_units(self, shelf: Shelf, number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """1 for a unit of the member's own, 0 for padding, `(members, width)`."""
        real = np.zeros((shelf.members, shelf.widths[number + 1]), np.float32)
        for row, spec in enumerate(self.specs[shelf.start : shelf.stop]):
            real[row, : spec.hidden[number]] = 1
        return real

    def _joined(self, parts: list[tuple[Shelf, dict[str, Array]]]) -> Probes:
        """One `(M,)` array a probe, NaN for members that have no such layer."""
        joined: Probes = {}
        for name in dict.fromkeys(name for _, probes in parts for name in probes):
            joined[name] = jnp.concatenate([probes.get(name, jnp.full(s.members, jnp.nan)) for s, probes in parts])
        return joined

    def gradients(self, params: Params, state: State, batch: Batch, knobs: Knobs, key: Array) -> tuple[Params, State]:
        def total(params: Params) -> Array:
            logits, _, _ = self.apply(params, state, batch.images, knobs, key)
            return jnp.sum(cross_entropy(logits, batch.labels, batch.weights) + self.penalty(params, knobs))

        return jax.grad(total)(params), state

    def penalty(self, params: Params, knobs: Knobs) -> Array:
        squares = sum(self.squares(params).values())
        sizes = sum(self._per_layer(params, jnp.abs).values())
        return knobs.l2 * squares + knobs.l1 * sizes

    def squares(self, tree: Params) -> dict[str, Array]:
        return self._per_layer(tree, jnp.square)

    def _per_layer(self, tree: Params, of: Any) -> dict[str, Array]:
        """The sum of a function over each layer's kernel, layer -> `(M,)`, 0 for members without that layer."""
        rows = jnp.sum(of(tree["first"]["kernel"]), axis=1)
        parts: list[tuple[Shelf, dict[str, Array]]] = []
        for shelf, layers in zip(self.shelves, tree["later"], strict=True):
            sums = {"dense_0": jnp.sum(rows[shelf.top : shelf.bottom].reshape(shelf.members, -1), axis=1)}
            for number, layer in enumerate(layers, 1):
                sums[f"dense_{number}"] = jnp.sum(of(layer["kernel"]), axis=(1, 2))
            parts.append((shelf, sums))
        names = [f"dense_{number}" for number in range(max(shelf.depth for shelf in self.shelves))]
        return {name: jnp.concatenate([sums.get(name, jnp.zeros(s.members)) for s, sums in parts]) for name in names}

    def spread(self, values: Array, params: Params) -> Params:
        rows = values[self._owner]
        later = [
            [{"kernel": values[s.start : s.stop, None, None], "bias": values[s.start : s.stop, None]} for _ in layers]
            for s, layers in zip(self.shelves, params["later"], strict=True)
        ]
        return {"first": {"kernel": rows[:, None], "bias": rows}, "later": later}

    def kernels(self, params: Params) -> Params:
        return jax.tree.map_with_path(lambda path, _: path[-1].key == "kernel", params)

    def fresh(self, seed: int) -> tuple[Params, State]:
        return self.pack([initial_weights(spec, self.image_shape, self.classes, seed) for spec in self.specs])

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        number, shelf = next((n, s) for n, s in enumerate(self.shelves) if s.start <= member < s.stop)
        widths = dense_widths(self.specs[member], self.image_shape, self.classes)
        top = shelf.top + (member - shelf.start) * shelf.widths[1]
        kernels = [params["first"]["kernel"][top : top + shelf.widths[1]]]
        biases = [params["first"]["bias"][top : top + shelf.widths[1]]]
        kernels += [layer["kernel"][member - shelf.start] for layer in params["later"][number]]
        biases += [layer["bias"][member - shelf.start] for layer in params["later"][number]]
        weights: Weights = {}
        for layer_number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
            inputs, outputs = widths[layer_number], widths[layer_number + 1]
            weights[f"dense_{layer_number}/kernel"] = np.ascontiguousarray(np.asarray(kernel)[:outputs, :inputs].T)
            weights[f"dense_{layer_number}/bias"] = np.array(bias[:outputs])
        return weights

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        inputs = math.prod(self.image_shape)
        first = {"kernel": np.zeros((len(self._owner), inputs), np.float32), "bias": np.zeros(len(self._owner), np.float32)}
        later: list[list[dict[str, Any]]] = []
        for shelf in self.shelves:
            layers = [_room(shelf, number) for number in range(1, shelf.depth)]
            for member in range(shelf.start, shelf.stop):
                top = shelf.top + (member - shelf.start) * shelf.widths[1]
                slots = [(first["kernel"][top:], first["bias"][top:])]
                slots += [(layer["kernel"][member - shelf.start], layer["bias"][member - shelf.start]) for layer in layers]
                for number, (kernel, bias) in enumerate(slots):
                    own = members[member][f"dense_{number}/kernel"]
                    kernel[: own.shape[1], : own.shape[0]] = own.T
                    bias[: own.shape[1]] = members[member][f"dense_{number}/bias"]
            later.append(layers)
        return {"first": first, "later": later}, {}


def _room(shelf: Shelf, number: int) -> dict[str, Any]:
    inputs, outputs = shelf.widths[number], shelf.widths[number + 1]
    return {
        "kernel": np.zeros((shelf.members, outputs, inputs), np.float32),
        "bias": np.zeros((shelf.members, outputs), np.float32),
    }


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
