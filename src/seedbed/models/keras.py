"""The user's own Keras networks, trained by the same engine through `stateless_call`."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed import kernels
from seedbed.models import maps
from seedbed.models.architecture import MICROBATCH, ImageShape, LayerFacts, Weights
from seedbed.models.forms import KERNELS, PRODUCTS
from seedbed.models.keras_building import build_model, canonical_names, input_shape, integer_input
from seedbed.models.keras_forms import KerasNetwork, takes_raw_pixels
from seedbed.models.keras_tracing import layer_facts
from seedbed.models.protocol import Outputs, Params, State
from seedbed.models.stacked import StackedPopulation
from seedbed.records import RAW_PIXELS, SAME_START
from seedbed.specs import Keras, Plan


class KerasPopulation(StackedPopulation):
    """Networks from one function with one set of arguments, which differ in learning rates and penalties.

    Batch normalization, dropout, regularizers, constraints and `add_loss` work as in Keras. The engine works on logits: a last
    softmax is left out, and of other probabilities the logarithm is taken. On a CPU, convolutions, poolings and variances have
    the engine's own forms (`seedbed.models.maps`). Forms that change the network's outputs are not used.

    Args:
        specs: the members, all equal.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        on_cpu: whether to use these forms, one member at a time.
    """

    def __init__(self, specs: Sequence[Keras], image_shape: ImageShape, classes: int, *, on_cpu: bool = True) -> None:
        self.spec = specs[0]
        self.image_shape = image_shape
        self.classes = classes
        self._on_cpu = on_cpu
        self._network = _network(self.spec, image_shape, classes, fast=on_cpu)
        in_parts = self._network.has_convolutions and on_cpu and not maps.kernels_name()
        whole = in_parts and (self._network.state or self._network.adds_losses or self._network.mixes_images)
        microbatch = MICROBATCH if in_parts and not whole else None
        super().__init__(specs, self._network.shapes, microbatch=microbatch, vectorized=not on_cpu)

    @property
    def signature(self) -> Hashable:
        return ("keras", self.spec.identity, self.image_shape, self.classes, len(self.specs), self._on_cpu, self.form)

    @property
    def lanes(self) -> int:
        return kernels.support().lanes if self.form.startswith(KERNELS) else 0

    @property
    def form(self) -> str:
        own = self._network.has_convolutions and self._network.rewritten
        name = maps.kernels_name()
        return (f"{name}, {maps.JOINED}" if name else PRODUCTS) if own else ""

    @property
    def eval_batch_size(self) -> int:
        return MICROBATCH if self.form.startswith(KERNELS) else super().eval_batch_size

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
        if not self._network.constrains:
            return params
        arrays = self.apart(params)
        fitting = self.joined(arrays | jax.vmap(self._network.constrained)(arrays))
        return jax.tree.map(jnp.where, alive, fitting, params)

    def one(self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array | None) -> Outputs:
        logits, state, _ = self._network.call(params, state, x, key)
        return logits, state, {}

    def one_with_loss(
        self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array
    ) -> tuple[Array, State, Array]:
        return self._network.call(params, state, x, key)


@lru_cache(maxsize=4)
def _network(spec: Keras, image_shape: ImageShape, classes: int, *, fast: bool) -> KerasNetwork:
    """The network in the form that the engine trains, tried once for all seeds of a worker."""
    return KerasNetwork(_built(spec, image_shape, classes), image_shape, fast=fast)


@lru_cache(maxsize=4)
def _built(spec: Keras, image_shape: ImageShape, classes: int) -> Any:
    """The network for what does not depend on its weights: a function may return one network for all seeds."""
    return build_model(spec, image_shape, classes, seed=0)


def initial_weights(spec: Keras, image_shape: ImageShape, classes: int, seed: int) -> Weights:
    """Arrays of the user's network as its function returns it for a seed, without the states of random numbers."""
    model = build_model(spec, image_shape, classes, seed)
    named = zip(canonical_names(model), model.variables, strict=True)
    return {name: np.asarray(variable) for name, variable in named if "seed_generator" not in variable.path}


def describe_keras(spec: Keras, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
    """Layers of the user's network, with the operations of their matrix products and convolutions."""
    model = _built(spec, image_shape, classes)
    dtype = str(model.inputs[0].dtype) if integer_input(model) else "float32"
    return layer_facts(model, input_shape(model, image_shape), dtype)


@lru_cache(maxsize=256)
def traits(spec: Keras, image_shape: ImageShape, classes: int) -> tuple[str, ...]:
    """What is to be known of the user's network besides its size, see `ModelFacts`."""
    found = [RAW_PIXELS] if takes_raw_pixels(_built(spec, image_shape, classes), image_shape) else []
    one, other = (initial_weights(spec, image_shape, classes, seed) for seed in (0, 1))
    same = all(np.array_equal(one[name], other[name]) for name in one)
    return (*found, *([SAME_START] if same else []))


def remarks(spec: Keras, image_shape: ImageShape, classes: int, plan: Plan) -> list[str]:
    """Sentences for the user about their network, which is about to be trained."""
    known, sentences = traits(spec, image_shape, classes), []
    if RAW_PIXELS in known:
        sentences.append(f"{spec.title} scales its images itself, so it gets pixels as stored, not from 0 to 1.")
    if SAME_START in known:
        way_out = "--start drawn draws them by the seed"
        sentences.append(f"{spec.title} returns the same weights for every seed, so all seeds start alike ({way_out}).")
    asked = _compiled(_built(spec, image_shape, classes))
    if asked and asked != (plan.optimizer, plan.learning_rate):
        compiled, used = f"{asked[0]} at {asked[1]:g}", f"{plan.optimizer} at {plan.learning_rate:g}"
        sentences.append(f"{spec.title}: compile() asks for {compiled}; the plan's {used} is used (--optimizer, --lr).")
    return sentences


def _compiled(model: Any) -> tuple[str, float] | None:
    """Optimizer and learning rate of `compile()`; None without it, or where the rate is not a number."""
    optimizer = model.optimizer if model.compiled else None
    if optimizer is None:
        return None
    name = type(optimizer).__name__.lower()
    momentum = "nesterov" if getattr(optimizer, "nesterov", False) else "momentum"
    rate = float(np.asarray(optimizer.learning_rate))
    return (momentum if name == "sgd" and optimizer.momentum else name, float(f"{rate:.6g}"))
