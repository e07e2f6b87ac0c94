"""Inference: a trained network's class probabilities for images."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.devices import signals_held_back
from seedbed.models.architecture import ImageShape, Weights, check_weights
from seedbed.models.families import FAMILIES, build
from seedbed.records import Normalization
from seedbed.specs import ModelSpec

if TYPE_CHECKING:
    from jax import Array

    from seedbed.models.protocol import Params, Population, State


STEP = 64
"""Above this number of images, functions are compiled for its multiples."""


def probabilities(
    spec: ModelSpec,
    weights: Weights,
    images: NDArray[Any],
    *,
    normalization: Normalization,
    classes: int,
    batch: int = 1_024,
) -> NDArray[np.float32]:
    """Class probabilities `(n, classes)` of a network for images.

    Args:
        spec: the network.
        weights: its arrays, named and laid out as in Keras.
        images: images as stored, `(n, h, w, c)`.
        normalization: what the network gets of stored images; one that takes pixels as stored gets these instead.
        classes: number of classes.
        batch: images per call of the compiled function at most.

    Raises:
        ModelError: the weights do not fit the network.
    """
    image_shape = (images.shape[1], images.shape[2], images.shape[3])
    expected = FAMILIES[spec.family].weight_shapes(spec, image_shape, classes)
    if expected is not None:
        check_weights(weights, expected)
    population, softmax = alone(spec, image_shape, classes)
    params, state = population.pack([weights])
    fed = Normalization(1.0) if population.raw_pixels else normalization
    size = min(batch, _compiled_for(len(images)))
    parts = []
    for start in range(0, len(images), size):
        part = images[start : start + size]
        filled = np.pad(part, ((0, size - len(part)), (0, 0), (0, 0), (0, 0)))
        parts.append(np.asarray(softmax(params, state, fed.inputs(filled)))[: len(part)])
    return np.concatenate(parts) if parts else np.zeros((0, classes), np.float32)


def _compiled_for(images: int) -> int:
    """A number of images that are filled up, so that folds of almost equal size share a compiled function.

    >>> [_compiled_for(images) for images in (1, 3, 60, 270, 271)]
    [1, 4, 64, 320, 320]
    """
    return -(-images // STEP) * STEP if images > STEP else 1 << max(0, images - 1).bit_length()


@lru_cache(maxsize=32)
def alone(spec: ModelSpec, image_shape: ImageShape, classes: int) -> tuple[Population, Any]:
    """The network as a population of one, with its compiled inference function."""
    with signals_held_back():
        import jax
        import jax.numpy as jnp

        from seedbed.models.protocol import Hyperparameters

    population, none = build([spec], image_shape, classes), jnp.zeros(1)

    def softmax(params: Params, state: State, images: Array) -> Array:
        logits, _, _ = population.apply(params, state, images, Hyperparameters(none, none, none), None)
        return jax.nn.softmax(logits[0], axis=0).T

    return population, jax.jit(softmax)
