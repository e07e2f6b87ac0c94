"""Layers of several networks as one native product with a block-diagonal matrix, differentiable.

Which blocks the matrix has is data of the call, not part of the compiled code: a layer of twenty different networks compiles as
fast as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.kernels.calls import Ranges, floats, native_call

SPARE = 2**18
"""Floats of memory that a call may use; where it needs more, and on further threads, it allocates its own."""


@dataclass(frozen=True)
class Block:
    """Equal matrices on the diagonal, one for each of some networks.

    Attributes:
        members: number of the networks.
        outputs, inputs: shape of each matrix.
        start: first row of their inputs.
    """

    members: int
    outputs: int
    inputs: int
    start: int = 0

    @property
    def rows(self) -> int:
        """Rows of their outputs."""
        return self.members * self.outputs

    @property
    def numbers(self) -> int:
        """Numbers of all matrices."""
        return self.rows * self.inputs


@dataclass(frozen=True)
class Diagonal:
    """A matrix of blocks, whose rows of outputs follow each other, as do their numbers, row by row.

    Attributes:
        blocks: the blocks; each row of the inputs belongs to one of them.
        owners: the networks to which the rows of outputs belong.
        lanes: floats per vector.
        images: whether the inputs are images `(B, inputs)` of a single block with one network. They get no gradient.
    """

    blocks: tuple[Block, ...]
    owners: Ranges
    lanes: int
    images: bool = False

    @property
    def outputs(self) -> int:
        """Rows of the outputs."""
        return sum(block.rows for block in self.blocks)

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a native call."""
        sizes = [(block.members, block.outputs, block.inputs, block.start) for block in self.blocks]
        blocks, owners = (np.array(rows, np.int64).ravel() for rows in (sizes, self.owners))
        return {"blocks": blocks, "ranges": owners, "lanes": np.int64(self.lanes), "images": np.int64(self.images)}


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def multiply(layer: Diagonal, alive: Array, kernels: Array, biases: Array, x: Array) -> Array:
    """Pre-activations of a layer, `(outputs, B)`.

    Args:
        layer: the blocks.
        alive: which networks are computed, `(M,)` bool. Outputs of others are 0, and so are all gradients of their numbers.
        kernels: their numbers, `(N,)`.
        biases: `(outputs,)`.
        x: rows of inputs `(inputs, B)`, or images.
    """
    return _forward(layer, alive, kernels, biases, x)[0]


def _forward(layer: Diagonal, alive: Array, kernels: Array, biases: Array, x: Array) -> tuple[Array, tuple[Array, ...]]:
    images = x.shape[0] if layer.images else x.shape[1]
    results = (floats(layer.outputs, images), floats(SPARE))
    z, _ = native_call("multiply", results)(alive, kernels, biases, x, **layer.attributes)
    return z, (alive, kernels, x)


def _backward(layer: Diagonal, residuals: tuple[Array, ...], dz: Array) -> tuple[None, Array, Array, Array]:
    alive, kernels, x = residuals
    results = (floats(*kernels.shape), floats(layer.outputs), floats(*((0,) if layer.images else x.shape)), floats(SPARE))
    dkernels, dbiases, dx, _ = native_call("multiply_backward", results)(alive, dz, kernels, x, **layer.attributes)
    return None, dkernels, dbiases, jnp.zeros_like(x) if layer.images else dx


multiply.defvjp(_forward, _backward)
