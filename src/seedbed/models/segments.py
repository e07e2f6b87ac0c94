"""Sums of long vectors over the owners of their numbers, in a handful of operations however many owners there are.

One reduction an owner would be one loop to compile each. Here neighbours are summed up in chunks first; a scatter then adds the
chunks to their owners, and what lies in a chunk of several owners number by number.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

CHUNK = 64
"""Numbers that are summed up together: a scatter takes about as long for one number as a reduction for a hundred."""


class Owned:
    """Whose the numbers of a vector are.

    Args:
        owners: of each number, `(N,)`; equal ones beside each other.
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
        """Of the pieces."""

    def pieces(self, numbers: Array) -> Array:
        """`(T, N)` -> sums of pieces that have one owner each, `(T, pieces)`."""
        chunks = numbers[:, : self._whole * CHUNK].reshape(len(numbers), self._whole, CHUNK).sum(axis=2)
        return jnp.concatenate([chunks[:, self._pure], numbers[:, self._loose]], axis=1)


def sums(parts: Sequence[tuple[Owned, Array]], count: int) -> Array:
    """What each of `count` owners has in all vectors `(T, N)` together, `(T, count)`."""
    pieces = jnp.concatenate([owned.pieces(numbers) for owned, numbers in parts], axis=1)
    owners = np.concatenate([owned.owners for owned, _ in parts])
    return jax.ops.segment_sum(pieces.T, owners, num_segments=count).T
