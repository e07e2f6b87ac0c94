"""Explain the course of a run by its probes."""

from __future__ import annotations

import re

import numpy as np

from seedbed.kinds import ACTIVATIONS
from seedbed.records import EpochSeries, History
from seedbed.words import percent


def explain(history: History, activation: str | None = None) -> list[str]:
    """Explain the course of a run by its probes: one sentence per finding, with the measured values.

    Args:
        history: history with the probes `saturation/LAYER` (share in [0, 1]), `gradient/LAYER` and `weights/LAYER` (norms) and
            `update/LAYER` (change per step divided by the norm of the weights); missing probes have no sentences.
        activation: name of the activation, for the sentences; ReLU-like units saturate by being off for a whole batch.
    """
    return [*_saturation(history, activation), *_gradients(history), *_updates(history), *_weights(history)]


def _saturation(history: History, activation: str | None) -> list[str]:
    layers = _probes(history, "saturation")
    if not layers:
        return []
    bounded = activation is None or ACTIVATIONS[activation].ends is not None
    units = f"the {activation} units are" if activation else "the units are"
    state = "saturated" if bounded else "off for every image of a batch"
    sentences = [
        f"In layer {layer} {percent(column[-1], 0)} of {units} {state} at epoch {len(column)} "
        f"({percent(column[0], 0)} at epoch 1)."
        for layer, column in layers.items()
        if column[-1] >= 0.1
    ]
    most = max(layers, key=lambda layer: layers[layer][-1])
    return sentences or [f"At the last epoch no layer has more than {percent(layers[most][-1])} of its units {state} ({most})."]


def _gradients(history: History) -> list[str]:
    layers = _probes(history, "gradient")
    if len(layers) < 2:
        return []
    names = list(layers)
    first, last = names[0], names[-1]
    typical = {name: float(np.median(layers[name])) for name in (first, last)}
    if not (typical[first] > 0 and typical[last] > 0):
        return [f"The gradient of {name} is 0: it does not learn." for name in (first, last) if not typical[name] > 0]
    ratio = typical[first] / typical[last]
    if 0.1 <= ratio <= 10:
        return []
    grows, times = ("shrinks", 1 / ratio) if ratio < 1 else ("grows", ratio)
    norms = f"{typical[last]:.2g} at {last}, {typical[first]:.2g} at {first}"
    return [f"The gradient {grows} {times:.0f} times on its way from the last layer to the first (median norms: {norms})."]


def _updates(history: History) -> list[str]:
    ratios = {layer: float(np.median(column)) for layer, column in _probes(history, "update").items()}
    return [
        f"Layer {layer} {'hardly moves' if ratio < 1e-5 else 'moves in large steps'}: each step changes its weights by "
        f"{ratio:.1g} of their norm (median over epochs)."
        for layer, ratio in ratios.items()
        if not 1e-5 <= ratio <= 3e-2
    ]


def _weights(history: History) -> list[str]:
    return [
        f"The norm of the weights of {layer} went from {column[0]:.3g} at epoch 1 to {column[-1]:.3g} at epoch {len(column)}."
        for layer, column in _probes(history, "weights").items()
        if column[0] > 0 and not 2 / 3 <= column[-1] / column[0] <= 1.5
    ]


def _probes(history: History, kind: str) -> dict[str, EpochSeries]:
    """The finite columns in the network's order: convolutions first, then by number (`dense_10` after `dense_9`)."""
    finite = {layer: column[np.isfinite(column)] for layer, column in history.probes(kind).items()}
    return {layer: finite[layer] for layer in sorted(finite, key=_place) if len(finite[layer])}


def _place(layer: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", layer) if part]
