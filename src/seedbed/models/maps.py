"""Convolution and pooling of maps `(images, height, width, channels)` in forms that are fast inside compiled loops on a CPU.

XLA turns its own convolutions inside a loop, grouped ones above all, into naive code on CPUs, and its gradient of max pooling
scatters. Here they become native kernels, matrix products, and sums of shifted maps. What is said to take blocks takes maps in
the kernels' layout, too: `(blocks, height, width, channels, lanes)`, without empty lanes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed import kernels
from seedbed.kernels import calls
from seedbed.kernels.calls import ConvGeometry
from seedbed.models.forms import KERNELS
from seedbed.models.pooling import tournament

JOINED = "joined, in blocks"
"""Part of the name of the form: bias, ReLU and pooling join the convolution before them, and maps stay in the kernels' layout.
Other arithmetic has another name."""

Pair = tuple[int, int]

NOWHERE = 255
"""A place that no window has."""

MOST_PLACES = 25
"""Places of the largest pooling window that is computed by shifted maps; larger ones make large programs."""


def kernels_name() -> str:
    """Name of the form of convolutions where this process has native kernels; else ""."""
    found = kernels.support() if jax.default_backend() == "cpu" else None
    return f"{KERNELS} {found.name}" if found and found.lanes else ""


@dataclass(frozen=True)
class ConvWindow:
    """The geometry of a convolution, each pair for height and width (pixels).

    Attributes:
        strides: steps of the window.
        before, after: rows and columns of zeros around the input; less than 0 cuts.
        spread: distance of the input's pixels after zeros are put between them, 1 without.
        dilation: distance of the kernel's taps.
        groups: groups of channels, each with its own filters.
    """

    strides: Pair = (1, 1)
    before: Pair = (0, 0)
    after: Pair = (0, 0)
    spread: Pair = (1, 1)
    dilation: Pair = (1, 1)
    groups: int = 1


@dataclass(frozen=True, eq=False)
class Epilogue:
    """What follows a convolution in the same native call: a bias, then max pooling, then ReLU.

    Attributes:
        bias: `(filters,)`; None means no bias.
        pool: side of the pooled squares, 1 without (pixels).
        relu: whether ReLU follows.
    """

    bias: Array | None = None
    pool: int = 1
    relu: bool = False


NO_EPILOGUE = Epilogue()


def takes_epilogue(window: ConvWindow, kernel: Array, pool: int = 1) -> bool:
    """Whether a convolution is one native call, which can take an epilogue with this pooling."""
    square = kernel.shape[0] == kernel.shape[1] and window.strides[0] == window.strides[1]
    plain = pool == 1 or window.spread == window.dilation == (1, 1)
    return bool(square and plain and window.groups == 1 and kernels.support().lanes)


def takes_blocks(window: ConvWindow, kernel: Array, images: int) -> bool:
    """Whether a convolution of this many images can take and return blocks: one native call, all of whose lanes are full."""
    own, filters = kernel.shape[2:]
    simple = window.spread == window.dilation == (1, 1) and kernel.shape[0] == kernel.shape[1]
    grouped = window.groups == 1 or (own == 1 and filters == window.groups)
    return simple and grouped and _within(window, kernel) and window.strides[0] == window.strides[1] and fills_blocks(images)


def fills_blocks(images: int) -> bool:
    """Whether this many images fill whole blocks of the kernels' layout."""
    lanes = kernels.support().lanes
    return bool(lanes) and images % lanes == 0


def in_blocks(maps: Array) -> Array:
    """Arrange what belongs to images, `(images, ...)`, in blocks of this process's kernels, `(blocks, ..., lanes)`."""
    return calls.blocked(maps, kernels.support().lanes)


def of_images(maps: Array) -> Array:
    """Arrange blocks `(blocks, ..., lanes)` as images, `(images, ...)`."""
    return jnp.moveaxis(maps, -1, 1).reshape(-1, *maps.shape[1:-1])


def convolve(
    window: ConvWindow, x: Array, kernel: Array, epilogue: Epilogue = NO_EPILOGUE, *, blocks: bool | None = None
) -> Array:
    """Convolution `(images, height, width, filters)` of maps with a kernel `(k, l, channels / groups, filters)`.

    Args:
        window: the geometry.
        x: maps, `(images, height, width, channels)`; or in blocks, where `takes_blocks`.
        kernel: weights.
        epilogue: what follows; only where `takes_epilogue`.
        blocks: whether to return blocks, only where `takes_blocks`; None means like the input.
    """
    if window.spread != (1, 1):
        return _of_spread(window, x, kernel, epilogue)
    if window.dilation != (1, 1):
        return _dilated(window, x, kernel, epilogue)
    if not _within(window, kernel):
        return convolve(replace(window, before=(0, 0), after=(0, 0)), _padded(window, x), kernel, epilogue)
    if window.groups > 1:
        return _grouped(window, x, kernel, blocks)
    if takes_epilogue(window, kernel):
        return _native(window, x, kernel, epilogue, blocks)
    if kernel.shape[:2] == (1, 1):
        return jnp.tensordot(x[:, :: window.strides[0], :: window.strides[1]], kernel[0, 0], 1)
    return _products(window, x, kernel)


def _within(window: ConvWindow, kernel: Array) -> bool:
    """Whether the zeros around the input are fewer than the kernel's taps, and none is cut."""
    around = (zip(pair, kernel.shape[:2], strict=True) for pair in (window.before, window.after))
    return all(0 <= zeros < size for pairs in around for zeros, size in pairs)


def _outputs(window: ConvWindow, x: Array, sizes: Sequence[int]) -> Pair:
    """Height and width of the output, without dilation."""
    zeros = (before + after for before, after in zip(window.before, window.after, strict=True))
    parts = zip(x.shape[1:3], zeros, sizes, window.strides, strict=True)
    height, width = ((side + more - size) // stride + 1 for side, more, size, stride in parts)
    return height, width


def _padded(window: ConvWindow, x: Array) -> Array:
    """The input with zeros around and between its pixels."""
    (top, left), (bottom, right), (down, across) = window.before, window.after, window.spread
    around = ((0, 0, 0), (top, bottom, down - 1), (left, right, across - 1), *[(0, 0, 0)] * (x.ndim - 3))
    return jax.lax.pad(x, jnp.zeros((), x.dtype), around)


def _of_spread(window: ConvWindow, x: Array, kernel: Array, epilogue: Epilogue) -> Array:
    """A transposed convolution: in phases where these are native calls, else of the input with zeros between its pixels."""
    if takes_epilogue(window, kernel) and kernel.shape[0] > 1 and window.strides == window.dilation == (1, 1):
        sides = zip(x.shape[1:3], window.spread, window.before, window.after, kernel.shape[:2], strict=True)
        height, width = ((side - 1) * step + 2 + first + last - size for side, step, first, last, size in sides)
        return _in_phases(window, (height, width), x, kernel, epilogue)
    apart = _padded(ConvWindow(spread=window.spread), x)
    return convolve(replace(window, spread=(1, 1)), apart, kernel, epilogue)


def _in_phases(window: ConvWindow, outputs: Pair, x: Array, kernel: Array, epilogue: Epilogue) -> Array:
    """A transposed convolution without products by the zeros between its input's pixels.

    Pixels of the output whose places have the same remainder (a phase) see the same taps; all phases are filters of one
    convolution of the input, and then brought into their places.
    """
    (down, across), filters = window.spread, kernel.shape[-1]
    rows, columns = (_phases(*sides) for sides in zip(window.spread, window.before, kernel.shape[:2], strict=True))
    taps = jnp.pad(kernel, ((0, 1), (0, 1), (0, 0), (0, 0)))[rows.taps][:, :, columns.taps]  # the added tap is 0
    taps = jnp.transpose(taps, (1, 3, 4, 0, 2, 5)).reshape(*taps.shape[1:4:2], kernel.shape[2], -1)
    size = max(taps.shape[:2])
    taps = jnp.pad(taps, ((0, size - taps.shape[0]), (0, size - taps.shape[1]), (0, 0), (0, 0)))
    height, width = (-(-side // step) for side, step in zip(outputs, window.spread, strict=True))
    before = (-rows.first, -columns.first)
    after = (height + size - 1 - before[0] - x.shape[1], width + size - 1 - before[1] - x.shape[2])
    bias = None if epilogue.bias is None else jnp.tile(epilogue.bias, down * across)
    y = convolve(ConvWindow(before=before, after=after), x, taps, replace(epilogue, bias=bias))
    lanes = y.shape[4:]
    y = jnp.swapaxes(y.reshape(-1, height, width, down, across, filters, *lanes), 2, 3)
    return y.reshape(-1, height * down, width * across, filters, *lanes)[:, : outputs[0], : outputs[1]]


class _Phases(NamedTuple):
    """The phases of a transposed convolution along one axis.

    Attributes:
        taps: the kernel's tap that each phase has at each place, `(phases, places)`; one beyond the last means none.
        first: the input's pixel under the first place, for the first pixel of each phase.
    """

    taps: NDArray[np.int64]
    first: int


def _phases(step: int, before: int, size: int) -> _Phases:
    places = [
        (phase, tap, (phase + tap - before) // step)
        for phase in range(step)
        for tap in range((before - phase) % step, size, step)
    ]
    first = min(pixel for *_, pixel in places)
    taps = np.full((step, max(pixel for *_, pixel in places) - first + 1), size)
    for phase, tap, pixel in places:
        taps[phase, pixel - first] = tap
    return _Phases(taps, first)


def _dilated(window: ConvWindow, x: Array, kernel: Array, epilogue: Epilogue) -> Array:
    """With stride 1, each phase of the pixels by itself; else with zeros between the kernel's taps."""
    (down, across), sizes = window.dilation, kernel.shape[:2]
    plain = replace(window, dilation=(1, 1))
    if window.strides != (1, 1):
        apart = ((0, 0, down - 1), (0, 0, across - 1), (0, 0, 0), (0, 0, 0))
        return convolve(plain, x, jax.lax.pad(kernel, jnp.zeros((), kernel.dtype), apart), epilogue)
    fields = [(size - 1) * step + 1 for size, step in zip(sizes, window.dilation, strict=True)]
    height, width = _outputs(window, x, fields)
    x = _padded(window, x)
    images, rows, columns, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, -rows % down), (0, -columns % across), (0, 0)))
    rows, columns = -(-rows // down), -(-columns // across)
    phases = jnp.transpose(x.reshape(images, rows, down, columns, across, channels), (2, 4, 0, 1, 3, 5))
    y = convolve(replace(plain, before=(0, 0), after=(0, 0)), phases.reshape(-1, rows, columns, channels), kernel, epilogue)
    y = y.reshape(down, across, images, *y.shape[1:])
    y = jnp.transpose(y, (2, 3, 0, 4, 1, 5)).reshape(images, y.shape[3] * down, y.shape[4] * across, -1)
    return y[:, :height, :width]


def _grouped(window: ConvWindow, x: Array, kernel: Array, blocks: bool | None) -> Array:
    channels, (*_, own, filters) = x.shape[3], kernel.shape
    if own == 1 and filters == channels:
        return _depthwise(window, x, kernel, blocks)
    one = replace(window, groups=1)
    parts = zip(jnp.split(x, window.groups, axis=-1), jnp.split(kernel, window.groups, axis=-1), strict=True)
    return jnp.concatenate([convolve(one, *part) for part in parts], axis=-1)


# Native kernels


def _native(window: ConvWindow, x: Array, kernel: Array, epilogue: Epilogue, blocks: bool | None) -> Array:
    bias = jnp.zeros(kernel.shape[-1], kernel.dtype) if epilogue.bias is None else epilogue.bias
    geometry = _geometry(window, x, kernel, blocks, epilogue.pool, relu=epilogue.relu)
    if window.strides != (1, 1) and epilogue.pool == 1:
        return _strided(geometry, x, kernel, bias)
    return calls.convolve(geometry, x, kernel, bias)


def _geometry(
    window: ConvWindow, x: Array, kernel: Array, blocks: bool | None, pool: int = 1, *, relu: bool = False
) -> ConvGeometry:
    height, width = (side // pool for side in _outputs(window, x, kernel.shape[:2]))
    turned = blocks is not None and blocks != (x.ndim == 5)
    lanes = kernels.support().lanes
    return calls.ConvGeometry(window.strides[0], pool, window.before, (height, width), relu=relu, lanes=lanes, turned=turned)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _strided(geometry: ConvGeometry, x: Array, kernel: Array, bias: Array) -> Array:
    """A convolution with strides, whose gradient with respect to its input is a transposed convolution in phases."""
    return calls.convolve(geometry, x, kernel, bias)


def _strided_forward(geometry: ConvGeometry, x: Array, kernel: Array, bias: Array) -> tuple[Array, Any]:
    y, of_weights = jax.vjp(partial(calls.convolve, geometry, x), kernel, bias)
    return y, (of_weights, kernel, y if geometry.relu else None, jnp.zeros(x.shape, jnp.uint8))


def _strided_backward(geometry: ConvGeometry, residuals: Any, gradient: Array) -> tuple[Array, Array, Array]:
    of_weights, kernel, y, like = residuals
    inner = jnp.where(y > 0, gradient, jnp.zeros((), gradient.dtype)) if geometry.relu else gradient
    if geometry.turned:
        inner = in_blocks(inner) if like.ndim == 5 else of_images(inner)
    turned = jnp.swapaxes(kernel[::-1, ::-1], 2, 3)
    outputs, strides = like.shape[1:3], (geometry.stride, geometry.stride)
    if kernel.shape[0] == 1:  # never with zeros around the input
        apart = _padded(ConvWindow(spread=strides), convolve(ConvWindow(), inner, turned))
        return _fitted(apart, *outputs), *of_weights(gradient)
    before = tuple(size - 1 - zeros for size, zeros in zip(kernel.shape[:2], geometry.before, strict=True))
    return _in_phases(ConvWindow(before=before, spread=strides), outputs, inner, turned, NO_EPILOGUE), *of_weights(gradient)


_strided.defvjp(_strided_forward, _strided_backward)


def _depthwise(window: ConvWindow, x: Array, kernel: Array, blocks: bool | None) -> Array:
    sizes = kernel.shape[:2]
    square = sizes[0] == sizes[1] and window.strides[0] == window.strides[1]
    if not (square and kernels.support().lanes):
        return _shifted(window, x, kernel)
    return calls.convolve_depthwise(_geometry(window, x, kernel, blocks), x, jnp.swapaxes(kernel, 2, 3))


# Shifted maps


def _cuts(x: Array, sizes: Sequence[int], strides: Pair, outputs: Pair) -> Iterator[Array]:
    """For each tap of a window of these sizes, what it sees at every step, `(images, *outputs, channels)`.

    The maps are divided into tiles as large as the strides, so that a cut is a block of tiles and needs no strided copy.
    """
    (down, across), (height, width) = strides, outputs
    rows, columns = (n + (size - 1) // stride for n, size, stride in zip(outputs, sizes, strides, strict=True))
    images, *_, channels = x.shape
    tiles = _fitted(x, rows * down, columns * across).reshape(images, rows, down, columns, across, channels)
    for y, z in product(*map(range, sizes)):
        yield tiles[:, y // down : y // down + height, y % down, z // across : z // across + width, z % across]


def _fitted(x: Array, height: int, width: int) -> Array:
    """Cropped or padded with zeros at the lower right."""
    around = ((0, 0, 0), (0, height - x.shape[1], 0), (0, width - x.shape[2], 0), *[(0, 0, 0)] * (x.ndim - 3))
    return jax.lax.pad(x, jnp.zeros((), x.dtype), around)


def _products(window: ConvWindow, x: Array, kernel: Array) -> Array:
    """One product of patches and kernels."""
    sizes = kernel.shape[:2]
    patches = jnp.concatenate(list(_cuts(_padded(window, x), sizes, window.strides, _outputs(window, x, sizes))), axis=-1)
    return jnp.tensordot(patches, kernel.reshape(-1, kernel.shape[-1]), 1)


def _shifted(window: ConvWindow, x: Array, kernel: Array) -> Array:
    """A depthwise convolution as a sum of shifted maps times the taps."""
    sizes = kernel.shape[:2]
    cuts = _cuts(_padded(window, x), sizes, window.strides, _outputs(window, x, sizes))
    taps = kernel.reshape(-1, kernel.shape[-1])
    total: Array = reduce(jnp.add, (cut * tap for cut, tap in zip(cuts, taps, strict=True)))
    return total


# Pooling


def max_pool(window: ConvWindow, sizes: Pair, x: Array) -> Array:
    """Maxima over windows of these sizes; of equal values the first gets the gradient. What is around the maps never counts."""
    (top, left), (bottom, right) = window.before, window.after
    lanes = kernels.support().lanes
    if lanes and min(top, left) >= 0:
        geometry = calls.PoolGeometry(sizes, window.strides, window.before, _outputs(window, x, sizes), lanes)
        return calls.max_pool(geometry, x)
    around = ((0, 0, 0), (top, bottom, 0), (left, right, 0), (0, 0, 0))
    return _maxima(sizes, window.strides, jax.lax.pad(x, jnp.array(-math.inf, x.dtype), around))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _maxima(sizes: Pair, strides: Pair, x: Array) -> Array:
    return _tournament(sizes, strides, x)[0]


def _tournament(sizes: Pair, strides: Pair, x: Array) -> tuple[Array, Array]:
    """Maxima, and the place in its window of each."""
    cuts = _cuts(x, sizes, strides, _outputs(ConvWindow(strides), x, sizes))
    return tournament(list(cuts))


def _maxima_forward(sizes: Pair, strides: Pair, x: Array) -> tuple[Array, tuple[Array, Array]]:
    maxima, places = _tournament(sizes, strides, x)
    return maxima, (places, jnp.zeros(x.shape, jnp.uint8))


def _maxima_backward(sizes: Pair, strides: Pair, residuals: tuple[Array, Array], gradient: Array) -> tuple[Array]:
    places, like = residuals

    def own(moved: Callable[[Array], Array], place: NDArray[np.uint8]) -> Array:
        return jnp.where(moved(places) == place, moved(gradient), jnp.zeros((), gradient.dtype))

    return (_spread(own, sizes, strides, like.shape, gradient.shape),)


_maxima.defvjp(_maxima_forward, _maxima_backward)


def sum_pool(window: ConvWindow, sizes: Pair, x: Array) -> Array:
    """Sums over windows of these sizes."""
    return _sums(sizes, window.strides, _padded(window, x))


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _sums(sizes: Pair, strides: Pair, x: Array) -> Array:
    total: Array = reduce(jnp.add, _cuts(x, sizes, strides, _outputs(ConvWindow(strides), x, sizes)))
    return total


def _sums_forward(sizes: Pair, strides: Pair, x: Array) -> tuple[Array, Array]:
    return _sums(sizes, strides, x), jnp.zeros(x.shape, jnp.uint8)


def _sums_backward(sizes: Pair, strides: Pair, like: Array, gradient: Array) -> tuple[Array]:
    def own(moved: Callable[[Array], Array], place: NDArray[np.uint8]) -> Array:
        return jnp.where(place != NOWHERE, moved(gradient), jnp.zeros((), gradient.dtype))

    return (_spread(own, sizes, strides, like.shape, gradient.shape),)


_sums.defvjp(_sums_forward, _sums_backward)


def _spread(own: Callable[..., Array], sizes: Pair, strides: Pair, shape: Sequence[int], pooled: Sequence[int]) -> Array:
    """The gradient of maps of this shape: of each pixel, the sum over the windows that see it.

    The maps are tiles as large as the strides. A tile is seen by its own window and those before it, each of which has the
    tile's pixels at other places.

    Args:
        own: takes a function that brings pooled maps before the tiles, and the places of a tile's pixels in a window.
        pooled: shape of the pooled maps.
    """
    (down, across), (height, width) = strides, pooled[1:3]
    above, left = ((size - 1) // stride for size, stride in zip(sizes, strides, strict=True))
    total = jnp.zeros((), jnp.float32)
    for y, z in product(range(above + 1), range(left + 1)):

        def moved(maps: Array, y: int = y, z: int = z) -> Array:
            return jnp.pad(maps, ((0, 0), (y, above - y), (z, left - z), (0, 0)))[:, :, None, :, None]

        rows, columns = np.arange(down) + y * down, np.arange(across) + z * across
        places = rows[:, None, None, None] * sizes[1] + columns[:, None]
        inside = (rows < sizes[0])[:, None, None, None] & (columns < sizes[1])[:, None]
        total = total + own(moved, np.where(inside, places, NOWHERE).astype(np.uint8))
    tiles = total.reshape(shape[0], (height + above) * down, (width + left) * across, shape[3])
    return _fitted(tiles, shape[1], shape[2])


# Sums and normalization


def reduced(reduce: Callable[..., Array], x: Array, axes: Sequence[int]) -> Array:
    """A sum or maximum over axes; over the last one by itself and last, since XLA goes along it one by one."""
    *others, last = sorted(axes)
    if last < x.ndim - 1 or not others:
        return reduce(x, tuple(axes))
    return reduce(apart(reduce(x, tuple(others))), -1)


def apart(x: Array) -> Array:
    """The same array, for XLA: what comes before is not merged with what follows."""
    same: Array = jax.lax.optimization_barrier(x)  # type: ignore[no-untyped-call]
    return same


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def variance(x: Array, axes: tuple[int, ...]) -> Array:
    """Variance over axes, which stay with length 1, in one pass: of differences from one of the values, for few lost digits.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", shifted data.
    """
    first = tuple(slice(1) if axis in axes else slice(None) for axis in range(x.ndim))
    shifted = x - x[first]
    return jnp.maximum(_mean(jnp.square(shifted), axes) - jnp.square(_mean(shifted, axes)), 0)


def _mean(x: Array, axes: tuple[int, ...]) -> Array:
    """The mean over axes, which stay with length 1."""
    count = math.prod(x.shape[axis] for axis in axes)
    return jnp.expand_dims(reduced(jnp.sum, x, axes), axes) * (1 / count)


def _variance_backward(axes: tuple[int, ...], x: Array, gradient: Array) -> tuple[Array]:
    count = math.prod(x.shape[axis] for axis in axes)
    return ((x - _mean(x, axes)) * (gradient * (2 / count)),)


variance.defvjp(lambda x, axes: (variance(x, axes), x), _variance_backward)
