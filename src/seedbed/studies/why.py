"""Reasons: the probes of a setting's runs, averaged over its seeds."""

from __future__ import annotations

import re

import numpy as np

from seedbed import words
from seedbed.diagnosis import explain
from seedbed.groups import Group
from seedbed.records import History, Result, limits
from seedbed.runs import RunStore
from seedbed.statistics import Interval

NEAR_ZERO = 0.01
"""A weight is near 0 below this share of the limit of Glorot's uniform distribution, from which it is drawn at first."""


def explained(cell: Group) -> list[str]:
    """Explain a setting's runs by their probes: the means of the measured values over the epochs that all runs have."""
    histories = [result.history for result in cell.kept]
    if not histories:
        return []
    shared = min(history.epochs for history in histories)
    names = [name for name in histories[0].columns if all(name in history.columns for history in histories)]
    mean = History({name: np.mean([history[name][:shared] for history in histories], axis=0) for name in names})
    seeds = words.counted(cell.n, "seed")
    return [
        f"{words.capital(cell.label)}, mean of {seeds}: {sentence[0].lower()}{sentence[1:]}"
        for sentence in explain(mean, cell.run.model.activation)
    ]


def layers_of(history: History, kind: str) -> list[str]:
    """Layers that have a kind of probe, in the order of the network: convolutions first, then by number."""

    def place(layer: str) -> tuple[bool, int]:
        number = re.search(r"\d+$", layer)
        return layer.startswith("dense"), int(number[0]) if number else 0

    return sorted(history.probes(kind), key=place)


def probed(cell: Group, kind: str) -> dict[str, Interval | None]:
    """Read a kind of probe at the last epoch: layer -> mean over the seeds with Student's interval, in network order.

    Args:
        kind: "saturation", "gradient", "weights" or "update".
    """
    layers = layers_of(cell.kept[0].history, kind) if cell.kept else []
    return {
        layer: cell.interval([result.history[f"{kind}/{layer}"][-1] for result in cell.kept], limits(f"{kind}/{layer}"))
        for layer in layers
    }


def near_zero(home: RunStore, result: Result) -> float:
    """The share of a run's weights near 0 (kernels, last epoch)."""
    kernels = [array for name, array in home.weights(result.name, "last").items() if name.endswith("/kernel")]
    small = sum(int((np.abs(kernel) < NEAR_ZERO * np.sqrt(6 / sum(kernel.shape))).sum()) for kernel in kernels)
    return small / sum(kernel.size for kernel in kernels)
