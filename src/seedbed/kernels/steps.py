"""An optimizer's step over the weights of several networks as one native pass in place.

XLA computes the moments, then the weights, and gradients of penalties, in loops of their own; each reads its arrays again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kernels.calls import Ranges, floats, native_call, ranges_of

RULES = {"sgd": 0, "momentum": 1, "nesterov": 2, "rmsprop": 3, "adam": 4, "adamw": 4}
"""Optimizer -> number of its rule in the native code."""


class StepValues(NamedTuple):
    """Values of members that stay the same from step to step, each `(M,)`.

    Attributes:
        momentum: coefficients of "momentum" and "nesterov".
        l1, l2: coefficients of the penalty on kernels, whose gradient is added to that of the loss.
        alive: whether the member trains; otherwise all its numbers stay exactly as they are.
    """

    momentum: Array
    l1: Array
    l2: Array
    alive: Array


@dataclass(frozen=True)
class StepLayout:
    """What an array of several networks holds.

    Attributes:
        ranges: whose numbers they are.
        kernel: whether these are kernels: they alone shrink, and have a penalty.
    """

    ranges: Ranges
    kernel: bool

    @classmethod
    def of(cls, owners: NDArray[Any], numbers: int, *, kernel: bool) -> StepLayout:
        """The layout of an array with this count of numbers, an equal share for each of these owners, one after the other."""
        return cls(ranges_of(owners, numbers), kernel)


def take_step(
    optimizer: str,
    layout: StepLayout,
    lanes: int,
    values: StepValues,
    rates: Array,
    decays: Array,
    w: Array,
    gradients: Array,
    *slots: Array,
) -> tuple[Array, ...]:
    """New weights and slots, of any shape; inside a program they are written over the old ones.

    Args:
        optimizer: one of `RULES`.
        layout: whose numbers these are.
        lanes: floats per vector.
        values: values of the members.
        rates: their step sizes, with any correction of bias, `(M,)`.
        decays: shares by which kernels shrink before the step, `(M,)`.
        w: weights.
        gradients: gradients of the loss, without the penalty.
        slots: the optimizer's.
    """
    if not w.size:
        return w, *slots
    results = [floats(*array.shape) for array in (w, *slots)]
    call = native_call("step", results, in_place=range(len(results)))
    attributes = {"rule": RULES[optimizer], "kernel": layout.kernel, "lanes": lanes}
    numbers = {name: np.int64(value) for name, value in attributes.items()}
    ranges = np.array(layout.ranges, np.int64).ravel()
    return tuple(call(w, *slots, gradients, rates, decays, *values, ranges=ranges, **numbers))
