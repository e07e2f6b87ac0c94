"""Ten networks as users of Keras write them, for MNIST's images: functions that return a `keras.Model`."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

SHAPE = (28, 28, 1)
CLASSES = 10


def lenet() -> Any:
    """LeNet-5 with tanh and average pooling (LeCun et al. 1998)."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def keras_example() -> Any:
    """The convolutional network of Keras's own example for MNIST."""
    return keras.Sequential(
        [
            keras.Input(SHAPE),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def residual() -> Any:
    """A plain residual network."""
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
    for filters in (16, 32):
        stride = 1 if filters == x.shape[-1] else 2
        y = layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu")(x)
        y = layers.Conv2D(filters, 3, padding="same")(y)
        skip = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride)(x)
        x = layers.ReLU()(layers.add([y, skip]))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def residual_separable() -> Any:
    """A small Xception: separable convolutions, batch normalization, overlapping max pooling, residual connections."""
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters in (32, 64):
        y = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(y)
        y = layers.BatchNormalization()(y)
        y = layers.MaxPooling2D(3, strides=2, padding="same")(y)
        x = layers.add([y, layers.Conv2D(filters, 1, strides=2, padding="same")(x)])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def depthwise() -> Any:
    """A small MobileNet: depthwise and pointwise convolutions, each with batch normalization."""
    inputs = keras.Input(SHAPE)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    for filters, stride in ((32, 1), (64, 2), (64, 1)):
        x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
        x = layers.Conv2D(filters, 1, use_bias=False)(x)
        x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def strided() -> Any:
    """Convolutions with strides in place of pooling, and layer normalization."""
    inputs = x = keras.Input(SHAPE)
    for filters in (16, 32, 64):
        x = layers.Conv2D(filters, 3, strides=2, padding="same")(x)
        x = layers.LeakyReLU(negative_slope=0.1)(layers.LayerNormalization()(x))
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


class _Places(layers.Layer):  # type: ignore[misc]
    """Adds an embedding of each patch's place."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.places = self.add_weight(shape=shape[1:], initializer="random_normal", name="places")

    def call(self, x: Any) -> Any:
        return x + self.places


def transformer() -> Any:
    """A tiny vision transformer: 16 patches of 7 x 7 pixels, two blocks of two heads."""
    inputs = keras.Input(SHAPE)
    x = layers.Reshape((16, 32))(layers.Conv2D(32, 7, strides=7)(inputs))
    x = _Places()(x)
    for _ in range(2):
        y = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.add([x, layers.MultiHeadAttention(num_heads=2, key_dim=16)(y, y)])
        y = layers.Dense(64, activation="gelu")(layers.LayerNormalization(epsilon=1e-6)(x))
        x = layers.add([x, layers.Dense(32)(layers.Dropout(0.1)(y))])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization(epsilon=1e-6)(x))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def lstm() -> Any:
    """An LSTM that reads an image row by row."""
    return keras.Sequential(
        [keras.Input(SHAPE), layers.Reshape((28, 28)), layers.LSTM(64), layers.Dense(CLASSES, activation="softmax")]
    )


def mixer() -> Any:
    """An MLP-Mixer on 16 patches of 7 x 7 pixels."""
    inputs = keras.Input(SHAPE)
    x = layers.Reshape((16, 64))(layers.Conv2D(64, 7, strides=7)(inputs))
    for _ in range(2):
        y = layers.Permute((2, 1))(layers.LayerNormalization()(x))
        y = layers.Dense(16)(layers.Dense(32, activation="gelu")(y))
        x = layers.add([x, layers.Permute((2, 1))(y)])
        y = layers.Dense(128, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.add([x, layers.Dense(64)(y)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))


def hourglass() -> Any:
    """Dilated and transposed convolutions: down by strides, context by dilation, up again, with a skip connection."""
    inputs = keras.Input(SHAPE)
    skip = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(skip)
    x = layers.Conv2D(16, 3, dilation_rate=2, padding="same", activation="relu")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", activation="relu")(layers.concatenate([x, skip]))
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(CLASSES, activation="softmax")(x))
