"""Uniform random numbers for initial weights without a compiled program, bit for bit those of `jax.random.uniform`.

Keras draws each array of weights by a program of its own, which takes longer to compile than all the rest of building a small
network.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = np.uint32(0x1BD11BDA)
LARGEST = 2**32 - 1
"""Most numbers of one draw: the counters of the generator's lower half."""


@contextlib.contextmanager
def quick_draws() -> Iterator[None]:
    """Let Keras's uniform initializers draw by NumPy within the block; others, and draws in a trace, stay as they are."""
    module: Any = importlib.import_module("keras.src.backend.jax.random")
    original = module.uniform

    def uniform(shape: Sequence[int], minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        key = module.jax_draw_seed(seed)
        if not _covered(shape, minval, maxval, dtype or module.floatx(), key):
            return original(shape, minval, maxval, dtype, key)
        return jax.device_put(drawn_uniform(np.asarray(key), shape, float(minval), float(maxval)))

    module.uniform = uniform
    try:
        yield
    finally:
        module.uniform = original


def _covered(shape: Sequence[int], low: Any, high: Any, dtype: Any, key: Any) -> bool:
    plain = isinstance(low, int | float) and isinstance(high, int | float) and dtype == "float32"
    concrete = not isinstance(key, jax.core.Tracer) and all(isinstance(side, int) for side in shape)
    words = key.shape == (2,) and key.dtype == np.uint32 and jax.config.values["jax_threefry_partitionable"]
    return bool(plain and concrete and words and np.prod(shape, dtype=np.int64) <= LARGEST)


def drawn_uniform(key: NDArray[np.uint32], shape: Sequence[int], low: float, high: float) -> NDArray[np.float32]:
    """Numbers in [low, high) of a shape, from a key of two words, as `jax.random.uniform` draws them.

    A product and sum is rounded once, as processors with fused multiply-add do.
    """
    bits = threefry(key, int(np.prod(shape, dtype=np.int64)))
    shares = ((bits >> np.uint32(9)) | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)
    least, most = np.float32(low), np.float32(high)
    numbers = (shares.astype(np.float64) * (most - least) + least).astype(np.float32)
    return np.maximum(least, numbers).reshape(tuple(shape))


def threefry(key: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
    """Random bits `(count,)` of the counters from 0 on.

    Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3": Threefry-2x32 with 20 rounds; both words are
    combined, as in JAX.
    """
    first, second = (word.reshape(1) for word in key)
    keys = (first, second, first ^ second ^ PARITY)
    left, right = np.repeat(keys[0], count), np.arange(count, dtype=np.uint32) + keys[1]
    for group in range(5):
        for turn in ROTATIONS[group % 2]:
            left += right
            right = (right << np.uint32(turn)) | (right >> np.uint32(32 - turn))
            right ^= left
        left += keys[(group + 1) % 3]
        right += keys[(group + 2) % 3] + np.uint32(group + 1)
    bits: NDArray[np.uint32] = left ^ right
    return bits
