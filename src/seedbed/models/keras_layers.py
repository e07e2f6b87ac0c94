"""Faster forms of the parts of a user's network, put in their places while the engine traces it.

The network itself stays as it is: no layer is copied. A form replaces one attribute of one layer for the time of a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import jax.numpy as jnp
from jax import Array

from seedbed.models.architecture import ConvShape, conv_shapes
from seedbed.models.convolution import phases
from seedbed.models.keras_backend import load_keras
from seedbed.models.pooling import largest
from seedbed.models.protocol import MatMul
from seedbed.specs import Conv

LayerForm = tuple[Any, str, Any]
"""A layer, the name of its attribute, and what replaces it."""


@contextmanager
def replaced(forms: Iterable[LayerForm]) -> Iterator[None]:
    """Replace attributes of layers within the block."""
    with ExitStack() as stack:
        for layer, name, value in forms:
            before: Mapping[str, Any] = vars(layer)
            undo = partial(object.__setattr__, layer, name, before[name]) if name in before else partial(_delete, layer, name)
            object.__setattr__(layer, name, value)  # past Keras's tracking of attributes
            stack.callback(undo)
        yield


def _delete(layer: Any, name: str) -> None:
    object.__delattr__(layer, name)


def all_layers(model: Any) -> list[Any]:
    """All layers of a network, at any depth, without the network itself."""
    return list(model._flatten_layers(include_self=False))


def fast_forms(model: Any) -> list[LayerForm]:
    """The engine's forms for a CPU of the plain convolutions and poolings: square, float32, channels last."""
    layers = load_keras().layers
    forms: list[LayerForm] = []
    for layer in all_layers(model):
        if layer.compute_dtype != "float32" or getattr(layer, "data_format", "") != "channels_last":
            continue
        if type(layer) is layers.Conv2D and _is_plain(layer):
            forms.append((layer, "convolution_op", partial(_convolved, layer)))
        if type(layer) is layers.MaxPooling2D and layer.padding == "valid" and tuple(layer.strides) == tuple(layer.pool_size):
            forms.append((layer, "call", partial(_pooled, tuple(layer.pool_size))))
    return forms


def logits_form(model: Any) -> LayerForm | None:
    """The form in which the network's last softmax is left out; None if it has no layer with one."""
    keras = load_keras()
    softmax: tuple[Callable[..., Any], ...] = (keras.activations.softmax, keras.ops.softmax, keras.ops.nn.softmax)
    for layer in reversed(all_layers(model)):
        if type(layer) is keras.layers.Softmax:
            return layer, "call", _unchanged
        if getattr(layer, "activation", None) in softmax:
            return layer, "activation", keras.activations.linear
    return None


def _unchanged(inputs: Array, **_: Any) -> Array:
    return inputs


def _is_plain(layer: Any) -> bool:
    square = len(set(layer.kernel_size)) == 1 and len(set(layer.strides)) == 1
    return square and layer.groups == 1 and tuple(layer.dilation_rate) == (1, 1)


def _convolved(layer: Any, inputs: Array, kernel: Array) -> Array:
    """A 2-D convolution as one product of patches and kernels (see `seedbed.models.convolution`)."""
    shape = _geometry(layer, inputs.shape[1:], kernel.shape[-1])
    x = jnp.transpose(jnp.asarray(inputs), (3, 1, 2, 0))
    return jnp.transpose(phases(shape, jnp.asarray(kernel), x, MatMul())[0], (3, 1, 2, 0))


def _geometry(layer: Any, image_shape: tuple[int, ...], filters: int) -> ConvShape:
    height, width, channels = image_shape
    sizes: dict[str, Any] = {"kernel": layer.kernel_size[:1], "stride": layer.strides[:1]}
    spec = Conv(filters=(filters,), pool=(1,), padding=layer.padding, **sizes)
    return conv_shapes(spec, (height, width, channels))[0]


def _pooled(size: tuple[int, int], inputs: Array) -> Array:
    """Max pooling over windows that do not overlap, whose gradient needs no scatter."""
    (down, across), (height, width) = size, (inputs.shape[1], inputs.shape[2])
    rows, columns = height // down, width // across
    x = jnp.asarray(inputs)[:, : rows * down, : columns * across]
    squares = x.reshape(-1, rows, down, columns, across, x.shape[-1])
    return largest(jnp.moveaxis(squares, (2, 4), (0, 1)).reshape(-1, *squares.shape[:2], columns, x.shape[-1]))
