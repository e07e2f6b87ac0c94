"""The largest of several arrays, with a gradient that costs one pass."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array


@jax.custom_vjp
def largest(blocks: Array) -> Array:
    """The maximum over the leading axis; of equal ones the first gets the gradient, as in Keras's pooling.

    The gradient of a chain of `jnp.maximum` shares ties, which costs divisions, and adds up arrays padded with zeros: half of
    a convolutional net's step went there. Here which one was the largest is kept, a byte each.

    Args:
        blocks: `(n, ...)`, n at most 255.
    """
    return _tournament(blocks)[0]


def _tournament(blocks: Array) -> tuple[Array, Array]:
    """The maxima, and the number of the block that each comes from."""
    rounds = [(block, jnp.full(block.shape, number, jnp.uint8)) for number, block in enumerate(blocks)]
    while len(rounds) > 1:
        pairs = zip(rounds[::2], rounds[1::2], strict=False)
        rounds = [_larger(first, second) for first, second in pairs] + rounds[len(rounds) // 2 * 2 :]
    return rounds[0]


def _larger(first: tuple[Array, Array], second: tuple[Array, Array]) -> tuple[Array, Array]:
    number = jnp.where(second[0] > first[0], second[1], first[1])
    return jnp.maximum(first[0], second[0]), number


def _forward(blocks: Array) -> tuple[Array, tuple[Array, Array]]:
    maxima, number = _tournament(blocks)
    return maxima, (number, jnp.arange(len(blocks), dtype=jnp.uint8))


def _backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array]:
    number, numbers = kept
    own = numbers.reshape(-1, *(1,) * number.ndim) == number
    return (jnp.where(own, gradient, jnp.zeros((), gradient.dtype)),)


largest.defvjp(_forward, _backward)
