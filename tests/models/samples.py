"""Populations of each family, small; the same networks built of Keras's own layers; a batch of made-up images."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from seedbed import kernels, models
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.models.keras import build_model
from seedbed.models.keras_backend import load_keras
from seedbed.models.plain import plain_layers
from seedbed.models.protocol import Batch, Hyperparameters, Population
from seedbed.specs import Conv, Dense, Keras, ModelSpec
from seedbed.training.optimizers import penalized

IMAGE_SHAPE = (7, 6, 2)
CLASSES = 4
BATCH = 7
KEY = jax.random.key(3)
QUICK: dict[str, str | bool] = {"xla_backend_optimization_level": "0"}
if jax.__version_info__ < (0, 11):
    QUICK["xla_cpu_use_fusion_emitters"] = False
"""Compiles in less than half the time, by the older of XLA's two ways as jobs do; what the code says is the same."""

USER_FILE = """
import keras

def build(drop=0.25, units=6):
    inputs = keras.Input((7, 6, 2))
    x = keras.layers.Conv2D(4, 3, padding="same", name="look")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.MaxPooling2D(2)(keras.layers.ReLU()(x))
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(drop)(x)
    x = keras.layers.Dense(units, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.03), name="think")(x)
    return keras.Model(inputs, keras.layers.Dense(4, activation="softmax", name="say")(x))
"""

VARIANTS = tuple(name for name, lanes in INSTRUCTION_SETS.items() if lanes <= kernels.support().lanes)
"""Instruction sets for which this machine has kernels, the widest first; none without a compiler."""


@contextmanager
def switched(switch: str) -> Iterator[None]:
    """With native kernels for this instruction set at most, or "off"."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(kernels.SWITCH, switch)
        yield


DENSE: tuple[Dense, ...] = (
    Dense(hidden=(5, 4), dropout=0.5),
    Dense(hidden=(5, 4), dropout=0.0),
    Dense(hidden=(3,), activation="tanh", dropout=0.3),
    Dense(hidden=()),
)
CONV = tuple(
    Conv(filters=(3, 2), kernel=(3, 2), pool=(2, 1), hidden=(5,), activation="gelu", dropout=dropout) for dropout in (0.5, 0.0)
)

SEPARABLE = tuple(spec.changed(separable=True, activation="relu", hidden=()) for spec in CONV)


def user_spec(**arguments: float) -> Keras:
    """A network of a user's, in a file of its own."""
    path = Path(tempfile.gettempdir()) / f"seedbed_user_model_{abs(hash(USER_FILE))}.py"
    path.write_text(USER_FILE)
    return Keras.of(f"{path}:build", **arguments)


@dataclass(frozen=True)
class Family:
    """A population with different weights, penalties and (by its specs) dropout rates in each member."""

    name: str
    specs: tuple[ModelSpec, ...]
    on_cpu: bool = True
    switch: str = "off"
    _compiled: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def population(self) -> Population:
        return self.build(self.specs)

    def build(self, specs: Sequence[ModelSpec], **settings: Any) -> Population:
        with switched(self.switch):
            return models.build(specs, IMAGE_SHAPE, CLASSES, on_cpu=self.on_cpu, **settings)

    @cached_property
    def weights(self) -> list[dict[str, Any]]:
        return [random_weights(self.alone(member), seed=member) for member in range(len(self.specs))]

    def alone(self, member: int) -> Population:
        """The member as a population of one."""
        if ("alone", member) not in self._compiled:
            self._compiled["alone", member] = self.build([self.specs[member]])
        found: Population = self._compiled["alone", member]
        return found

    @property
    def packed(self) -> tuple[Any, Any]:
        return self.population.pack(self.weights)

    @cached_property
    def hyper(self) -> Hyperparameters:
        return knobs_of(self.specs)

    @cached_property
    def trained(self) -> tuple[Any, Any, Any, Any]:
        """Logits, state, probes and gradients of all members, in training."""
        found: tuple[Any, Any, Any, Any] = self.program(*self.packed, batch(), self.hyper, KEY)
        return found

    @cached_property
    def program(self) -> Any:
        return in_training(self.population)

    def jitted(self, method: str, population: Population | None = None) -> Any:
        """A method of the population, compiled once."""
        population = population or self.population
        key = (method, id(population))
        if key not in self._compiled:
            function = gradients_of(population) if method == "gradients" else getattr(population, method)
            self._compiled[key] = jax.jit(function, compiler_options=QUICK)
        return self._compiled[key]

    def __str__(self) -> str:
        return self.name


def gradients_of(population: Population) -> Any:
    """Gradients of the loss plus penalty as a step takes them, and the new state."""

    def both(params: Any, state: Any, batch: Batch, hyper: Hyperparameters, key: Any) -> Any:
        gradients, state = population.gradients(params, state, batch, hyper, key)
        return penalized(population, params, gradients, hyper.l1, hyper.l2), state

    return both


def in_training(population: Population) -> Any:
    """Logits, new state, probes and gradients of one minibatch, compiled together."""

    def both(params: Any, state: Any, batch: Batch, hyper: Hyperparameters, key: Any) -> Any:
        logits, _, probes = population.apply(params, state, batch.images, hyper, key)
        gradients, state = gradients_of(population)(params, state, batch, hyper, key)
        return logits, state, probes, gradients

    return jax.jit(both, compiler_options=QUICK)


def families() -> list[Family]:
    keras = user_spec()
    return [
        Family("dense", DENSE),
        *(Family("dense-kernels", DENSE, switch=name) for name in VARIANTS[:1]),
        Family("conv", CONV),
        Family("conv-xla", CONV, on_cpu=False),
        *(Family("conv-kernels", CONV, switch=name) for name in VARIANTS[:1]),
        Family("separable", SEPARABLE),
        Family("separable-xla", SEPARABLE, on_cpu=False),
        *(Family("separable-kernels", SEPARABLE, switch=name) for name in VARIANTS[:1]),
        Family("keras", (keras, keras)),
        Family("keras-xla", (keras, keras), on_cpu=False),
    ]


def knobs_of(specs: Sequence[ModelSpec]) -> Hyperparameters:
    dropout = [0.0 if isinstance(spec, Keras) else spec.dropout for spec in specs]
    numbers = np.arange(len(specs), dtype=np.float32)
    weights = 1 + 0.5 * numbers[:, None] * np.arange(CLASSES)  # those of the first member are 1
    knobs = (0.01 * numbers, 0.02 + 0.01 * numbers, dropout, weights)
    alive = np.ones(len(specs), bool)
    return Hyperparameters(*(np.array(part, np.float32) for part in knobs), alive)  # type: ignore[arg-type]


def knob(hyper: Hyperparameters, member: int) -> Hyperparameters:
    return jax.tree.map(lambda values: values[member : member + 1], hyper)


def random_weights(population: Population, seed: int) -> dict[str, Any]:
    """One network's arrays with nothing left at 0 or 1: biases and batch statistics too."""
    draws = np.random.default_rng(seed)
    fresh = population.initial(seed)[0]
    moved = {name: array + 0.3 * draws.standard_normal(array.shape).astype(np.float32) for name, array in fresh.items()}
    return {name: np.abs(array) + 0.5 if "variance" in name else array for name, array in moved.items()}


def batch() -> Batch:
    """Seven images, the last only to fill up."""
    draws = np.random.default_rng(7)
    images = draws.random((BATCH, *IMAGE_SHAPE), np.float32)
    labels = draws.integers(CLASSES, size=BATCH).astype(np.int32)
    weights = np.array([1.0] * (BATCH - 1) + [0.0], np.float32)
    return Batch(images, labels, weights)  # type: ignore[arg-type]


def reference(spec: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> Any:
    """The network in Keras's own layers, up to its logits but for a user's softmax."""
    keras = load_keras()
    if isinstance(spec, Keras):
        return build_model(spec, image_shape, classes, seed=0)
    return keras.Sequential([keras.Input(image_shape), *plain_layers(spec, classes, last=None)])


def close(found: Any, expected: Any, tolerance: float, least: float = 1e-2) -> None:
    """Equal up to a share of the largest absolute value of what is expected, or of the least value that sums are made of."""
    found, expected = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    assert found.shape == expected.shape
    scale = max(float(np.max(np.abs(expected), initial=0.0)), least)
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=tolerance)
