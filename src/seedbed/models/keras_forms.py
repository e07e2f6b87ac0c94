"""A built Keras network in the form that the engine trains.

The network stays the object that the user's function returned; while it is traced, its last softmax is left out, and on a CPU
its trace is rewritten to the engine's convolutions and poolings. Each form is compared with the original on random images and
weights, and is used only where they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from seedbed.models.architecture import ImageShape, Shapes
from seedbed.models.keras_backend import quick_compilation
from seedbed.models.keras_building import canonical_names, input_shape, integer_input
from seedbed.models.keras_layers import LayerForm, all_layers, logits_form, replaced
from seedbed.models.keras_rewriting import rewritten
from seedbed.models.keras_tracing import input_factor, traced
from seedbed.models.protocol import Params, State

OutputKind = Literal["logits", "probabilities", "shares"]
"""What a network returns: `shares` are numbers in [0, 1] that do not sum to 1, as of sigmoids."""

RAW_FACTOR = 0.1
"""A network that first multiplies its images by less than this takes pixels as stored, not from 0 to 1."""

TRIED = 16
"""Images on which forms are compared."""

TINY = 1e-30
"""Smallest probability of which a logarithm is taken."""


class KerasNetwork:
    """A built network with its variables by name, called without side effects.

    Args:
        model: a built `keras.Model`.
        image_shape: shape of one image, (h, w, c).
        fast: whether to use the engine's own convolutions and poolings, for a CPU.

    Attributes:
        outputs: what the network returns.
        shapes: name -> shape of the variables that training changes by a gradient.
        state: names of the variables that training changes without a gradient.
        raw_pixels: whether the network takes pixels as stored.
        has_convolutions: whether there is a convolution.
        rewritten: whether its trace is rewritten.
    """

    def __init__(self, model: Any, image_shape: ImageShape, *, fast: bool) -> None:
        self._model = model
        self._shape = input_shape(model, image_shape)
        self._channels_first = image_shape[2] > 1 and self._shape == (image_shape[2], *image_shape[:2])
        self._integers = integer_input(model)
        names = {id(v): name for v, name in zip(model.variables, canonical_names(model), strict=True)}
        self._trainable = [names[id(v)] for v in model.trainable_variables]
        self._fixed = [names[id(v)] for v in model.non_trainable_variables]
        self._draws = [names[id(v)] for v in model.non_trainable_variables if "seed_generator" in v.path]
        self.state = tuple(name for name in self._fixed if name not in self._draws)
        named = list(zip(self._trainable, model.trainable_variables, strict=True))
        self._regularizers = {name: v.regularizer for name, v in named if getattr(v, "regularizer", None)}
        self._constraints = {name: v.constraint for name, v in named if getattr(v, "constraint", None)}
        self.shapes: Shapes = {name: tuple(v.shape) for name, v in named}
        self.has_convolutions = any("Conv" in type(layer).__name__ for layer in all_layers(model))
        self.raw_pixels = takes_raw_pixels(model, image_shape)
        self._trial = self._drawn_trial(image_shape)
        self._choose_forms(fast=fast)

    def call(self, params: Params, state: State, images: Array, key: Array | None) -> tuple[Array, State, Array]:
        """Logits `(C, B)` of images, the new state, and the sum of the losses that layers added, without regularizers.

        Args:
            params, state: arrays by name.
            images: pixels as stored where `raw_pixels`, else from 0 to 1, `(B, h, w, c)`.
            key: for random numbers; None means inference.
        """
        out, state, added = self._called(params, state, images, key, self._forms, fast=self.rewritten)
        return self._as_logits(out), state, sum((jnp.sum(jnp.asarray(loss, jnp.float32)) for loss in added), jnp.zeros(()))

    def _called(
        self, params: Params, state: State, images: Array, key: Array | None, forms: Sequence[LayerForm], *, fast: bool
    ) -> tuple[Array, State, list[Array]]:
        """Outputs `(B, C)` of the network with some forms, its new state, and the losses that layers added."""
        bits = jax.random.key_data(key if key is not None else jax.random.key(0))
        held = {**state, **{name: bits + jnp.uint32(number) for number, name in enumerate(self._draws)}}
        variables = [params[name] for name in self._trainable], [held[name] for name in self._fixed]
        mode = self._mode(training=key is not None)

        def called(trainable: list[Array], fixed: list[Array], inputs: Array) -> Any:
            return self._model.stateless_call(trainable, fixed, inputs, return_losses=True, **mode)

        with jax.numpy_dtype_promotion("standard"), replaced(forms):
            out, fixed, losses = (rewritten(called) if fast else called)(*variables, self._input(images))
        after = dict(zip(self._fixed, fixed, strict=True))
        added = losses[: len(losses) - len(self._regularizers)]  # those of regularizers come last
        return jax.tree.leaves(out)[0], {name: after[name] for name in self.state}, added

    def penalty(self, params: Params) -> Array:
        """The penalty of the network's regularizers."""
        with jax.numpy_dtype_promotion("standard"):
            penalties = (jnp.asarray(penalty(params[name])) for name, penalty in self._regularizers.items())
            return sum(penalties, jnp.zeros(()))

    def constrained(self, params: Params) -> Params:
        """The parameters that have constraints, after these, as Keras applies them after each step."""
        with jax.numpy_dtype_promotion("standard"):
            return {name: jnp.asarray(fit(params[name])) for name, fit in self._constraints.items()}

    def _mode(self, *, training: bool) -> dict[str, bool]:
        """The keyword for training, if the network's `call` takes it; Keras calls it so too."""
        return {"training": training} if self._model._call_has_training_arg else {}

    def _input(self, images: Array) -> Array:
        if self._integers:
            images = jnp.round(images).astype(str(self._model.inputs[0].dtype))
        if self._channels_first:
            return jnp.moveaxis(images, 3, 1)
        return images.reshape(len(images), *self._shape)

    def _as_logits(self, out: Array) -> Array:
        out = out.astype(jnp.float32)
        return (out if self._logits else jnp.log(jnp.clip(out, TINY, 1.0))).T

    @cached_property
    def mixes_images(self) -> bool:
        """Whether an image's output depends on the others of its batch, so that batches must not be divided."""
        params, state, images = self._trial

        def outputs(count: int) -> Array:
            return self._called(params, state, jnp.asarray(images[:count]), None, [], fast=False)[0].astype(jnp.float32)

        with quick_compilation():
            whole, half = jax.jit(lambda: (outputs(TRIED), outputs(TRIED // 2)))()
        return not _close(np.asarray(half, np.float64), np.asarray(whole, np.float64)[: TRIED // 2])

    @property
    def constrains(self) -> bool:
        """Whether any variable has a constraint."""
        return bool(self._constraints)

    @cached_property
    def adds_losses(self) -> bool:
        """Whether layers add losses of their outputs, by `add_loss` or an activity regularizer."""
        key = jax.random.key(0)
        return bool(jax.eval_shape(lambda p, s, x: self._called(p, s, x, key, [], fast=False)[2], *self._trial))

    def _drawn_trial(self, image_shape: ImageShape) -> tuple[Params, State, NDArray[Any]]:
        """Random weights, states and images on which forms are compared."""
        draws = np.random.default_rng(0)
        images = draws.random((TRIED, *image_shape), np.float32) * (255 if self.raw_pixels else 1)
        params = {name: _moved(v, draws) for name, v in zip(self._trainable, self._model.trainable_variables, strict=True)}
        fixed = zip(self._fixed, self._model.non_trainable_variables, strict=True)
        return params, {name: np.asarray(v) for name, v in fixed if name in self.state}, images

    def _choose_forms(self, *, fast: bool) -> None:
        """Find what the network returns, and the forms that leave it as it is."""
        removed = logits_form(self._model)
        outputs = self._tried(removed, fast=fast)
        original = outputs["original"]
        self.outputs = output_kind(original)
        self.rewritten = fast and _close(outputs["fast"], original)
        without = removed is not None and self.outputs == "probabilities" and _close(_softmax(outputs["removed"]), original)
        self._forms = [removed] if removed and without else []
        self._logits = without or self.outputs == "logits"

    def _tried(self, removed: LayerForm | None, *, fast: bool) -> dict[str, NDArray[np.float64]]:
        """Outputs of the network, rewritten, and without its last softmax, by one program."""

        def outputs(params: Params, state: State, images: Array) -> dict[str, Array]:
            def out(forms: Sequence[LayerForm] = (), *, fast: bool = False) -> Array:
                return self._called(params, state, images, None, forms, fast=fast)[0].astype(jnp.float32)

            found = {"original": out()} | ({"fast": out(fast=True)} if fast else {})
            return found | ({"removed": out([removed])} if removed else {})

        with quick_compilation():
            return {name: np.asarray(out, np.float64) for name, out in jax.jit(outputs)(*self._trial).items()}


def takes_raw_pixels(model: Any, image_shape: ImageShape) -> bool:
    """Whether a network takes pixels as stored: whole numbers, or numbers that it first makes much smaller."""
    if integer_input(model):
        return True
    trace = traced(lambda images: model(images, training=False), [2, *input_shape(model, image_shape)])
    return input_factor(trace) < RAW_FACTOR


def output_kind(outputs: NDArray[np.float64]) -> OutputKind:
    """What outputs `(n, C)` of random weights are."""
    if not (np.all(outputs >= 0) and np.all(outputs <= 1)):
        return "logits"
    return "probabilities" if np.allclose(outputs.sum(axis=1), 1, atol=1e-3) else "shares"


def _moved(variable: Any, draws: np.random.Generator) -> NDArray[Any]:
    """A variable's value, moved so that no two of the network's parts give the same by chance, or all zeros."""
    value = np.asarray(variable)
    if not np.issubdtype(value.dtype, np.floating):
        return value
    spread = max(float(value.std()), 0.1)
    return (value + spread * draws.standard_normal(value.shape)).astype(value.dtype)


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    scale = max(float(np.max(np.abs(other), initial=0.0)), 1e-2)
    return bool(np.allclose(one / scale, other / scale, rtol=0, atol=1e-4))


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))
