"""Networks of all families with made-up weights, on made-up colour images."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from seedbed.data import Dataset, Part
from seedbed.data.parts import Pictures
from seedbed.models import FAMILIES, facts
from seedbed.models.keras import initial_weights
from seedbed.network import Network
from seedbed.records import History, PictureRule, Result, Seconds, Verdict
from seedbed.specs import Conv, DataSpec, Dense, Keras, ModelSpec, Plan, RunSpec

SHAPE, CLASSES = (11, 10, 3), ("red fox", 'a "b"', "été", "4")

OWN = """
import keras
from keras import layers


def build(image_shape, classes):
    inputs = keras.Input(image_shape)
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("silu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2)(x)
    y = layers.Conv2D(4, 1)(y)
    y = layers.BatchNormalization()(y)
    x = layers.ReLU()(layers.Add()([x, y]))
    x = layers.Concatenate()([layers.MaxPooling2D(2, padding="same")(x), layers.AveragePooling2D(2, padding="same")(x)])
    x = keras.Sequential([layers.Conv2D(6, 3, strides=2, activation="gelu"), layers.Dropout(0.5)])(x)
    x = layers.Concatenate()([layers.GlobalAveragePooling2D()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.BatchNormalization()(layers.Dense(7, activation="selu")(x))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def shares(image_shape, classes):
    return keras.Sequential([keras.Input(image_shape), layers.Flatten(), layers.Dense(classes, activation="sigmoid")])


class Doubled(layers.Layer):
    def call(self, inputs):
        return 2 * inputs


def doubled(image_shape, classes):
    return keras.Sequential([keras.Input(image_shape), layers.Flatten(), Doubled(), layers.Dense(classes)])
"""

SPECS: dict[str, ModelSpec] = {
    "dense": Dense(hidden=(9, 6), activation="tanh", dropout=0.2),
    "logistic": Dense(hidden=()),
    "conv": Conv(filters=(4, 3), kernel=(5, 2), stride=(1, 2), pool=(2, 1), hidden=(5,), activation="gelu"),
    "valid": Conv(filters=(4, 5), kernel=(3, 2), padding="valid", pool=(2, 2), head="average", activation="leaky_relu"),
    "separable": Conv(filters=(3, 5, 4), kernel=(3,), stride=(2,), pool=(1,), separable=True, activation="silu"),
}


def own_file(folder: Path) -> Path:
    path = folder / "own.py"
    path.write_text(OWN, encoding="utf-8")
    return path


@cache
def dataset() -> Dataset:
    draws = np.random.default_rng(5)
    images = draws.integers(0, 256, (60, *SHAPE)).astype(np.uint8)
    pictures = Pictures(images)
    labels = np.arange(60, dtype=np.int32) % len(CLASSES)
    parts = [Part(pictures, np.arange(start, start + 30), labels[start : start + 30]) for start in (0, 30)]
    return Dataset(DataSpec(name="digits"), parts[0], parts[1], None, CLASSES, SHAPE, 255.0, PictureRule((0.0,), (255.0,)))


def network(spec: ModelSpec, name: str = "net.0") -> Network:
    """A network with weights that no two parts share, and a run around it."""
    draws = np.random.default_rng(3)
    shapes = FAMILIES[spec.family].weight_shapes(spec, SHAPE, len(CLASSES))
    if shapes is None:
        assert isinstance(spec, Keras)
        shapes = {key: array.shape for key, array in initial_weights(spec, SHAPE, len(CLASSES), 0).items()}
    weights = {key: (0.3 * draws.standard_normal(shape)).astype(np.float32) for key, shape in shapes.items()}
    weights = {key: np.abs(array) + 0.5 if "variance" in key else array for key, array in weights.items()}
    columns = ("train_loss", "train_penalty", "train_accuracy", "validation_loss", "validation_accuracy", "seconds")
    rows = [dict.fromkeys(columns, 0.5 / epoch) for epoch in (1, 2)]
    run = RunSpec(model=spec, plan=Plan(epochs=2), data=DataSpec(name="digits"))
    result = Result(
        name,
        name.partition(".")[0],
        run,
        facts(spec, SHAPE, len(CLASSES)),
        dataset().facts(),
        History.from_rows(rows),
        Verdict("good_fit", "It learned.", "Try."),
        Seconds(0.1, 0.2, 0.3),
        "cpu",
    )
    return Network(result, weights, 255.0)
