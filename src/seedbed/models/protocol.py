"""What all families of networks share: weights only. No optimizer, no data order, no disk.

A population is M members of one block: they share a seed, and see the same minibatch. The layout of its parameters is its
own affair; `unpack` gives a network's arrays under Keras's names and in Keras's layouts.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.models.architecture import Weights
from seedbed.specs import ModelSpec

Params = Any
"""A tree of arrays, laid out as its population likes."""
State = Any
"""A tree of arrays that training changes without a gradient (batch statistics); `{}` where there are none."""
Probes = dict[str, Array]
"""`kind/layer` -> `(M,)`, for example `saturation/dense_0`; NaN for a member without that layer."""


class Hyperparameters(NamedTuple):
    """What may differ between the members of a compiled program, each `(M,)` float32."""

    l1: Array
    l2: Array
    dropout: Array


class Batch(NamedTuple):
    """A minibatch: images `(B, h, w, c)` float32 as the net sees them, labels `(B,)` int32, weights `(B,)` float32.

    A weight is 1, or 0 for a row that only fills up the last minibatch of an epoch.
    """

    images: Array
    labels: Array
    weights: Array


class Penalty(NamedTuple):
    """What the size of the kernels costs, `(M,)`, and the sum of squares of each layer's kernels, layer -> `(M,)`."""

    whole: Array
    squares: dict[str, Array]


class Population(Protocol):
    """M networks that train together, as one block of a compiled program."""

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """The members."""

    @property
    def signature(self) -> Hashable:
        """Populations with equal signatures share one compiled program."""

    @property
    def self_contained(self) -> bool:
        """Whether the signature says all that the program is made from; a user's own function may look elsewhere, too."""

    @property
    def eval_batch_size(self) -> int:
        """How many images at a time inference likes best."""

    def apply(
        self, params: Params, state: State, images: Array, hyper: Hyperparameters, key: Array | None
    ) -> tuple[Array, State, Probes]:
        """Logits `(M, C, B)` of images `(B, h, w, c)`; without a key, inference: no dropout, state unchanged."""

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        """Gradients of every member's mean cross-entropy plus penalty, in the layout of `params`, and the new state."""

    def penalty(self, params: Params, hyper: Hyperparameters) -> Penalty:
        """`l2 * sum(w**2) + l1 * sum(|w|)` over kernels, with the squares that it is made of."""

    def broadcast(self, values: Array, params: Params) -> Params:
        """Values `(M,)` as a tree that broadcasts against `params`: rates, masks."""

    def kernels(self, params: Params) -> Params:
        """A tree of bools shaped as `params`: whether a leaf holds kernels (which are penalised) or biases."""

    def squares(self, trees: Sequence[Params]) -> dict[str, Array]:
        """The sum of squares of each layer's kernels in each tree laid out as the parameters, layer -> `(trees, M)`."""

    def initial(self, seed: int) -> list[Weights]:
        """Each member's fresh arrays for a seed, as `unpack` would give them; equal members may share theirs."""

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        """One member's arrays, unpadded, under Keras's names and in Keras's layouts. Works on moments too."""

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        """The inverse of `unpack`, as NumPy arrays."""


def cross_entropy(logits: Array, labels: Array, weights: Array) -> Array:
    """Each member's weighted mean cross-entropy in nats, `(M,)`; logits `(M, C, B)`, labels and weights `(B,)`."""
    return jnp.sum(image_losses(logits, labels) * weights, axis=-1) / jnp.sum(weights)


def image_losses(logits: Array, labels: Array) -> Array:
    """Cross-entropy of every image in nats, `(M, B)`; logits `(M, C, B)`, labels `(B,)`."""
    shifted = logits - jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True))
    partition = jnp.log(jnp.sum(jnp.exp(shifted), axis=1))
    chosen = jax.nn.one_hot(labels, logits.shape[1], axis=0, dtype=logits.dtype)
    return partition - jnp.sum(shifted * chosen, axis=1)


@dataclass(frozen=True)
class MatMul:
    """Matrix products at one precision: "f32"; "bf16" rounds the operands and sums in f32; "tf32" where a GPU has it."""

    precision: str = "f32"

    @property
    def operand(self) -> Any:
        """The operands' dtype."""
        return jnp.bfloat16 if self.precision == "bf16" else jnp.float32

    @property
    def lax(self) -> str | None:
        """What `jax.lax` calls this precision."""
        return {"f32": "float32", "tf32": "tensorfloat32", "bf16": None}[self.precision]

    def __call__(self, equation: str, left: Array, right: Array) -> Array:
        left, right = left.astype(self.operand), right.astype(self.operand)
        return jnp.einsum(equation, left, right, precision=self.lax, preferred_element_type=jnp.float32)
