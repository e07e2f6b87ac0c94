"""Other forms of single layers of a user's network, put in their places while the engine traces it.

The network itself stays as it is: no layer is copied. A form replaces one attribute of one layer for the time of a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from jax import Array

from seedbed.models.keras_backend import load_keras

LayerForm = tuple[Any, str, Any]
"""A layer, the name of its attribute, and what replaces it."""


@contextmanager
def replaced(forms: Iterable[LayerForm]) -> Iterator[None]:
    """Replace attributes of layers within the block."""
    with ExitStack() as stack:
        for layer, name, value in forms:
            before: Mapping[str, Any] = vars(layer)
            undo = partial(object.__setattr__, layer, name, before[name]) if name in before else partial(_delete, layer, name)
            object.__setattr__(layer, name, value)  # past Keras's tracking of attributes
            stack.callback(undo)
        yield


def _delete(layer: Any, name: str) -> None:
    object.__delattr__(layer, name)


def all_layers(model: Any) -> list[Any]:
    """All layers of a network, at any depth, without the network itself."""
    return list(model._flatten_layers(include_self=False))


def logits_form(model: Any) -> LayerForm | None:
    """The form in which the network's last softmax is left out; None if it has no layer with one."""
    keras = load_keras()
    softmax: tuple[Callable[..., Any], ...] = (keras.activations.softmax, keras.ops.softmax, keras.ops.nn.softmax)
    for layer in reversed(all_layers(model)):
        if type(layer) is keras.layers.Softmax:
            return layer, "call", _unchanged
        if getattr(layer, "activation", None) in softmax:
            return layer, "activation", keras.activations.linear
    return None


def _unchanged(inputs: Array, **_: Any) -> Array:
    return inputs
