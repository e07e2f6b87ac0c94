"""Optimizers over the layout of a population, with a rate of its own for every member.

The arithmetic of each optimizer is in `seedbed.kinds.optimizers`. One elementwise pass over each leaf does all of it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.kinds import OPTIMIZERS
from seedbed.models.protocol import Params

OptimizerState = dict[str, Params]
"""Name of a slot -> a tree laid out as the parameters."""


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


def empty_slots(optimizer: str, params: Params) -> OptimizerState:
    """Zeros for every slot."""
    return {name: jax.tree.map(jnp.zeros_like, params) for name in OPTIMIZERS[optimizer].slots}


def update(
    optimizer: str, params: Params, gradients: Params, slots: OptimizerState, step_sizes: StepSizes, kernels: Params
) -> tuple[Params, OptimizerState]:
    """One step: new parameters and slots.

    Args:
        gradients: of loss plus penalty.
        kernels: which leaves are kernels; only these decay.
    """
    rule = OPTIMIZERS[optimizer]

    def leaf(
        w: Array, g: Array, kernel: bool, rate: Array, decay: Array, momentum: Array, alive: Array, *moments: Array
    ) -> tuple[Array, ...]:
        start = w - decay * w if kernel and "weight_decay" in rule.settings else w
        fresh = rule.moments(g, rate, momentum, *moments)
        kept = tuple(jnp.where(alive, new, old) for new, old in zip(fresh, moments, strict=True))
        return jnp.where(alive, rule.moved(start, g, rate, momentum, *kept), w), *kept

    trees = (params, gradients, kernels, *step_sizes, *(slots[name] for name in rule.slots))
    leaves = [jax.tree.leaves(tree) for tree in trees]
    moved = [leaf(*arguments) for arguments in zip(*leaves, strict=True)]
    structure = jax.tree.structure(params)
    new = [jax.tree.unflatten(structure, column) for column in zip(*moved, strict=True)]
    return new[0], dict(zip(rule.slots, new[1:], strict=True))


def last_gradient(
    optimizer: str, before: tuple[Params, OptimizerState], after: tuple[Params, OptimizerState], rate: Params, momentum: Params
) -> Params:
    """The last step's gradient, from what the step changed: the program need not hand its gradients out.

    Args:
        before, after: parameters and slots around one step.
        rate, momentum: of that step, broadcast over the layout of the parameters.

    Returns:
        The gradient of loss plus penalty, as far as a step tells it (`kinds.OPTIMIZERS`).
    """
    rule = OPTIMIZERS[optimizer]

    def leaf(rate: Array, momentum: Array, *arrays: Array) -> Array:
        half = len(arrays) // 2
        return rule.gradient(arrays[:half], arrays[half:], rate, momentum)

    trees = [tree for params, slots in (before, after) for tree in (params, *(slots[name] for name in rule.slots))]
    return jax.tree.map(leaf, rate, momentum, *trees)
