"""A graph computed by NumPy, operation by operation: the values behind quantization."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.exports.activations import FORMS
from seedbed.exports.graph import (
    Activated,
    Affine,
    BorderSizes,
    Combined,
    Convolution,
    DepthwiseConvolution,
    FullyConnected,
    GlobalPooling,
    Graph,
    ImageInput,
    Operation,
    Pooling,
    Probabilities,
    Reshaped,
    Window,
    ZeroBorder,
)

Values64 = NDArray[np.float64]


def outputs(graph: Graph, images: NDArray[Any]) -> list[Values64]:
    """The output of each operation, `(n, *shape)`, for images as stored, `(n, h, w, c)`."""
    computed: list[Values64] = []
    for operation in graph.operations:
        if isinstance(operation, ImageInput):
            computed.append(images.astype(np.float64))
        else:
            inputs = [computed[each] for each in operation.inputs]
            computed.append(RULES[type(operation)](operation, inputs))
    return computed


def _affine(operation: Affine, inputs: Sequence[Values64]) -> Values64:
    return np.asarray(inputs[0] * operation.factor + operation.offset)


def _fully_connected(operation: FullyConnected, inputs: Sequence[Values64]) -> Values64:
    return inputs[0] @ operation.kernel + operation.bias


def _convolution(operation: Convolution, inputs: Sequence[Values64]) -> Values64:
    seen = _windows(inputs[0], operation.kernel.shape[:2], operation.window)
    return np.asarray(np.einsum("nhwcij,ijcf->nhwf", seen, operation.kernel, optimize=True) + operation.bias)


def _depthwise(operation: DepthwiseConvolution, inputs: Sequence[Values64]) -> Values64:
    seen = _windows(inputs[0], operation.kernel.shape[:2], operation.window)
    each = np.einsum("nhwcij,ijcm->nhwcm", seen, operation.kernel, optimize=True)
    return np.asarray(each.reshape(*each.shape[:3], -1) + operation.bias)


def _windows(x: Values64, size: Sequence[int], window: Window, fill: float = 0.0) -> Values64:
    """The windows over maps `(n, h, w, c)`, `(n, rows, columns, c, height, width)`."""
    seen = np.lib.stride_tricks.sliding_window_view(_bordered(x, window.border, fill), tuple(size), axis=(1, 2))
    return seen[:, :: window.strides[0], :: window.strides[1]]


def _bordered(x: Values64, border: BorderSizes, fill: float = 0.0) -> Values64:
    top, left, bottom, right = border
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)


def _activated(operation: Activated, inputs: Sequence[Values64]) -> Values64:
    return FORMS[operation.function].numpy(inputs[0], operation.alpha)


def _pooling(operation: Pooling, inputs: Sequence[Values64]) -> Values64:
    if operation.kind == "max":
        return np.asarray(_windows(inputs[0], operation.pool, operation.window, -np.inf).max(axis=(4, 5)))
    return np.asarray(np.nanmean(_windows(inputs[0], operation.pool, operation.window, np.nan), axis=(4, 5)))


def _global_pooling(operation: GlobalPooling, inputs: Sequence[Values64]) -> Values64:
    pooled = inputs[0].max(axis=(1, 2)) if operation.kind == "max" else inputs[0].mean(axis=(1, 2))
    return np.asarray(pooled).reshape(-1, *operation.shape)


def _reshaped(operation: Reshaped, inputs: Sequence[Values64]) -> Values64:
    return inputs[0].reshape(-1, *operation.shape)


def _zero_border(operation: ZeroBorder, inputs: Sequence[Values64]) -> Values64:
    return _bordered(inputs[0], operation.border)


def _combined(operation: Combined, inputs: Sequence[Values64]) -> Values64:
    if operation.how == "join":
        return np.concatenate(inputs, axis=-1)
    return reduce(np.add if operation.how == "sum" else np.multiply, inputs)


def _probabilities(operation: Probabilities, inputs: Sequence[Values64]) -> Values64:
    odds = np.exp(inputs[0] - inputs[0].max(axis=-1, keepdims=True)) if operation.how == "softmax" else inputs[0]
    return np.asarray(odds / odds.sum(axis=-1, keepdims=True))


RULES: dict[type[Operation], Callable[[Any, Sequence[Values64]], Values64]] = {
    Affine: _affine,
    FullyConnected: _fully_connected,
    Convolution: _convolution,
    DepthwiseConvolution: _depthwise,
    Activated: _activated,
    Pooling: _pooling,
    GlobalPooling: _global_pooling,
    Reshaped: _reshaped,
    ZeroBorder: _zero_border,
    Combined: _combined,
    Probabilities: _probabilities,
}
