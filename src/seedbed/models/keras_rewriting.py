"""A network's trace with its convolutions and poolings in the engine's own forms.

What a network computes is read from its trace, whatever it was written with: a layer of Keras, an operation of `keras.ops`, or
JAX. Operations without a rule stay as they are. Between native kernels, maps stay in the kernels' layout (`keras_blocks`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal, jaxpr_as_fun

from seedbed.models import keras_blocks, maps
from seedbed.models.keras_blocks import Blocked
from seedbed.models.maps import ConvWindow, Epilogue

Rule = Callable[..., Any]
"""Takes an operation's arguments and its parameters by name; returns its result, or None where it does not cover them."""

CALLS = ("jit", "pjit", "closed_call")
"""Operations that stand for a traced function, which is rewritten too."""

VARIANCE = "_var"
"""Name under which `jax.numpy.var` is traced."""

ACTIVATIONS = {"relu": jax.nn.relu, "relu6": jax.nn.relu6}
"""Functions of each number with a gradient of their own, by the names under which they are traced."""


@dataclass(frozen=True, eq=False)
class Convolved:
    """A convolution that is not computed yet: a bias, ReLU or max pooling that follow may join its native call.

    Attributes:
        window, x, kernel, epilogue: see `maps.convolve`; x may be in blocks.
        shared: whether several operations use the result, so that none of them may join.
    """

    window: ConvWindow
    x: Array
    kernel: Array
    epilogue: Epilogue = field(default_factory=Epilogue)
    shared: bool = False

    @cached_property
    def value(self) -> Array:
        """The result, `(images, height, width, filters)`."""
        if "laid" in self.__dict__ and isinstance(self.laid, Blocked):
            return self.laid.value
        return maps.convolve(self.window, self.x, self.kernel, self.epilogue, blocks=False)

    @cached_property
    def laid(self) -> Blocked | Array:
        """The result in blocks, where it can be."""
        if not maps.takes_blocks(self.window, self.kernel, _images(self.x)):
            return self.value
        return Blocked(maps.convolve(self.window, self.x, self.kernel, self.epilogue, blocks=True))

    def joined(self, **changes: Any) -> Convolved:
        """The convolution with more in its epilogue."""
        return replace(self, epilogue=replace(self.epilogue, **changes))


def rewritten(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with fast convolutions and poolings; it has the same arguments and results, arrays in any containers."""

    def call(*arguments: Any) -> Any:
        trace, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        results = _evaluated(trace.jaxpr, trace.consts, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), list(map(_computed, results)))

    return call


def _images(x: Array) -> int:
    """Number of images of maps, which may be in blocks."""
    return x.shape[0] * (x.shape[4] if x.ndim == 5 else 1)


def _computed(value: Any) -> Any:
    return value.value if isinstance(value, Convolved | Blocked) else value


def _laid(value: Any) -> Any:
    return value.laid if isinstance(value, Convolved) else value


def _evaluated(jaxpr: Any, constants: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    """The results of a trace, some of them `Convolved` or `Blocked`."""
    values = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*constants, *arguments), strict=True))
    used = [argument for equation in jaxpr.eqns for argument in equation.invars] + list(jaxpr.outvars)
    uses = Counter(argument for argument in used if not isinstance(argument, Literal))

    def value(argument: Any) -> Any:
        return argument.val if isinstance(argument, Literal) else values[argument]

    for var in (*jaxpr.constvars, *jaxpr.invars):
        values[var] = _once(values[var], uses[var])
    for equation in jaxpr.eqns:
        results = _by_rule(equation, list(map(value, equation.invars)))
        if results is None:
            needed = list(dict.fromkeys(var for var in equation.invars if not isinstance(var, Literal)))
            alone = ClosedJaxpr(Jaxpr([], needed, equation.outvars, [equation], equation.effects, jaxpr.debug_info), [])
            results = jaxpr_as_fun(alone)(*(_computed(value(var)) for var in needed))
        values.update((var, _once(result, uses[var])) for var, result in zip(equation.outvars, results, strict=True))
    return list(map(value, jaxpr.outvars))


def _once(value: Any, uses: int) -> Any:
    """A value for this number of uses."""
    return replace(value, shared=True) if isinstance(value, Convolved) and uses > 1 and not value.shared else value


def _by_rule(equation: Any, arguments: list[Any]) -> Sequence[Any] | None:
    """The results of an operation by its rule; None where there is none, or it does not cover the arguments."""
    name, parameters = equation.primitive.name, equation.params
    if name in CALLS and parameters.get("name") != VARIANCE:
        return _inside(parameters, arguments)
    joined = _joined(equation, arguments)
    result = _of_blocks(equation, arguments) if joined is None else joined
    if result is not None:
        return [result]
    arguments = list(map(_computed, arguments))
    if name in CALLS:
        variance = _variance(arguments, parameters["jaxpr"])
        return _inside(parameters, arguments) if variance is None else [variance]
    result = RULES[name](*arguments, **parameters) if name in RULES else None
    return None if result is None else [result]


def _of_blocks(equation: Any, arguments: Sequence[Any]) -> Any:
    """The result of an operation on maps that are in blocks, or that can be; None where it needs the usual order."""
    rule = _rule_of_blocks(equation)
    if rule is None or not any(isinstance(argument, Convolved | Blocked) for argument in arguments):
        return None
    laid = list(map(_laid, arguments))
    return rule(*laid) if any(isinstance(argument, Blocked) for argument in laid) else None


def _rule_of_blocks(equation: Any) -> Callable[..., Any] | None:
    """What an operation does with arguments of which one or more are `Blocked`."""
    name, parameters = equation.primitive.name, equation.params
    if keras_blocks.covers(name):
        return partial(keras_blocks.result, equation)
    if name == "conv_general_dilated":
        return lambda x, kernel: _convolution(x, _computed(kernel), **parameters) if isinstance(x, Blocked) else None
    if name in POOLINGS:
        in_lanes = {key: (*parameters[key], one) for key, one in LANES.items() if key in parameters}
        return _on_blocks(partial(RULES[name], **{**parameters, **in_lanes}))
    if name in CALLS:
        return lambda x, *ddof: _variance([x, *ddof], parameters["jaxpr"])
    activation = _activation(equation)
    return _on_blocks(activation) if activation else None


def _on_blocks(function: Callable[[Array], Array | None]) -> Callable[[Blocked], Blocked | None]:
    """The function of an array as one of blocks."""

    def call(blocked: Blocked) -> Blocked | None:
        result = function(blocked.array)
        return None if result is None else Blocked(result)

    return call


def _inside(parameters: dict[str, Any], arguments: list[Any]) -> list[Any]:
    inner = parameters["jaxpr" if "jaxpr" in parameters else "call_jaxpr"]
    return _evaluated(inner.jaxpr, inner.consts, arguments)


def _joined(equation: Any, arguments: Sequence[Any]) -> Convolved | None:
    """The convolution among the arguments with this operation in its epilogue; None where it cannot join."""
    name, parameters = equation.primitive.name, equation.params
    free = [place for place, argument in enumerate(arguments) if isinstance(argument, Convolved) and not argument.shared]
    if len(free) != 1:
        return None
    convolved: Convolved = arguments[free[0]]
    others = [argument for place, argument in enumerate(arguments) if place != free[0]]
    epilogue = convolved.epilogue
    if name == "add" and epilogue.bias is None and epilogue.pool == 1 and not epilogue.relu:
        [other] = others
        filters = (1, 1, 1, convolved.kernel.shape[-1])
        return convolved.joined(bias=jnp.reshape(other, filters[3:])) if getattr(other, "shape", ()) == filters else None
    if _activation(equation) is jax.nn.relu:
        return convolved.joined(relu=True)
    pool = _squares(parameters) if name == "reduce_window_max" and epilogue.pool == 1 else 1
    joins = pool > 1 and maps.takes_epilogue(convolved.window, convolved.kernel, pool)
    return convolved.joined(pool=pool) if joins else None


def _activation(equation: Any) -> Callable[[Array], Array] | None:
    """Which of the `ACTIVATIONS` an operation is; None for another one."""
    if equation.primitive.name != "custom_jvp_call":
        return None
    called = equation.params["call_jaxpr"]
    names = [inner.params.get("name") for inner in called.jaxpr.eqns if inner.primitive.name in CALLS]
    function = ACTIVATIONS.get(names[0]) if len(names) == len(called.jaxpr.eqns) == 1 else None
    if function is None:
        return None
    [own] = jax.make_jaxpr(function)(*called.in_avals).jaxpr.eqns
    return function if str(own.params["call_jaxpr"]) == str(called) else None


def _squares(parameters: dict[str, Any]) -> int:
    """Side of the squares of maps `(images, height, width, channels)` that a pooling divides them into; 1 for another one."""
    sizes, strides, padding = (tuple(parameters[name]) for name in ("window_dimensions", "window_strides", "padding"))
    dilated = any(step != 1 for name in ("base_dilation", "window_dilation") for step in parameters[name])
    divides = len(sizes) == 4 and sizes == strides == (1, sizes[1], sizes[1], 1) and not any(map(any, padding))
    return int(sizes[1]) if divides and not dilated and sizes[1] ** 2 <= maps.MOST_PLACES else 1


def _convolution(x: Array | Blocked, kernel: Array, **parameters: Any) -> Array | Blocked | Convolved | None:
    """A convolution along one or two axes of pixels, in any layout."""
    numbers, pixels = parameters["dimension_numbers"], len(x.shape) - 2
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
    kernel = jnp.transpose(kernel, (*taps, own, filters))
    places = (numbers.out_spec[0], *numbers.out_spec[2:], numbers.out_spec[1])
    if isinstance(x, Blocked):
        usual = (images, *sides, channels) == places == (0, 1, 2, 3)
        if not (usual and maps.takes_blocks(window, kernel, x.shape[0])):
            return None
        x = x.array
    else:
        x = jnp.transpose(x, (images, *sides, channels))
    if pixels == 1:
        x, kernel = x[:, None], kernel[None]
    if places == (0, 1, 2, 3) and maps.takes_epilogue(window, kernel):
        return Convolved(window, x, kernel)
    if places == (0, 1, 2, 3) and maps.takes_blocks(window, kernel, _images(x)):
        return Blocked(maps.convolve(window, x, kernel, blocks=True))
    y = maps.convolve(window, x, kernel)
    y = y[:, 0] if pixels == 1 else y
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


def _variance(arguments: Sequence[Any], trace: Any) -> Array | Blocked | None:
    """The variance of `jnp.var`, which is traced as a function of an array and the lost degrees of freedom."""
    if len(arguments) != 2:
        return None
    x, ddof = arguments
    sums = [equation.params["axes"] for equation in trace.jaxpr.eqns if equation.primitive.name == "reduce_sum"]
    array = x.array if isinstance(x, Blocked) else x
    known = array.dtype == jnp.float32 and not isinstance(ddof, jax.core.Tracer) and ddof == 0
    if not (known and len(sums) == 2 and sums[0] == sums[1] and sums[0]):
        return None
    axes, shape = tuple(sums[0]), trace.out_avals[0].shape
    if not isinstance(x, Blocked):
        return maps.variance(x, axes).reshape(shape)
    if 0 in axes:
        return maps.variance(array, (*axes, array.ndim - 1)).reshape(shape)
    blocks, *_, lanes = array.shape
    return Blocked(maps.variance(array, axes).reshape(blocks, *shape[1:], lanes))


POOLINGS: dict[str, Rule] = {"reduce_window_max": _pooled(maps.max_pool), "reduce_window_sum": _pooled(maps.sum_pool)}

LANES = {**dict.fromkeys(("window_dimensions", "window_strides", "base_dilation", "window_dilation"), 1), "padding": (0, 0)}
"""What a pooling does along the lanes of blocks, by the parameter's name."""

RULES: dict[str, Rule] = {
    "conv_general_dilated": _convolution,
    **POOLINGS,
}
