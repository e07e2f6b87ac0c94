"""Activations of several networks as one native pass, differentiable.

XLA joins ranges with different activations in one loop, which for every number also reads all other ranges, behind masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

from seedbed.kernels.calls import floats, native_call

NUMBERS = {"relu": 0, "tanh": 1, "sigmoid": 2, "leaky_relu": 3, "elu": 4, "gelu": 5, "silu": 6}
"""Activation -> its number in the native code."""

LOGITS = -1
"""The number of units without activation."""


@dataclass(frozen=True)
class Units:
    """How the rows of a layer's pre-activations are treated.

    Attributes:
        members: activation's number or `LOGITS`, network, and count of each range of neighbouring rows, in their order. A
            network has as many logits as there are classes.
        lanes: floats per vector.
    """

    members: tuple[tuple[int, int, int], ...]
    lanes: int

    @property
    def hidden(self) -> Units:
        """Those with an activation."""
        return Units(tuple(some for some in self.members if some[0] != LOGITS), self.lanes)

    @property
    def rows(self) -> int:
        """Count of all rows."""
        return sum(count for *_, count in self.members)

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a native call."""
        return {"units": np.array(self.members, np.int64).ravel(), "lanes": np.int64(self.lanes)}


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def activate(units: Units, logits: Array, alive: Array, z: Array) -> tuple[Array, Array]:
    """The logits with those of this layer, inside a program in place; and outputs of its hidden units, `(hidden rows, B)`.

    Args:
        units: what the rows are.
        logits: logits of all networks, `(M * C, B)`.
        alive: which networks are computed, `(M,)` bool. Outputs and gradients of others are 0.
        z: pre-activations, `(rows, B)`.
    """
    return _forward(units, logits, alive, z)[0]


def _forward(units: Units, logits: Array, alive: Array, z: Array) -> tuple[tuple[Array, Array], tuple[Array, ...]]:
    results = (floats(*logits.shape), floats(units.hidden.rows, z.shape[1]))
    gathered, x = native_call("activate", results, in_place=[0])(logits, alive, z, **units.attributes)
    return (gathered, x), (alive, z, x)


def _backward(units: Units, residuals: tuple[Array, ...], gradients: tuple[Array, Array]) -> tuple[Array, None, Array]:
    alive, z, x = residuals
    dlogits, dx = gradients
    return dlogits, None, native_call("activate_backward", floats(*z.shape))(dlogits, alive, z, x, dx, **units.attributes)


activate.defvjp(_forward, _backward)


def saturation(units: Units, alive: Array, x: Array) -> Array:
    """Share of saturated units of each network, `(M,)`, as `kinds.activations` defines it; NaN without hidden units here.

    Args:
        units: what the rows are; logits do not count.
        alive: which networks are computed, `(M,)` bool. Others have NaN.
        x: outputs of the hidden units.
    """
    found: Array = native_call("saturation", floats(*alive.shape))(alive, x, **units.hidden.attributes)
    return found
