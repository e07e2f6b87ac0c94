"""A trained network as a `keras.Model` of Keras's own layers, from pixels as stored to probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seedbed.models.architecture import ImageShape, Weights
from seedbed.models.keras_backend import keras_session, load_keras
from seedbed.records import Normalization
from seedbed.specs import Conv, Dense, Keras, ModelSpec


def plain_model(
    spec: ModelSpec, weights: Weights, image_shape: ImageShape, classes: int, *, normalization: Normalization
) -> Any:
    """Make a `keras.Model` that takes pixels as stored, `(n, h, w, c)`, and returns probabilities, `(n, C)`.

    A dense or convolutional network becomes plain layers, with a `Rescaling` in front where the pixels are not from 0 to 1
    already. A user's own network stays as it is, between a `Rescaling` and, where it returns logits, a softmax.

    Args:
        spec: the network.
        weights: its arrays, named and laid out as in Keras.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        normalization: what the network gets of stored values.

    Raises:
        ModelError: this process has imported Keras with another backend, or a user's file cannot be used.
    """
    if isinstance(spec, Keras):
        return _around(spec, weights, image_shape, classes, normalization)
    assert isinstance(spec, Dense | Conv)
    with keras_session(seed=0) as keras:
        layers = [*_rescaling(normalization), *plain_layers(spec, classes, last="softmax")]
        model = keras.Sequential([keras.Input(image_shape, name="pixels"), *layers])
        assign(model, weights)
    return model


def plain_layers(spec: Dense | Conv, classes: int, *, last: str | None) -> Iterator[Any]:
    """The network in Keras's layers, with weights of 0; the names of its arrays are those of the engine.

    Args:
        last: activation of the last layer. None gives logits.
    """
    layers = load_keras().layers
    if isinstance(spec, Conv):
        yield from _convolutions(spec)
    average = isinstance(spec, Conv) and spec.head == "average"
    yield layers.GlobalAveragePooling2D(name="average") if average else layers.Flatten(name="flatten")
    outputs = [*((units, spec.activation) for units in spec.hidden), (classes, last)]
    for number, (units, activation) in enumerate(outputs):
        if spec.dropout and (number or isinstance(spec, Conv)):
            yield layers.Dropout(spec.dropout, name=f"dropout_{number}")
        yield layers.Dense(units, activation, kernel_initializer="zeros", name=f"dense_{number}")


def _convolutions(spec: Conv) -> Iterator[Any]:
    layers = load_keras().layers
    blocks = zip(spec.filters, spec.kernel, spec.stride, spec.pool, strict=True)
    for number, (filters, kernel, stride, pool) in enumerate(blocks):
        settings = {"activation": spec.activation, "name": f"conv_{number}"}
        if spec.separable and number:
            zeros = {"depthwise_initializer": "zeros", "pointwise_initializer": "zeros"}
            yield layers.SeparableConv2D(filters, kernel, stride, spec.padding, **settings, **zeros)
        else:
            yield layers.Conv2D(filters, kernel, stride, spec.padding, **settings, kernel_initializer="zeros")
        if pool > 1:
            yield layers.MaxPooling2D(pool, name=f"pool_{number}")


def assign(model: Any, weights: Weights) -> None:
    """Set a model's variables, but for the states of its random numbers."""
    from seedbed.models.keras_building import canonical_names

    for name, variable in zip(canonical_names(model), model.variables, strict=True):
        if "seed_generator" not in variable.path:
            variable.assign(weights[name])


def _rescaling(normalization: Normalization) -> list[Any]:
    """A layer that does to stored values what the engine does; none where that is nothing."""
    scale, layers = normalization.scale, load_keras().layers
    if not normalization.centres:
        return [] if scale == 1 else [layers.Rescaling(1 / scale, name="scale")]
    pairs = list(zip(normalization.mean, normalization.deviation, strict=True))
    factors, offsets = [1 / (scale * deviation) for _, deviation in pairs], [-mean / deviation for mean, deviation in pairs]
    return [layers.Rescaling(*((factors[0], offsets[0]) if len(pairs) == 1 else (factors, offsets)), name="scale")]


def _around(spec: Keras, weights: Weights, image_shape: ImageShape, classes: int, normalization: Normalization) -> Any:
    """A user's network with what the engine adds to it: the scale, the shape of its input, and the way to probabilities."""
    from seedbed.models.keras_building import build_model, input_shape, integer_input
    from seedbed.models.keras_forms import KerasNetwork

    inner = build_model(spec, image_shape, classes, seed=0)
    form = KerasNetwork(inner, image_shape, fast=False)
    assign(inner, weights)
    with keras_session(seed=0) as keras:
        whole = str(inner.inputs[0].dtype) if integer_input(inner) else "float32"
        pixels = x = keras.Input(image_shape, dtype=whole, name="pixels")
        for layer in () if form.raw_pixels else _rescaling(normalization):
            x = layer(x)
        for layer in _reshaping(keras, image_shape, input_shape(inner, image_shape)):
            x = layer(x)
        out = keras.tree.flatten(inner(x))[0]
        if form.outputs == "logits":
            out = keras.layers.Softmax(dtype="float32", name="softmax")(out)
        elif form.outputs == "shares":
            out = out / keras.ops.sum(out, axis=-1, keepdims=True)
        return keras.Model(pixels, out)


def _reshaping(keras: Any, image_shape: ImageShape, shape: tuple[int, ...]) -> list[Any]:
    """The layers that bring an image to the shape that a network takes."""
    if shape == image_shape:
        return []
    if shape == (image_shape[2], *image_shape[:2]) and image_shape[2] > 1:
        return [keras.layers.Permute((3, 1, 2), name="channels_first")]
    return [keras.layers.Reshape(shape, name="shape")]
