"""The kernels against a convolution in float64, over drawn shapes; their bits; and calls that do not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.calls import ConvGeometry, PoolGeometry, blocked, convolve, convolve_depthwise, max_pool, unblocked
from seedbed.kernels.library import INSTRUCTION_SETS

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")


@dataclass(frozen=True)
class Case:
    """A layer and the sizes of its arrays."""

    lanes: int
    images: int
    sides: tuple[int, int]
    channels: int
    filters: int
    kernel: int
    geometry: ConvGeometry


@st.composite
def cases(draw: Any, depthwise: bool = False) -> Case:
    kernel, stride = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    pool = 1 if depthwise else draw(st.integers(1, 4))
    before = tuple(draw(st.integers(0, kernel - 1)) for _ in range(2))
    sides = tuple(draw(st.integers(max(1, (pool - 1) * stride + kernel - pad), 14)) for pad in before)
    most = [
        ((side + pad - kernel + draw(st.integers(0, kernel - 1))) // stride + 1) // pool
        for side, pad in zip(sides, before, strict=True)
    ]
    geometry = ConvGeometry(stride, pool, before, (most[0], most[1]), not depthwise and draw(st.booleans()))
    channels = draw(st.integers(1, 5))
    lanes = INSTRUCTION_SETS[draw(st.sampled_from(VARIANTS))]
    filters = channels if depthwise else draw(st.integers(1, 9))
    return Case(lanes, draw(st.integers(1, 20)), (sides[0], sides[1]), channels, filters, kernel, geometry)


def arrays(case: Case, *, depthwise: bool = False) -> list[Any]:
    """Images, kernel, bias, and the gradient of the output."""
    draws = np.random.default_rng(0)
    kernel = (case.kernel, case.kernel, case.channels, 1 if depthwise else case.filters)
    shapes = ((case.images, *case.sides, case.channels), kernel, (case.filters,))
    shapes += ((case.images, *case.geometry.pooled, case.filters),)
    return [draws.normal(size=shape).astype(np.float32) for shape in shapes]


def reference(case: Case, x: Any, kernel: Any, bias: Any, dy: Any) -> tuple[Any, ...]:
    """Output, and gradients of images, kernel and bias, in float64; kernel `(k, k, c, o)`."""
    g = case.geometry
    x, kernel, bias, dy = (np.asarray(array, np.float64) for array in (x, kernel, bias, dy))
    rows, columns = (side * g.pool for side in g.pooled)
    after = [(n - 1) * g.stride + case.kernel for n in (rows, columns)]
    padded = np.pad(x, ((0, 0), *((pad, end) for pad, end in zip(g.before, after, strict=True)), (0, 0)))
    taps = list(product(range(case.kernel), repeat=2))
    cuts = [
        (slice(None), *(slice(t, t + n * g.stride, g.stride) for t, n in zip(tap, (rows, columns), strict=True)))
        for tap in taps
    ]
    z = sum(padded[cut] @ kernel[tap] for cut, tap in zip(cuts, taps, strict=True))
    windows = z.reshape(len(x), g.pooled[0], g.pool, g.pooled[1], g.pool, -1).transpose(0, 1, 3, 5, 2, 4)
    windows = windows.reshape(*windows.shape[:4], -1)
    y = windows.max(axis=-1) + bias
    if g.relu:
        y, dy = np.maximum(y, 0), dy * (y > 0)
    own = np.arange(g.pool**2) == windows.argmax(axis=-1)[..., None]
    dz = (own * dy[..., None]).reshape(*dy.shape, g.pool, g.pool).transpose(0, 1, 4, 2, 5, 3).reshape(z.shape)
    dpadded, dkernel = np.zeros_like(padded), np.empty_like(kernel)
    for cut, tap in zip(cuts, taps, strict=True):
        dkernel[tap] = np.einsum("nhwc,nhwo->co", padded[cut], dz)
        dpadded[cut] += dz @ kernel[tap].T
    (top, left), (height, width) = g.before, case.sides
    return y, dpadded[:, top : top + height, left : left + width], dkernel, dy.sum(axis=(0, 1, 2))


def by_kernels(case: Case, x: Any, kernel: Any, bias: Any, dy: Any) -> tuple[Any, ...]:
    """The same by the kernels."""
    y, backward = jax.vjp(lambda *parts: convolve(case.geometry, *parts), blocked(x, case.lanes), kernel, bias)
    dx, dkernel, dbias = backward(blocked(dy, case.lanes))
    return images_first(y, case), images_first(dx, case), dkernel, dbias


def images_first(maps: Any, case: Case) -> Any:
    return jnp.moveaxis(unblocked(maps, case.images), -1, 0)


@settings(max_examples=20, deadline=None)
@given(case=cases())
def test_output_and_gradients_are_those_of_a_convolution_in_float64(case: Case) -> None:
    given_arrays = arrays(case)
    compiled = jax.jit(lambda *parts: by_kernels(case, *parts), compiler_options=QUICK)
    found, expected = compiled(*given_arrays), reference(case, *given_arrays)
    for ours, theirs in zip(found, expected, strict=True):
        close(ours, theirs, 3e-6, least=0.5)  # of many summands that cancel each other


@settings(max_examples=10, deadline=None)
@given(case=cases(depthwise=True))
def test_a_depthwise_convolution_is_one_with_a_diagonal_kernel(case: Case) -> None:
    x, kernel, bias, dy = arrays(case, depthwise=True)
    expected = reference(case, x, kernel * np.eye(case.channels), 0 * bias, dy)
    diagonal = np.einsum("yxcc->yxc", expected[2])[..., None]

    def both(x: Any, kernel: Any, dy: Any) -> tuple[Any, ...]:
        y, backward = jax.vjp(lambda *parts: convolve_depthwise(case.geometry, *parts), blocked(x, case.lanes), kernel)
        dx, dkernel = backward(blocked(dy, case.lanes))
        return images_first(y, case), images_first(dx, case), dkernel

    found = jax.jit(both, compiler_options=QUICK)(x, kernel, dy)
    for ours, theirs in zip(found, (*expected[:2], diagonal), strict=True):
        close(ours, theirs, 3e-6, least=0.1)  # of a few summands that cancel each other


@pytest.mark.parametrize("variant", VARIANTS)
def test_arrays_of_images_give_the_bits_of_blocks(variant: str) -> None:
    case = replace(LAYER, lanes=INSTRUCTION_SETS[variant])
    geometry, given_arrays = replace(case.geometry, lanes=case.lanes), arrays(case)
    y, backward = jax.vjp(lambda *parts: convolve(geometry, *parts), *given_arrays[:3])
    for ours, theirs in zip((y, *backward(given_arrays[3])), by_kernels(case, *given_arrays), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    plain = ConvGeometry(2, 1, (1, 1), (6, 6), lanes=case.lanes)
    x, kernel = given_arrays[0], given_arrays[1][..., :1]

    def of_images(x: Any, kernel: Any) -> Any:
        return convolve_depthwise(plain, x, kernel)

    def of_blocks(x: Any, kernel: Any) -> Any:
        y = convolve_depthwise(replace(plain, lanes=0), blocked(x, case.lanes), kernel)
        return images_first(y, case)

    for ours, theirs in zip(*(_with_gradients(each, x, kernel) for each in (of_images, of_blocks)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("images", [16, 37])
def test_the_output_can_have_the_other_layout(variant: str, images: int) -> None:
    case = replace(LAYER, lanes=INSTRUCTION_SETS[variant], images=images)
    x, kernel, bias, dy = arrays(case)
    expected = by_kernels(case, x, kernel, bias, dy)
    geometry = replace(case.geometry, lanes=case.lanes, turned=True)
    y, backward = jax.vjp(lambda *parts: convolve(geometry, *parts), x, kernel, bias)
    found = (images_first(y, case), *backward(blocked(dy, case.lanes)))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    y, backward = jax.vjp(lambda *parts: convolve(geometry, *parts), blocked(x, case.lanes), kernel, bias)
    dx, *rest = backward(jnp.zeros(y.shape).at[:images].set(dy))
    for ours, theirs in zip((y[:images], images_first(dx, case), *rest), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@st.composite
def poolings(draw: Any) -> tuple[PoolGeometry, tuple[int, ...]]:
    """A pooling, and the shape of its maps."""
    sizes, strides = ((draw(st.integers(1, 4)), draw(st.integers(1, 4))) for _ in range(2))
    before = tuple(draw(st.integers(0, size - 1)) for size in sizes)
    sides = tuple(draw(st.integers(max(1, size - zeros), 9)) for size, zeros in zip(sizes, before, strict=True))
    after = tuple(draw(st.integers(0, size - 1)) for size in sizes)
    around = zip(sides, sizes, strides, before, after, strict=True)
    pooled = tuple((side + first + last - size) // step + 1 for side, size, step, first, last in around)
    lanes = INSTRUCTION_SETS[draw(st.sampled_from(VARIANTS))]
    return PoolGeometry(sizes, strides, before, pooled, lanes), (draw(st.integers(1, 3)), *sides, draw(st.integers(1, 19)))


@settings(max_examples=30, deadline=None)
@given(drawn=poolings())
def test_maxima_and_their_gradient_are_those_of_the_windows(drawn: Any) -> None:
    geometry, shape = drawn
    draws = np.random.default_rng(0)
    x = draws.integers(-3, 3, shape).astype(np.float32)  # with many equal ones
    y, backward = jax.vjp(lambda x: max_pool(geometry, x), x)
    dy = draws.normal(size=y.shape).astype(np.float32)
    expected, gradient = np.empty(y.shape, np.float32), np.zeros(shape)
    for place in np.ndindex(*y.shape):
        image, *at, number = place
        starts = [p * step - zeros for p, step, zeros in zip(at, geometry.strides, geometry.before, strict=True)]
        rows, columns = (slice(max(start, 0), start + size) for start, size in zip(starts, geometry.sizes, strict=True))
        window = x[image, rows, columns, number]
        expected[place] = window.max()
        row, column = np.unravel_index(np.argmax(window), window.shape)
        gradient[image, rows, columns, number][row, column] += dy[place]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_allclose(backward(dy)[0], gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_maximum_of_what_is_not_a_number_is_none(variant: str) -> None:
    geometry = PoolGeometry((1, 3), (1, 3), (0, 0), (1, 3), INSTRUCTION_SETS[variant])
    x = np.array([np.nan, 1, 2, 1, np.nan, 2, 1, 2, np.nan], np.float32).reshape(1, 1, 9, 1)
    assert np.isnan(max_pool(geometry, x)).all()


@pytest.mark.parametrize("wrong", [{"sizes": (16, 16)}, {"strides": (0, 1)}, {"before": (-1, 0)}])
def test_a_pooling_that_no_byte_counts_is_an_error(wrong: dict[str, Any]) -> None:
    geometry = PoolGeometry((2, 2), (2, 2), (0, 0), (2, 2), INSTRUCTION_SETS[VARIANTS[0]])
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        max_pool(replace(geometry, **wrong), jnp.ones((1, 4, 4, 3))).block_until_ready()


def _with_gradients(function: Any, *given_arrays: Any) -> tuple[Any, ...]:
    y, backward = jax.vjp(function, *given_arrays)
    return (y, *backward(jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape)))


LAYER = Case(0, 37, (12, 11), 3, 7, 3, ConvGeometry(1, 2, (1, 1), (6, 5), relu=True))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_same_call_gives_the_same_bits_from_any_thread(variant: str) -> None:
    case = replace(LAYER, lanes=INSTRUCTION_SETS[variant])
    compiled, given_arrays = jax.jit(lambda *parts: by_kernels(case, *parts)), arrays(case)
    first = compiled(*given_arrays)
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: compiled(*given_arrays), range(12)):
            assert jax.tree.all(jax.tree.map(np.array_equal, again, first))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("pool", [1, 2, 3])
def test_without_a_gradient_the_output_has_the_same_bits(variant: str, pool: int) -> None:
    case = replace(LAYER, lanes=INSTRUCTION_SETS[variant], geometry=replace(LAYER.geometry, pool=pool, pooled=(3, 3)))
    x, kernel, bias, dy = arrays(case)
    alone = convolve(case.geometry, blocked(x, case.lanes), kernel, bias)
    np.testing.assert_array_equal(images_first(alone, case), by_kernels(case, x, kernel, bias, dy)[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_of_equal_maxima_the_first_gets_the_gradient_and_what_is_not_a_number_stays(variant: str) -> None:
    case = Case(INSTRUCTION_SETS[variant], 1, (2, 4), 1, 1, 1, ConvGeometry(1, 2, (0, 0), (1, 2), relu=True))
    x = np.array([[1, 3, 2, np.nan], [3, 3, 5, 1]], np.float32).reshape(1, 2, 4, 1)
    one = np.ones((1, 1, 1, 1), np.float32)
    y, dx, _, _ = by_kernels(case, x, one, np.zeros(1, np.float32), np.ones((1, 1, 2, 1), np.float32))
    np.testing.assert_array_equal(y.ravel(), [3, np.nan])
    np.testing.assert_array_equal(dx[0, :, :2, 0], [[0, 1], [0, 0]])


@pytest.mark.parametrize(
    "wrong",
    [
        {"pooled": (7, 5)},
        {"before": (3, 0)},
        {"pool": 16},
        {"stride": 0},
    ],
)
def test_a_call_that_does_not_fit_its_arrays_is_an_error(wrong: dict[str, Any]) -> None:
    case = replace(LAYER, lanes=INSTRUCTION_SETS[VARIANTS[0]])
    x, kernel, bias, _ = arrays(case)
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        convolve(replace(case.geometry, **wrong), blocked(x, case.lanes), kernel, bias).block_until_ready()


def test_vectors_that_no_processor_has_are_an_error() -> None:
    x, kernel, bias, _ = arrays(LAYER)
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        convolve(LAYER.geometry, blocked(x, 2), kernel, bias).block_until_ready()
