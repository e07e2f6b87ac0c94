"""Keras functions as users write them, for bench/exported.py: one of plain layers, one of layers that are not."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def residual(image_shape: tuple[int, int, int], classes: int) -> Any:
    """A convolutional network with two batch normalizations and a residual sum."""
    images = keras.Input(image_shape)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(images)
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    y = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    x = layers.Activation("relu")(layers.Add()([x, layers.BatchNormalization()(y)]))
    x = layers.GlobalAveragePooling2D()(layers.MaxPooling2D()(x))
    return keras.Model(images, layers.Dense(classes, activation="softmax")(layers.Dropout(0.1)(x)))


def recurrent(image_shape: tuple[int, int, int], classes: int) -> Any:
    """An LSTM that reads an image row by row, and a layer normalization."""
    height, width, channels = image_shape
    images = keras.Input(image_shape)
    x = layers.LayerNormalization()(layers.LSTM(16)(layers.Reshape((height, width * channels))(images)))
    return keras.Model(images, layers.Dense(classes, activation="softmax")(x))
