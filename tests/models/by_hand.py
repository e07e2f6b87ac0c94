"""The families' arithmetic once more, in NumPy and float64, without a line of the engine's; gradients by finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from seedbed.models.protocol import Batch, Hyperparameters
from seedbed.specs import Conv, Dense, Keras, ModelSpec

Floats = NDArray[np.float64]
Arrays = dict[str, Floats]

ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "gelu": lambda z: z * 0.5 * (1 + erf(z / np.sqrt(2))),
}


def finite_differences(
    spec: ModelSpec, weights: dict[str, Any], batch: Batch, hyper: Hyperparameters, step: float = 1e-6
) -> Arrays:
    """The gradient of a network's mean loss plus penalty, array by array."""
    arrays = {name: np.array(array, np.float64) for name, array in weights.items()}
    found = {}
    for name, array in arrays.items():
        if "moving" not in name:
            found[name] = np.empty_like(array)
            for place in np.ndindex(array.shape):
                middle = array[place]
                ends = []
                for array[place] in (middle - step, middle + step):
                    ends.append(total(spec, arrays, batch, hyper))
                array[place] = middle
                found[name][place] = (ends[1] - ends[0]) / (2 * step)
    return found


def total(spec: ModelSpec, arrays: Arrays, batch: Batch, hyper: Hyperparameters) -> float:
    """Mean cross-entropy, weighted by classes, plus penalty."""
    images, labels, counts = (np.asarray(part) for part in batch)
    z = logits(spec, arrays, images.astype(np.float64))
    z = z - z.max(axis=1, keepdims=True)
    losses = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]
    kernels = [array for name, array in arrays.items() if name.endswith("kernel")]
    l1, l2 = float(hyper.l1[0]), float(hyper.l2[0])
    penalty = sum(l2 * np.sum(w**2) + l1 * np.sum(np.abs(w)) for w in kernels)
    if isinstance(spec, Keras):
        penalty += 0.03 * np.sum(arrays["think/kernel"] ** 2)
    of_classes = 1 if hyper.class_weights is None else np.asarray(hyper.class_weights)[0][labels]
    return float(np.sum(losses * of_classes * counts) / np.sum(counts) + penalty)


def logits(spec: ModelSpec, arrays: Arrays, x: Floats) -> Floats:
    """`(images, classes)` in training without dropout."""
    if isinstance(spec, Keras):
        return _users(arrays, x)
    activate = ACTIVATIONS[spec.activation]
    if isinstance(spec, Conv):
        for number, pool in enumerate(spec.pool):
            x = activate(convolved(x, _kernel(arrays, f"conv_{number}")) + arrays[f"conv_{number}/bias"])
            x = pooled(x, pool)
    return _dense(spec, arrays, x.reshape(len(x), -1))


def _kernel(arrays: Arrays, layer: str) -> Floats:
    """A layer's kernel `(k, k, c, o)`; that of a separable one is the product of its two."""
    if f"{layer}/kernel" in arrays:
        return arrays[f"{layer}/kernel"]
    return np.asarray(arrays[f"{layer}/depthwise_kernel"] * arrays[f"{layer}/pointwise_kernel"])


def _dense(spec: Dense | Conv, arrays: Arrays, x: Floats) -> Floats:
    for number in range(len(spec.hidden) + 1):
        x = x @ arrays[f"dense_{number}/kernel"] + arrays[f"dense_{number}/bias"]
        x = ACTIVATIONS[spec.activation](x) if number < len(spec.hidden) else x
    return x


def _users(arrays: Arrays, x: Floats) -> Floats:
    """The network of `samples.USER_FILE`."""
    x = convolved(x, arrays["look/kernel"]) + arrays["look/bias"]
    mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
    x = (x - mean) / np.sqrt(variance + 1e-3) * arrays["norm/gamma"] + arrays["norm/beta"]
    x = pooled(np.maximum(x, 0), 2).reshape(len(x), -1)
    x = np.tanh(x @ arrays["think/kernel"] + arrays["think/bias"])
    return x @ arrays["say/kernel"] + arrays["say/bias"]


def convolved(x: Floats, kernel: Floats) -> Floats:
    """Cross-correlation of images `(n, h, w, c)` with `(k, k, c, o)`, stride 1, "same": the smaller half of the zeros first."""
    side = kernel.shape[0]
    before = (side - 1) // 2
    around = (before, side - 1 - before)
    padded = np.pad(x, ((0, 0), around, around, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, kernel, optimize=True)


def pooled(x: Floats, side: int) -> Floats:
    n, h, w, c = x.shape
    cut = x[:, : h // side * side, : w // side * side]
    return cut.reshape(n, h // side, side, w // side, side, c).max(axis=(2, 4))
