"""Activation functions with Keras's definitions, and what is known of each."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.specs import Activation


def _leaky_relu(z: Array) -> Array:
    return jnp.where(z >= 0, z, 0.2 * z)


def _gelu(z: Array) -> Array:
    return 0.5 * z * (1.0 + jax.lax.erf(z * (1.0 / math.sqrt(2.0))))


ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "leaky_relu": _leaky_relu,
    "elu": jax.nn.elu,
    "gelu": _gelu,
    "silu": jax.nn.silu,
}
"""Elementwise, on pre-activations of any shape. Leaky ReLU's slope is 0.2, ELU's alpha 1; GELU is the exact one, by erf."""

MONOTONE: frozenset[Activation] = frozenset({"relu", "tanh", "sigmoid", "leaky_relu", "elu"})
"""Where the activation of the largest is the largest activation, so that pooling may come first."""

ZERO_AT_ZERO: frozenset[Activation] = frozenset(ACTIVATIONS) - {"sigmoid"}
"""Where a padded unit, whose weights and bias are 0, puts out 0 by itself."""


def saturated(activation: Activation, outputs: Array, axes: tuple[int, ...]) -> Array:
    """The share of saturated units: their gradient is near 0.

    Args:
        outputs: after the activation, `(members, units, images)` or with more axes between.
        axes: of `outputs` that hold units; the last axis holds the images of a minibatch.

    Returns:
        Of tanh: the share of outputs with |a| > 0.97; of sigmoid: outside [0.03, 0.97]; of the others: the share of units
        whose output is not positive for all images of the minibatch (for ReLU a unit that no image switches on).
    """
    if activation == "tanh":
        return jnp.mean(jnp.abs(outputs) > 0.97, axis=(*axes, -1))
    if activation == "sigmoid":
        return jnp.mean((outputs < 0.03) | (outputs > 0.97), axis=(*axes, -1))
    return jnp.mean(jnp.all(outputs <= 0, axis=-1), axis=axes)
