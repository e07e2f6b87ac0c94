"""The fast convolution against XLA's own, values and gradients, over a table of geometries."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.by_hand import convolved
from models.samples import QUICK, close
from seedbed.models.architecture import ConvShape, conv_shapes
from seedbed.models.convolution import max_pool, phases, xla
from seedbed.models.dense import dropout
from seedbed.models.pooling import largest
from seedbed.models.protocol import MatMul
from seedbed.specs import Conv, Padding

GEOMETRIES: list[tuple[tuple[int, int], int, int, int, Padding]] = [
    ((8, 8), 5, 1, 2, "same"),
    ((7, 9), 3, 1, 2, "same"),
    ((9, 7), 4, 1, 2, "valid"),
    ((8, 8), 3, 2, 1, "same"),
    ((10, 11), 2, 3, 2, "same"),
    ((11, 10), 5, 2, 2, "valid"),
    ((7, 7), 1, 1, 3, "same"),
    ((6, 5), 5, 1, 1, "valid"),
]
"""Height and width, kernel, stride, pool, padding."""


def shape_of(sides: tuple[int, int], kernel: int, stride: int, pool: int, padding: Padding) -> ConvShape:
    spec = Conv(filters=(3,), kernel=(kernel,), stride=(stride,), pool=(pool,), padding=padding)
    return conv_shapes(spec, (*sides, 2))[0]


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_largest_phase_is_the_pooled_convolution_and_so_are_its_gradients(geometry: Any) -> None:
    shape = shape_of(*geometry)
    draws = np.random.default_rng(0)
    kernel = draws.normal(size=(shape.kernel, shape.kernel, 2, 3)).astype(np.float32)
    x = draws.normal(size=(2, shape.height, shape.width, 4)).astype(np.float32)
    weights = draws.normal(size=(3, *shape.pooled, 4)).astype(np.float32)

    def fast(kernel: Any, x: Any) -> Any:
        out = largest(phases(shape, kernel, x, MatMul()))
        return jnp.sum(out * weights), out

    def slow(kernel: Any, x: Any) -> Any:
        out = max_pool(shape, xla(shape, kernel, x, MatMul()))
        return jnp.sum(out * weights), out

    def both(kernel: Any, x: Any) -> Any:
        return [jax.value_and_grad(form, argnums=(0, 1), has_aux=True)(kernel, x) for form in (fast, slow)]

    found, expected = jax.jit(both, compiler_options=QUICK)(kernel, x)
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        close(ours, theirs, 2e-6)


@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 9])
def test_of_equal_maxima_the_first_gets_the_whole_gradient_as_in_xlas_pooling(blocks: int) -> None:
    x = np.random.default_rng(blocks).integers(0, 3, size=(blocks, 5, 7)).astype(np.float32)
    weights = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)

    def pooled(x: Any) -> Any:
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (blocks, 1, 1), (blocks, 1, 1), "VALID")[0]

    for form in (largest, pooled):
        np.testing.assert_array_equal(form(x), x.max(axis=0))
    ours, theirs = (jax.grad(lambda x, form=form: jnp.sum(form(x) * weights))(x) for form in (largest, pooled))
    np.testing.assert_array_equal(ours, theirs)


def test_a_maximum_over_what_is_not_a_number_is_not_a_number() -> None:
    assert np.isnan(largest(jnp.array([1.0, jnp.nan])))
    assert np.isnan(largest(jnp.array([jnp.nan, 1.0])))


def test_xlas_own_convolution_is_the_one_written_by_hand() -> None:
    shape = shape_of((6, 7), 4, 1, 1, "same")
    draws = np.random.default_rng(0)
    kernel, x = draws.normal(size=(4, 4, 2, 3)), draws.normal(size=(5, 6, 7, 2))
    found = xla(shape, jnp.asarray(kernel, jnp.float32), jnp.asarray(x.transpose(3, 1, 2, 0), jnp.float32), MatMul())
    close(np.transpose(found, (3, 1, 2, 0)), convolved(x, kernel), 1e-6)


def test_lower_precision_rounds_the_operands_and_sums_in_float32() -> None:
    left = np.full((1, 4096), 1 + 2**-12, np.float32)
    right = np.ones((4096, 1), np.float32)
    exact, rounded = (MatMul(precision)("ab,bc->ac", left, right) for precision in ("f32", "bf16"))
    assert (exact.dtype, rounded.dtype) == (jnp.float32, jnp.float32)
    assert (float(exact[0, 0]), float(rounded[0, 0])) == (4097.0, 4096.0)


def test_dropout_zeroes_the_given_share_and_keeps_the_mean() -> None:
    a = np.ones((2, 100, 100), np.float32)
    rate = np.array([0.3, 0.0], np.float32)[:, None, None]
    out = np.asarray(dropout(jnp.asarray(a), jnp.asarray(rate), jax.random.key(0)))
    assert (out[0] == 0).mean() == pytest.approx(0.3, abs=0.02)
    assert out[0].mean() == pytest.approx(1.0, abs=0.02)
    assert np.all(out[1] == 1)
