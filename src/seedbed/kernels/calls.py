"""The kernels as differentiable functions of JAX.

Images lie innermost, in blocks of as many as a vector holds: maps are `(blocks, height, width, channels, lanes)`. Arrays
`(images, height, width, channels)` are taken too, and brought into blocks where they are computed. Each block is computed alone
and gradients of weights are added up block by block, so that results depend neither on the number of threads nor on what else
runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


@dataclass(frozen=True)
class ConvGeometry:
    """What a kernel's call does besides the shapes of its arrays.

    Attributes:
        stride, pool: as in the network's settings (pixels).
        before: rows of zeros above, and columns of zeros left of the input.
        pooled: height and width of the output (pixels).
        relu: whether ReLU follows the pooling.
        inner: whether the gradient with respect to the input is wanted; without it that gradient is returned as 0.
        lanes: images per block where the arrays hold images; 0 where they hold blocks.
    """

    stride: int
    pool: int
    before: tuple[int, int]
    pooled: tuple[int, int]
    relu: bool = False
    inner: bool = True
    lanes: int = 0

    @property
    def _attributes(self) -> dict[str, Any]:
        top, left = self.before
        values = {"stride": self.stride, "pool": self.pool, "top": top, "left": left, "relu": self.relu, "lanes": self.lanes}
        return {name: np.int64(value) for name, value in values.items()}

    @property
    def places(self) -> bool:
        """Whether the backward pass needs the place of each maximum."""
        return self.pool > 1 or self.relu


def blocked(images: Array, lanes: int) -> Array:
    """Arrange images `(B, h, w, c)` in blocks, `(blocks, h, w, c, lanes)`; the last block is filled up with zeros."""
    count = images.shape[0]
    filled = jnp.pad(images, ((0, -count % lanes), (0, 0), (0, 0), (0, 0)))
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
    lanes, filters = geometry.lanes, kernel.shape[-1]
    shape = (x.shape[0], *geometry.pooled, filters, *x.shape[4:])
    noted = (-(-x.shape[0] // lanes), *geometry.pooled, filters, lanes) if lanes else shape
    results = (_floats(*shape), _array(noted if places else (0,), jnp.uint8))
    y, where = _call("forward", results)(x, kernel, bias, **geometry._attributes)
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
    results = (_floats(*kernel.shape), _floats(kernel.shape[-1]), _floats(*(x.shape if wanted.inner else (0,))))
    dkernel, dbias, dx = _call("backward", results)(dy, where, x, kernel, **geometry._attributes)
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
    y = _call("depthwise_forward", _floats(x.shape[0], *geometry.pooled, *x.shape[3:]))(x, kernel, **geometry._attributes)
    return y, (x, kernel)


def _depthwise_backward(geometry: ConvGeometry, residuals: tuple[Array, Array], dy: Array) -> tuple[Array, Array]:
    x, kernel = residuals
    dkernel, dx = _call("depthwise_backward", (_floats(*kernel.shape), _floats(*x.shape)))(
        dy, x, kernel, **geometry._attributes
    )
    return dx, dkernel


convolve_depthwise.defvjp(_depthwise_forward, _depthwise_backward)


def _floats(*shape: int) -> Any:
    return _array(shape, jnp.float32)


def _array(shape: tuple[int, ...], dtype: Any) -> Any:
    return jax.ShapeDtypeStruct(shape, dtype)  # type: ignore[no-untyped-call]


def _call(name: str, results: Any) -> Any:
    return jax.ffi.ffi_call(f"seedbed_{name}", results, vmap_method="sequential")
