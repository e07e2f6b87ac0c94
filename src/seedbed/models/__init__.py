"""From specs to networks: what a network looks like, and populations of them for the engine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.devices import signals_held_back
from seedbed.models.architecture import LayerFacts, Weights, check_weights
from seedbed.models.families import FAMILIES, Family, build, describe, facts
from seedbed.specs import ModelSpec

__all__ = ["FAMILIES", "Family", "LayerFacts", "Weights", "build", "check_weights", "describe", "facts", "probabilities"]


def probabilities(
    spec: ModelSpec, weights: Weights, images: NDArray[Any], *, scale: float, classes: int, batch: int = 1000
) -> NDArray[np.float32]:
    """A network's class probabilities `(n, classes)` for images `(n, h, w, c)`, which it sees divided by `scale`.

    Raises:
        ModelError: the weights do not fit the network.
    """
    with signals_held_back():
        from seedbed.models import inference

    return inference.probabilities(spec, weights, images, scale=scale, classes=classes, batch=batch)
