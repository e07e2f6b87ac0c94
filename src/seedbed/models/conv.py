"""Populations of convolutional networks with equal shapes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.kinds import ACTIVATIONS
from seedbed.models.architecture import ConvShape, Weights, conv_shapes, conv_weight_shapes, each_initial, microbatch
from seedbed.models.convolution import max_pool, native, phases, separable_native, separable_phases
from seedbed.models.dense import dropout
from seedbed.models.pooling import largest
from seedbed.models.protocol import MatMul, Outputs, Params, Probes, State
from seedbed.models.stacked import StackedPopulation
from seedbed.specs import Conv


class ConvPopulation(StackedPopulation):
    """Convolutional networks of one architecture; dropout rates may differ.

    Args:
        specs: the members.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        precision: precision of the matrix products.
        on_cpu: convolve by patches and matrix products, in microbatches, one member at a time; else use XLA's own
            convolutions, vectorized over the members.
    """

    def __init__(
        self,
        specs: Sequence[Conv],
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        precision: str = "f32",
        on_cpu: bool = True,
    ) -> None:
        self.shapes = conv_shapes(specs[0], image_shape)
        super().__init__(specs, microbatch=microbatch(self.shapes) if on_cpu else None, vectorized=not on_cpu)
        self.spec = specs[0]
        self.image_shape = image_shape
        self.classes = classes
        self.drops = any(spec.dropout > 0 for spec in specs)
        self.on_cpu = on_cpu
        self._activation = ACTIVATIONS[self.spec.activation]
        self._matmul = MatMul(precision)

    @property
    def signature(self) -> Hashable:
        shape = self.spec.changed(dropout=0.0)
        return ("conv", shape, self.image_shape, self.classes, len(self.specs), self.drops, self.on_cpu, self._matmul)

    @property
    def self_contained(self) -> bool:
        return True

    def initial(self, seed: int) -> list[Weights]:
        return each_initial([conv_weight_shapes(self.spec, self.image_shape, self.classes)] * len(self.specs), seed)

    def one(self, params: Params, state: State, images: Array, dropout: Array, key: Array | None) -> Outputs:
        probes: Probes = {}
        x = jnp.transpose(images, (3, 1, 2, 0))
        for number, shape in enumerate(self.shapes):
            x = self._block(shape, {name: params[f"conv_{number}/{name}"] for name in shape.weights}, x)
            probes[f"saturation/conv_{number}"] = self._activation.saturated(x.reshape(1, x[..., 0].size, -1), (1,))[0]
        x = self._head(x)
        for number in range(len(self.spec.hidden) + 1):
            if self.drops and key is not None:
                x = _dropped(x, dropout, jax.random.fold_in(key, number))
            x = self._matmul("io,ib->ob", params[f"dense_{number}/kernel"], x) + params[f"dense_{number}/bias"][:, None]
            if number < len(self.spec.hidden):
                x = self._activation.function(x)
                probes[f"saturation/dense_{number}"] = self._activation.saturated(x[None], (1,))[0]
        return x, state, probes

    def _block(self, shape: ConvShape, weights: dict[str, Array], x: Array) -> Array:
        """Apply convolution, activation and pooling: `(channels, h, w, images)` to `(filters, pooled h, pooled w, images)`."""
        activate, bias = self._activation.function, weights["bias"][:, None, None, None]
        z = self._convolved(shape, weights, x)
        if not self.on_cpu:
            return max_pool(shape, activate(z + bias))
        if self._activation.monotone:
            return activate(largest(z) + bias)
        return largest(activate(z + bias))

    def _convolved(self, shape: ConvShape, weights: dict[str, Array], x: Array) -> Array:
        """Compute pre-activations without bias; on a CPU in the layout of `convolution.phases`."""
        if not shape.separable:
            kernel = weights["kernel"]
            return (phases if self.on_cpu else native)(shape, kernel, x, self._matmul)
        depthwise, pointwise = weights["depthwise_kernel"], weights["pointwise_kernel"]
        return (separable_phases if self.on_cpu else separable_native)(shape, depthwise, pointwise, x, self._matmul)

    def _head(self, x: Array) -> Array:
        if self.spec.head == "average":
            return jnp.mean(x, axis=(1, 2))
        return jnp.transpose(x, (1, 2, 0, 3)).reshape(-1, x.shape[-1])


def _dropped(x: Array, rate: Array, key: Array) -> Array:
    return dropout(x[None], rate, key)[0]
