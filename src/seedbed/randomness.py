"""Randomness as a pure function of (seed, purpose, counters): nothing random is ever saved, and resuming is exact.

Two networks with the same seed draw the same numbers for the same purpose, so that their runs are paired.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Purpose = Literal["weights", "order", "dropout", "augmentation", "sample"]
_PURPOSES: tuple[Purpose, ...] = ("weights", "order", "dropout", "augmentation", "sample")


def generator(seed: int, purpose: Purpose, *counters: int) -> np.random.Generator:
    """A generator of its own for each (seed, purpose, counters); Philox, independent streams by NumPy's `SeedSequence`."""
    sequence = np.random.SeedSequence(entropy=seed, spawn_key=(_PURPOSES.index(purpose), *counters))
    return np.random.Generator(np.random.Philox(sequence))


def minibatch_order(seed: int, epoch: int, images: int) -> NDArray[np.int32]:
    """The order in which an epoch visits the training images, shape `(images,)`; it belongs to the seed alone."""
    return generator(seed, "order", epoch).permutation(images).astype(np.int32)


def device_seed(seed: int, purpose: Purpose) -> int:
    """A number below 2**32 from which a compiled program derives the random bits of one seed and purpose."""
    return int(generator(seed, purpose).integers(2**32))
