"""Populations of convolutional networks with equal shapes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import jax
import jax.numpy as jnp
from jax import Array

from seedbed.kinds import ACTIVATIONS
from seedbed.models.architecture import Weights, conv_shapes, conv_weight_shapes, each_initial
from seedbed.models.dense import dropout
from seedbed.models.forms import conv_form
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
        on_cpu: whether a CPU runs it; this and the network determine the form of the convolutions, see `models.forms`.
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
        self.spec = specs[0]
        self.image_shape = image_shape
        self.classes = classes
        self.drops = any(spec.dropout > 0 for spec in specs)
        self._activation = ACTIVATIONS[self.spec.activation]
        self._matmul = MatMul(precision)
        self._form = conv_form(self.shapes, self._activation, self._matmul, on_cpu=on_cpu)
        super().__init__(
            specs,
            conv_weight_shapes(self.spec, image_shape, classes),
            microbatch=self._form.microbatch,
            vectorized=self._form.vectorized,
            multiple=self._form.multiple,
        )

    @property
    def form(self) -> str:
        return self._form.name

    @property
    def lanes(self) -> int:
        return self._form.lanes

    @property
    def signature(self) -> Hashable:
        shape = self.spec.changed(dropout=0.0)
        return ("conv", shape, self.image_shape, self.classes, len(self.specs), self.drops, self.form, self._matmul)

    @property
    def self_contained(self) -> bool:
        return True

    @property
    def eval_batch_size(self) -> int:
        return self._form.eval_batch_size

    def initial(self, seed: int) -> list[Weights]:
        return each_initial([conv_weight_shapes(self.spec, self.image_shape, self.classes)] * len(self.specs), seed)

    def enter(self, images: Array) -> Array:
        return self._form.enter(images)

    def one(self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array | None) -> Outputs:
        probes: Probes = {}
        for number, shape in enumerate(self.shapes):
            weights = {name: params[f"conv_{number}/{name}"] for name in shape.weights}
            x = self._form.block(shape, weights, x, first=number == 0)
            probes[f"saturation/conv_{number}"] = self._form.saturated(x, count)
        maps = self._form.maps(x, count)
        x = jnp.mean(maps, axis=(0, 1)) if self.spec.head == "average" else maps.reshape(-1, count)
        for number in range(len(self.spec.hidden) + 1):
            if self.drops and key is not None:
                x = _dropped(x, dropout, jax.random.fold_in(key, number))
            x = self._matmul("io,ib->ob", params[f"dense_{number}/kernel"], x) + params[f"dense_{number}/bias"][:, None]
            if number < len(self.spec.hidden):
                x = self._activation.function(x)
                probes[f"saturation/dense_{number}"] = self._activation.saturated(x[None], (1,))[0]
        return x, state, probes


def _dropped(x: Array, rate: Array, key: Array) -> Array:
    return dropout(x[None], rate, key)[0]
