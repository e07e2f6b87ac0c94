"""Measures: numbers of a run, with their names and units."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.records import METRIC_COLUMNS, Result, limits
from seedbed.specs import Metric
from seedbed.statistics import SHARE, UNLIMITED, ValueRange


@dataclass(frozen=True)
class Measure:
    """A number of a run.

    Attributes:
        name: name in sentences, axes and tables.
        of: run -> number; NaN where the run has none.
        unit: unit of `factor` times the number.
        better: "higher" or "lower" is better. None means neither.
        both: whether the number is a metric of predictions for validation images at an epoch, so that images are a source of
            chance too.
        epoch: that epoch.
        metric: that metric.
        limits: range of possible values, beyond which no interval of a mean reaches.
    """

    name: str
    of: Callable[[Result], float]
    unit: str = ""
    factor: float = 1.0
    digits: int = 3
    better: str | None = None
    both: bool = False
    epoch: Literal["best", "last"] = "best"
    metric: Metric = "accuracy"
    limits: ValueRange = UNLIMITED


def at_last(name: str, column: str, **details: Any) -> Measure:
    """Make a measure of a column of the history at the last epoch."""
    return Measure(name, lambda result: float(result.history[column][-1]), limits=limits(column), **details)


_POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 2, "better": "higher", "both": True}

ACCURACY = Measure(
    "validation accuracy",
    lambda result: float(result.history["validation_accuracy"][result.best - 1]),
    limits=SHARE,
    **_POINTS,
)
"""At the best epoch."""


def _at_best(column: str) -> Callable[[Result], float]:
    def value(result: Result) -> float:
        values = result.history.columns.get(column)
        return math.nan if values is None else float(values[result.best - 1])

    return value


MEASURES: dict[Metric, Measure] = {
    "accuracy": ACCURACY,
    "balanced": Measure(
        "balanced validation accuracy", _at_best(METRIC_COLUMNS["balanced"]), limits=SHARE, metric="balanced", **_POINTS
    ),
    "f1": Measure("validation macro F1", _at_best(METRIC_COLUMNS["f1"]), limits=SHARE, metric="f1", **_POINTS),
}
"""Metric of a plan -> its measure at the best epoch. Runs of older versions have no column of the others: NaN."""

LAST_ACCURACY = at_last("validation accuracy at the last epoch", "validation_accuracy", epoch="last", **_POINTS)
"""Accuracy of a network that is trained to the end, not stopped at its best validation accuracy."""

LOSS = Measure(
    "validation loss", lambda result: float(result.history["validation_loss"][result.best - 1]), digits=4, better="lower"
)
"""Mean cross-entropy (nats) at the best epoch; what is compared along with `ACCURACY`."""
