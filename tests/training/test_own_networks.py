"""Networks as people write them, trained beside Keras; and what is said of those that cannot be trained as they ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed import models
from seedbed.errors import ModelError
from seedbed.models.keras import KerasPopulation, remarks, traits
from seedbed.models.keras_building import build_model
from seedbed.models.keras_forms import KerasNetwork
from seedbed.records import RAW_PIXELS, SAME_START, Normalization
from seedbed.specs import Keras, Plan
from training.beside_keras import both, network

SHAPE, CLASSES = (8, 8, 1), 10
IMAGE = "i = keras.Input((8, 8, 1))\n"
OUT = "return keras.Model(i, layers.Dense(10)(layers.Flatten()(x)))"
START = "i = keras.Input((8, 8, 1)); x = layers.Flatten()(i)\n"

HEADS = "a, b = (layers.Dense(10, activation='softmax')(x) for _ in range(2)); return keras.Model(i, (a + b) / 2)"
ASKING = """
x = layers.Dense(12, activation=lambda z: 2 * ops.tanh(z), kernel_constraint=keras.constraints.MaxNorm(0.3),
                 activity_regularizer=keras.regularizers.L2(0.1), kernel_regularizer=lambda w: 0.01 * ops.sum(ops.abs(w)))(x)
return keras.Model(i, layers.Dense(10, activation='softmax')(x))
"""
KEPT = """
import numpy as np
n = layers.Normalization(); n.adapt(np.random.default_rng(0).random((50, 8, 8, 1)))
x = layers.Conv2D(4, 3, padding='same')(n(i)); x = layers.Permute((3, 1, 2))(x)
x = layers.MaxPooling2D(2, data_format='channels_first')(x); x = layers.Lambda(lambda z: z / 4)(x)
return keras.Model(i, layers.Softmax()(layers.Dense(10)(layers.Flatten()(x))))
"""
RAW = "i = keras.Input((64,)); x = i / 16; return keras.Model(i, {'shares': layers.Dense(10, activation='sigmoid')(x)})"
CONVOLUTIONS = """
x = layers.BatchNormalization()(layers.SeparableConv2D(6, 3, padding='same', use_bias=False)(i))
x = layers.ReLU(6)(x); x = layers.MaxPooling2D(3, strides=2, padding='same')(x)
x = layers.Conv2D(4, 3, dilation_rate=2, padding='same', activation='relu')(x); x = layers.LayerNormalization()(x)
x = layers.Conv2DTranspose(3, 3, strides=2, padding='same', activation='tanh')(x); x = layers.AveragePooling2D(2)(x)
return keras.Model(i, layers.Dense(10, activation='softmax')(layers.Flatten()(x)))
"""
SUBCLASS = """
class Net(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.flat, self.norm = layers.Flatten(), layers.BatchNormalization()
        self.out = layers.Dense(classes, activation="softmax")
    def call(self, x, training=False):
        return self.out(self.norm(self.flat(x), training=training))
def build(image_shape, classes):
    return Net(classes)
"""


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (START + HEADS, {}),
        (START + ASKING, {}),
        (START.split(";")[0] + KEPT, {}),
        (RAW, {"raw": True}),
        (SUBCLASS, {}),
        (IMAGE + CONVOLUTIONS, {}),
    ],
    ids=[
        "two heads",
        "constraint, losses, lambdas",
        "layers that copies lose",
        "sigmoids of raw pixels",
        "subclass",
        "convolutions",
    ],
)
def test_a_network_trains_as_by_keras(tmp_path: Path, body: str, more: dict[str, Any]) -> None:
    both(network(tmp_path, body), **more).agree()


def formed(spec: Keras, shape: tuple[int, int, int] = SHAPE, *, fast: bool = True) -> KerasNetwork:
    return KerasNetwork(build_model(spec, shape, CLASSES, seed=0), shape, fast=fast)


@pytest.mark.parametrize(
    ("last", "outputs"),
    [
        ("layers.Dense(10)(x)", "logits"),
        ("layers.Dense(10)(x) * layers.Dense(10, activation='softmax')(x)", "logits"),
        ("ops.log(layers.Dense(10, activation='softmax')(x))", "logits"),
        ("ops.softmax(layers.Dense(10)(x))", "probabilities"),
        ("layers.Dense(10, activation='softmax', kernel_initializer='zeros')(x)", "probabilities"),
        ("ops.sigmoid(layers.Dense(10)(x))", "shares"),
    ],
)
def test_outputs_are_told_by_their_values(tmp_path: Path, last: str, outputs: str) -> None:
    assert formed(network(tmp_path, f"{START}return keras.Model(i, {last})")).outputs == outputs


def test_a_form_that_differs_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = network(tmp_path, f"{IMAGE}x = layers.Conv2D(2, 3)(i)\n{OUT}")
    assert formed(spec).rewritten
    monkeypatch.setattr(
        "seedbed.models.maps.convolve", lambda _, images, kernel, *__, **___: images[:, 2:, 2:] + 0 * kernel[0, 0]
    )
    assert not formed(spec).rewritten


@pytest.mark.parametrize(
    ("first", "raw"),
    [
        ("layers.Rescaling(1 / 255)(i)", True),
        ("ops.cast(i, 'float32') / 127.5 - 1", True),
        ("layers.Rescaling(2.0, -1.0)(i)", False),
        ("layers.Normalization(mean=33.0, variance=6000.0)(i)", True),
        ("layers.Normalization(mean=0.13, variance=0.09)(i)", False),
        ("layers.BatchNormalization()(i)", False),
    ],
)
def test_pixels_are_fed_as_the_first_layers_take_them(tmp_path: Path, first: str, raw: bool) -> None:
    spec = network(tmp_path, f"{IMAGE}x = {first}\n{OUT}")
    assert (RAW_PIXELS in traits(spec, SHAPE, CLASSES)) == raw
    assert any("pixels as stored" in sentence for sentence in remarks(spec, SHAPE, CLASSES, Plan())) == raw


def test_whole_pixels_are_what_an_input_of_whole_numbers_gets(tmp_path: Path) -> None:
    body = f"i = keras.Input((8, 8, 1), dtype='uint8'); x = ops.cast(i, 'float32') / 255\n{OUT}"
    spec = network(tmp_path, body)
    images = np.random.default_rng(0).integers(256, size=(3, *SHAPE)).astype(np.uint8)
    weights = KerasPopulation([spec], SHAPE, CLASSES).initial(0)[0]
    found = models.probabilities(spec, weights, images, normalization=Normalization(255.0), classes=CLASSES)
    logits = np.asarray(build_model(spec, SHAPE, CLASSES, 0)(images), np.float64)
    np.testing.assert_allclose(found, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-5)


def test_colour_images_reach_a_network_that_takes_their_channels_first(tmp_path: Path) -> None:
    body = f"i = keras.Input((3, 4, 5)); x = layers.Permute((2, 3, 1))(i)\n{OUT}"
    spec, images = network(tmp_path, body), np.random.default_rng(0).random((2, 4, 5, 3)).astype(np.float32)
    weights = KerasPopulation([spec], (4, 5, 3), CLASSES).initial(0)[0]
    found = models.probabilities(spec, weights, images, normalization=Normalization(1.0), classes=CLASSES)
    logits = images.reshape(2, -1) @ weights["dense/kernel"]
    np.testing.assert_allclose(found, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-5)


MODEL = START + "m = keras.Model(i, layers.Dense(10)(x)); "
SMOOTHED = "m.compile(loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1)); return m"
OWN_STEP = "def train_step(self, *a):\n        pass\n    def call"
REFUSED = {
    "frozen": (MODEL + "m.trainable = False; return m", "none of its layers is trainable"),
    "half floats": (START + "return keras.Model(i, layers.Dense(10, dtype='mixed_float16')(x))", "policy 'mixed_float16'"),
    "another loss": (MODEL + "m.compile(loss='mse'); return m", "the loss 'mse'"),
    "smoothed": (MODEL + SMOOTHED, "compile() asks for the loss"),
    "two outputs": (START + "return keras.Model(i, [layers.Dense(10)(x), layers.Dense(10)(x)])", "has 2 outputs"),
    "own step": (SUBCLASS.replace("def call", OWN_STEP), "a train_step of its own"),
    "no flatten": ("return keras.Sequential([layers.Dense(10)])", "Put a Flatten layer before"),
}


@pytest.mark.parametrize("body", REFUSED)
def test_what_the_engine_would_not_do_is_refused_in_words(tmp_path: Path, body: str) -> None:
    with pytest.raises(ModelError) as refusal:
        build_model(network(tmp_path, REFUSED[body][0]), SHAPE, CLASSES, seed=0)
    assert REFUSED[body][1] in str(refusal.value)


def test_an_argument_that_the_function_does_not_take_is_answered_with_the_nearest(tmp_path: Path) -> None:
    text = "def build(width=4):\n    return keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(10)])\n"
    spec = network(tmp_path, text, widht=8)
    with pytest.raises(ModelError, match=r"takes no argument 'widht'\. Did you mean 'width'\?"):
        build_model(spec, SHAPE, CLASSES, seed=0)


def test_another_optimizer_in_compile_is_said(tmp_path: Path) -> None:
    body = MODEL + "m.compile(keras.optimizers.SGD(0.5), 'sparse_categorical_crossentropy'); return m"
    spec = network(tmp_path, body)
    assert "compile() asks for sgd at 0.5" in remarks(spec, SHAPE, CLASSES, Plan())[0]
    assert not remarks(spec, SHAPE, CLASSES, Plan(optimizer="sgd", learning_rate=0.5))


def test_a_network_made_once_starts_alike_or_is_drawn_by_the_seed(tmp_path: Path) -> None:
    text = "model = keras.Sequential([keras.Input((8, 8)), layers.LSTM(3), layers.Dense(10)])\ndef build():\n    return model\n"
    kept = network(tmp_path, text)
    assert traits(kept, SHAPE, CLASSES) == (SAME_START,)
    drawn = kept.changed(start="drawn")
    assert traits(drawn, SHAPE, CLASSES) == ()
    assert drawn.identity != kept.identity == Keras.of(f"{kept.file}:build").identity
    one, other, again = (KerasPopulation([drawn], SHAPE, CLASSES).initial(seed)[0] for seed in (1, 2, 1))
    for name in ("lstm/lstm_cell/kernel", "lstm/lstm_cell/recurrent_kernel", "dense/kernel"):
        assert np.array_equal(one[name], again[name])
        assert not np.allclose(one[name], other[name])


def test_building_leaves_the_process_as_it_was(tmp_path: Path) -> None:
    from seedbed.models.keras_backend import load_keras

    keras = load_keras()
    policy = "keras.config.set_dtype_policy('mixed_bfloat16')\n"
    spec = network(tmp_path, f"{policy}{START}return keras.Model(i, layers.Dense(10)(x))")
    draws, number = np.random.get_state()[1].copy(), int(keras.layers.Dense(1).name.partition("_")[2] or 0)
    build_model(spec, SHAPE, CLASSES, seed=7)
    assert np.array_equal(np.random.get_state()[1], draws)
    assert keras.config.dtype_policy().name == "float32"
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"


def test_operations_are_those_of_the_trace(tmp_path: Path) -> None:
    body = """
inner = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(2, 3, padding='same'), layers.Conv2D(3, 3)])
i = keras.Input((8, 8, 1)); x = inner(i); x = layers.Reshape((12, 9))(x); x = layers.LSTM(5)(x)
frozen = layers.Dense(7, trainable=False); return keras.Model(i, layers.Dense(10)(frozen(x)))
"""
    rows = {row.kind: row for row in models.describe(network(tmp_path, body), SHAPE, CLASSES)}
    assert rows["Sequential"].operations == 2 * (64 * 9 * 2 + 36 * 9 * 2 * 3)
    assert rows["LSTM"].operations == 2 * 12 * (9 + 5) * 20
    assert rows["LSTM"].output_shape == (5,)
    facts = models.facts(network(tmp_path, body), SHAPE, CLASSES)
    assert facts.operations == sum(row.operations for row in rows.values()) + 2 * 5 * 7
    assert facts.parameters == 20 + 57 + 300 + 80
