"""The interface of populations, which all families of networks share: weights and gradients, no optimizer, data or files.

A population is the M members of one block: they share a seed and see the same minibatches. The layout of its parameters is
private; `unpack` returns a network's arrays with Keras's names and layouts.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.kernels import losses
from seedbed.models.architecture import Weights
from seedbed.specs import ModelSpec

Params = Any
"""A tree of arrays in the population's own layout."""
State = Any
"""A tree of arrays that training changes without a gradient (batch statistics); `{}` if there are none."""
Probes = dict[str, Array]
"""`kind/layer` -> `(M,)`, for example `saturation/dense_0`; NaN for a member without that layer."""
Outputs = tuple[Array, State, Probes]
"""Logits, new state and probes of a forward pass."""


class Hyperparameters(NamedTuple):
    """Values that may differ between the members of a compiled program.

    Attributes:
        l1, l2, dropout: `(M,)` float32.
        class_weights: weight of an image of each class in the loss that training minimizes, `(M, C)`. None means 1 for all.
        alive: whether a member trains, `(M,)` bool. Outputs and gradients of one that does not count for nothing, and need not
            be computed. None means that all train.
    """

    l1: Array
    l2: Array
    dropout: Array
    class_weights: Array | None = None
    alive: Array | None = None


class Batch(NamedTuple):
    """A minibatch.

    Attributes:
        images: inputs of the networks, `(B, h, w, c)` float32.
        labels: classes, `(B,)` int32.
        weights: 1, or 0 for a row that pads the last minibatch of an epoch, `(B,)` float32.
    """

    images: Array
    labels: Array
    weights: Array


class Penalty(NamedTuple):
    """The penalty on kernels, `(M,)`, and the sum of squares of each layer's kernels, layer -> `(M,)`."""

    whole: Array
    squares: dict[str, Array]


class Population(Protocol):
    """M networks that train together, as one block of a compiled program."""

    @property
    def specs(self) -> tuple[ModelSpec, ...]:
        """The members."""

    @property
    def classes(self) -> int:
        """Number of classes."""

    @property
    def signature(self) -> Hashable:
        """Key of the compiled program: populations with equal signatures share one."""

    @property
    def self_contained(self) -> bool:
        """Whether the signature determines the program; a user's own function may depend on other files."""

    @property
    def form(self) -> str:
        """Name of the form of its computing, on which results depend in the last bits; "" if there is only one."""

    @property
    def lanes(self) -> int:
        """Floats per vector of the native kernels that compute the networks; 0 where they do not."""

    @property
    def eval_batch_size(self) -> int:
        """Preferred number of images per evaluation batch."""

    @property
    def raw_pixels(self) -> bool:
        """Whether the networks take pixels as stored, instead of numbers from 0 to 1."""

    def apply(self, params: Params, state: State, images: Array, hyper: Hyperparameters, key: Array | None) -> Outputs:
        """Compute logits `(M, C, B)` of images `(B, h, w, c)`. Without a key: inference, no dropout, state unchanged."""

    def gradients(self, params: Params, state: State, batch: Batch, hyper: Hyperparameters, key: Array) -> tuple[Params, State]:
        """Compute gradients of each member's mean cross-entropy, laid out as `params`, and the new state.

        The gradient of `penalty` is a part of each step; penalties of a user's own layers belong to the loss.
        """

    def constrained(self, params: Params, alive: Params) -> Params:
        """The parameters after a step, brought back to their constraints where a member is alive."""

    def penalty(self, params: Params, hyper: Hyperparameters) -> Penalty:
        """Compute `l2 * sum(w**2) + l1 * sum(|w|)` over kernels, and the sums of squares."""

    def broadcast(self, values: Array, params: Params) -> Params:
        """Turn values `(M,)`, such as rates or masks, into a tree that broadcasts against `params`."""

    def kernels(self, params: Params) -> Params:
        """A tree of bools shaped as `params`: whether a leaf holds kernels, which are penalized."""

    def squares(self, trees: Sequence[Params]) -> dict[str, Array]:
        """Sum of squares of each layer's kernels, for each tree laid out as the parameters, layer -> `(trees, M)`."""

    def initial(self, seed: int) -> list[Weights]:
        """Each member's initial arrays for a seed, as from `unpack`; equal members may share arrays."""

    def unpack(self, params: Params, state: State, member: int) -> Weights:
        """One member's arrays with Keras's names and layouts, without padding; also for an optimizer's moments."""

    def pack(self, members: Sequence[Weights]) -> tuple[Params, State]:
        """Invert `unpack`; returns NumPy arrays."""


def loss_gradients(
    logits: Array, labels: Array, weights: Array, class_weights: Array | None = None, *, lanes: int = 0
) -> Array:
    """Gradients of each member's sum of weighted losses with respect to its logits, `(M, C, B)`; else as `image_losses`.

    Args:
        weights: `(B,)`; those of a mean add up to 1. With weights of classes they do not, as with Keras.
        lanes: floats per vector of the native kernels that compute it; 0 without them.
    """
    if lanes:
        return losses.loss_gradients(logits, labels, weights, class_weights, lanes)

    def total(logits: Array) -> Array:
        return jnp.sum(image_losses(logits, labels, class_weights) * weights)

    gradients: Array = jax.grad(total)(logits)
    return gradients


def image_losses(logits: Array, labels: Array, class_weights: Array | None = None) -> Array:
    """Cross-entropy of each image (nats, `(M, B)`); logits `(M, C, B)`, labels `(B,)`, weights of classes `(M, C)`."""
    shifted = logits - jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True))
    partition = jnp.log(jnp.sum(jnp.exp(shifted), axis=1))
    chosen = jax.nn.one_hot(labels, logits.shape[1], axis=0, dtype=logits.dtype)
    losses = partition - jnp.sum(shifted * chosen, axis=1)
    return losses if class_weights is None else losses * class_weights[:, labels]


@dataclass(frozen=True)
class MatMul:
    """Matrix products at one precision: "f32"; "bf16", which rounds the operands and sums in f32; or "tf32" on GPUs."""

    precision: str = "f32"

    @property
    def operand(self) -> Any:
        """Dtype of the operands."""
        return jnp.bfloat16 if self.precision == "bf16" else jnp.float32

    @property
    def lax(self) -> str | None:
        """Name of this precision in `jax.lax`."""
        return {"f32": "float32", "tf32": "tensorfloat32", "bf16": None}[self.precision]

    def __call__(self, equation: str, left: Array, right: Array) -> Array:
        left, right = left.astype(self.operand), right.astype(self.operand)
        return jnp.einsum(equation, left, right, precision=self.lax, preferred_element_type=jnp.float32)
