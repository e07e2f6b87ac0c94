"""Optimizers: the elementwise arithmetic of a step, with Keras's definitions and constants.

An optimizer keeps *slots*, arrays laid out as the parameters. A step first computes the new slots, then the new weights from
the slots as stored. Otherwise XLA would compute them twice, and copy all three arrays of Adam before writing to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.kinds.registry import Registry

if TYPE_CHECKING:
    from jax import Array

BETA_1, BETA_2 = 0.9, 0.999
"""Adam's decay rates of the first and second moment."""
EPSILON = 1e-7
RHO = 0.9
SMALLEST_RATE = 1e-5
"""Rate below which a step of plain gradient descent is lost in rounding, so that the gradient cannot be recovered from it."""


@dataclass(frozen=True)
class Optimizer:
    """An optimizer.

    Attributes:
        name: name in plans.
        title: name in sentences and pictures.
        slots: names of the arrays kept for each weight.
        moments: gradient, rate, momentum, *old slots -> new slots.
        moved: weights, gradient, rate, momentum, *new slots -> new weights.
        gradient: (weights, *slots) before and after a step, its rate and momentum -> the step's gradient of loss plus penalty,
            or its absolute value where the step does not determine the sign.
        settings: plan fields that only some optimizers use: "momentum"; "weight_decay", by which, times the rate, kernels
            shrink before each step.
        corrects_bias: whether step sizes include Adam's bias correction of the moments, which start at 0.
    """

    name: str
    title: str
    slots: tuple[str, ...]
    moments: Callable[..., tuple[Array, ...]]
    moved: Callable[..., Array]
    gradient: Callable[[tuple[Array, ...], tuple[Array, ...], Array, Array], Array]
    settings: tuple[str, ...] = ()
    corrects_bias: bool = False

    @property
    def adaptive(self) -> bool:
        """Whether steps are divided by the size of the gradients, so that all weights move alike."""
        return "square" in self.slots


def _no_moments(g: Array, rate: Array, momentum: Array) -> tuple[Array, ...]:
    return ()


def _descent(w: Array, g: Array, rate: Array, momentum: Array) -> Array:
    return w - rate * g


def _descent_gradient(before: tuple[Array, ...], after: tuple[Array, ...], rate: Array, momentum: Array) -> Array:
    import jax.numpy as jnp

    return jnp.where(rate >= SMALLEST_RATE, (before[0] - after[0]) / rate, jnp.nan)


def _velocity(g: Array, rate: Array, momentum: Array, velocity: Array) -> tuple[Array, ...]:
    return (momentum * velocity - rate * g,)


def _momentum(w: Array, g: Array, rate: Array, momentum: Array, velocity: Array) -> Array:
    return w + velocity


def _nesterov(w: Array, g: Array, rate: Array, momentum: Array, velocity: Array) -> Array:
    return w + momentum * velocity - rate * g


def _velocity_gradient(before: tuple[Array, ...], after: tuple[Array, ...], rate: Array, momentum: Array) -> Array:
    return (momentum * before[1] - after[1]) / rate


def _square(g: Array, rate: Array, momentum: Array, square: Array) -> tuple[Array, ...]:
    return (RHO * square + (1 - RHO) * g * g,)


def _rmsprop(w: Array, g: Array, rate: Array, momentum: Array, square: Array) -> Array:
    import jax

    return w - rate * g * jax.lax.rsqrt(square + EPSILON)


def _square_gradient(before: tuple[Array, ...], after: tuple[Array, ...], rate: Array, momentum: Array) -> Array:
    import jax.numpy as jnp

    return jnp.sqrt(jnp.maximum(after[1] - RHO * before[1], 0) / (1 - RHO))


def _mean_and_square(g: Array, rate: Array, momentum: Array, mean: Array, square: Array) -> tuple[Array, ...]:
    return mean + (g - mean) * (1 - BETA_1), square + (g * g - square) * (1 - BETA_2)


def _adam(w: Array, g: Array, rate: Array, momentum: Array, mean: Array, square: Array) -> Array:
    import jax.numpy as jnp

    return w - mean * rate / (jnp.sqrt(square) + EPSILON)


def _mean_gradient(before: tuple[Array, ...], after: tuple[Array, ...], rate: Array, momentum: Array) -> Array:
    return (after[1] - BETA_1 * before[1]) / (1 - BETA_1)


_ADAM = (("mean", "square"), _mean_and_square, _adam, _mean_gradient)
_MOMENTUM = ("momentum",)

OPTIMIZERS = Registry(
    "optimizer",
    Optimizer("sgd", "SGD", (), _no_moments, _descent, _descent_gradient),
    Optimizer("momentum", "SGD with momentum", ("velocity",), _velocity, _momentum, _velocity_gradient, settings=_MOMENTUM),
    Optimizer(
        "nesterov", "SGD with Nesterov momentum", ("velocity",), _velocity, _nesterov, _velocity_gradient, settings=_MOMENTUM
    ),
    Optimizer("adam", "Adam", *_ADAM, corrects_bias=True),
    Optimizer("adamw", "AdamW", *_ADAM, settings=("weight_decay",), corrects_bias=True),
    Optimizer("rmsprop", "RMSprop", ("square",), _square, _rmsprop, _square_gradient),
)
"""The recovered gradient is NaN for "sgd" at a rate below `SMALLEST_RATE`, and the absolute value for "rmsprop"."""
