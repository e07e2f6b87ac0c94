"""The user's own Keras networks, trained by the same engine through `stateless_call`."""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import math
import sys
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from seedbed.errors import ModelError
from seedbed.models import trust
from seedbed.models.architecture import MICROBATCH, ImageShape, LayerFacts, Weights
from seedbed.models.keras_backend import load_keras
from seedbed.models.protocol import Outputs, Params, State
from seedbed.models.stacked import StackedPopulation
from seedbed.specs import Keras


def build_model(spec: Keras, image_shape: ImageShape, classes: int, seed: int) -> Any:
    """Build a `keras.Model` with the user's function; its initial weights are drawn from the seed.

    Raises:
        ModelError: the file changed, raises, or does not return a network for these images and classes.
    """
    keras = load_keras()
    keras.utils.clear_session(free_memory=False)  # the garbage collector runs on its own schedule
    keras.utils.set_random_seed(seed)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # standard output is reserved for results
            model = _user_function(spec)(**spec.arguments)
    except ModelError:
        raise
    except (Exception, SystemExit) as error:  # a file may end by calling its own main
        kind = type(error).__name__
        raise ModelError(f"{_where(spec)} raised {kind}: {(str(error).splitlines() or ['no message'])[0]}") from error
    if not isinstance(model, keras.Model):
        raise ModelError(f"{_where(spec)} must return a keras.Model, and returned {type(model).__name__}.")
    _check_shapes(spec, model, image_shape, classes)
    return model


def _where(spec: Keras) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in spec.arguments.items())
    return f"{spec.function}({arguments}) in {spec.file}"


def _user_function(spec: Keras) -> Callable[..., Any]:
    module = _user_module(spec.file, spec.digest, trust.text(spec))
    function = getattr(module, spec.function, None)
    if not callable(function):
        raise ModelError(f"{spec.file!r} has no function named {spec.function!r}.")
    return cast("Callable[..., Any]", function)


@lru_cache(maxsize=16)
def _user_module(file: str, digest: str, text: bytes) -> Any:
    name = f"seedbed_user_{digest[:12] or Path(file).stem}"
    module_spec = importlib.util.spec_from_loader(name, _Text(file, text))
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[name] = module
    module_spec.loader.exec_module(module)
    return module


class _Text(importlib.abc.ExecutionLoader):
    """Load a module from a file's text; the file need not exist on this machine."""

    def __init__(self, file: str, text: bytes) -> None:
        self._file = file
        self._text = text

    def get_filename(self, fullname: str) -> str:
        return self._file

    def get_source(self, fullname: str) -> str:
        return importlib.util.decode_source(self._text)


def _check_shapes(spec: Keras, model: Any, image_shape: ImageShape, classes: int) -> None:
    rule = f"it must take images of shape {image_shape} and return one number for each of {classes} classes"
    if not (model.built and len(model.inputs or ()) == 1 and len(model.outputs or ()) == 1):
        raise ModelError(f"{_where(spec)}: the network must be built, with one input and one output; {rule}.")
    inputs, outputs = tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])
    fits = len(inputs) == 3 and all(a in (None, b) for a, b in zip(inputs, image_shape, strict=True))
    if not (fits and outputs == (classes,)):
        raise ModelError(f"{_where(spec)} takes {inputs} and returns {outputs}; {rule}.")
    for layer in model._flatten_layers(include_self=False):
        if getattr(layer, "activity_regularizer", None) is not None:
            raise ModelError(
                f"{_where(spec)}: layer {layer.name!r} has an activity regularizer; only weights are penalised here."
            )


def canonical_names(model: Any) -> list[str]:
    """Names of `model.variables`: the path below the model, such as `dense/kernel`, with a number where two are equal."""
    names: list[str] = []
    for variable in model.variables:
        path = variable.path.removeprefix(f"{model.name}/")
        clashes = sum(name.partition("#")[0] == path for name in names)
        names.append(f"{path}#{clashes}" if clashes else path)
    return names


class KerasPopulation(StackedPopulation):
    """Networks from one function with one set of arguments, which differ in learning rates and penalties.

    Batch normalization, dropout and weight regularizers work as in Keras. A final softmax is removed, since the engine works
    on logits. On a CPU, plain convolutions and poolings use the engine's fast implementation.

    Args:
        specs: the members, all equal.
        image_shape: shape of one image, (h, w, c).
        classes: number of classes.
        on_cpu: whether to use the fast implementation, one member at a time.
    """

    def __init__(self, specs: Sequence[Keras], image_shape: ImageShape, classes: int, *, on_cpu: bool = True) -> None:
        self.spec = specs[0]
        self.image_shape = image_shape
        self.classes = classes
        self._on_cpu = on_cpu
        original = build_model(self.spec, image_shape, classes, seed=0)
        names = canonical_names(original)
        model = fast_clone(original) if on_cpu else original
        self._model, self._softmax = without_softmax(model, image_shape)
        self._roles = {id(v): name for v, name in zip(model.variables, names, strict=True)}
        self._trainable = [self._roles[id(v)] for v in self._model.trainable_variables]
        frozen = self._model.non_trainable_variables
        self._draws = [self._roles[id(v)] for v in frozen if "seed_generator" in v.path]
        self._state = [self._roles[id(v)] for v in frozen if "seed_generator" not in v.path]
        self._regularizers = {
            self._roles[id(v)]: v.regularizer for v in self._model.trainable_variables if getattr(v, "regularizer", None)
        }
        has_convolutions = any("Conv" in type(layer).__name__ for layer in model.layers)
        parts = has_convolutions and on_cpu and not self._state
        super().__init__(specs, microbatch=MICROBATCH if parts else None, vectorized=not on_cpu)

    @property
    def signature(self) -> Hashable:
        return ("keras", self.spec.identity, self.image_shape, self.classes, len(self.specs), self._on_cpu)

    @property
    def self_contained(self) -> bool:
        return False

    def state_names(self) -> tuple[str, ...]:
        return tuple(self._state)

    def initial(self, seed: int) -> list[Weights]:
        model = build_model(self.spec, self.image_shape, self.classes, seed)
        wanted = set(self._trainable) | set(self._state)
        named = zip(canonical_names(model), model.variables, strict=True)
        weights = {name: np.asarray(variable) for name, variable in named if name in wanted}
        return [weights] * len(self.specs)

    def own_penalty(self, params: Params) -> Array:
        with jax.numpy_dtype_promotion("standard"):
            penalties = (jnp.asarray(penalty(params[name])) for name, penalty in self._regularizers.items())
            return sum(penalties, jnp.zeros(()))

    def one(self, params: Params, state: State, x: Array, count: int, dropout: Array, key: Array | None) -> Outputs:
        bits = jax.random.key_data(key if key is not None else jax.random.key(0))
        draws = {name: bits + jnp.uint32(number) for number, name in enumerate(self._draws)}
        held = {**state, **draws}
        frozen = [held[self._roles[id(v)]] for v in self._model.non_trainable_variables]
        trainable = [params[name] for name in self._trainable]
        with jax.numpy_dtype_promotion("standard"):
            out, frozen = self._model.stateless_call(trainable, frozen, x, training=key is not None)
        if self._softmax:
            out = jnp.log(jnp.clip(out, 1e-30, 1.0))
        after = {self._roles[id(v)]: value for v, value in zip(self._model.non_trainable_variables, frozen, strict=True)}
        return out.T.astype(jnp.float32), {name: after[name] for name in self._state}, {}


def without_softmax(model: Any, image_shape: ImageShape) -> tuple[Any, bool]:
    """The network up to its logits, and whether it still returns probabilities because its softmax could not be removed."""
    keras = load_keras()
    last = model.layers[-1]
    if getattr(last, "activation", None) is keras.activations.softmax and hasattr(last, "kernel"):
        last.activation = keras.activations.linear
        return model, False
    if isinstance(last, keras.layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax:
        return keras.Model(model.inputs, last.input), False
    out = np.asarray(model(np.random.default_rng(0).random((4, *image_shape), np.float32), training=False))
    return model, bool(np.all(out >= 0) and np.allclose(out.sum(axis=1), 1, atol=1e-5))


def fast_clone(model: Any) -> Any:
    """Clone the network with the engine's fast CPU implementation of plain convolutions and poolings; weights fit both."""
    keras = load_keras()
    if not (isinstance(model, keras.Sequential) or type(model).__name__ == "Functional"):
        return model
    from seedbed.models.keras_layers import fast_layer

    clone = keras.models.clone_model(model, clone_function=fast_layer)
    if [v.shape for v in clone.variables] != [v.shape for v in model.variables]:
        raise ModelError(
            f"The network {model.name!r} could not be cloned: its layers hold variables that a copy does not have."
        )
    return clone


def describe_keras(spec: Keras, image_shape: ImageShape, classes: int) -> list[LayerFacts]:
    """Layers of the user's network; operations are counted for dense layers and convolutions."""
    model = build_model(spec, image_shape, classes, seed=0)
    rows = []
    for layer in model.layers:
        output = layer.output[0] if isinstance(layer.output, list) else layer.output
        shape = tuple(size or 0 for size in output.shape[1:])
        parameters = sum(math.prod(v.shape) for v in layer.trainable_variables)
        rows.append(LayerFacts(layer.name, type(layer).__name__, shape, parameters, _operations(layer, shape)))
    return rows


def _operations(layer: Any, shape: tuple[int, ...]) -> int:
    """Operations for one image, 2 per multiply-add: the kernels are applied once per output position."""
    kernels = [v for v in layer.trainable_variables if v.path.endswith("kernel")]
    places = math.prod(shape[:-1])
    return sum(2 * math.prod(kernel.shape) * places for kernel in kernels)
