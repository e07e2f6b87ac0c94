"""Keras layers with the engine's fast CPU implementation; configurations and weights are those of the originals."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from seedbed.models.architecture import ConvShape, conv_shapes
from seedbed.models.convolution import phases
from seedbed.models.keras_backend import load_keras
from seedbed.models.pooling import largest
from seedbed.models.protocol import MatMul
from seedbed.specs import Conv

keras: Any = load_keras()


class FastConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """A 2-D convolution as one product of patches and kernels (see `seedbed.models.convolution`)."""

    def convolution_op(self, inputs: Array, kernel: Array) -> Array:
        shape = _geometry(self, inputs.shape[1:], kernel.shape[-1])
        x = jnp.transpose(jnp.asarray(inputs), (3, 1, 2, 0))
        return jnp.transpose(phases(shape, jnp.asarray(kernel), x, MatMul())[0], (3, 1, 2, 0))


class FastMaxPooling2D(keras.layers.MaxPooling2D):  # type: ignore[misc]
    """Max pooling over windows that do not overlap, whose gradient needs no scatter."""

    def call(self, inputs: Array) -> Array:
        (down, across), (height, width) = self.pool_size, (inputs.shape[1], inputs.shape[2])
        rows, columns = height // down, width // across
        x = jnp.asarray(inputs)[:, : rows * down, : columns * across]
        squares = x.reshape(-1, rows, down, columns, across, x.shape[-1])
        return largest(jnp.moveaxis(squares, (2, 4), (0, 1)).reshape(-1, *squares.shape[:2], columns, x.shape[-1]))


def _geometry(layer: Any, image_shape: tuple[int, ...], filters: int) -> ConvShape:
    kernel, stride = layer.kernel_size[0], layer.strides[0]
    height, width, channels = image_shape
    spec = Conv(filters=(filters,), kernel=(kernel,), stride=(stride,), pool=(1,), padding=layer.padding)
    return conv_shapes(spec, (height, width, channels))[0]


def fast_layer(layer: Any) -> Any:
    """Copy the layer, as a fast one where possible: square kernels and strides, no groups, no dilation."""
    config = layer.get_config()
    if type(layer) is keras.layers.Conv2D and _is_plain(layer):
        return FastConv2D.from_config(config)
    if type(layer) is keras.layers.MaxPooling2D and layer.padding == "valid" and tuple(layer.strides) == tuple(layer.pool_size):
        return FastMaxPooling2D.from_config(config)
    return type(layer).from_config(config)


def _is_plain(layer: Any) -> bool:
    square = len(set(layer.kernel_size)) == 1 and len(set(layer.strides)) == 1
    return square and layer.groups == 1 and tuple(layer.dilation_rate) == (1, 1) and layer.data_format == "channels_last"
