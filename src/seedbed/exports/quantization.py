"""From float32 to int8: `value = scale * (q - zero)`.

Weights have one scale for each output and no zero (symmetric), activations one scale and one zero for each layer, chosen so
that the values that training images give just fit. Sums of products are exact in int32.

Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.exports.arithmetic import outputs
from seedbed.exports.graph import (
    Activated,
    Affine,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    Graph,
    ImageInput,
    Pooling,
    Reshaped,
    WeightArray,
    ZeroBorder,
)

KEEPING = (Reshaped, ZeroBorder)
"""Operations whose output has the numbers of their input; the largest of windows too."""


APPLYING = (FullyConnected, Convolution, DepthwiseConvolution, Affine)
"""Operations that may apply an activation to their results."""


@dataclass(frozen=True)
class Int8Numbers:
    """How int8 stands for numbers: `scale * (q - zero)`."""

    scale: float
    zero: int

    @classmethod
    def holding(cls, low: float, high: float) -> Int8Numbers:
        """The finest ones that reach from `low` to `high`, and have a 0."""
        low, high = min(low, 0.0), max(high, 0.0)
        scale = float(np.float32((high - low) / 255)) or 1.0
        return cls(scale, int(np.clip(np.rint(-128 - low / scale), -128, 127)))


def int8_numbers(graph: Graph, images: NDArray[Any]) -> dict[int, Int8Numbers]:
    """Choose the numbers of each operation's output by images as stored, `(n, h, w, c)`.

    An activation that alone follows a layer decides for both, since the layer applies it before it rounds.
    """
    values = outputs(graph, images)
    chosen: dict[int, Int8Numbers] = {}
    for number, operation in enumerate(graph.operations):
        if isinstance(operation, ImageInput) or applies_activation(graph, number):
            continue
        keeps = isinstance(operation, KEEPING) or (isinstance(operation, Pooling) and operation.kind == "max")
        kept = chosen.get(operation.inputs[0]) if keeps else None
        if number == 1:
            kept = _of_bytes(operation, images)
        chosen[number] = kept or Int8Numbers.holding(float(values[number].min()), float(values[number].max()))
    return chosen


def applies_activation(graph: Graph, number: int) -> bool:
    """Whether an operation applies the activation that follows it, before it rounds."""
    users = graph.users(number)
    followed = len(users) == 1 and isinstance(graph.operations[users[0]], Activated)
    return followed and number > 1 and isinstance(graph.operations[number], APPLYING)


def _of_bytes(operation: Any, images: NDArray[Any]) -> Int8Numbers | None:
    """Numbers that are exact for pixels of one byte, which are then only shifted by 128; None where they would be coarse."""
    plain = images.dtype == np.uint8 and operation.factor.size == 1 and operation.factor[0] > 0 and not operation.offset.any()
    return Int8Numbers(float(operation.factor[0]), -128) if plain and images.max(initial=0) >= 128 else None


def int8_kernel(kernel: WeightArray) -> tuple[NDArray[np.int8], WeightArray]:
    """A kernel `(outputs, ...)` in int8, and the scale of each output."""
    largest = np.abs(kernel.reshape(len(kernel), -1)).max(axis=1)
    scale = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    rounded = np.rint(kernel / scale.reshape(-1, *(1,) * (kernel.ndim - 1)))
    return np.clip(rounded, -127, 127).astype(np.int8), scale
