"""Operations of a trace on maps that stay in the layout of the native kernels between two convolutions.

Maps `(images, ...)` lie as blocks `(blocks, ..., lanes)`. What works on each number alone, or within each image, needs no other
order. An operation without a rule gets its maps in the usual one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from seedbed import kernels
from seedbed.models import maps

_EACH_NUMBER = """
abs add and ceil clamp convert_element_type copy cos div eq erf exp exp2 expm1 floor ge gt integer_pow is_finite le log log1p
logistic lt max min mul ne neg not or pow rem round rsqrt select_n sign sin sqrt square sub tanh
"""
EACH_NUMBER = frozenset(_EACH_NUMBER.split())
"""Operations on each number alone."""

SUMS: dict[str, Callable[..., Array]] = {"reduce_sum": jnp.sum, "reduce_max": jnp.max, "reduce_min": jnp.min}


@dataclass(frozen=True, eq=False)
class Blocked:
    """What belongs to images, in blocks.

    Attributes:
        array: `(blocks, ..., lanes)`.
    """

    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape in the usual order, `(images, ...)`."""
        blocks, *rest, lanes = self.array.shape
        return (blocks * lanes, *rest)

    @property
    def dtype(self) -> Any:
        """Type of the numbers."""
        return self.array.dtype

    @cached_property
    def value(self) -> Array:
        """The array in the usual order."""
        return maps.of_images(self.array)


def covers(name: str) -> bool:
    """Whether there is a rule for an operation."""
    return name in EACH_NUMBER or name in RULES


def result(equation: Any, *arguments: Any) -> Any:
    """The result of an operation on blocks, `Blocked` or an array of what no longer belongs to images; None without a rule.

    Args:
        equation: the operation in its trace, one of those that are covered.
        arguments: arrays and `Blocked`, at least one of them.
    """
    name, parameters = equation.primitive.name, equation.params
    if name in EACH_NUMBER:
        laid = list(map(_laid, arguments))
        return None if any(argument is None for argument in laid) else Blocked(equation.primitive.bind(*laid, **parameters))
    return RULES[name](arguments[0], parameters, equation.outvars[0].aval.shape)


def _laid(argument: Any) -> Any:
    """The argument of an operation on each number, next to blocks; None where it does not go with them."""
    if isinstance(argument, Blocked):
        return argument.array
    shape = jnp.shape(argument)
    if not shape:
        return argument
    if shape[0] == 1:
        return _in_lanes(argument) if jnp.issubdtype(argument.dtype, jnp.floating) else argument[..., None]
    return maps.in_blocks(argument) if maps.fills_blocks(shape[0]) else None


@jax.custom_vjp
def _in_lanes(shared: Array) -> Array:
    """What all images share, `(1, ...)`, once per lane; its gradient is added up over the lanes last."""
    return jnp.broadcast_to(shared[..., None], (*shared.shape, kernels.support().lanes))


_in_lanes.defvjp(lambda shared: (_in_lanes(shared), None), lambda _, gradient: (jnp.sum(maps.apart(gradient), -1),))


def _reduced(blocked: Blocked, parameters: dict[str, Any], _: Sequence[int], *, name: str) -> Any:
    axes, reduce = tuple(parameters["axes"]), SUMS[name]
    if 0 in axes:
        return maps.reduced(reduce, blocked.array, (*axes, blocked.array.ndim - 1))
    return Blocked(reduce(blocked.array, axes))


def _broadcast(blocked: Blocked, parameters: dict[str, Any], shape: Sequence[int]) -> Blocked | None:
    places = tuple(parameters["broadcast_dimensions"])
    if places[:1] != (0,) or shape[0] != blocked.shape[0]:
        return None
    blocks, *_, lanes = blocked.array.shape
    return Blocked(jax.lax.broadcast_in_dim(blocked.array, (blocks, *shape[1:], lanes), (*places, len(shape))))


def _reshaped(blocked: Blocked, _: dict[str, Any], shape: Sequence[int]) -> Blocked | None:
    """Axes of length 1 more or less; other shapes are what dense layers want, which need the usual order."""
    same = [side for side in blocked.shape if side > 1] == [side for side in shape if side > 1]
    if not same or tuple(shape[:1]) != blocked.shape[:1]:
        return None
    array = blocked.array
    return Blocked(array.reshape(array.shape[0], *shape[1:], array.shape[-1]))


RULES: dict[str, Callable[[Blocked, dict[str, Any], Sequence[int]], Any]] = {
    **{name: lambda *given, name=name: _reduced(*given, name=name) for name in SUMS},
    "broadcast_in_dim": _broadcast,
    "reshape": _reshaped,
    "squeeze": _reshaped,
}
"""Rules of operations on one array: they take the blocks, the operation's parameters, and the shape of its result."""
