"""Convolution and max pooling as one matrix product, for compiled loops on a CPU.

XLA turns `lax.conv` inside a loop into naive code on CPUs (github.com/jax-ml/jax/issues/12868). Here each kernel is placed at
every position inside one pooling window and padded with zeros to the window's receptive field. The positions of a window
(*phases*) are blocks of rows of one product with the patches, and pooling is a maximum over these blocks. The layout is
channels x height x width x images, images innermost, so that shifting and slicing moves whole rows of memory.
"""

from __future__ import annotations

from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.models.architecture import ConvShape
from seedbed.models.protocol import MatMul


def phases(shape: ConvShape, kernel: Array, x: Array, matmul: MatMul) -> Array:
    """Pre-activations without bias, `(pool**2, filters, h, w, images)`: one block per position in the pooling window.

    Args:
        shape: geometry of the block.
        kernel: weights, `(height, width, channels, filters)`.
        x: inputs, `(channels, height, width, images)`.
        matmul: matrix product at the population's precision.
    """
    rows = _placed(shape, jnp.transpose(kernel, (3, 0, 1, 2))).reshape(shape.pool**2 * shape.filters, -1)
    patches = _patches(shape, x)
    z = matmul("ok,kn->on", rows, patches)
    return z.reshape(shape.pool**2, shape.filters, *shape.pooled, x.shape[-1])


def separable_phases(shape: ConvShape, depthwise: Array, pointwise: Array, x: Array, matmul: MatMul) -> Array:
    """Pre-activations as from `phases`, for a depthwise convolution followed by a pointwise one.

    Args:
        shape: geometry of the block.
        depthwise: weights, `(height, width, channels, 1)`.
        pointwise: weights, `(1, 1, channels, filters)`.
        x: inputs, `(channels, height, width, images)`.
        matmul: matrix product at the population's precision.
    """
    places, channels = shape.pool**2, shape.channels
    kernels = _placed(shape, jnp.transpose(depthwise, (3, 0, 1, 2))).reshape(places, -1, channels)
    patches = _patches(shape, x).reshape(kernels.shape[1], channels, -1)
    seen = matmul("pfc,fcn->cpn", kernels, patches).reshape(channels, -1)
    z = matmul("co,cn->on", pointwise[0, 0], seen).reshape(shape.filters, places, *shape.pooled, x.shape[-1])
    return jnp.moveaxis(z, 1, 0)


def _placed(shape: ConvShape, kernels: Array) -> Array:
    """Kernels `(n, k, k, channels)` at each position of the pooling window, `(pool**2, n, field, field, channels)`."""
    left = shape.field - shape.kernel
    offsets = product(range(0, shape.stride * shape.pool, shape.stride), repeat=2)
    return jnp.stack([jnp.pad(kernels, ((0, 0), (y, left - y), (x, left - x), (0, 0))) for y, x in offsets])


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _patches(shape: ConvShape, x: Array) -> Array:
    """Receptive fields of all pooling windows, `(field**2 * channels, h * w * images)`."""
    field, step = shape.field, shape.stride * shape.pool
    grid = _on_grid(shape, x)
    (height, width), images = shape.pooled, x.shape[-1]
    cut = [
        grid[:, dy // step : dy // step + height, dy % step, dx // step : dx // step + width, dx % step]
        for dy, dx in product(range(field), repeat=2)
    ]
    return jnp.stack(cut).reshape(field**2 * shape.channels, height * width * images)


def _on_grid(shape: ConvShape, x: Array) -> Array:
    """The padded images in tiles as wide as the patches' step, `(c, rows, step, columns, step, images)`."""
    step = shape.stride * shape.pool
    rows, columns = _grid(shape)
    (top, left), (height, width) = shape.before, x.shape[1:3]
    bottom, right = rows * step - height - top, columns * step - width - left
    padded = jax.lax.pad(x, jnp.zeros((), x.dtype), ((0, 0, 0), (top, bottom, 0), (left, right, 0), (0, 0, 0)))
    return padded.reshape(x.shape[0], rows, step, columns, step, x.shape[-1])


def _grid(shape: ConvShape) -> tuple[int, int]:
    """Number of tiles that cover all patches, down and across."""
    step = shape.stride * shape.pool
    more = (shape.field - 1) // step
    return shape.pooled[0] + more, shape.pooled[1] + more


def _patches_backward(shape: ConvShape, _: tuple[()], dpatches: Array) -> tuple[Array]:
    """Add every patch back at its position: shifted sums, one per offset within a tile, instead of a scatter."""
    field, step = shape.field, shape.stride * shape.pool
    rows, columns = _grid(shape)
    (height, width), channels = shape.pooled, shape.channels
    images = dpatches.size // (field**2 * channels * height * width)
    cut = dpatches.reshape(field, field, channels, height, width, images)
    places: list[list[Array]] = [[jnp.zeros((channels, rows, columns, images), cut.dtype)] * step for _ in range(step)]
    for dy, dx in product(range(field), repeat=2):
        down, right = dy // step, dx // step
        around = ((0, 0), (down, rows - height - down), (right, columns - width - right), (0, 0))
        shifted = jnp.pad(cut[dy, dx], around)
        places[dy % step][dx % step] = places[dy % step][dx % step] + shifted
    across = [jnp.stack(row, axis=3) for row in places]
    grid = jnp.stack(across, axis=2).reshape(channels, rows * step, columns * step, images)
    top, left = shape.before
    return (_fitted(grid[:, top:, left:], shape.height, shape.width),)


def _fitted(x: Array, height: int, width: int) -> Array:
    """Crop, or pad with zeros, at the lower right to the given size."""
    x = x[:, :height, :width]
    return jnp.pad(x, ((0, 0), (0, height - x.shape[1]), (0, width - x.shape[2]), (0, 0)))


_patches.defvjp(lambda shape, x: (_patches(shape, x), ()), _patches_backward)


def xla(shape: ConvShape, kernel: Array, x: Array, matmul: MatMul, groups: int = 1) -> Array:
    """Pre-activations without bias by XLA's own convolution, `(filters, convolved h, convolved w, images)`; for GPUs.

    Args:
        shape: geometry of the block.
        kernel: weights, `(height, width, channels / groups, filters)`.
        x: inputs, `(channels, height, width, images)`.
        matmul: gives the precision.
        groups: number of channel groups, each with its own filters; one per channel is a depthwise convolution.
    """
    after = [
        max((out - 1) * shape.stride + shape.kernel - size - before, 0)
        for out, size, before in zip(shape.convolved, x.shape[1:3], shape.before, strict=True)
    ]
    convolved: Array = jax.lax.conv_general_dilated(
        x.astype(matmul.operand),
        kernel.astype(matmul.operand),
        window_strides=(shape.stride, shape.stride),
        padding=list(zip(shape.before, after, strict=True)),
        dimension_numbers=("CHWN", "HWIO", "CHWN"),
        feature_group_count=groups,
        precision=matmul.lax,
        preferred_element_type=jnp.float32,
    )
    return convolved


def separable_xla(shape: ConvShape, depthwise: Array, pointwise: Array, x: Array, matmul: MatMul) -> Array:
    """Pre-activations as from `xla`, for a depthwise convolution followed by a pointwise one."""
    seen = xla(shape, jnp.transpose(depthwise, (0, 1, 3, 2)), x, matmul, groups=shape.channels)
    return matmul("co,chwn->ohwn", pointwise[0, 0], seen)


def max_pool(shape: ConvShape, a: Array) -> Array:
    """Maxima over the pooling windows of `(filters, convolved h, convolved w, images)`."""
    window = (1, shape.pool, shape.pool, 1)
    pooled: Array = jax.lax.reduce_window(a, -jnp.inf, jax.lax.max, window, window, "VALID")
    return pooled
