"""Optimizers over the layout of a population, with a rate of its own for every member. Definitions and constants are Keras's.

An optimizer keeps *slots*: trees laid out as the parameters. One elementwise pass over each leaf does all of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.models.protocol import Params
from seedbed.specs import Optimizer
from seedbed.training.schedules import BETA_1, BETA_2

OptimizerState = dict[str, Params]
EPSILON = 1e-7
RHO = 0.9
SMALLEST_RATE = 1e-5
"""Below this a step of plain gradient descent is lost in the rounding of a weight, and tells nothing of the gradient."""

SLOTS: dict[Optimizer, tuple[str, ...]] = {
    "sgd": (),
    "momentum": ("velocity",),
    "nesterov": ("velocity",),
    "rmsprop": ("square",),
    "adam": ("mean", "square"),
    "adamw": ("mean", "square"),
}
"""The names of each optimizer's slots."""


class StepSizes(NamedTuple):
    """What one step takes from each member, broadcast over the layout of the parameters.

    Attributes:
        rate: the step size (see `schedules.step_sizes`).
        decay: the share of a kernel that is taken off first.
        momentum: of "momentum" and "nesterov".
        alive: False leaves a member exactly as it is.
    """

    rate: Params
    decay: Params
    momentum: Params
    alive: Params


def empty_slots(optimizer: Optimizer, params: Params) -> OptimizerState:
    """Zeros for every slot."""
    return {name: jax.tree.map(jnp.zeros_like, params) for name in SLOTS[optimizer]}


def update(
    optimizer: Optimizer, params: Params, gradients: Params, slots: OptimizerState, step_sizes: StepSizes, kernels: Params
) -> tuple[Params, OptimizerState]:
    """One step: new parameters and slots.

    Args:
        gradients: of loss plus penalty.
        kernels: which leaves are kernels; only these decay.
    """
    names = SLOTS[optimizer]
    rule = _RULES[optimizer]

    def leaf(
        w: Array, g: Array, kernel: bool, rate: Array, decay: Array, momentum: Array, alive: Array, *moments: Array
    ) -> tuple[Array, ...]:
        start = w - decay * w if kernel and optimizer == "adamw" else w
        fresh = rule.moments(g, rate, momentum, *moments)
        kept = tuple(jnp.where(alive, new, old) for new, old in zip(fresh, moments, strict=True))
        return jnp.where(alive, rule.moved(start, g, rate, momentum, *kept), w), *kept

    trees = (params, gradients, kernels, *step_sizes, *(slots[name] for name in names))
    leaves = [jax.tree.leaves(tree) for tree in trees]
    moved = [leaf(*arguments) for arguments in zip(*leaves, strict=True)]
    structure = jax.tree.structure(params)
    new = [jax.tree.unflatten(structure, column) for column in zip(*moved, strict=True)]
    return new[0], dict(zip(names, new[1:], strict=True))


class _Rule(NamedTuple):
    """An optimizer's arithmetic, in the two parts that are computed one after the other.

    Attributes:
        moments: gradient, rate, momentum and the old slots -> the new slots.
        moved: weights, gradient, rate, momentum and the new slots -> the new weights. It takes the slots as they are kept: from
            others XLA would compute them twice, and copy all three arrays of Adam before it may write to them.
    """

    moments: Callable[..., tuple[Array, ...]]
    moved: Callable[..., Array]


def _nothing(g: Array, rate: Array, momentum: Array) -> tuple[Array, ...]:
    return ()


def _velocity(g: Array, rate: Array, momentum: Array, velocity: Array) -> tuple[Array, ...]:
    return (momentum * velocity - rate * g,)


def _square(g: Array, rate: Array, momentum: Array, square: Array) -> tuple[Array, ...]:
    return (RHO * square + (1 - RHO) * g * g,)


def _mean_and_square(g: Array, rate: Array, momentum: Array, mean: Array, square: Array) -> tuple[Array, ...]:
    return mean + (g - mean) * (1 - BETA_1), square + (g * g - square) * (1 - BETA_2)


def _sgd(w: Array, g: Array, rate: Array, momentum: Array) -> Array:
    return w - rate * g


def _momentum(w: Array, g: Array, rate: Array, momentum: Array, velocity: Array) -> Array:
    return w + velocity


def _nesterov(w: Array, g: Array, rate: Array, momentum: Array, velocity: Array) -> Array:
    return w + momentum * velocity - rate * g


def _rmsprop(w: Array, g: Array, rate: Array, momentum: Array, square: Array) -> Array:
    return w - rate * g * jax.lax.rsqrt(square + EPSILON)


def _adam(w: Array, g: Array, rate: Array, momentum: Array, mean: Array, square: Array) -> Array:
    return w - mean * rate / (jnp.sqrt(square) + EPSILON)


_RULES: dict[Optimizer, _Rule] = {
    "sgd": _Rule(_nothing, _sgd),
    "momentum": _Rule(_velocity, _momentum),
    "nesterov": _Rule(_velocity, _nesterov),
    "rmsprop": _Rule(_square, _rmsprop),
    "adam": _Rule(_mean_and_square, _adam),
    "adamw": _Rule(_mean_and_square, _adam),
}


def last_gradient(
    optimizer: Optimizer,
    before: tuple[Params, OptimizerState],
    after: tuple[Params, OptimizerState],
    rate: Params,
    momentum: Params,
) -> Params:
    """The last step's gradient, from what the step changed: the program need not hand its gradients out.

    Args:
        before, after: parameters and slots around one step.
        rate, momentum: of that step, broadcast over the layout of the parameters.

    Returns:
        The gradient of loss plus penalty; of "rmsprop" its absolute value; NaN for "sgd" at a rate below `SMALLEST_RATE`.
    """
    (w, old), (w_new, new) = before, after
    if optimizer in ("adam", "adamw"):
        return jax.tree.map(lambda m, n: (n - BETA_1 * m) / (1 - BETA_1), old["mean"], new["mean"])
    if optimizer == "rmsprop":
        return jax.tree.map(lambda v, n: jnp.sqrt(jnp.maximum(n - RHO * v, 0) / (1 - RHO)), old["square"], new["square"])
    if optimizer == "sgd":
        return jax.tree.map(lambda a, b, r: jnp.where(r >= SMALLEST_RATE, (a - b) / r, jnp.nan), w, w_new, rate)
    return jax.tree.map(lambda v, n, mu, r: (mu * v - n) / r, old["velocity"], new["velocity"], momentum, rate)
