"""The same minibatches from the same weights: the loss curve that Keras has, and the probes that a direct computation gives."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest

from models.by_hand import finite_differences
from models.samples import reference
from seedbed.models import FAMILIES
from seedbed.models.architecture import initial_weights
from seedbed.models.keras import canonical_names
from seedbed.models.keras_backend import load_keras
from seedbed.models.plain import assign
from seedbed.models.protocol import Batch, Hyperparameters
from seedbed.randomness import generator, minibatch_order
from seedbed.specs import Dense, Plan
from training.samples import IMAGES, digits, ran, task

EPOCHS, BATCH, SEED, L1, L2 = 9, 16, 5, 1e-4, 1e-3
"""54 steps; each epoch's last minibatch has 10 images instead of 16."""

MODEL = Dense(hidden=(8,), activation="tanh")

OPTIMIZERS: dict[str, tuple[str, dict[str, float | bool]]] = {
    "sgd": ("SGD", {"learning_rate": 0.1}),
    "momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.8}),
    "nesterov": ("SGD", {"learning_rate": 0.05, "momentum": 0.8, "nesterov": True}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adamw": ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.5}),
    "rmsprop": ("RMSprop", {"learning_rate": 0.005}),
}


@lru_cache
def ours(optimizer: str) -> Any:
    settings = {name: value for name, value in OPTIMIZERS[optimizer][1].items() if name != "nesterov"}
    plan = Plan(epochs=EPOCHS, batch_size=BATCH, optimizer=optimizer, l1=L1, l2=L2, **settings)
    return ran(task([MODEL], plan, seeds=(SEED,))).outcomes[0, 0]


@lru_cache
def keras_run(optimizer: str) -> tuple[list[list[float]], dict[str, Any], dict[str, Any], Batch]:
    """Losses by epoch: training sample with penalty, validation; weights before and after the first epoch's last step, and its
    minibatch."""
    with jax.numpy_dtype_promotion("standard"):
        return _keras_run(optimizer)


def _keras_run(optimizer: str) -> tuple[list[list[float]], dict[str, Any], dict[str, Any], Batch]:
    keras, dataset = load_keras(), digits()
    model = reference(MODEL, dataset.image_shape, 10)
    for layer in model.layers[1:]:
        layer.kernel_regularizer = keras.regularizers.L1L2(L1, L2)
        layer.kernel.regularizer = layer.kernel_regularizer
    assign(model, initial_weights(FAMILIES["dense"].weight_shapes(MODEL, dataset.image_shape, 10), SEED))
    name, settings = OPTIMIZERS[optimizer]
    rule = getattr(keras.optimizers, name)(**settings)
    if optimizer == "adamw":
        rule.exclude_from_weight_decay(var_names=["bias"])
    model.compile(rule, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images, labels = dataset.train.images.astype(np.float32) / np.float32(dataset.scale), dataset.train.labels
    validation = dataset.validation.images.astype(np.float32) / np.float32(dataset.scale)
    losses = []
    for epoch in range(EPOCHS):
        order = minibatch_order(SEED, epoch, IMAGES)
        for start in range(0, IMAGES, BATCH):
            rows = order[start : start + BATCH]
            before = weights_of(model) if epoch == 0 and start + BATCH >= IMAGES else {}
            model.train_on_batch(images[rows], labels[rows])
            if before:
                last = Batch(images[rows], labels[rows], np.ones(len(rows), np.float32))
                kept = (before, weights_of(model), last)
        losses.append([cross_entropy(model, images, labels), cross_entropy(model, validation, dataset.validation.labels)])
    return losses, *kept


def weights_of(model: Any) -> dict[str, Any]:
    return {name: np.array(variable.value) for name, variable in zip(canonical_names(model), model.variables, strict=True)}


def cross_entropy(model: Any, images: Any, labels: Any) -> float:
    logits = np.asarray(model(images), np.float64)
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_the_loss_curve_that_keras_has(optimizer: str) -> None:
    history = ours(optimizer).history
    found = np.stack([history["train_loss"], history["validation_loss"]], axis=1)
    np.testing.assert_allclose(found, keras_run(optimizer)[0], rtol=1e-4)
    assert found[-1, 0] < 0.9 * found[0, 0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_probes_are_what_a_direct_computation_gives(optimizer: str) -> None:
    history = ours(optimizer).history
    _, before, after, batch = keras_run(optimizer)
    hyper = Hyperparameters(*(np.array([value], np.float32) for value in (L1, L2, 0.0)))  # type: ignore[arg-type]
    gradients = finite_differences(MODEL, before, batch, hyper)
    for layer in ("dense_0", "dense_1"):
        kernel = f"{layer}/kernel"
        assert history[f"gradient/{layer}"][0] == pytest.approx(np.linalg.norm(gradients[kernel]), rel=2e-3)
        change = np.linalg.norm(after[kernel] - before[kernel]) / np.linalg.norm(before[kernel])
        assert history[f"update/{layer}"][0] == pytest.approx(change, rel=1e-3)
        assert history[f"weights/{layer}"][0] == pytest.approx(np.linalg.norm(after[kernel]), rel=1e-5)
    a = np.tanh(digits().train.images.reshape(IMAGES, -1) / digits().scale @ after["dense_0/kernel"] + after["dense_0/bias"])
    assert history["saturation/dense_0"][0] == pytest.approx((np.abs(a) > 0.97).mean(), abs=0.01)


def test_the_penalty_is_reported_beside_the_loss() -> None:
    outcome = ours("adam")
    kernels = [array.astype(np.float64) for name, array in outcome.last.items() if name.endswith("kernel")]
    expected = sum(L2 * np.sum(w**2) + L1 * np.sum(np.abs(w)) for w in kernels)
    assert outcome.history["train_penalty"][-1] == pytest.approx(expected, rel=1e-5)


def test_the_training_figures_are_measured_on_a_fixed_sample_as_large_as_the_validation_part() -> None:
    from seedbed.training.feed import EvalBatches

    dataset = digits(400)
    size = len(dataset.validation)
    assert size < len(dataset.train)
    [(measured, counts)] = EvalBatches(dataset, 50)
    assert counts == (size, size)
    assert [weights.sum() for weights in measured.weights] == [size, size]
    labels = np.sort(dataset.train.labels[generator(0, "sample").permutation(len(dataset.train))[:size]])
    weights = np.asarray(measured.weights[0]).astype(bool)
    assert np.array_equal(np.sort(np.asarray(measured.labels[: len(weights)])[weights]), labels)
