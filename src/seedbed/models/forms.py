"""The forms in which a block of a convolutional network is computed, and the one place that chooses between them.

    kernels     native code, for CPUs: `seedbed.kernels`, where it was built
    products    patches and matrix products, for CPUs: `models.convolution`
    xla         XLA's own convolutions, for GPUs

All three compute the same network up to rounding. Each has its own layout of images and maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import jax
import jax.numpy as jnp
from jax import Array

from seedbed import kernels
from seedbed.kinds.activations import Activation
from seedbed.models.architecture import LARGEST_MICROBATCH, ConvShape, microbatch
from seedbed.models.convolution import max_pool, phases, separable_phases, separable_xla, xla
from seedbed.models.pooling import largest
from seedbed.models.protocol import MatMul

LayerWeights = dict[str, Array]

KERNELS, PRODUCTS, XLA = "kernels", "products", "xla"

LARGEST_POOL = 15
"""Largest pooling window of the kernels, which note the place of a maximum in one byte (pixels)."""


class ConvForm(Protocol):
    """How the blocks of a convolutional network are computed.

    Attributes:
        name: name in records of runs.
        lanes: floats per vector of the native kernels; 0 without them.
        microbatch: images per microbatch in training. None means the whole minibatch.
        multiple: images are padded to a multiple of this number.
        eval_batch_size: images per evaluation batch.
        vectorized: whether all members of a population run at once.
    """

    @property
    def name(self) -> str: ...

    @property
    def lanes(self) -> int: ...

    @property
    def microbatch(self) -> int | None: ...

    @property
    def multiple(self) -> int: ...

    @property
    def eval_batch_size(self) -> int: ...

    @property
    def vectorized(self) -> bool: ...

    def enter(self, images: Array) -> Array:
        """Bring images `(B, h, w, c)` into the form's layout, once for all members."""

    def block(self, shape: ConvShape, weights: LayerWeights, x: Array, *, first: bool) -> Array:
        """Apply convolution, activation and pooling to maps in the form's layout.

        Args:
            shape: geometry of the block.
            weights: its arrays, `ConvShape.weights`.
            x: maps of the block before, or what `enter` returned.
            first: whether this is the first block, whose inputs need no gradient.
        """

    def maps(self, x: Array, images: int) -> Array:
        """Bring maps into the layout `(h, w, channels, images)`, without padding."""

    def saturated(self, x: Array, images: int) -> Array:
        """Share of saturated units in maps in the form's layout."""


@dataclass(frozen=True)
class _Plain:
    """What two forms share: the layout is channels x height x width x images.

    Args:
        activation: activation of every block.
        matmul: matrix product at the population's precision.
        microbatch: as in `ConvForm`.
    """

    activation: Activation
    matmul: MatMul
    microbatch: int | None = None
    multiple: int = 1
    lanes: int = 0

    def enter(self, images: Array) -> Array:
        return jnp.transpose(images, (3, 1, 2, 0))

    def maps(self, x: Array, images: int) -> Array:
        return jnp.transpose(x, (1, 2, 0, 3))

    def saturated(self, x: Array, images: int) -> Array:
        return self.activation.saturated(x, (0, 1, 2))


@dataclass(frozen=True)
class Products(_Plain):
    """Patches and matrix products; members run one after the other, in microbatches that fit the caches."""

    name: str = PRODUCTS
    eval_batch_size: int = 50
    vectorized: bool = False

    def block(self, shape: ConvShape, weights: LayerWeights, x: Array, *, first: bool) -> Array:
        if shape.separable:
            depthwise, pointwise = weights["depthwise_kernel"], weights["pointwise_kernel"]
            z = separable_phases(shape, depthwise, pointwise, x, self.matmul)
        else:
            z = phases(shape, weights["kernel"], x, self.matmul)
        activate, bias = self.activation.function, weights["bias"][:, None, None, None]
        return activate(largest(z) + bias) if self.activation.monotone else largest(activate(z + bias))


@dataclass(frozen=True)
class XlaConvolutions(_Plain):
    """XLA's own convolutions, vectorized over the members."""

    name: str = XLA
    eval_batch_size: int = 500
    vectorized: bool = True

    def block(self, shape: ConvShape, weights: LayerWeights, x: Array, *, first: bool) -> Array:
        if shape.separable:
            z = separable_xla(shape, weights["depthwise_kernel"], weights["pointwise_kernel"], x, self.matmul)
        else:
            z = xla(shape, weights["kernel"], x, self.matmul)
        return max_pool(shape, self.activation.function(z + weights["bias"][:, None, None, None]))


@dataclass(frozen=True)
class NativeKernels:
    """Native code; images lie innermost, in blocks as wide as a vector.

    Args:
        activation: activation of every block; ReLU is part of the kernels, others are computed by XLA.
        lanes: images per block.
        instructions: name of the instruction set.
    """

    activation: Activation
    lanes: int
    instructions: str
    microbatch: int | None = LARGEST_MICROBATCH
    eval_batch_size: int = LARGEST_MICROBATCH
    vectorized: bool = False

    @property
    def name(self) -> str:
        return f"{KERNELS} {self.instructions}"

    @property
    def multiple(self) -> int:
        return self.lanes

    def enter(self, images: Array) -> Array:
        from seedbed.kernels.calls import blocked

        # What fills up the last block must not wake a unit that is off for all images: the last image again.
        filled = jnp.pad(images, ((0, -len(images) % self.lanes), (0, 0), (0, 0), (0, 0)), mode="edge")
        return blocked(filled, self.lanes)

    def maps(self, x: Array, images: int) -> Array:
        from seedbed.kernels.calls import unblocked

        return unblocked(x, images)

    def saturated(self, x: Array, images: int) -> Array:
        if self.activation.ends is not None:
            return self.activation.saturated(self.maps(x, images), (0, 1, 2))
        return self.activation.saturated(jnp.max(x, axis=0), (0, 1, 2))  # never positive: the largest is not

    def block(self, shape: ConvShape, weights: LayerWeights, x: Array, *, first: bool) -> Array:
        from seedbed.kernels.calls import ConvGeometry, convolve, convolve_depthwise

        height, width = shape.pooled
        whole = (height * shape.pool, width * shape.pool)  # as far as pooling reads it
        geometry = ConvGeometry(shape.stride, 1, shape.before, whole, inner=not first)
        if shape.separable:
            x = convolve_depthwise(geometry, x, weights["depthwise_kernel"])
            kernel, geometry = weights["pointwise_kernel"], ConvGeometry(1, 1, (0, 0), whole)
        else:
            kernel = weights["kernel"]
        if shape.pool > 1 and not self.activation.monotone:
            return _pooled(shape.pool, self.activation.function(convolve(geometry, x, kernel, weights["bias"])))
        relu = self.activation.name == "relu"
        y = convolve(replace(geometry, pool=shape.pool, pooled=shape.pooled, relu=relu), x, kernel, weights["bias"])
        return y if relu else self.activation.function(y)


def _pooled(pool: int, a: Array) -> Array:
    """Maxima over the pooling windows of maps `(blocks, h, w, channels, lanes)`."""
    blocks, height, width, *rest = a.shape
    windows = a.reshape(blocks, height // pool, pool, width // pool, pool, *rest)
    return largest(jnp.moveaxis(windows, (2, 4), (0, 1)).reshape(pool**2, blocks, height // pool, width // pool, *rest))


def conv_form(shapes: Sequence[ConvShape], activation: Activation, matmul: MatMul, *, on_cpu: bool) -> ConvForm:
    """Choose the form of a convolutional network.

    Args:
        shapes: geometry of its blocks.
        activation: activation of its blocks.
        matmul: matrix product at its precision.
        on_cpu: whether a CPU runs it.
    """
    if not on_cpu:
        return XlaConvolutions(activation, matmul)
    found = native_kernels(matmul, on_cpu=on_cpu)
    if found.lanes and all(shape.pool <= LARGEST_POOL for shape in shapes):
        return NativeKernels(activation, found.lanes, found.name)
    return Products(activation, matmul, microbatch(shapes))


def native_kernels(matmul: MatMul, *, on_cpu: bool) -> kernels.KernelSupport:
    """The kernels that can compute a network: on a CPU, and in float32 only."""
    wanted = on_cpu and matmul.precision == "f32" and jax.default_backend() == "cpu"
    return kernels.support() if wanted else kernels.KernelSupport()
