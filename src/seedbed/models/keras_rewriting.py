"""A network's trace with its convolutions and poolings in the engine's own forms.

What a network computes is read from its trace, whatever it was written with: a layer of Keras, an operation of `keras.ops`, or
JAX. Operations without a rule stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun

from seedbed.models import maps
from seedbed.models.maps import ConvWindow

Rule = Callable[..., Any]
"""Takes an operation's arguments and its parameters by name; returns its result, or None where it does not cover them."""

CALLS = ("jit", "pjit", "closed_call")
"""Operations that stand for a traced function, which is rewritten too."""

VARIANCE = "_var"
"""Name under which `jax.numpy.var` is traced."""


def rewritten(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with fast convolutions and poolings; it has the same arguments and results, arrays in any containers."""

    def call(*arguments: Any) -> Any:
        trace, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(trace.jaxpr, trace.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), results)

    return call


def _evaluated(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """The results of a trace."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*constants, *arguments), strict=True))

    def value(argument: Any) -> Any:
        return argument.val if isinstance(argument, Literal) else values[argument]

    for equation in jaxpr.eqns:
        results = _by_rule(equation, list(map(value, equation.invars)))
        if results is None:
            needed = list(dict.fromkeys(var for var in equation.invars if not isinstance(var, Literal)))
            alone = ClosedJaxpr(Jaxpr([], needed, equation.outvars, [equation], equation.effects, jaxpr.debug_info), [])
            results = jaxpr_as_fun(alone)(*map(value, needed))
        values.update(zip(equation.outvars, results, strict=True))
    return list(map(value, jaxpr.outvars))


def _by_rule(equation: Any, arguments: list[Any]) -> Sequence[Any] | None:
    """The results of an operation by its rule; None where there is none, or it does not cover the arguments."""
    name, parameters = equation.primitive.name, equation.params
    if name in CALLS:
        inner = parameters["jaxpr" if "jaxpr" in parameters else "call_jaxpr"]
        if parameters.get("name") == VARIANCE and (variance := _variance(arguments, inner)) is not None:
            return [variance]
        return _evaluated(inner.jaxpr, inner.consts, arguments)
    result = RULES[name](*arguments, **parameters) if name in RULES else None
    return None if result is None else [result]


def _convolution(x: Array, kernel: Array, **parameters: Any) -> Array | None:
    """A convolution along one or two axes of pixels, in any layout."""
    numbers, pixels = parameters["dimension_numbers"], x.ndim - 2
    if not (pixels in (1, 2) and parameters["batch_group_count"] == 1 and x.dtype == kernel.dtype == jnp.float32):
        return None

    def pair(values: Sequence[Any], alone: Any) -> tuple[Any, Any]:
        first, second = (alone, *values)[-2:]
        return first, second

    (top, bottom), (left, right) = pair(parameters["padding"], (0, 0))
    window = ConvWindow(
        pair(parameters["window_strides"], 1),
        (top, left),
        (bottom, right),
        pair(parameters["lhs_dilation"], 1),
        pair(parameters["rhs_dilation"], 1),
        parameters["feature_group_count"],
    )
    images, channels, *sides = numbers.lhs_spec
    filters, own, *taps = numbers.rhs_spec
    x, kernel = jnp.transpose(x, (images, *sides, channels)), jnp.transpose(kernel, (*taps, own, filters))
    if pixels == 1:
        x, kernel = x[:, None], kernel[None]
    y = maps.convolve(window, x, kernel)
    y = y[:, 0] if pixels == 1 else y
    images, channels, *sides = numbers.out_spec
    places = (images, *sides, channels)
    return jnp.transpose(y, [places.index(axis) for axis in range(y.ndim)])


def _pooled(pool: Callable[[ConvWindow, maps.Pair, Array], Array]) -> Rule:
    """The rule of a pooling along two axes of pixels, next to each other."""

    def rule(x: Array, **parameters: Any) -> Array | None:
        sizes, strides, padding = (parameters[name] for name in ("window_dimensions", "window_strides", "padding"))
        dilated = any(step != 1 for name in ("base_dilation", "window_dilation") for step in parameters[name])
        across = [axis for axis in range(x.ndim) if sizes[axis] > 1 or strides[axis] > 1 or any(padding[axis])]
        if dilated or x.dtype != jnp.float32 or not across or across[-1] - across[0] > 1 or across[-1] == 0:
            return None
        if not math.prod(sizes) <= maps.MOST_PLACES:
            return None
        row = max(across[-1] - 1, 0)
        pixels = slice(row, row + 2)
        (top, bottom), (left, right) = padding[pixels]
        window = ConvWindow(tuple(strides[pixels]), (top, left), (bottom, right))
        images = (math.prod(x.shape[:row]), *x.shape[pixels], math.prod(x.shape[row + 2 :]))
        y = pool(window, tuple(sizes[pixels]), x.reshape(images))
        return y.reshape(*x.shape[:row], *y.shape[1:3], *x.shape[row + 2 :])

    return rule


def _variance(arguments: Sequence[Any], trace: Any) -> Array | None:
    """The variance of `jnp.var`, which is traced as a function of an array and the lost degrees of freedom."""
    if len(arguments) != 2:
        return None
    x, ddof = arguments
    sums = [equation.params["axes"] for equation in trace.jaxpr.eqns if equation.primitive.name == "reduce_sum"]
    known = x.dtype == jnp.float32 and not isinstance(ddof, jax.core.Tracer) and ddof == 0
    if not (known and len(sums) == 2 and sums[0] == sums[1] and sums[0]):
        return None
    variance: Array = maps.variance(x, sums[0]).reshape(trace.out_avals[0].shape)
    return variance


RULES: dict[str, Rule] = {
    "conv_general_dilated": _convolution,
    "reduce_window_max": _pooled(maps.max_pool),
    "reduce_window_sum": _pooled(maps.sum_pool),
}
