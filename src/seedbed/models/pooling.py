"""Elementwise maximum of several arrays, with a gradient in one pass."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_vjp
def largest(blocks: Array) -> Array:
    """Maximum over the leading axis; among equal values the first gets the gradient, as in Keras's pooling.

    The gradient of a chain of `jnp.maximum` splits ties, which costs divisions, and sums arrays padded with zeros: this took
    half of a convolutional network's step. Here the index of the largest block is stored, in one byte per value.

    Args:
        blocks: arrays to compare, `(n, ...)`, n at most 255.
    """
    return tournament(list(blocks))[0]


def tournament(blocks: Sequence[Array]) -> tuple[Array, Array]:
    """Elementwise maxima of arrays, and the index of the one that each comes from, the first of equal ones, as uint8."""
    rounds = [(block, jnp.full(block.shape, number, jnp.uint8)) for number, block in enumerate(blocks)]
    while len(rounds) > 1:
        pairs = zip(rounds[::2], rounds[1::2], strict=False)
        rounds = [_larger(first, second) for first, second in pairs] + rounds[len(rounds) // 2 * 2 :]
    return rounds[0]


def _larger(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    number = jnp.where(second[0] > first[0], second[1], first[1])
    return jnp.maximum(first[0], second[0]), number


def _forward(blocks: Array) -> tuple[Array, tuple[Array, Array]]:
    maxima, number = tournament(list(blocks))
    return maxima, (number, jnp.arange(len(blocks), dtype=jnp.uint8))


def _backward(residuals: tuple[Array, Array], gradient: Array) -> tuple[Array]:
    number, numbers = residuals
    own = numbers.reshape(-1, *(1,) * number.ndim) == number
    return (jnp.where(own, gradient, jnp.zeros((), gradient.dtype)),)


largest.defvjp(_forward, _backward)
