"""Layers with their shapes, parameters and operations, and initial weights. Loads no framework."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import ModelError, SpecError
from seedbed.randomness import generator
from seedbed.specs import Conv

ImageShape = tuple[int, int, int]
Shape = tuple[int, ...]
Shapes = dict[str, Shape]
"""Name -> shape of every array of a network, in the order of the layers."""
Weights = dict[str, NDArray[np.float32]]
"""A network's arrays under Keras's names and layouts: `dense_0/kernel` (in, out), `conv_0/kernel` (height, width, in, out).

A separable convolution has `conv_1/depthwise_kernel` (height, width, in, 1) and `conv_1/pointwise_kernel` (1, 1, in, out).
"""

CACHED = 4 * 2**20
"""Bytes that a microbatch's patches and phases may take in one block.

A few times a core's own cache was fastest in measurements, for large and small blocks.
"""
SMALLEST_MICROBATCH, LARGEST_MICROBATCH = 8, 128
MICROBATCH = 32
"""Images per microbatch of a user's convolutional network."""


@dataclass(frozen=True)
class LayerFacts:
    """One row of a model's summary.

    Attributes:
        name: prefix of the weights' names; layers without weights have names too.
        kind: description in words.
        output_shape: shape of the output for one image.
        parameters: number of trainable parameters.
        operations: operations of one image's forward pass, 2 per multiply-add; activations and pooling are not counted.
    """

    name: str
    kind: str
    output_shape: Shape
    parameters: int
    operations: int


@dataclass(frozen=True)
class ConvShape:
    """The geometry of one block: convolution, activation, pooling.

    Attributes:
        channels, filters, kernel, stride, pool: as in the spec.
        height, width: size of the input (pixels).
        before: rows of zeros added above, and columns added to the left.
        convolved: height and width after the convolution (pixels).
        pooled: height and width after the pooling (pixels).
        separable: depthwise, then pointwise convolution.
    """

    channels: int
    filters: int
    kernel: int
    stride: int
    pool: int
    height: int
    width: int
    before: tuple[int, int]
    convolved: tuple[int, int]
    pooled: tuple[int, int]
    separable: bool = False

    @property
    def field(self) -> int:
        """Side of a pooling window's receptive field (pixels)."""
        return self.kernel + self.stride * (self.pool - 1)

    @property
    def numbers(self) -> int:
        """Number of values that one image takes in this block on a CPU: patches, unpooled outputs and pooled maps."""
        return (self.field**2 * self.channels + (self.pool**2 + 1) * self.filters) * math.prod(self.pooled)

    @property
    def weights(self) -> dict[str, Shape]:
        """Names and shapes of the block's arrays."""
        if not self.separable:
            return {"kernel": (self.kernel, self.kernel, self.channels, self.filters), "bias": (self.filters,)}
        depthwise, pointwise = (self.kernel, self.kernel, self.channels, 1), (1, 1, self.channels, self.filters)
        return {"depthwise_kernel": depthwise, "pointwise_kernel": pointwise, "bias": (self.filters,)}


def microbatch(shapes: Sequence[ConvShape]) -> int:
    """Number of images per microbatch on a CPU, so that the values of the largest block fit in `CACHED` bytes."""
    fit = CACHED // (4 * max(shape.numbers for shape in shapes))
    return min(max(1 << fit.bit_length() >> 1, SMALLEST_MICROBATCH), LARGEST_MICROBATCH)


def conv_shapes(spec: Conv, image_shape: ImageShape) -> list[ConvShape]:
    """Geometry of the blocks, padded as in TensorFlow and Keras ("same" puts the smaller half of the zeros first).

    Raises:
        SpecError: an image is smaller than a kernel or a pooling window.
    """
    height, width, channels = image_shape
    shapes = []
    for number, filters in enumerate(spec.filters):
        kernel, stride, pool = spec.kernel[number], spec.stride[number], spec.pool[number]
        sides = [_side(size, kernel, stride, spec.padding) for size in (height, width)]
        convolved = (sides[0][0], sides[1][0])
        pooled = (convolved[0] // pool, convolved[1] // pool)
        if not min(pooled) >= 1:
            raise SpecError(
                f"convolution {number} of {spec.filters}: images of {height} x {width} are too small for a kernel of {kernel}, "
                f"stride {stride} ({spec.padding}) and pool {pool}; use fewer blocks, a smaller pool or padding 'same'."
            )
        before = (sides[0][1], sides[1][1])
        separable = spec.separable and number > 0
        shapes.append(ConvShape(channels, filters, kernel, stride, pool, height, width, before, convolved, pooled, separable))
        (height, width), channels = pooled, filters
    return shapes


def _side(size: int, kernel: int, stride: int, padding: str) -> tuple[int, int]:
    if padding == "valid":
        return max(0, (size - kernel) // stride + 1), 0
    out = math.ceil(size / stride)
    return out, max((out - 1) * stride + kernel - size, 0) // 2


def conv_layers(spec: Conv, image_shape: ImageShape) -> Iterator[LayerFacts]:
    """Summary rows of the convolutions and of the head, whose output is the dense layers' input."""
    for number, block in enumerate(conv_shapes(spec, image_shape)):
        shape = (*block.convolved, block.filters)
        step = f", stride {block.stride}" if block.stride > 1 else ""
        called = "separable conv" if block.separable else "conv"
        kind = f"{called} {block.kernel} x {block.kernel} {spec.padding}{step}, {spec.activation}"
        parameters = sum(map(math.prod, block.weights.values()))
        operations = 2 * (parameters - block.filters) * math.prod(block.convolved)
        yield LayerFacts(f"conv_{number}", kind, shape, parameters, operations)
        if block.pool > 1:
            kind = f"max pool {block.pool} x {block.pool}"
            yield LayerFacts(f"pool_{number}", kind, (*block.pooled, block.filters), 0, 0)
    flat = spec.head == "flatten"
    size = block.filters * (math.prod(block.pooled) if flat else 1)
    yield LayerFacts("head", "flatten" if flat else "mean of each map", (size,), 0, 0)


def conv_weight_shapes(spec: Conv, image_shape: ImageShape, classes: int) -> Shapes:
    """Names and shapes of a convolutional network's arrays."""
    blocks = enumerate(conv_shapes(spec, image_shape))
    shapes = {f"conv_{number}/{name}": shape for number, block in blocks for name, shape in block.weights.items()}
    *_, head = conv_layers(spec, image_shape)
    return shapes | dense_weight_shapes([*head.output_shape, *spec.hidden, classes])


def dense_weight_shapes(widths: Sequence[int]) -> Shapes:
    """Names and shapes of the arrays of dense layers with widths `[inputs, hidden..., classes]`."""
    shapes: Shapes = {}
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        shapes |= {f"dense_{number}/kernel": (inputs, outputs), f"dense_{number}/bias": (outputs,)}
    return shapes


def initial_weights(shapes: Shapes, seed: int) -> Weights:
    """Initial weights, a pure function of seed and shapes: kernels Glorot-uniform, biases 0, as by default in Keras.

    Source: Glorot and Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. 16.
    """
    weights: Weights = {}
    for number, (name, shape) in enumerate(shapes.items()):
        weights[name] = np.zeros(shape, np.float32)
        if name.endswith("kernel"):
            field = math.prod(shape[:-2])
            limit = math.sqrt(6.0 / (field * (shape[-2] + shape[-1])))
            draws = generator(seed, "weights", number).random(shape, np.float32)
            weights[name] = (2.0 * draws - 1.0).astype(np.float32) * np.float32(limit)
    return weights


def each_initial(members: Sequence[Shapes], seed: int) -> list[Weights]:
    """Initial weights of each member of a population; members with equal shapes get the same arrays."""
    keys = [tuple(shapes.items()) for shapes in members]
    drawn = {key: initial_weights(dict(key), seed) for key in dict.fromkeys(keys)}
    return [drawn[key] for key in keys]


def dense_layers(widths: Sequence[int], hidden: str) -> Iterator[LayerFacts]:
    """Summary rows of dense layers with widths `[inputs, hidden..., classes]`.

    Args:
        widths: number of inputs, units of each hidden layer, and number of classes.
        hidden: description of what follows each hidden layer.
    """
    last = len(widths) - 2
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        kind = f"dense, {hidden if number < last else 'softmax'}"
        yield LayerFacts(f"dense_{number}", kind, (outputs,), (inputs + 1) * outputs, 2 * inputs * outputs)


def check_weights(weights: Weights, expected: Shapes) -> None:
    """Check that the arrays have exactly these names and shapes.

    Raises:
        ModelError: a name or shape differs.
    """
    if set(weights) != set(expected):
        raise ModelError(f"The weights hold {sorted(weights)}, and this network needs {sorted(expected)}.")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise ModelError(f"The weights' {name} has shape {weights[name].shape}, and this network needs {shape}.")
