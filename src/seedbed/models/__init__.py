"""From specs to networks: what a network looks like, and populations of them for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from seedbed.devices import signals_held_back
from seedbed.models.architecture import LayerFacts, Weights, check_weights, describe, facts
from seedbed.specs import Conv, Dense, Keras, ModelSpec

if TYPE_CHECKING:
    from seedbed.models.protocol import Population

__all__ = ["LayerFacts", "Weights", "build", "check_weights", "describe", "facts", "probabilities"]


def build(
    specs: Sequence[ModelSpec],
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    precision: str = "f32",
    on_cpu: bool = True,
) -> Population:
    """A population of networks of one family (and, but for dense ones, of one shape)."""
    first = specs[0]
    if isinstance(first, Dense):
        from seedbed.models.dense import DensePopulation

        dense = cast("Sequence[Dense]", specs)
        return DensePopulation(dense, image_shape, classes, precision=precision)
    if isinstance(first, Conv):
        from seedbed.models.conv import ConvPopulation

        return ConvPopulation(cast("Sequence[Conv]", specs), image_shape, classes, precision=precision, on_cpu=on_cpu)
    from seedbed.models.keras import KerasPopulation

    return KerasPopulation(cast("Sequence[Keras]", specs), image_shape, classes, on_cpu=on_cpu)


def probabilities(
    spec: ModelSpec, weights: Weights, images: NDArray[Any], *, scale: float, classes: int, batch: int = 1000
) -> NDArray[np.float32]:
    """A network's answers: class probabilities `(n, classes)` for images `(n, h, w, c)`, which it sees divided by `scale`.

    Raises:
        ModelError: the weights do not fit the network.
    """
    with signals_held_back():
        from seedbed.models.inference import answer

    return answer(spec, weights, images, scale=scale, classes=classes, batch=batch)
