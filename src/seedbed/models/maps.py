"""Convolution and pooling of maps `(images, height, width, channels)` in forms that are fast inside compiled loops on a CPU.

XLA turns its own convolutions inside a loop, grouped ones above all, into naive code on CPUs, and its gradient of max pooling
scatters. Here they become native kernels, matrix products, and sums of shifted maps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed import kernels
from seedbed.models.forms import KERNELS
from seedbed.models.pooling import tournament

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


def convolve(window: ConvWindow, x: Array, kernel: Array) -> Array:
    """Convolution `(images, height, width, filters)` of maps with a kernel `(k, l, channels / groups, filters)`."""
    if window.spread != (1, 1):
        return _of_spread(window, x, kernel)
    if window.dilation != (1, 1):
        return _dilated(window, x, kernel)
    sizes = kernel.shape[:2]
    if any(not 0 <= zeros < size for pair in (window.before, window.after) for zeros, size in zip(pair, sizes, strict=True)):
        return convolve(replace(window, before=(0, 0), after=(0, 0)), _padded(window, x), kernel)
    if window.groups > 1:
        return _grouped(window, x, kernel)
    square = sizes[0] == sizes[1] and window.strides[0] == window.strides[1]
    if square and (lanes := kernels.support().lanes):
        return _native(window, x, kernel, lanes)
    if sizes == (1, 1):
        return jnp.tensordot(x[:, :: window.strides[0], :: window.strides[1]], kernel[0, 0], 1)
    return _products(window, x, kernel)


def _outputs(window: ConvWindow, x: Array, sizes: Sequence[int]) -> Pair:
    """Height and width of the output, without dilation."""
    zeros = (before + after for before, after in zip(window.before, window.after, strict=True))
    parts = zip(x.shape[1:3], zeros, sizes, window.strides, strict=True)
    height, width = ((side + more - size) // stride + 1 for side, more, size, stride in parts)
    return height, width


def _padded(window: ConvWindow, x: Array) -> Array:
    """The input with zeros around and between its pixels."""
    (top, left), (bottom, right), (down, across) = window.before, window.after, window.spread
    around = ((0, 0, 0), (top, bottom, down - 1), (left, right, across - 1), (0, 0, 0))
    return jax.lax.pad(x, jnp.zeros((), x.dtype), around)


def _of_spread(window: ConvWindow, x: Array, kernel: Array) -> Array:
    """A transposed convolution, as one of the input with zeros between its pixels."""
    apart = _padded(ConvWindow(spread=window.spread), x)
    return convolve(replace(window, spread=(1, 1)), apart, kernel)


def _dilated(window: ConvWindow, x: Array, kernel: Array) -> Array:
    """With stride 1, each phase of the pixels by itself; else with zeros between the kernel's taps."""
    (down, across), sizes = window.dilation, kernel.shape[:2]
    plain = replace(window, dilation=(1, 1))
    if window.strides != (1, 1):
        apart = ((0, 0, down - 1), (0, 0, across - 1), (0, 0, 0), (0, 0, 0))
        return convolve(plain, x, jax.lax.pad(kernel, jnp.zeros((), kernel.dtype), apart))
    fields = [(size - 1) * step + 1 for size, step in zip(sizes, window.dilation, strict=True)]
    height, width = _outputs(window, x, fields)
    x = _padded(window, x)
    images, rows, columns, channels = x.shape
    x = jnp.pad(x, ((0, 0), (0, -rows % down), (0, -columns % across), (0, 0)))
    rows, columns = -(-rows // down), -(-columns // across)
    phases = jnp.transpose(x.reshape(images, rows, down, columns, across, channels), (2, 4, 0, 1, 3, 5))
    y = convolve(replace(plain, before=(0, 0), after=(0, 0)), phases.reshape(-1, rows, columns, channels), kernel)
    y = y.reshape(down, across, images, *y.shape[1:])
    y = jnp.transpose(y, (2, 3, 0, 4, 1, 5)).reshape(images, y.shape[3] * down, y.shape[4] * across, -1)
    return y[:, :height, :width]


def _grouped(window: ConvWindow, x: Array, kernel: Array) -> Array:
    channels, (*_, own, filters) = x.shape[-1], kernel.shape
    if own == 1 and filters == channels:
        return _depthwise(window, x, kernel)
    one = replace(window, groups=1)
    parts = zip(jnp.split(x, window.groups, axis=-1), jnp.split(kernel, window.groups, axis=-1), strict=True)
    return jnp.concatenate([convolve(one, *part) for part in parts], axis=-1)


# Native kernels


def _native(window: ConvWindow, x: Array, kernel: Array, lanes: int) -> Array:
    from seedbed.kernels.calls import ConvGeometry
    from seedbed.kernels.calls import convolve as native

    geometry = ConvGeometry(window.strides[0], 1, window.before, _outputs(window, x, kernel.shape[:2]), lanes=lanes)
    return native(geometry, x, kernel, jnp.zeros(kernel.shape[-1], kernel.dtype))


def _depthwise(window: ConvWindow, x: Array, kernel: Array) -> Array:
    from seedbed.kernels.calls import ConvGeometry, convolve_depthwise

    sizes = kernel.shape[:2]
    square = sizes[0] == sizes[1] and window.strides[0] == window.strides[1]
    lanes = kernels.support().lanes if square else 0
    if not lanes:
        return _shifted(window, x, kernel)
    geometry = ConvGeometry(window.strides[0], 1, window.before, _outputs(window, x, sizes), lanes=lanes)
    return convolve_depthwise(geometry, x, jnp.swapaxes(kernel, 2, 3))


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
    around = ((0, 0, 0), (0, height - x.shape[1], 0), (0, width - x.shape[2], 0), (0, 0, 0))
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


# Normalization


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def variance(x: Array, axes: tuple[int, ...]) -> Array:
    """Variance over axes, which stay with length 1, in one pass: of differences from one of the values, for few lost digits.

    Source: Chan, Golub and LeVeque 1983, "Algorithms for computing the sample variance", shifted data.
    """
    first = tuple(slice(1) if axis in axes else slice(None) for axis in range(x.ndim))
    apart = x - x[first]
    return jnp.maximum(jnp.mean(jnp.square(apart), axes, keepdims=True) - jnp.square(jnp.mean(apart, axes, keepdims=True)), 0)


def _variance_backward(axes: tuple[int, ...], x: Array, gradient: Array) -> tuple[Array]:
    count = math.prod(x.shape[axis] for axis in axes)
    return ((x - jnp.mean(x, axes, keepdims=True)) * (gradient * (2 / count)),)


variance.defvjp(lambda x, axes: (variance(x, axes), x), _variance_backward)
