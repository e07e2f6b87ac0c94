"""The int8 arithmetic of the C files again, in NumPy, from the network's weights alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset
from seedbed.network import Network

F = np.float32


def int8(network: Network, dataset: Dataset) -> NDArray[Any]:
    """Probabilities of the validation images of a dense network with tanh, calibrated on the training images."""
    exact, images = _flat(dataset.train.images) / 255, dataset.validation.images
    q, scale, zero = _flat(images).astype(np.int64) - 128, F(1 / 255), -128
    *hidden, last = range(len(network.spec.hidden) + 1)
    for number in hidden:
        kernel, bias = (network.weights[f"dense_{number}/{part}"] for part in ("kernel", "bias"))
        exact = np.tanh(exact @ kernel + bias)
        z = _sums(q - zero, kernel, scale) + bias
        low, high = min(exact.min(), 0), max(exact.max(), 0)
        scale = F((high - low) / 255)
        zero = int(np.rint(-128 - low / scale))
        q = np.clip(np.rint(np.tanh(z) / scale) + zero, -128, 127).astype(np.int64)
    logits = _sums(q - zero, network.weights[f"dense_{last}/kernel"], scale) + network.weights[f"dense_{last}/bias"]
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _flat(images: NDArray[Any]) -> NDArray[Any]:
    return images.reshape(len(images), -1)


def _sums(x: NDArray[Any], kernel: NDArray[Any], scale: np.float32) -> NDArray[Any]:
    """The exact sums over inputs with rounded weights, in the units of the outputs."""
    scales = (np.abs(kernel).max(axis=0) / 127).astype(F)
    return np.asarray((x @ np.rint(kernel / scales).astype(np.int64)).astype(F) * (scales * scale))
