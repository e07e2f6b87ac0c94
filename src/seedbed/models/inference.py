"""A trained network's answers to images."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed import models
from seedbed.models.architecture import Weights, check_weights
from seedbed.models.protocol import Hyperparameters, Params, Population, State
from seedbed.specs import Keras, ModelSpec


def answer(
    spec: ModelSpec, weights: Weights, images: NDArray[Any], *, scale: float, classes: int, batch: int
) -> NDArray[np.float32]:
    """See `seedbed.models.probabilities`."""
    image_shape = (images.shape[1], images.shape[2], images.shape[3])
    if not isinstance(spec, Keras):
        check_weights(weights, spec, image_shape, classes)
    population, softmax = alone(spec, image_shape, classes)
    params, state = population.pack([weights])
    parts = []
    for start in range(0, len(images), batch):
        part = images[start : start + batch]
        filled = np.pad(part, ((0, batch - len(part)), (0, 0), (0, 0), (0, 0))) if start else part
        x = filled.astype(np.float32) / np.float32(scale)
        parts.append(np.asarray(softmax(params, state, x))[: len(part)])
    return np.concatenate(parts) if parts else np.zeros((0, classes), np.float32)


@lru_cache(maxsize=32)
def alone(spec: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> tuple[Population, Any]:
    """The network as a population of one, and its compiled inference."""
    population = models.build([spec], image_shape, classes)
    none = jnp.zeros(1)

    def probabilities(params: Params, state: State, images: Array) -> Array:
        logits, _, _ = population.apply(params, state, images, Hyperparameters(none, none, none), None)
        return jax.nn.softmax(logits[0], axis=0).T

    return population, jax.jit(probabilities)
