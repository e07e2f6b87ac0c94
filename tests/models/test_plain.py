"""Trained networks as Keras's own layers: pixels as stored in, the engine's probabilities out, also from a saved file."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from models.samples import CLASSES, IMAGE_SHAPE, random_weights, user_spec
from seedbed import models
from seedbed.models.keras_backend import load_keras
from seedbed.models.plain import plain_model
from seedbed.specs import Conv, Dense, Keras, ModelSpec

PIXELS = np.random.default_rng(1).integers(0, 256, (5, *IMAGE_SHAPE)).astype(np.uint8)

OWN = """
import keras
from keras import layers

def raw():
    images = keras.Input((7, 6, 2))
    return keras.Model(images, layers.Dense(4)(layers.Flatten()(layers.Rescaling(1 / 255)(images))))

def shares():
    images = keras.Input((84,))
    return keras.Model(images, {"out": layers.Dense(4, activation="sigmoid")(layers.Dense(3, activation="relu")(images))})
"""

SPECS = [
    Dense(hidden=(5,), activation="gelu", dropout=0.3),
    Dense(hidden=()),
    Conv(filters=(3, 2), kernel=(3, 2), pool=(2, 1), hidden=(4,), dropout=0.2),
    Conv(filters=(3, 2), kernel=(3, 2), pool=(2, 1), separable=True, head="average"),
]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "own.py"
    path.write_text(OWN)
    return path


def check(spec: ModelSpec, path: Path, scale: float = 255.0) -> None:
    population = models.build([spec], IMAGE_SHAPE, CLASSES)
    weights = random_weights(population, seed=3)
    expected = models.probabilities(spec, weights, PIXELS, scale=scale, classes=CLASSES)
    model = plain_model(spec, weights, IMAGE_SHAPE, CLASSES, scale=scale)
    with jax.numpy_dtype_promotion("standard"):
        np.testing.assert_allclose(model.predict(PIXELS, verbose=0), expected, atol=1e-5)
        model.save(path)
        again = load_keras().saving.load_model(path)
        np.testing.assert_allclose(again.predict(PIXELS, verbose=0), expected, atol=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_a_family_of_the_engine_becomes_plain_layers(spec: ModelSpec, tmp_path: Path) -> None:
    check(spec, tmp_path / "net.keras")


def test_a_users_network_gets_what_the_engine_gave_it(file: Path, tmp_path: Path) -> None:
    check(user_spec(), tmp_path / "net.keras")
    for function in ("raw", "shares"):
        check(Keras.of(f"{file}:{function}"), tmp_path / f"{function}.keras")


def test_pixels_from_0_to_1_need_no_rescaling() -> None:
    spec = Dense(hidden=())
    weights = random_weights(models.build([spec], IMAGE_SHAPE, CLASSES), seed=0)
    names = [
        [layer.name for layer in plain_model(spec, weights, IMAGE_SHAPE, CLASSES, scale=scale).layers] for scale in (1, 16)
    ]
    assert names == [["flatten", "dense_0"], ["scale", "flatten", "dense_0"]]
