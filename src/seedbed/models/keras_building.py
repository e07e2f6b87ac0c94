"""Building the user's own network: their function called, its network built for the images, and checked."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from seedbed.errors import ModelError, nearest
from seedbed.models import user_code
from seedbed.models.architecture import ImageShape
from seedbed.models.keras_backend import TENSORFLOW, keras_session, quick_compilation
from seedbed.models.keras_drawing import quick_draws
from seedbed.models.keras_layers import all_layers
from seedbed.specs import Keras

POLICIES = ("float32", "mixed_bfloat16")
"""Keras's dtype policies that the engine trains: others need scaled losses, or float64."""

LOSSES = ("SparseCategoricalCrossentropy", "CategoricalCrossentropy")


def build_model(spec: Keras, image_shape: ImageShape, classes: int, seed: int) -> Any:
    """Build a `keras.Model` with the user's function; its initial weights are drawn from the seed.

    A network without a known input is built for the images. Keras's own state in this process is left as it was.

    Raises:
        ModelError: the file changed, raises, or does not return a network for these images and classes.
    """
    module, seeded = user_code.loaded(spec), TENSORFLOW in sys.modules
    with keras_session(seed, module.settings) as keras, module.imports(), quick_compilation(), quick_draws():
        try:
            model = _returned(spec, module.attribute(spec.function), keras.Model, image_shape, classes)
            outputs = _built(keras, model, image_shape) if isinstance(model, keras.Model) else None
        except ModelError:
            raise
        except (Exception, SystemExit) as error:  # a file may end by calling its own main
            raise ModelError(f"{where(spec)} raised {user_code.one_line(error)}") from error
        if outputs is None:
            raise ModelError(f"{where(spec)} must return a keras.Model, and returned {type(model).__name__}.")
        _check_shapes(spec, model, outputs, image_shape, classes)
        _check_training(spec, keras, model)
        if spec.start == "drawn" and not _drawn(model):
            raise ModelError(f"{where(spec)}: its start cannot be drawn by the seed, since no layer has a random initializer.")
    if not seeded and TENSORFLOW in sys.modules:  # the function has just imported it, and may have drawn numbers without a seed
        return build_model(spec, image_shape, classes, seed)
    return model


def where(spec: Keras) -> str:
    """Name the function, its arguments and its file."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in spec.arguments.items())
    return f"{spec.function}({arguments}) in {spec.file}"


def _returned(spec: Keras, made: Any, kind: type, image_shape: ImageShape, classes: int) -> Any:
    """Call the user's function; a network under that name is itself what is wanted."""
    if isinstance(made, kind):
        if spec.arguments:
            raise ModelError(f"{where(spec)}: {spec.function} is a network, not a function, so it takes no settings (--arg).")
        return made
    if not callable(made):
        raise ModelError(f"{spec.file!r} has no function named {spec.function!r}.")
    offered = {"image_shape": image_shape, "classes": classes}
    known = _parameters(made)
    _check_arguments(spec, known)
    taken = {name: value for name, value in offered.items() if name in known}
    return made(**{**taken, **copy.deepcopy(spec.arguments)})


def _check_arguments(spec: Keras, known: Mapping[str, inspect.Parameter]) -> None:
    """Refuse arguments that the function has no name for, with the nearest name that it has."""
    anything = not known or any(each.kind is each.VAR_KEYWORD for each in known.values())
    for name in [] if anything else [name for name in spec.arguments if name not in known]:
        raise ModelError(f"{spec.function} in {spec.file} takes no argument {name!r}.{nearest(name, list(known))}")


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}


def _built(keras: Any, model: Any, image_shape: ImageShape) -> list[Any]:
    """Build the network for the images where its input is open; returns its outputs, as symbolic tensors."""
    if isinstance(model, keras.Sequential) and not model.built:
        model.build((None, *image_shape))
    if not (model.built and getattr(model, "outputs", None)):
        out = model(keras.KerasTensor((2, *image_shape), "float32"))
        return list(keras.tree.flatten(out))
    return list(model.outputs)


def canonical_names(model: Any) -> list[str]:
    """Names of `model.variables`: the path below the model, such as `dense/kernel`, with a number where two are equal."""
    names: list[str] = []
    for variable in model.variables:
        path = variable.path.removeprefix(f"{model.name}/")
        clashes = sum(name.partition("#")[0] == path for name in names)
        names.append(f"{path}#{clashes}" if clashes else path)
    return names


def input_shape(model: Any, image_shape: ImageShape) -> tuple[int, ...]:
    """Shape in which the network takes one image; None where it does not say is the image's own size."""
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return image_shape
    declared = tuple(inputs[0].shape[1:])
    fitting = (form for form in _forms(image_shape) if len(form) == len(declared))
    return next((form for form in fitting if all(a in (None, b) for a, b in zip(declared, form, strict=True))), declared)


def _forms(image_shape: ImageShape) -> list[tuple[int, ...]]:
    """The shapes in which a network may take an image."""
    height, width, channels = image_shape
    flat = [(height, width)] if channels == 1 else []
    return [image_shape, (channels, height, width), *flat, (height * width, channels), (height * width * channels,)]


def integer_input(model: Any) -> bool:
    """Whether the network's input holds whole numbers, which only pixels as stored are."""
    inputs = getattr(model, "inputs", None) or []
    return any("int" in str(tensor.dtype) for tensor in inputs)


def _check_shapes(spec: Keras, model: Any, outputs: list[Any], image_shape: ImageShape, classes: int) -> None:
    rule = f"it must take images of shape {image_shape} and return one number for each of {classes} classes"
    inputs = getattr(model, "inputs", None)
    if inputs and len(inputs) != 1:
        raise ModelError(f"{where(spec)}: the network has {len(inputs)} inputs; {rule}.")
    if len(outputs) != 1:
        raise ModelError(f"{where(spec)}: the network has {len(outputs)} outputs; {rule}. Return the one that is trained.")
    takes, returns = input_shape(model, image_shape), tuple(outputs[0].shape[1:])
    if not (takes in _forms(image_shape) and returns == (classes,)):
        hint = " Put a Flatten layer before its dense layers." if len(returns) > 1 and returns[-1] == classes else ""
        raise ModelError(f"{where(spec)} takes {takes} and returns {returns}; {rule}.{hint}")


def _check_training(spec: Keras, keras: Any, model: Any) -> None:
    """Check that nothing is asked of the training that the engine would not do."""
    if not model.trainable_variables:
        raise ModelError(f"{where(spec)}: none of its layers is trainable; set trainable = True on those that are to learn.")
    for layer in all_layers(model):
        policy = layer.dtype_policy.name
        if layer.trainable_variables and policy not in POLICIES:
            known = " and ".join(map(repr, POLICIES))
            raise ModelError(f"{where(spec)}: layer {layer.name!r} has the dtype policy {policy!r}; the engine trains {known}.")
    for method in ("train_step", "compute_loss", "fit"):
        if _overridden(model, method):
            raise ModelError(
                f"{where(spec)}: its class has a {method} of its own, which the engine would not call; it trains with the "
                f"mean cross-entropy. Put further terms into add_loss(), and remove {method}."
            )
    loss = model.loss if model.compiled else None
    if loss is not None and not _is_cross_entropy(keras, loss):
        raise ModelError(
            f"{where(spec)}: compile() asks for the loss {_loss_name(loss)}; the engine trains with the mean cross-entropy. "
            f"Remove compile(), or give it 'sparse_categorical_crossentropy'."
        )


def _overridden(model: Any, method: str) -> bool:
    """Whether the first class that defines the method is the user's."""
    owner = next((kind for kind in type(model).__mro__ if method in vars(kind)), object)
    return not owner.__module__.startswith(("keras.", "keras_"))


def _is_cross_entropy(keras: Any, loss: Any) -> bool:
    found = keras.losses.get(loss) if isinstance(loss, str) else loss
    smoothed = getattr(found, "_fn_kwargs", {}).get("label_smoothing", 0)
    functions = (keras.losses.sparse_categorical_crossentropy, keras.losses.categorical_crossentropy)
    return (type(found).__name__ in LOSSES or found in functions) and not smoothed


def _loss_name(loss: Any) -> str:
    return repr(loss) if isinstance(loss, str) else getattr(loss, "name", None) or type(loss).__name__


def _drawn(model: Any) -> bool:
    """Draw the weights of trainable layers again by their own initializers; returns whether any of these is random."""
    random = False
    for layer in all_layers(model):
        if layer._layers or not layer.trainable_variables:
            continue
        for variable in layer.variables:
            initializer = getattr(layer, f"{variable.name.removesuffix('_kernel')}_initializer", None)
            if initializer is None:
                continue
            if hasattr(initializer, "seed"):  # the session's random numbers follow from the run's seed
                fresh = {**initializer.get_config(), "seed": int(np.random.randint(2**31))}
                initializer, random = type(initializer).from_config(fresh), True
            variable.assign(initializer(variable.shape, dtype=variable.dtype))
    return random
