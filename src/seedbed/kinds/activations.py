"""Activation functions with Keras's definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from seedbed.kinds.registry import Registry

if TYPE_CHECKING:
    from jax import Array


@dataclass(frozen=True)
class Activation:
    """An activation function.

    Attributes:
        name: name in settings.
        title: name in sentences and pictures.
        function: elementwise function of pre-activations of any shape.
        ends: outputs beyond which a unit of a bounded function counts as saturated, (low, high). None means an unbounded
            function, whose units count as saturated when they are never positive.
        monotone: whether a larger input never has a smaller output, so that pooling may precede the activation.
    """

    name: str
    title: str
    function: Callable[[Array], Array]
    ends: tuple[float, float] | None = None
    monotone: bool = True

    def saturated(self, outputs: Array, axes: tuple[int, ...]) -> Array:
        """Share of saturated units, whose gradient is near 0.

        Args:
            outputs: outputs of the activation, `(members, units, images)`, or with more axes between.
            axes: axes of `outputs` that hold units; the last axis holds the images of a minibatch.

        Returns:
            The share of outputs beyond the `ends`; without ends, the share of units whose output is positive for no image of
            the minibatch (dead ReLU units).
        """
        import jax.numpy as jnp

        if self.ends is None:
            return jnp.mean(jnp.all(outputs <= 0, axis=-1), axis=axes)
        low, high = self.ends
        return jnp.mean((outputs < low) | (outputs > high), axis=(*axes, -1))


def _of_jax(path: str) -> Callable[[Array], Array]:
    module, _, name = path.rpartition(".")

    def function(z: Array) -> Array:
        result: Array = getattr(import_module(module), name)(z)
        return result

    return function


def _leaky_relu(z: Array) -> Array:
    import jax.numpy as jnp

    return jnp.where(z >= 0, z, 0.2 * z)


def _exact_gelu(z: Array) -> Array:
    import jax

    return 0.5 * z * (1.0 + jax.lax.erf(z * (1.0 / math.sqrt(2.0))))


ACTIVATIONS = Registry(
    "activation",
    Activation("relu", "ReLU", _of_jax("jax.nn.relu")),
    Activation("tanh", "tanh", _of_jax("jax.numpy.tanh"), ends=(-0.97, 0.97)),
    Activation("sigmoid", "sigmoid", _of_jax("jax.nn.sigmoid"), ends=(0.03, 0.97)),
    Activation("leaky_relu", "leaky ReLU", _leaky_relu),
    Activation("elu", "ELU", _of_jax("jax.nn.elu")),
    Activation("gelu", "GELU", _exact_gelu, monotone=False),
    Activation("silu", "SiLU", _of_jax("jax.nn.silu"), monotone=False),
)
"""Leaky ReLU has slope 0.2, ELU alpha 1; GELU is exact (by erf)."""
