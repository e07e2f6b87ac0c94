"""Optimizer steps over the layout of a population, with values of each member.

The arithmetic of each optimizer is in `seedbed.kinds.optimizers`. A step, with the gradient of the penalty on kernels, is one
elementwise pass over each leaf; where a population is computed by native kernels, it is one of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.kernels.steps import RULES, StepLayout, StepValues, take_step
from seedbed.kinds import OPTIMIZERS
from seedbed.models.protocol import Params, Population

OptimizerState = dict[str, Params]
"""Name of a slot -> a tree laid out as the parameters."""

Step = Callable[[Params, Params, OptimizerState, Array, Array], tuple[Params, OptimizerState]]
"""Parameters, gradients of the loss, slots, rates and decays `(M,)` -> new parameters and slots."""


def empty_slots(optimizer: str, params: Params) -> OptimizerState:
    """Initial slots: zeros, laid out as the parameters."""

    def zeros(leaf: Array) -> Any:  # `jnp.zeros` compiles a program per shape
        return jax.device_put(np.zeros(leaf.shape, leaf.dtype), may_alias=False)

    return {name: jax.tree.map(zeros, params) for name in OPTIMIZERS[optimizer].slots}


def penalized(population: Population, params: Params, gradients: Params, l1: Array, l2: Array) -> Params:
    """Gradients of the loss plus `l2 * sum(w**2) + l1 * sum(|w|)` over kernels; coefficients `(M,)`."""

    def leaf(g: Array, kernel: bool, w: Array, l1: Array, l2: Array) -> Array:
        return g + (2 * l2 * w + l1 * jnp.sign(w)) if kernel else g

    broadcasts = (population.broadcast(values, params) for values in (l1, l2))
    return jax.tree.map(leaf, gradients, population.kernels(params), params, *broadcasts)


def step_of(population: Population, optimizer: str, params: Params, values: StepValues) -> Step:
    """The function that takes one step.

    Args:
        population: whose layout the parameters have.
        optimizer: name of the optimizer.
        params: parameters, for their shapes.
        values: values of the members.
    """
    if not population.lanes or optimizer not in RULES:
        return _elementwise(population, optimizer, params, values)
    owners = population.broadcast(np.arange(len(population.specs)), params)  # type: ignore[arg-type]
    layouts = jax.tree.map(
        lambda leaf, owner, kernel: StepLayout.of(owner, leaf.size, kernel=kernel), params, owners, population.kernels(params)
    )

    def step(
        params: Params, gradients: Params, slots: OptimizerState, rates: Array, decays: Array
    ) -> tuple[Params, OptimizerState]:
        def leaf(w: Array, g: Array, layout: StepLayout, *slots: Array) -> tuple[Array, ...]:
            return take_step(optimizer, layout, population.lanes, values, rates, decays, w, g, *slots)

        return _over_leaves(leaf, params, gradients, slots, layouts)

    return step


def _elementwise(population: Population, optimizer: str, params: Params, values: StepValues) -> Step:
    """A step in XLA's own operations."""
    rule = OPTIMIZERS[optimizer]
    kernels = population.kernels(params)
    momenta, alive = (population.broadcast(each, params) for each in (values.momentum, values.alive))

    def leaf(
        w: Array, g: Array, kernel: bool, rate: Array, decay: Array, momentum: Array, alive: Array, *moments: Array
    ) -> tuple[Array, ...]:
        start = w - decay * w if kernel and "weight_decay" in rule.settings else w
        fresh = rule.moments(g, rate, momentum, *moments)
        new_slots = tuple(jnp.where(alive, new, old) for new, old in zip(fresh, moments, strict=True))
        return jnp.where(alive, rule.moved(start, g, rate, momentum, *new_slots), w), *new_slots

    def step(
        params: Params, gradients: Params, slots: OptimizerState, rates: Array, decays: Array
    ) -> tuple[Params, OptimizerState]:
        whole = penalized(population, params, gradients, values.l1, values.l2)
        sizes = (population.broadcast(each, params) for each in (rates, decays))
        return _over_leaves(leaf, params, whole, slots, kernels, *sizes, momenta, alive)

    return step


def _over_leaves(
    leaf: Callable[..., tuple[Array, ...]], params: Params, gradients: Params, slots: OptimizerState, *others: Params
) -> tuple[Params, OptimizerState]:
    """New parameters and slots by a function of a leaf's weights, gradients, other values and slots."""
    leaves = [jax.tree.leaves(tree) for tree in (params, gradients, *others, *slots.values())]
    moved = [leaf(*arguments) for arguments in zip(*leaves, strict=True)]
    structure = jax.tree.structure(params)
    new = [jax.tree.unflatten(structure, column) for column in zip(*moved, strict=True)]
    return new[0], dict(zip(slots, new[1:], strict=True))


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
