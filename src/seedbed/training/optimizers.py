"""Optimizer steps over the layout of a population, with one rate per member.

The arithmetic of each optimizer is in `seedbed.kinds.optimizers`; a step is one elementwise pass over each leaf.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.kinds import OPTIMIZERS
from seedbed.models.protocol import Params

OptimizerState = dict[str, Params]
"""Name of a slot -> a tree laid out as the parameters."""


class StepSizes(NamedTuple):
    """Step sizes of each member, broadcast over the layout of the parameters.

    Attributes:
        rate: step size (see `schedules.step_sizes`).
        decay: share by which kernels shrink before the step.
        momentum: coefficient of "momentum" and "nesterov".
        alive: whether the member trains; otherwise it stays exactly as it is.
    """

    rate: Params
    decay: Params
    momentum: Params
    alive: Params


def empty_slots(optimizer: str, params: Params) -> OptimizerState:
    """Initial slots: zeros, laid out as the parameters."""

    def zeros(leaf: Array) -> Any:  # `jnp.zeros` compiles a program per shape
        return jax.device_put(np.zeros(leaf.shape, leaf.dtype), may_alias=False)

    return {name: jax.tree.map(zeros, params) for name in OPTIMIZERS[optimizer].slots}


def update(
    optimizer: str, params: Params, gradients: Params, slots: OptimizerState, step_sizes: StepSizes, kernels: Params
) -> tuple[Params, OptimizerState]:
    """Take one step; returns new parameters and slots.

    Args:
        optimizer: name of the optimizer.
        params: parameters.
        gradients: gradients of loss plus penalty.
        slots: the optimizer's state.
        step_sizes: step sizes of each member.
        kernels: whether each leaf is a kernel; only kernels decay.
    """
    rule = OPTIMIZERS[optimizer]

    def leaf(
        w: Array, g: Array, kernel: bool, rate: Array, decay: Array, momentum: Array, alive: Array, *moments: Array
    ) -> tuple[Array, ...]:
        start = w - decay * w if kernel and "weight_decay" in rule.settings else w
        fresh = rule.moments(g, rate, momentum, *moments)
        new_slots = tuple(jnp.where(alive, new, old) for new, old in zip(fresh, moments, strict=True))
        return jnp.where(alive, rule.moved(start, g, rate, momentum, *new_slots), w), *new_slots

    trees = (params, gradients, kernels, *step_sizes, *(slots[name] for name in rule.slots))
    leaves = [jax.tree.leaves(tree) for tree in trees]
    moved = [leaf(*arguments) for arguments in zip(*leaves, strict=True)]
    structure = jax.tree.structure(params)
    new = [jax.tree.unflatten(structure, column) for column in zip(*moved, strict=True)]
    return new[0], dict(zip(rule.slots, new[1:], strict=True))


def last_gradient(
    optimizer: str, before: tuple[Params, OptimizerState], after: tuple[Params, OptimizerState], rate: Params, momentum: Params
) -> Params:
    """Recover a step's gradient from its changes, so that the program need not return gradients.

    Args:
        optimizer: name of the optimizer.
        before, after: parameters and slots before and after the step.
        rate, momentum: values of that step, broadcast over the layout of the parameters.

    Returns:
        The gradient of loss plus penalty, as far as the step determines it (`kinds.OPTIMIZERS`).
    """
    rule = OPTIMIZERS[optimizer]

    def leaf(rate: Array, momentum: Array, *arrays: Array) -> Array:
        half = len(arrays) // 2
        return rule.gradient(arrays[:half], arrays[half:], rate, momentum)

    trees = [tree for params, slots in (before, after) for tree in (params, *(slots[name] for name in rule.slots))]
    return jax.tree.map(leaf, rate, momentum, *trees)
