"""A network as a graph of plain operations, in the layouts of Keras: for formats that are written operation by operation.

Shapes are those of one image; maps are (height, width, channels), kernels (height, width, inputs, outputs). What only training
uses, such as dropout, is not in a graph.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.models.architecture import Shape

WeightArray = NDArray[np.float32]
PoolKind = Literal["max", "average"]
BorderSizes = tuple[int, int, int, int]
"""Rows above, columns to the left, rows below, columns to the right (pixels)."""

NO_BORDER: BorderSizes = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Operation:
    """An operation of a graph.

    Attributes:
        name: name of the layer that it belongs to; unique in a graph.
        inputs: numbers of the operations whose outputs it takes.
        shape: shape of its output for one image.
    """

    name: str
    inputs: tuple[int, ...]
    shape: Shape

    @property
    def size(self) -> int:
        """Number of output values for one image."""
        return math.prod(self.shape)

    @property
    def arrays(self) -> dict[str, WeightArray]:
        """Its arrays by their names."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}


@dataclass(frozen=True, eq=False)
class ImageInput(Operation):
    """The image as stored."""


@dataclass(frozen=True, eq=False)
class Affine(Operation):
    """`x * factor + offset`, each one number, or one for each channel `(c,)`."""

    factor: WeightArray
    offset: WeightArray

    @property
    def effective(self) -> dict[str, WeightArray]:
        """`factor` where it is not 1, and `offset` where it is not 0."""
        neutral = {"factor": 1, "offset": 0}
        return {name: array for name, array in self.arrays.items() if np.any(array != neutral[name])}


@dataclass(frozen=True, eq=False)
class FullyConnected(Operation):
    """`x @ kernel + bias`; kernel `(inputs, outputs)`."""

    kernel: WeightArray
    bias: WeightArray


@dataclass(frozen=True, eq=False)
class Window:
    """Where a sliding window stops: its step, and the border around the maps."""

    strides: tuple[int, int] = (1, 1)
    border: BorderSizes = NO_BORDER


@dataclass(frozen=True, eq=False)
class Convolution(Operation):
    """A convolution, with zeros around the maps; kernel `(height, width, inputs, outputs)`."""

    kernel: WeightArray
    bias: WeightArray
    window: Window

    @property
    def outputs_first(self) -> WeightArray:
        """The kernel `(outputs, inputs, height, width)`, as ONNX and PyTorch have it."""
        return self.kernel.transpose(3, 2, 0, 1)


@dataclass(frozen=True, eq=False)
class DepthwiseConvolution(Operation):
    """A convolution of each channel by its own kernels; kernel `(height, width, channels, kernels per channel)`."""

    kernel: WeightArray
    bias: WeightArray
    window: Window

    @property
    def channels(self) -> int:
        """Number of channels of its input, each a group of its own."""
        return int(self.kernel.shape[2])

    @property
    def outputs_first(self) -> WeightArray:
        """The kernel `(outputs, 1, height, width)`, as ONNX and PyTorch have it."""
        height, width, channels, each = self.kernel.shape
        return self.kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width)


@dataclass(frozen=True, eq=False)
class Activated(Operation):
    """An elementwise function by its name in `seedbed.exports.activations`; `alpha` is its parameter, where it has one."""

    function: str
    alpha: float = 0.0


@dataclass(frozen=True, eq=False)
class Pooling(Operation):
    """The largest or the mean value of each window; what a border adds counts in neither."""

    kind: PoolKind
    pool: tuple[int, int]
    window: Window


@dataclass(frozen=True, eq=False)
class GlobalPooling(Operation):
    """The largest or the mean value of each map."""

    kind: PoolKind


@dataclass(frozen=True, eq=False)
class Reshaped(Operation):
    """The same values in another shape, channels innermost."""


@dataclass(frozen=True, eq=False)
class ZeroBorder(Operation):
    """Zeros around the maps."""

    border: BorderSizes


@dataclass(frozen=True, eq=False)
class Combined(Operation):
    """Several inputs of one shape, added or multiplied; or joined along their channels."""

    how: Literal["sum", "product", "join"]


@dataclass(frozen=True, eq=False)
class Probabilities(Operation):
    """Logits to probabilities by softmax, or positive shares divided by their sum."""

    how: Literal["softmax", "shares"]


@dataclass(frozen=True)
class Graph:
    """Operations in an order in which each follows its inputs; the first is the image, the last the probabilities.

    Attributes:
        operations: the operations.
    """

    operations: tuple[Operation, ...]

    @property
    def image_shape(self) -> Shape:
        return self.operations[0].shape

    @property
    def classes(self) -> int:
        return self.operations[-1].size

    @property
    def multiplications(self) -> int:
        """Multiply-adds of fully connected layers and convolutions for one image."""
        total = 0
        for operation in self.operations:
            if isinstance(operation, FullyConnected):
                total += operation.kernel.size
            elif isinstance(operation, Convolution | DepthwiseConvolution):
                total += operation.kernel.size * math.prod(operation.shape[:2])
        return total

    def users(self, number: int) -> list[int]:
        """Numbers of the operations that take an operation's output."""
        return [index for index, each in enumerate(self.operations) if number in each.inputs]


def folded(graph: Graph) -> Graph:
    """The graph with each `Affine` that follows a layer with weights alone made a part of that layer's weights."""
    operations: list[Operation] = []
    places: dict[int, int] = {}
    for number, operation in enumerate(graph.operations):
        inputs = tuple(places[each] for each in operation.inputs)
        before = operations[inputs[0]] if inputs else None
        alone = bool(operation.inputs) and len(graph.users(operation.inputs[0])) == 1
        if isinstance(operation, Affine) and alone and isinstance(before, FullyConnected | Convolution):
            operations[inputs[0]] = _with_affine(before, operation)
            places[number] = inputs[0]
        else:
            operations.append(replace(operation, inputs=inputs))
            places[number] = len(operations) - 1
    return Graph(tuple(operations))


def _with_affine(layer: FullyConnected | Convolution, affine: Affine) -> FullyConnected | Convolution:
    kernel = (layer.kernel * affine.factor).astype(np.float32)
    bias = (layer.bias * affine.factor + affine.offset).astype(np.float32)
    return replace(layer, kernel=kernel, bias=bias)


def border_of(size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], padding: str) -> BorderSizes:
    """The border that "same" or "valid" adds to maps of a height and width, with the smaller half of the zeros first."""
    if padding == "valid":
        return NO_BORDER
    total = [
        max((-(-side // step) - 1) * step + edge - side, 0) for side, edge, step in zip(size, kernel, strides, strict=True)
    ]
    top, left = (each // 2 for each in total)
    return top, left, total[0] - top, total[1] - left


def scaled_first(graph: Graph) -> Graph:
    """The graph with an `Affine` as the one operation that takes the image, which changes nothing where there was none."""
    users = graph.users(0)
    if users == [1] and isinstance(graph.operations[1], Affine):
        return graph
    one, zero = np.ones(1, np.float32), np.zeros(1, np.float32)
    pixels, *others = graph.operations
    moved = [replace(each, inputs=tuple(number + 1 for number in each.inputs)) for each in others]
    return Graph((pixels, Affine("scale", (0,), pixels.shape, one, zero), *moved))
