"""The kernels as differentiable functions of JAX.

Images lie innermost, in blocks of as many as a vector holds: maps are `(blocks, height, width, channels, lanes)`. Arrays
`(images, height, width, channels)` are taken and returned too; they are brought into blocks where they are computed, and back.
Each block is computed alone and gradients of weights are added up block by block, so that results depend neither on the number
of threads nor on what else runs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray


@dataclass(frozen=True)
class ConvGeometry:
    """What a kernel's call does besides the shapes of its arrays.

    Attributes:
        stride, pool: as in the network's settings (pixels).
        before: rows of zeros above, and columns of zeros left of the input.
        pooled: height and width of the output (pixels).
        relu: whether ReLU follows the pooling.
        inner: whether the gradient with respect to the input is wanted; without it that gradient is returned as 0.
        lanes: images per block where the input holds images; 0 where it holds blocks.
        turned: whether the output is in the other layout than the input: blocks of images, or the images of full blocks.
    """

    stride: int
    pool: int
    before: tuple[int, int]
    pooled: tuple[int, int]
    relu: bool = False
    inner: bool = True
    lanes: int = 0
    turned: bool = False

    def attributes(self, x: Array) -> dict[str, Any]:
        """Attributes of a native call on this input."""
        top, left = self.before
        sizes = {"stride": self.stride, "pool": self.pool, "top": top, "left": left}
        return {name: np.int64(value) for name, value in {**sizes, "relu": self.relu, "lanes": self.lanes_of(x)}.items()}

    def lanes_of(self, x: Array) -> int:
        """Images per block for this input."""
        return x.shape[4] if x.ndim == 5 else self.lanes

    def outputs(self, x: Array, filters: int) -> tuple[int, ...]:
        """Shape of the output."""
        lanes = self.lanes_of(x)
        if (x.ndim == 4) != self.turned:
            return (x.shape[0] if x.ndim == 4 else x.shape[0] * lanes, *self.pooled, filters)
        return self.blocks(x, filters)

    def blocks(self, x: Array, filters: int) -> tuple[int, ...]:
        """Shape of the output in blocks."""
        lanes = self.lanes_of(x)
        return (x.shape[0] if x.ndim == 5 else -(-x.shape[0] // lanes), *self.pooled, filters, lanes)

    @property
    def places(self) -> bool:
        """Whether the backward pass needs the place of each maximum."""
        return self.pool > 1 or self.relu


def blocked(images: Array, lanes: int) -> Array:
    """Arrange what belongs to images, `(B, ...)`, in blocks, `(blocks, ..., lanes)`; the last one is filled up with zeros."""
    filled = jnp.pad(images, ((0, -images.shape[0] % lanes), *[(0, 0)] * (images.ndim - 1)))
    return jnp.moveaxis(filled.reshape(-1, lanes, *images.shape[1:]), 1, -1)


def unblocked(maps: Array, count: int) -> Array:
    """Arrange blocks `(blocks, h, w, c, lanes)` with images along one last axis, `(h, w, c, count)`, without padding."""
    return jnp.moveaxis(maps, 0, 3).reshape(*maps.shape[1:4], -1)[..., :count]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def convolve(geometry: ConvGeometry, x: Array, kernel: Array, bias: Array) -> Array:
    """Convolution, bias, max pooling and ReLU, `(blocks, pooled height, pooled width, filters, lanes)`.

    Args:
        geometry: strides, zeros and pooling.
        x: input maps, `(blocks, height, width, channels, lanes)`.
        kernel: weights, `(k, k, channels, filters)`.
        bias: `(filters,)`.
    """
    return _maps(geometry, x, kernel, bias, places=False)[0]


def _maps(geometry: ConvGeometry, x: Array, kernel: Array, bias: Array, *, places: bool) -> tuple[Array, Array]:
    """The output, and if asked for, the place of each maximum in its window."""
    filters = kernel.shape[-1]
    noted = geometry.blocks(x, filters) if places else (0,)
    results = (floats(*geometry.outputs(x, filters)), _array(noted, jnp.uint8))
    y, where = native_call("forward", results)(x, kernel, bias, **geometry.attributes(x))
    return y, where


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Wanted:
    """Whether the gradient with respect to the input is wanted."""

    inner: bool


_Residuals = tuple[Array, Array, Array, _Wanted]


def _forward(geometry: ConvGeometry, x: Any, kernel: Any, bias: Any) -> tuple[Array, _Residuals]:
    """The output, and what the backward pass needs; of inputs that depend on no parameter, no gradient is computed."""
    y, where = _maps(geometry, x.value, kernel.value, bias.value, places=geometry.places)
    return y, (x.value, kernel.value, where, _Wanted(geometry.inner and x.perturbed))


def _backward(geometry: ConvGeometry, residuals: _Residuals, dy: Array) -> tuple[Array, Array, Array]:
    x, kernel, where, wanted = residuals
    results = (floats(*kernel.shape), floats(kernel.shape[-1]), floats(*(x.shape if wanted.inner else (0,))))
    dkernel, dbias, dx = native_call("backward", results)(dy, where, x, kernel, **geometry.attributes(x))
    return dx if wanted.inner else jnp.zeros_like(x), dkernel, dbias


convolve.defvjp(_forward, _backward, symbolic_zeros=True)


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def convolve_depthwise(geometry: ConvGeometry, x: Array, kernel: Array) -> Array:
    """Depthwise convolution, one filter per channel, without bias, pooling and ReLU.

    Args:
        geometry: strides and zeros; `pooled` is the output's size.
        x: input maps, `(blocks, height, width, channels, lanes)`.
        kernel: weights, `(k, k, channels, 1)`.
    """
    return _depthwise_forward(geometry, x, kernel)[0]


def _depthwise_forward(geometry: ConvGeometry, x: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    result = floats(*geometry.outputs(x, x.shape[3]))
    return native_call("depthwise_forward", result)(x, kernel, **geometry.attributes(x)), (x, kernel)


def _depthwise_backward(geometry: ConvGeometry, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    dkernel, dx = native_call("depthwise_backward", (floats(*kernel.shape), floats(*x.shape)))(
        dy, x, kernel, **geometry.attributes(x)
    )
    return dx, dkernel


convolve_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


@dataclass(frozen=True)
class PoolGeometry:
    """What a pooling does besides the shape of its maps, each pair for height and width (pixels).

    Attributes:
        sizes: the window's, with at most 254 places.
        strides: steps of the window.
        before: pixels around the maps, which never count.
        pooled: height and width of the output.
        lanes: floats per vector.
    """

    sizes: tuple[int, int]
    strides: tuple[int, int]
    before: tuple[int, int]
    pooled: tuple[int, int]
    lanes: int

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of a native call."""
        names = ("rows", "columns", "down", "across", "top", "left")
        values = (*self.sizes, *self.strides, *self.before)
        return {name: np.int64(value) for name, value in (*zip(names, values, strict=True), ("lanes", self.lanes))}


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def max_pool(geometry: PoolGeometry, x: Array) -> Array:
    """Maxima `(images, pooled height, pooled width, numbers)` over windows; of equal values the first gets the gradient.

    Args:
        geometry: windows and steps.
        x: maps in any layout, `(images, height, width, numbers)`.
    """
    return _maxima(geometry, x, places=False)[0]


def _maxima(geometry: PoolGeometry, x: Array, *, places: bool) -> tuple[Array, Array]:
    shape = (x.shape[0], *geometry.pooled, x.shape[3])
    results = (floats(*shape), _array(shape if places else (0,), jnp.uint8))
    y, where = native_call("max_pool", results)(x, **geometry.attributes)
    return y, where


def _max_pool_forward(geometry: PoolGeometry, x: Array) -> tuple[Array, tuple[Array, Array]]:
    y, where = _maxima(geometry, x, places=True)
    return y, (where, jnp.zeros(x.shape, jnp.uint8))


def _max_pool_backward(geometry: PoolGeometry, residuals: tuple[Array, Array], dy: Array) -> tuple[Array]:
    where, like = residuals
    return (native_call("spread_maxima", floats(*like.shape))(dy, where, **geometry.attributes),)


max_pool.defvjp(_max_pool_forward, _max_pool_backward)


Ranges = tuple[tuple[int, int], ...]
"""Owner and count of each range of neighbouring numbers, in their order."""


def ranges_of(owners: NDArray[Any], numbers: int) -> Ranges:
    """The ranges of an array with this count of numbers, an equal share for each of these owners, one after the other."""
    flat = owners.ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=-1))
    counts = np.diff(starts, append=flat.size) * (numbers // max(1, flat.size))
    return tuple(zip(flat[starts].tolist(), counts.tolist(), strict=True))


def floats(*shape: int) -> Any:
    """A result of a native call, float32."""
    return _array(shape, jnp.float32)


def _array(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


def native_call(name: str, results: Any, in_place: Iterable[int] = ()) -> Any:
    """A native function with these results; where a program is vectorized, it is called once for each.

    Args:
        name: name of the function.
        results: shapes of its results.
        in_place: numbers of the arguments that become the results of the same numbers.
    """
    same = {number: number for number in in_place}
    return jax.ffi.ffi_call(f"seedbed_{name}", results, vmap_method="sequential", input_output_aliases=same)
