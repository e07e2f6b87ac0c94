"""Why: what the probes of a setting's runs say, averaged over its seeds."""

from __future__ import annotations

import numpy as np

from seedbed.diagnosis import explain
from seedbed.figures import words
from seedbed.records import History, Result
from seedbed.runs import RunStore
from seedbed.specs import Keras
from seedbed.statistics import Interval, interval_of
from seedbed.studies.cells import Cell

NEAR_ZERO = 0.01
"""A weight is near 0 below this share of the limit within which Glorot's uniform distribution draws it at first."""


def mean_history(cell: Cell) -> History | None:
    """The mean of the histories of a cell's runs, epoch by epoch as far as all of them went; None where no run is left."""
    histories = [result.history for result in cell.kept]
    if not histories:
        return None
    shared = min(history.epochs for history in histories)
    names = [name for name in histories[0].columns if all(name in history.columns for history in histories)]
    return History({name: np.mean([history[name][:shared] for history in histories], axis=0) for name in names})


def explained(cell: Cell) -> list[str]:
    """What the probes say about how a cell's runs went, with the means of the measured values."""
    mean = mean_history(cell)
    if mean is None:
        return []
    activation = None if isinstance(cell.run.model, Keras) else cell.run.model.activation
    of = words.counted(cell.n, "seed")
    return [f"{cell.label}: {said[0].lower()}{said[1:].rstrip('.')} (mean of {of})." for said in explain(mean, activation)]


def probed(cell: Cell, kind: str, *, epoch: int = -1) -> dict[str, Interval | None]:
    """A kind of probe at an epoch (the last): layer -> mean over the seeds with Student's interval.

    Args:
        kind: "saturation", "gradient", "weights" or "update".
        epoch: its place in the columns.
    """
    layers = cell.kept[0].history.probes(kind) if cell.kept else {}
    return {layer: interval_of([result.history[f"{kind}/{layer}"][epoch] for result in cell.kept]) for layer in layers}


def near_zero(home: RunStore, result: Result) -> float:
    """The share of a run's weights (kernels, last epoch) that lie near 0."""
    kernels = [array for name, array in home.weights(result.name, "last").items() if name.endswith("/kernel")]
    small = sum(int((np.abs(kernel) < NEAR_ZERO * np.sqrt(6 / sum(kernel.shape))).sum()) for kernel in kernels)
    return small / sum(kernel.size for kernel in kernels)
