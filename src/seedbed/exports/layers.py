"""From a `keras.Model` of plain layers to a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import ExportError
from seedbed.exports.activations import ALPHA, FORMS
from seedbed.exports.graph import (
    Activated,
    Affine,
    Combined,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    GlobalPooling,
    Graph,
    ImageInput,
    Operation,
    Pooling,
    Probabilities,
    Reshaped,
    Window,
    ZeroBorder,
    border_of,
)
from seedbed.models.architecture import Shape

FOR_TRAINING = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "Identity",
    "ActivityRegularization", "RandomFlip", "RandomRotation", "RandomTranslation", "RandomZoom", "RandomContrast",
    "RandomBrightness",
)  # fmt: skip
"""Layers that pass their input on when they do not train."""


class UnknownLayer(ExportError):
    """A layer that has no plain operation."""


def graph_of(model: Any) -> Graph:
    """Write a `keras.Model` of one image and one output as plain operations.

    Raises:
        UnknownLayer: a layer, or an activation, that graphs do not have; the message names it.
    """
    writer = _GraphWriter()
    tensors = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not all(tensors):
        raise UnknownLayer(f"{model.name!r} is a subclass of keras.Model, whose layers cannot be seen from outside.")
    shape = tuple(int(side) for side in model.inputs[0].shape[1:])
    pixels = writer.add(ImageInput("pixels", (), shape))
    writer.follow(model, pixels)
    return Graph(tuple(writer.operations))


class _GraphWriter:
    """Follows the layers of functional models, and writes the operations of each.

    Attributes:
        operations: what was written.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self._names: dict[str, int] = {}

    def add(self, operation: Operation) -> int:
        """Add an operation under a name of its own; returns its number."""
        count = self._names.get(operation.name, 0)
        self._names[operation.name] = count + 1
        name = f"{operation.name}_{count}" if count else operation.name
        self.operations.append(replace(operation, name=name))
        return len(self.operations) - 1

    def shape(self, number: int) -> Shape:
        return self.operations[number].shape

    def follow(self, model: Any, number: int) -> int:
        """Write a functional or sequential model whose input is the output of an operation."""
        known = {id(model.inputs[0]): number}
        return self._of(model.outputs[0], known)

    def _of(self, tensor: Any, known: dict[int, int]) -> int:
        """The operation that makes a symbolic tensor."""
        if id(tensor) not in known:
            layer, node, _ = tensor._keras_history
            tensors = layer._inbound_nodes[node].input_tensors
            if _are_shares(layer, tensors):
                shares = self._of(tensors[0], known)
                known[id(tensor)] = self.add(Probabilities("shares", (shares,), self.shape(shares), "shares"))
            else:
                known[id(tensor)] = self._layer(layer, [self._of(each, known) for each in tensors])
        return known[id(tensor)]

    def _layer(self, layer: Any, inputs: Sequence[int]) -> int:
        kind = type(layer).__name__
        if type(layer).__module__.startswith(("keras.", "keras_")) and len(inputs) >= 1:
            if kind in FOR_TRAINING:
                return inputs[0]
            if kind in ("Functional", "Sequential"):
                return self.follow(layer, inputs[0])
            if kind in LAYERS and _is_plain(layer):
                return LAYERS[kind](self, layer, inputs)
        raise UnknownLayer(
            f"Layer {layer.name!r} ({kind}) has no plain operation. Plain are, without groups or dilation, channels last, in "
            f"float32: {', '.join(LAYERS)}."
        )

    # Parts of layers

    def activated(self, layer: Any, number: int, activation: Any) -> int:
        """Write a layer's activation function behind it."""
        name = _name_of(activation)
        if name == "linear":
            return number
        if name == "softmax":
            return self.add(Probabilities(f"{layer.name}_softmax", (number,), self.shape(number), "softmax"))
        if name not in FORMS:
            known = ", ".join([*FORMS, "softmax", "linear"])
            raise UnknownLayer(f"The activation {name!r} of layer {layer.name!r} has no plain operation. Known: {known}.")
        return self.function(layer, number, name, ALPHA.get(name, 0.0))

    def function(self, layer: Any, number: int, name: str, alpha: float = 0.0) -> int:
        """Write an elementwise function."""
        own = layer.name if "activation" in layer.name else f"{layer.name}_{name}"
        return self.add(Activated(own, (number,), self.shape(number), name, alpha))

    def affine(self, layer: Any, number: int, factor: Any, offset: Any) -> int:
        """Write `x * factor + offset`."""
        arrays = (np.atleast_1d(np.asarray(each, np.float32)).reshape(-1) for each in (factor, offset))
        return self.add(Affine(layer.name, (number,), self.shape(number), *arrays))


def _are_shares(layer: Any, tensors: Sequence[Any]) -> bool:
    """Whether an operation divides numbers by their sum."""
    if type(layer).__name__ not in ("Divide", "TrueDivide") or len(tensors) != 2:
        return False
    divisor, node, _ = tensors[1]._keras_history
    return type(divisor).__name__ == "Sum" and divisor._inbound_nodes[node].input_tensors[0] is tensors[0]


def _is_plain(layer: Any) -> bool:
    dilation = getattr(layer, "dilation_rate", 1)
    return (
        getattr(layer, "data_format", "channels_last") == "channels_last"
        and getattr(layer, "groups", 1) == 1
        and set(np.atleast_1d(dilation).tolist()) == {1}
        and layer.compute_dtype in ("float32", "uint8", "int32")
    )


def _name_of(activation: Any) -> str:
    from seedbed.models.keras_backend import load_keras

    if activation is None:
        return "linear"
    found = load_keras().activations.serialize(activation)
    return found if isinstance(found, str) else str(getattr(activation, "__name__", type(activation).__name__))


def _array(variable: Any) -> NDArray[np.float32]:
    return np.asarray(variable, np.float32)


def _bias(layer: Any, units: int) -> NDArray[np.float32]:
    return _array(layer.bias) if layer.use_bias else np.zeros(units, np.float32)


def _dense(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    kernel = _array(layer.kernel)
    before, units = to.shape(inputs[0]), kernel.shape[-1]
    if len(before) == 1:
        made: Operation = FullyConnected(layer.name, (inputs[0],), (units,), kernel, _bias(layer, units))
    elif len(before) == 3:  # at each pixel, as a convolution by kernels of 1 x 1
        shape, window = (*before[:2], units), Window()
        made = Convolution(layer.name, (inputs[0],), shape, kernel[None, None], _bias(layer, units), window)
    else:
        raise UnknownLayer(f"Layer {layer.name!r} (Dense) takes {before}; plain are values (n,) and maps (h, w, c).")
    return to.activated(layer, to.add(made), layer.activation)


def _window(to: _GraphWriter, layer: Any, number: int, kernel: Sequence[int]) -> tuple[Window, tuple[int, int]]:
    """The window of a layer on the output of an operation, and the height and width of its own output."""
    height, width, _ = to.shape(number)
    strides = (int(layer.strides[0]), int(layer.strides[1]))
    border = border_of((height, width), kernel, strides, layer.padding)
    rows = (height + border[0] + border[2] - kernel[0]) // strides[0] + 1
    columns = (width + border[1] + border[3] - kernel[1]) // strides[1] + 1
    return Window(strides, border), (rows, columns)


def _convolution(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    kernel = _array(layer.kernel)
    window, size = _window(to, layer, inputs[0], kernel.shape[:2])
    filters = kernel.shape[-1]
    made = Convolution(layer.name, (inputs[0],), (*size, filters), kernel, _bias(layer, filters), window)
    return to.activated(layer, to.add(made), layer.activation)


def _depthwise(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    kernel = _array(layer.kernel)
    window, size = _window(to, layer, inputs[0], kernel.shape[:2])
    channels = kernel.shape[2] * kernel.shape[3]
    made = DepthwiseConvolution(layer.name, (inputs[0],), (*size, channels), kernel, _bias(layer, channels), window)
    return to.activated(layer, to.add(made), layer.activation)


def _separable(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    depthwise, pointwise = _array(layer.depthwise_kernel), _array(layer.pointwise_kernel)
    window, size = _window(to, layer, inputs[0], depthwise.shape[:2])
    channels, filters = pointwise.shape[2:]
    none = np.zeros(channels, np.float32)
    name = f"{layer.name}_depthwise"
    each = to.add(DepthwiseConvolution(name, (inputs[0],), (*size, channels), depthwise, none, window))
    made = Convolution(layer.name, (each,), (*size, filters), pointwise, _bias(layer, filters), Window())
    return to.activated(layer, to.add(made), layer.activation)


def _batch_normalization(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    axis, rank = layer.axis if isinstance(layer.axis, int) else layer.axis[0], len(to.shape(inputs[0])) + 1
    if axis not in (-1, rank - 1):
        raise UnknownLayer(f"Layer {layer.name!r} (BatchNormalization) works along axis {axis}; plain is the last.")
    mean, variance = (np.asarray(each, np.float64) for each in (layer.moving_mean, layer.moving_variance))
    factor = (np.asarray(layer.gamma, np.float64) if layer.scale else 1.0) / np.sqrt(variance + layer.epsilon)
    return to.affine(layer, inputs[0], factor, (np.asarray(layer.beta, np.float64) if layer.center else 0.0) - mean * factor)


def _normalization(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    mean, variance = (np.asarray(each, np.float64).reshape(-1) for each in (layer.mean, layer.variance))
    if layer.invert or len(mean) not in (1, to.shape(inputs[0])[-1]):
        raise UnknownLayer(f"Layer {layer.name!r} (Normalization) has a mean for each pixel; plain is one for each channel.")
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    return to.affine(layer, inputs[0], 1 / deviation, -mean / deviation)


def _relu(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    slope, top = float(layer.negative_slope), layer.max_value
    if layer.threshold or (top is not None and (slope or top != 6)):
        raise UnknownLayer(f"Layer {layer.name!r} (ReLU): plain are a slope, or a largest value of 6, and no threshold.")
    if top is not None:
        return to.function(layer, inputs[0], "relu6")
    return to.function(layer, inputs[0], "leaky_relu", slope) if slope else to.function(layer, inputs[0], "relu")


def _softmax(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    return to.add(Probabilities(layer.name, (inputs[0],), to.shape(inputs[0]), "softmax"))


def _pooling(kind: Any) -> LayerRule:
    def write(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
        pool = (int(layer.pool_size[0]), int(layer.pool_size[1]))
        window, size = _window(to, layer, inputs[0], pool)
        return to.add(Pooling(layer.name, (inputs[0],), (*size, to.shape(inputs[0])[2]), kind, pool, window))

    return write


def _global_pooling(kind: Any) -> LayerRule:
    def write(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
        channels = to.shape(inputs[0])[-1]
        shape = (1, 1, channels) if layer.keepdims else (channels,)
        return to.add(GlobalPooling(layer.name, (inputs[0],), shape, kind))

    return write


def _reshaped(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    shape = tuple(int(side) for side in layer.compute_output_shape((1, *to.shape(inputs[0])))[1:])
    return inputs[0] if shape == to.shape(inputs[0]) else to.add(Reshaped(layer.name, (inputs[0],), shape))


def _zero_border(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    (top, bottom), (left, right) = layer.padding
    height, width, channels = to.shape(inputs[0])
    shape = (height + top + bottom, width + left + right, channels)
    return to.add(ZeroBorder(layer.name, (inputs[0],), shape, (top, left, bottom, right)))


def _combined(how: Any) -> LayerRule:
    def write(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
        shapes = [to.shape(each) for each in inputs]
        axis = getattr(layer, "axis", -1)
        joined = how == "join" and axis in (-1, len(shapes[0]))
        if not (joined or len(set(shapes)) == 1) or (how == "join" and not joined):
            raise UnknownLayer(f"Layer {layer.name!r} combines {shapes}; plain are equal shapes, or joined channels.")
        shape = (*shapes[0][:-1], sum(each[-1] for each in shapes)) if joined else shapes[0]
        return to.add(Combined(layer.name, tuple(inputs), shape, how))

    return write


def _rescaling(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    return to.affine(layer, inputs[0], layer.scale, layer.offset)


def _activation(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    return to.activated(layer, inputs[0], layer.activation)


def _leaky_relu(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    return to.function(layer, inputs[0], "leaky_relu", float(layer.negative_slope))


def _elu(to: _GraphWriter, layer: Any, inputs: Sequence[int]) -> int:
    return to.function(layer, inputs[0], "elu", float(layer.alpha))


LayerRule = Callable[[_GraphWriter, Any, Sequence[int]], int]

LAYERS: dict[str, LayerRule] = {
    "Dense": _dense,
    "Conv2D": _convolution,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "BatchNormalization": _batch_normalization,
    "Normalization": _normalization,
    "Rescaling": _rescaling,
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ELU": _elu,
    "Softmax": _softmax,
    "MaxPooling2D": _pooling("max"),
    "AveragePooling2D": _pooling("average"),
    "GlobalMaxPooling2D": _global_pooling("max"),
    "GlobalAveragePooling2D": _global_pooling("average"),
    "Flatten": _reshaped,
    "Reshape": _reshaped,
    "ZeroPadding2D": _zero_border,
    "Add": _combined("sum"),
    "Multiply": _combined("product"),
    "Concatenate": _combined("join"),
}
"""Layers of Keras with plain operations, by the names of their classes."""
