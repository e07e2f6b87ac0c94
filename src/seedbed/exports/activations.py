"""Elementwise functions as each format writes them: one record each, with Keras's definitions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from seedbed.kinds import Registry

Values = NDArray[Any]

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""Source: Klambauer et al. 2017, "Self-Normalizing Neural Networks"."""


class NodeWriter(Protocol):
    """What writes the nodes of an ONNX graph."""

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output."""

    def constant(self, value: float) -> str:
        """Add a number, and return its name."""


@dataclass(frozen=True)
class ActivationForms:
    """An elementwise function in the formats.

    Attributes:
        name: Keras's name.
        numpy: function of values and of its parameter alpha, where it has one.
        torch: expression of PyTorch in `{x}` and `{alpha}`; `F` is `torch.nn.functional`.
        c: expression of C in the float `x` and `{alpha}`, with functions of math.h.
        onnx: writes nodes for the input of a name and alpha; returns the name of the output.
    """

    name: str
    numpy: Callable[[Values, float], Values]
    torch: str
    c: str
    onnx: Callable[[NodeWriter, str, float], str]


def _erf(x: Values) -> Values:
    from scipy.special import erf

    result: Values = erf(x)
    return result


def _logistic(x: Values) -> Values:
    from scipy.special import expit

    result: Values = expit(x)
    return result


def _elu(x: Values, alpha: float) -> Values:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


FORMS = Registry(
    "activation",
    ActivationForms(
        "relu",
        lambda x, _: np.maximum(x, 0),
        "F.relu({x})",
        "x > 0.0f ? x : 0.0f",
        lambda to, x, _: to.node("Relu", x),
    ),
    ActivationForms(
        "tanh",
        lambda x, _: np.tanh(x),
        "torch.tanh({x})",
        "tanhf(x)",
        lambda to, x, _: to.node("Tanh", x),
    ),
    ActivationForms(
        "sigmoid",
        lambda x, _: _logistic(x),
        "torch.sigmoid({x})",
        "1.0f / (1.0f + expf(-x))",
        lambda to, x, _: to.node("Sigmoid", x),
    ),
    ActivationForms(
        "leaky_relu",
        lambda x, alpha: np.where(x > 0, x, alpha * x),
        "F.leaky_relu({x}, {alpha})",
        "x > 0.0f ? x : {alpha}f * x",
        lambda to, x, alpha: to.node("LeakyRelu", x, alpha=alpha),
    ),
    ActivationForms(
        "elu",
        _elu,
        "F.elu({x}, {alpha})",
        "x > 0.0f ? x : {alpha}f * expm1f(x)",
        lambda to, x, alpha: to.node("Elu", x, alpha=alpha),
    ),
    ActivationForms(
        "gelu",
        lambda x, _: 0.5 * x * (1 + _erf(x / math.sqrt(2))),
        "F.gelu({x})",
        "0.5f * x * (1.0f + erff(x * 0.70710678f))",
        lambda to, x, _: to.node("Gelu", x),
    ),
    ActivationForms(
        "silu",
        lambda x, _: x * _logistic(x),
        "F.silu({x})",
        "x / (1.0f + expf(-x))",
        lambda to, x, _: to.node("Mul", x, to.node("Sigmoid", x)),
    ),
    ActivationForms(
        "selu",
        lambda x, _: SELU_SCALE * _elu(x, SELU_ALPHA),
        "F.selu({x})",
        f"{SELU_SCALE}f * (x > 0.0f ? x : {SELU_ALPHA}f * expm1f(x))",
        lambda to, x, _: to.node("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE),
    ),
    ActivationForms(
        "softplus",
        lambda x, _: np.logaddexp(0, x),
        "F.softplus({x})",
        "x > 20.0f ? x : log1pf(expf(x))",
        lambda to, x, _: to.node("Softplus", x),
    ),
    ActivationForms(
        "relu6",
        lambda x, _: np.clip(x, 0, 6),
        "F.relu6({x})",
        "x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x",
        lambda to, x, _: to.node("Clip", x, to.constant(0.0), to.constant(6.0)),
    ),
)

ALPHA = {"leaky_relu": 0.2, "elu": 1.0}
"""Keras's parameters of the functions that have one."""
