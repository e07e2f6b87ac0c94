"""Long vectors that hold several arrays: cut into these, and summed per owner in a few operations for any number of owners.

One reduction per owner would be one loop to compile for each. Here values are first summed in chunks; a scatter then adds the
chunks to their owners, and adds the values of chunks with several owners one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.kernels.sums import SIZES, SQUARES


def cut(x: Array, sizes: Sequence[int], axis: int = 0) -> list[Array]:
    """Split into consecutive parts. The gradient of `lax.split` is one concatenation, that of slices a sum of padded arrays."""
    return list(jax.lax.split(x, sizes, axis=axis)) if len(sizes) > 1 else [x] if sizes else []


def views(x: Any, sizes: Sequence[int]) -> list[Any]:
    """The same of an array in host memory, without a copy."""
    return np.split(x, np.cumsum(sizes)[:-1]) if sizes else []


ELEMENTWISE = {SIZES: jnp.abs, SQUARES: jnp.square}
"""What is summed for norms, as `kernels.sums` numbers it."""

CHUNK = 64
"""Values per chunk: a scatter takes about as long for one value as a reduction for a hundred."""


class Owned:
    """The owners of a vector's values.

    Args:
        owners: owner of each value, `(N,)`; equal owners are adjacent.

    Attributes:
        owners: owner of each piece.
    """

    def __init__(self, owners: NDArray[np.int32]) -> None:
        whole = len(owners) // CHUNK
        chunks = owners[: whole * CHUNK].reshape(whole, CHUNK)
        mixed = chunks.min(axis=1) != chunks.max(axis=1)
        loose = np.concatenate([np.repeat(mixed, CHUNK), np.ones(len(owners) - whole * CHUNK, bool)])
        self._whole = whole
        self._pure = np.flatnonzero(~mixed).astype(np.int32)
        self._loose = np.flatnonzero(loose).astype(np.int32)
        self.owners = np.concatenate([chunks[~mixed, 0], owners[loose]])

    def pieces(self, numbers: Array) -> Array:
        """Sum values `(T, N)` over pieces that have one owner each, `(T, pieces)`."""
        chunks = numbers[:, : self._whole * CHUNK].reshape(len(numbers), self._whole, CHUNK).sum(axis=2)
        return jnp.concatenate([chunks[:, self._pure], numbers[:, self._loose]], axis=1)


def sums(parts: Sequence[tuple[Owned, Array]], count: int) -> Array:
    """Sum per owner over all vectors `(T, N)`, `(T, count)`."""
    pieces = jnp.concatenate([owned.pieces(numbers) for owned, numbers in parts], axis=1)
    owners = np.concatenate([owned.owners for owned, _ in parts])
    return jax.ops.segment_sum(pieces.T, owners, num_segments=count).T
