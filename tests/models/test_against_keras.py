"""The engine's own families against Keras: the same weights give the same logits."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest

from models.samples import CLASSES, QUICK, VARIANTS, close, knobs_of, random_weights, reference, switched
from seedbed import models
from seedbed.kinds import ACTIVATIONS
from seedbed.models.plain import assign
from seedbed.specs import Conv, Dense, ModelSpec

IMAGE_SHAPE = (11, 10, 2)
ACTIVATION_NAMES = tuple(ACTIVATIONS)

CONVS = [
    Conv(filters=(4, 3), kernel=(5, 3), pool=(2, 2)),  # the exercise's form
    Conv(filters=(3,), kernel=(3,), stride=(2,), pool=(2,), padding="valid", activation="silu"),
    Conv(filters=(3, 2), kernel=(2, 4), stride=(1, 2), pool=(1, 1), activation="tanh", head="average"),
    Conv(filters=(2, 3), kernel=(4, 1), stride=(3, 1), pool=(1, 3), hidden=(5, 4), activation="gelu"),
    Conv(filters=(3,), kernel=(3,), pool=(3,), padding="valid", head="average", hidden=(4,), activation="sigmoid"),
    Conv(filters=(3, 4, 5), kernel=(3, 2, 3), stride=(2, 1, 1), pool=(1, 2, 1), separable=True, head="average"),
    Conv(filters=(2, 3), kernel=(3, 3), stride=(1, 2), pool=(1, 2), padding="valid", separable=True, activation="silu"),
]


@lru_cache
def images() -> Any:
    return np.random.default_rng(1).normal(size=(5, *IMAGE_SHAPE)).astype(np.float32)


def logits(specs: list[ModelSpec], weights: list[dict[str, Any]], on_cpu: bool = True, switch: str = "off") -> Any:
    with switched(switch):
        population = models.build(specs, IMAGE_SHAPE, CLASSES, on_cpu=on_cpu)
    params, state = population.pack(weights)
    apply = jax.jit(lambda *arguments: population.apply(*arguments, None)[0], compiler_options=QUICK)
    return apply(params, state, images(), knobs_of(specs))


def kerasian(spec: ModelSpec, weights: dict[str, Any]) -> Any:
    model = reference(spec, IMAGE_SHAPE, CLASSES)
    assign(model, weights)
    with jax.numpy_dtype_promotion("standard"):
        return np.asarray(model(images(), training=False)).T


def test_dense_networks_of_every_activation_have_keras_logits() -> None:
    specs: list[ModelSpec] = [Dense(hidden=(6, 5), activation=name) for name in ACTIVATION_NAMES]
    weights = [random_weights(models.build([spec], IMAGE_SHAPE, CLASSES), n) for n, spec in enumerate(specs)]
    found = logits(specs, weights)
    for member, spec in enumerate(specs):
        close(found[member], kerasian(spec, weights[member]), 1e-5)


@pytest.mark.parametrize("spec", CONVS, ids=str)
def test_convolutional_networks_have_keras_logits_and_shapes(spec: Conv) -> None:
    weights = random_weights(models.build([spec], IMAGE_SHAPE, CLASSES), 3)
    expected = kerasian(spec, weights)
    for on_cpu, switch in ((True, "off"), (False, "off"), *((True, name) for name in VARIANTS)):
        close(logits([spec], [weights], on_cpu, switch)[0], expected, 1e-5)
    model = reference(spec, IMAGE_SHAPE, CLASSES)
    facts = models.facts(spec, IMAGE_SHAPE, CLASSES)
    assert facts.parameters == model.count_params() == sum(array.size for array in weights.values())
    shapes = [tuple(layer.output.shape[1:]) for layer in model.layers]
    ours = [layer.output_shape for layer in models.describe(spec, IMAGE_SHAPE, CLASSES)]
    assert ours == shapes


@pytest.mark.parametrize(("spec", "parameters"), [(Dense(), 178_110), (Conv(), 7_240)])
def test_the_exercises_two_networks_have_its_parameter_counts(spec: ModelSpec, parameters: int) -> None:
    assert models.facts(spec, (28, 28, 1), 10).parameters == parameters


def test_every_activation_is_keras_own_also_far_from_zero() -> None:
    from seedbed.models.keras_backend import load_keras

    z = np.array([-80, -3, -0.5, -1e-4, 0, 1e-4, 0.5, 3, 80], np.float32)
    for name in ACTIVATION_NAMES:
        with jax.numpy_dtype_promotion("standard"):
            expected = load_keras().activations.get(name)(z)
        close(ACTIVATIONS[name].function(z), expected, 1e-6)


@pytest.mark.parametrize(
    ("activation", "outputs", "share"),
    [
        ("tanh", [[0.98, -0.98, 0.5, 0.0], [0.9, 0.9, 0.9, 0.98]], 3 / 8),
        ("sigmoid", [[0.02, 0.98, 0.5, 0.5], [0.04, 0.96, 0.5, 0.5]], 2 / 8),
        ("relu", [[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.1]], 1 / 2),
    ],
)
def test_saturation_is_the_share_of_outputs_at_an_end_or_of_units_never_on(
    activation: str, outputs: list[list[float]], share: float
) -> None:
    assert float(ACTIVATIONS[activation].saturated(np.array([outputs], np.float32), (1,))[0]) == pytest.approx(share)
