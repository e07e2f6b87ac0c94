"""The user's own Keras networks, trained by the same engine through `stateless_call`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.models.architecture import MICROBATCH, ImageShape, LayerFacts, Weights
from seedbed.models.keras_building import build_model, canonical_names, input_shape, integer_input
from seedbed.models.keras_forms import Network
from seedbed.models.keras_tracing import layer_facts
from seedbed.models.protocol import Outputs, Params, State
from seedbed.models.stacked import StackedPopulation
from seedbed.specs import Keras


class KerasPopulation(StackedPopulation):
    """Networks from one function with one set of arguments, which differ in learning rates and penalties.

    Batch normalization, dropout, regularizers, constraints and `add_loss` work as in Keras. The engine works on logits: a last
    softmax is left out, and of other probabilities the logarithm is taken. On a CPU, plain convolutions and poolings use the
    engine's fast forms. Forms that change the network's outputs are not used (see `seedbed.models.keras_forms`).

    Args:
        specs: the members, all equal.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        on_cpu: whether to use the fast forms, one member at a time.
    """

    def __init__(self, specs: Sequence[Keras], image_shape: ImageShape, classes: int, *, on_cpu: bool = True) -> None:
        self.spec = specs[0]
        self.image_shape = image_shape
        self.classes = classes
        self._on_cpu = on_cpu
        self._network = Network(build_model(self.spec, image_shape, classes, seed=0), image_shape, fast=on_cpu)
        whole = self._network.state or self._network.adds_losses or self._network.mixes_images
        parts = self._network.has_convolutions and on_cpu and not whole
        super().__init__(specs, microbatch=MICROBATCH if parts else None, vectorized=not on_cpu)

    @property
    def signature(self) -> Hashable:
        return ("keras", self.spec.identity, self.image_shape, self.classes, len(self.specs), self._on_cpu)

    @property
    def self_contained(self) -> bool:
        return False

    @property
    def raw_pixels(self) -> bool:
        return self._network.raw_pixels

    def state_names(self) -> tuple[str, ...]:
        return self._network.state

    def initial(self, seed: int) -> list[Weights]:
        return [initial_weights(self.spec, self.image_shape, self.classes, seed)] * len(self.specs)

    def own_penalty(self, params: Params) -> Array:
        return self._network.penalty(params)

    def constrained(self, params: Params, alive: Params) -> Params:
        fitting = jax.vmap(self._network.constrained)(params)
        return {**params, **{name: jnp.where(alive[name], new, params[name]) for name, new in fitting.items()}}

    def one(self, params: Params, state: State, images: Array, dropout: Array, key: Array | None) -> Outputs:
        logits, state, _ = self._network.call(params, state, images, key)
        return logits, state, {}

    def one_with_loss(
        self, params: Params, state: State, images: Array, dropout: Array, key: Array
    ) -> tuple[Array, State, Array]:
        return self._network.call(params, state, images, key)


def initial_weights(spec: Keras, image_shape: ImageShape, classes: int, seed: int) -> Weights:
    """Arrays of the user's network as its function returns it for a seed, without the states of random numbers."""
    model = build_model(spec, image_shape, classes, seed)
    named = zip(canonical_names(model), model.variables, strict=True)
    return {name: np.asarray(variable) for name, variable in named if "seed_generator" not in variable.path}


def describe_keras(spec: Keras, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
    """Layers of the user's network, with the operations of their matrix products and convolutions."""
    model = build_model(spec, image_shape, classes, seed=0)
    dtype = str(model.inputs[0].dtype) if integer_input(model) else "float32"
    return layer_facts(model, input_shape(model, image_shape), dtype)
