"""The engine's convolutions, poolings and variances against JAX's own, in traces that are rewritten to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.samples import QUICK, VARIANTS, close, switched
from seedbed.models import maps
from seedbed.models.keras_rewriting import rewritten

FULL, SQUARE = (16, 9, 8, 3), (3, 3, 3, 3)
"""Shapes of images that fill whole blocks of every kernel, and of weights that keep the channels."""

LAST, FIRST = ("NHWC", "HWIO", "NHWC"), ("NCHW", "OIHW", "NCHW")


def conv(strides: Any, padding: Any, layout: Any = LAST, **more: Any) -> Callable[..., Any]:
    return lambda x, w: jax.lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=layout, **more)


def followed(strides: Any, *steps: Callable[..., Any]) -> Callable[..., Any]:
    """A convolution with a bias, and what follows."""

    def compute(x: Any, w: Any) -> Any:
        y = conv(strides, "SAME")(x, w) + w[0, 0, 0].reshape(1, 1, 1, -1)
        for step in steps:
            y = step(y)
        return y

    return compute


def halved(y: Any) -> Any:
    return jax.lax.reduce_window(y, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def pool(start: float, reduce: Any, sizes: Any, strides: Any, padding: Any) -> Callable[..., Any]:
    return lambda x, w: jax.lax.reduce_window(x * w, start, reduce, sizes, strides, padding)


def normalized(y: Any, axes: tuple[int, ...]) -> Any:
    mean, variance = jnp.mean(y, axes, keepdims=True), jnp.var(y, axes, keepdims=True)
    return (y - mean) * jax.lax.rsqrt(variance + 1e-2) + jnp.arange(3.0).reshape(1, 1, 1, 3)


def between(*steps: Callable[..., Any], strides: Any = (1, 1)) -> Callable[..., Any]:
    """What stands between two convolutions of as many channels."""

    def compute(x: Any, w: Any) -> Any:
        y = conv(strides, "SAME")(x, w)
        for step in steps:
            y = step(y)
        return conv((1, 1), "SAME")(y, w)

    return compute


def by_channel(y: Any) -> Any:
    return conv((2, 2), "SAME", feature_group_count=3)(y, jnp.sin(jnp.arange(27.0)).reshape(3, 3, 1, 3))


def overlapping(y: Any) -> Any:
    return jax.lax.reduce_window(y, -np.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")


CASES: dict[str, tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]] = {
    "plain": (conv((1, 1), "SAME"), (5, 9, 8, 3), (3, 3, 3, 4)),
    "strides": (conv((2, 2), "SAME"), (5, 9, 8, 3), (3, 3, 3, 4)),
    "pointwise": (conv((2, 2), "VALID"), (5, 9, 8, 3), (1, 1, 3, 4)),
    "oblong": (conv((1, 2), ((0, 3), (1, 0))), (5, 9, 8, 3), (2, 4, 3, 4)),
    "dilated": (conv((1, 1), "SAME", rhs_dilation=(2, 3)), (5, 9, 8, 3), (3, 3, 3, 4)),
    "dilated strides": (conv((2, 2), "SAME", rhs_dilation=(2, 2)), (5, 9, 8, 3), (3, 3, 3, 4)),
    "transposed": (conv((1, 1), ((1, 2), (2, 1)), lhs_dilation=(2, 2)), (5, 4, 5, 3), (3, 3, 3, 4)),
    "transposed, wide steps": (conv((1, 1), ((0, 3), (4, 1)), lhs_dilation=(3, 3)), (5, 4, 5, 3), (2, 2, 3, 4)),
    "transposed, oblong steps": (conv((1, 1), ((2, 2), (1, 2)), lhs_dilation=(2, 3)), (5, 4, 5, 3), (4, 4, 3, 2)),
    "transposed, pointwise": (conv((1, 1), ((1, 2), (0, 1)), lhs_dilation=(2, 2)), (5, 4, 5, 3), (1, 1, 3, 4)),
    "bias, ReLU, pooling": (followed((1, 1), jax.nn.relu, halved), (5, 9, 8, 3), (3, 3, 3, 4)),
    "strides, pooling, ReLU": (followed((2, 2), halved, jax.nn.relu), (5, 9, 8, 3), (3, 3, 3, 4)),
    "strides, ReLU": (followed((2, 2), jax.nn.relu), (5, 9, 8, 3), (4, 4, 3, 4)),
    "shared by two": (followed((1, 1), lambda y: jax.nn.relu(y) + jnp.cos(y)), (5, 9, 8, 3), (3, 3, 3, 4)),
    "depthwise": (conv((2, 2), "SAME", feature_group_count=3), (5, 9, 8, 3), (3, 3, 1, 3)),
    "groups": (conv((1, 1), "VALID", feature_group_count=2), (5, 9, 8, 4), (3, 3, 2, 6)),
    "channels first": (conv((1, 1), "SAME", FIRST), (5, 3, 9, 8), (4, 3, 3, 3)),
    "one axis": (conv((2,), "SAME", ("NHC", "HIO", "NHC")), (5, 9, 3), (3, 3, 4)),
    "largest": (pool(-np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID"), (5, 9, 8, 3), (3,)),
    "largest, overlapping": (pool(-np.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), (5, 9, 8, 3), (3,)),
    "largest, one axis": (pool(-np.inf, jax.lax.max, (1, 2, 1), (1, 2, 1), "VALID"), (5, 9, 3), (3,)),
    "sums": (pool(0.0, jax.lax.add, (1, 3, 2, 1), (1, 2, 2, 1), "SAME"), (5, 9, 8, 3), (3,)),
    "sums, channels first": (pool(0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"), (5, 3, 9, 8), (8,)),
    "variance": (lambda x, w: jnp.var(50 + x * w, axis=(0, 1), keepdims=True), (5, 9, 3), (3,)),
    "in blocks, normalized images": (between(lambda y: normalized(y, (0, 1, 2)), jax.nn.relu6), FULL, SQUARE),
    "in blocks, normalized pixels": (between(lambda y: normalized(y, (3,)), jax.nn.leaky_relu), FULL, SQUARE),
    "in blocks, strides": (between(jnp.tanh, strides=(2, 2)), FULL, SQUARE),
    "in blocks, strided points": (between(jnp.tanh, strides=(2, 2)), FULL, (1, 1, 3, 3)),
    "in blocks, depthwise, pooling": (between(by_channel, overlapping), FULL, SQUARE),
    "in blocks, a sum": (between(lambda y: jax.nn.relu(y) + jnp.sin(y)), FULL, SQUARE),
    "in blocks, means of maps": (lambda x, w: jnp.mean(jnp.exp(conv((1, 1), "SAME")(x, w)), (1, 2)), FULL, SQUARE),
    "in blocks, largest of all": (lambda x, w: jnp.max(jnp.exp(conv((1, 1), "SAME")(x, w)), (0, 2)), FULL, SQUARE),
    "in blocks, one number for each image": (between(lambda y: y * jnp.arange(16.0).reshape(16, 1, 1, 1)), FULL, SQUARE),
    "in blocks, then dense": (
        lambda x, w: jnp.tanh(conv((1, 1), "SAME")(x, w)).reshape(16, -1) @ jnp.ones((216, 2)),
        FULL,
        SQUARE,
    ),
    "custom gradient": (lambda x, w: jax.nn.relu(conv((1, 1), "SAME")(x, w)), (2, 4, 4, 1), (3, 3, 1, 2)),
}
RULED = ("conv_general_dilated", "reduce_window_max", "reduce_window_sum")


def both(function: Callable[..., Any], x: Any, w: Any) -> Any:
    """Value and gradients."""

    def compute(x: Any, w: Any) -> Any:
        y, backward = jax.vjp(function, x, w)
        return y, backward(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape))

    return jax.jit(compute, compiler_options=QUICK)(x, w)


@pytest.mark.parametrize("switch", ["off", *VARIANTS[:1]])
@pytest.mark.parametrize("name", CASES)
def test_a_rewritten_trace_has_the_values_and_gradients_of_the_original(name: str, switch: str) -> None:
    function, *shapes = CASES[name]
    draws = np.random.default_rng(3)
    x, w = (draws.normal(size=shape).astype(np.float32) for shape in shapes)
    with switched(switch):
        trace = str(jax.make_jaxpr(rewritten(function))(x, w))
        assert not any(operation in trace for operation in RULED)
        for ours, theirs in zip(
            jax.tree.leaves(both(rewritten(function), x, w)), jax.tree.leaves(both(function, x, w)), strict=True
        ):
            close(ours, theirs, 2e-5)


def test_operations_without_a_rule_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    def function(x: Any) -> Any:
        scanned, _ = jax.lax.scan(lambda total, row: (total + row, None), jnp.zeros(3), x)
        return {"a": scanned, "b": jax.lax.reduce_window(x, -np.inf, jax.lax.max, (9, 3), (9, 3), "VALID")}

    x = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    monkeypatch.setattr(maps, "MOST_PLACES", 25)
    found, expected = rewritten(function)(x), function(x)
    assert "reduce_window_max" in str(jax.make_jaxpr(rewritten(function))(x))
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name])


def test_the_variance_keeps_its_digits_far_from_zero() -> None:
    x = (1000 + np.random.default_rng(0).normal(size=(4000, 2))).astype(np.float32)
    np.testing.assert_allclose(maps.variance(jnp.asarray(x), (0,)), x.astype(np.float64).var(axis=0)[None], rtol=1e-5)


@pytest.mark.skipif(not maps.kernels_name(), reason="this machine has no native kernels")
def test_what_follows_a_convolution_joins_its_native_call() -> None:
    function, x, w = CASES["bias, ReLU, pooling"]
    trace = jax.make_jaxpr(rewritten(function))(jnp.ones(x), jnp.ones(w))
    names = [equation.primitive.name for equation in trace.jaxpr.eqns]
    assert set(names) == {"slice", "squeeze", "reshape", "custom_vjp_call"}
    assert names.count("custom_vjp_call") == 1


@pytest.mark.skipif(not maps.kernels_name(), reason="this machine has no native kernels")
@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("in blocks, n")])
def test_maps_stay_in_blocks_between_two_convolutions(name: str) -> None:
    function, x, w = CASES[name]
    program = jax.jit(rewritten(function)).lower(jnp.ones(x), jnp.ones(w)).as_text()
    assert len(re.findall("stablehlo.custom_call @seedbed_forward", program)) == 2
    assert not re.findall(r"stablehlo.transpose .*tensor<16x9x8", program)


@pytest.mark.skipif(not maps.kernels_name(), reason="this machine has no native kernels")
def test_no_gradient_is_computed_for_images() -> None:
    function, x, w = CASES["plain"]

    def sizes(differentiated: Any) -> list[int]:
        gradient = jax.make_jaxpr(jax.grad(lambda x, w: jnp.sum(rewritten(function)(x, w)), differentiated))
        calls = [each for each in gradient(jnp.ones(x), jnp.ones(w)).eqns if each.primitive.name == "ffi_call"]
        return [call.outvars[2].aval.size for call in calls if len(call.outvars) == 3]

    assert sizes((0, 1)) == [int(np.prod(x))]
    assert sizes(1) == [0]
