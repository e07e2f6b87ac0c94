"""Trained networks as Keras's own layers: pixels as stored in, the engine's probabilities out, also from a saved file."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from models.samples import CLASSES, IMAGE_SHAPE, random_weights
from seedbed import models
from seedbed.models.keras_backend import load_keras
from seedbed.models.plain import plain_model
from seedbed.records import Normalization
from seedbed.specs import Conv, Dense, Keras, ModelSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras saves arrays of jax so

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


UNIT = Normalization(255.0)


def check(spec: ModelSpec, path: Path | None = None, normalization: Normalization = UNIT) -> None:
    """Compare with the engine; with a path, the model that was saved there."""
    weights = random_weights(models.build([spec], IMAGE_SHAPE, CLASSES), seed=3)
    expected = models.probabilities(spec, weights, PIXELS, normalization=normalization, classes=CLASSES)
    model = plain_model(spec, weights, IMAGE_SHAPE, CLASSES, normalization=normalization)
    with jax.numpy_dtype_promotion("standard"):
        if path is not None:
            model.save(path)
            model = load_keras().saving.load_model(path)
        np.testing.assert_allclose(np.asarray(model(PIXELS, training=False)), expected, atol=1e-5)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_a_family_of_the_engine_becomes_plain_layers(spec: ModelSpec) -> None:
    check(spec)


def test_standardised_channels_are_part_of_the_model(tmp_path: Path) -> None:
    check(SPECS[0], tmp_path / "net.keras", Normalization(255.0, (0.4, 0.6), (0.2, 0.3)))
    check(SPECS[1], tmp_path / "grey.keras", Normalization(255.0, (0.5,), (0.25,)))


def test_they_survive_a_file(tmp_path: Path) -> None:
    check(SPECS[0], tmp_path / "net.keras")


@pytest.mark.parametrize("function", ["raw", "shares"])
def test_a_users_network_gets_what_the_engine_gave_it(function: str, file: Path, tmp_path: Path) -> None:
    check(Keras.of(f"{file}:{function}"), tmp_path / "net.keras")


def test_pixels_from_0_to_1_need_no_rescaling() -> None:
    spec = Dense(hidden=())
    weights = random_weights(models.build([spec], IMAGE_SHAPE, CLASSES), seed=0)
    names = [
        [layer.name for layer in plain_model(spec, weights, IMAGE_SHAPE, CLASSES, normalization=Normalization(scale)).layers]
        for scale in (1, 16)
    ]
    assert names == [["flatten", "dense_0"], ["scale", "flatten", "dense_0"]]
