"""Sums over images and over weights as native passes: XLA compiles a loop for each of their parts."""

from __future__ import annotations

import numpy as np
from jax import Array

from seedbed.kernels.calls import Ranges, floats, native_call

NUMBERS, SIZES, SQUARES = 0, 1, 2
"""Rows of `norms`."""


def add_scores(sums: Array, part: Array, logits: Array, labels: Array, weights: Array, lanes: int) -> Array:
    """Add the scores of some images to one part of the sums; inside a program they are written over the old ones.

    Args:
        sums: weights of right images, weights of predictions, and weighted losses (nats) of each class, `(parts, M, 3, C)`.
        part: number of the part, `()` int32.
        logits: `(M, C, B)`.
        labels: classes of the images, `(B,)` int32.
        weights: their weights, `(B,)`.
        lanes: floats per vector.
    """
    call = native_call("scores", floats(*sums.shape), in_place=[0])
    added: Array = call(sums, part, logits, labels, weights, lanes=np.int64(lanes))
    return added


def norms(x: Array, ranges: Ranges, owners: int, lanes: int) -> Array:
    """Sums of the numbers, of their sizes and of their squares, by owner, `(3, owners)`.

    Args:
        x: numbers, of any shape.
        ranges: whose numbers they are.
        owners: number of owners.
        lanes: floats per vector.
    """
    flat = np.array(ranges, np.int64).ravel()
    found: Array = native_call("norms", floats(3, owners))(x, ranges=flat, lanes=np.int64(lanes))
    return found
