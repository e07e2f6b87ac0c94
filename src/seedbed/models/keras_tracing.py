"""Reading the user's network from its trace: what it does first to its images, and the operations of its layers.

A trace is the list of primitive operations (a jaxpr) of one forward pass, whatever the network was written with.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal, jaxpr_as_fun

from seedbed.models.architecture import LayerFacts
from seedbed.models.keras_backend import load_keras
from seedbed.models.keras_layers import LayerForm, replaced

MOVING = ("reshape", "transpose", "squeeze", "expand_dims", "convert_element_type", "broadcast_in_dim", "copy", "rev", "pad")
"""Primitives that move values without changing them."""

SHIFTING = ("add", "sub")
INSIDE = ("jaxpr", "call_jaxpr", "fun_jaxpr")


def traced(call: Callable[[Any], Any], shape: Sequence[int], dtype: str = "float32") -> Any:
    """Trace a function of one array of a shape, without computing anything."""
    with jax.numpy_dtype_promotion("standard"):
        return jax.make_jaxpr(call)(jax.ShapeDtypeStruct(tuple(shape), np.dtype(dtype)))  # type: ignore[no-untyped-call]


def input_factor(trace: Any) -> float:
    """The factor by which a network multiplies its images before all else; 1 where it does something else first.

    1 / 255 for a first layer `Rescaling(1 / 255)`, for `inputs / 255`, and similar for `Normalization` of pixels as stored.
    """
    known = {id(var): value for var, value in zip(trace.jaxpr.constvars, trace.consts, strict=True)}
    return _factor(trace.jaxpr, trace.jaxpr.invars[0], known)


def _factor(jaxpr: Any, var: Any, known: dict[int, Any]) -> float:
    _fold(jaxpr, known)
    consumers = [equation for equation in jaxpr.eqns if any(argument is var for argument in equation.invars)]
    if len(consumers) != 1:
        return 1.0
    [equation] = consumers
    name = equation.primitive.name
    inner = next((equation.params[key] for key in INSIDE if key in equation.params), None)
    if inner is not None:
        closed = getattr(inner, "jaxpr", inner)
        place = next(number for number, argument in enumerate(equation.invars) if argument is var)
        within = {id(v): c for v, c in zip(closed.constvars, getattr(inner, "consts", ()), strict=True)}
        outside = zip(closed.invars, equation.invars, strict=True)
        within |= {id(v): _value(argument, known) for v, argument in outside if _value(argument, known) is not None}
        factor = _factor(closed, closed.invars[place], within)
        goes_on = len(closed.eqns) == 1 and len(equation.outvars) == 1
        return factor * (_factor(jaxpr, equation.outvars[0], known) if goes_on else 1.0)
    if name in MOVING:
        return _factor(jaxpr, equation.outvars[0], known)
    if name not in (*SHIFTING, "mul", "div"):
        return 1.0
    other = _value(next((argument for argument in equation.invars if argument is not var), None), known)
    if other is None or (name == "div" and equation.invars[0] is not var):
        return 1.0
    size = float(np.max(np.abs(np.asarray(other, np.float64)), initial=0.0))
    own = 1.0 if name in SHIFTING else size if name == "mul" else 1.0 / max(size, 1e-30)
    return own * _factor(jaxpr, equation.outvars[0], known)


def _fold(jaxpr: Any, known: dict[int, Any]) -> None:
    """Compute what depends on constants alone."""
    for equation in jaxpr.eqns:
        values = [_value(argument, known) for argument in equation.invars]
        if values and all(value is not None for value in values):
            inner = next((equation.params[key] for key in INSIDE if key in equation.params), None)
            compute = equation.primitive.bind if inner is None else jaxpr_as_fun(inner)
            results = compute(*values, **(equation.params if inner is None else {}))
            results = results if inner is not None or equation.primitive.multiple_results else [results]
            known.update({id(out): result for out, result in zip(equation.outvars, results, strict=True)})


def _value(argument: Any, known: dict[int, Any]) -> Any:
    """A constant, or None for a value that depends on the images."""
    return getattr(argument, "val", None) if isinstance(argument, Literal) else known.get(id(argument))


def layer_facts(model: Any, shape: Sequence[int], dtype: str) -> list[LayerFacts]:
    """The network's layers with output shapes, trainable parameters, and the operations of one image's forward pass.

    Args:
        model: a built network.
        shape: shape in which it takes one image.
        dtype: dtype of its input.
    """
    layers = [layer for layer in model.layers if not isinstance(layer, load_keras().layers.InputLayer)]
    shapes: dict[str, tuple[int, ...]] = {}
    forms: list[LayerForm] = [(layer, "call", partial(_called, layer, f"layer-{n}-", shapes)) for n, layer in enumerate(layers)]
    with replaced(forms):
        trace = traced(lambda images: model(images, training=False), (1, *shape), dtype)
    counts: dict[str, int] = defaultdict(int)
    for equation in trace.jaxpr.eqns:
        counts[_layer(str(equation.source_info.name_stack))] += operations(equation)
    rows = [
        LayerFacts(
            layer.name,
            type(layer).__name__,
            shapes.get(f"layer-{number}-", ()),
            sum(math.prod(variable.shape) for variable in layer.trainable_variables),
            counts.pop(f"layer-{number}-", 0),
        )
        for number, layer in enumerate(layers)
    ]
    rest = sum(counts.values())
    own = sum(math.prod(v.shape) for v in model.trainable_variables) - sum(row.parameters for row in rows)
    extra = [LayerFacts(model.name, type(model).__name__, rows[-1].output_shape if rows else (), own, rest)]
    return [*(extra if rest or own else []), *rows]


def _called(layer: Any, scope: str, shapes: dict[str, tuple[int, ...]], *arguments: Any, **more: Any) -> Any:
    """Call a layer, with its scope in the trace, and record the shape of its output for one image."""
    with jax.named_scope(scope):
        out = type(layer).call(layer, *arguments, **more)
    leaves = jax.tree.leaves(out)
    if leaves:
        shapes[scope] = tuple(leaves[0].shape[1:])
    return out


def _layer(stack: str) -> str:
    return next((part for part in stack.split("/") if part.startswith("layer-")), "")


def operations(equation: Any) -> int:
    """Operations of a traced equation, 2 per multiply-add of its matrix products and convolutions; others are not counted."""
    name = equation.primitive.name
    if name in ("dot_general", "conv_general_dilated"):
        left, right = (argument.aval.shape for argument in equation.invars[:2])
        numbers = equation.params["dimension_numbers"]
        if name == "dot_general":
            terms = math.prod(left[axis] for axis in numbers[0][0])
        else:
            terms = math.prod(right) // right[numbers.rhs_spec[0]]  # the inputs of one output: the kernel, but for its filters
        return int(2 * terms * math.prod(equation.outvars[0].aval.shape))
    times = int(equation.params.get("length", 1)) if name == "scan" else 1
    return times * sum(operations(inner) for jaxpr in _inner(equation) for inner in jaxpr.eqns)


def _inner(equation: Any) -> Iterator[Any]:
    """The traces inside an equation: of functions, loops and branches, of which the longest counts."""
    branches = equation.params.get("branches")
    if branches:
        yield max((branch.jaxpr for branch in branches), key=lambda jaxpr: sum(map(operations, jaxpr.eqns)))
    for value in equation.params.values():
        jaxpr = getattr(value, "jaxpr", value)
        if hasattr(jaxpr, "eqns"):
            yield jaxpr
