"""Measures: numbers of a run, with their names and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.records import Result, limits
from seedbed.statistics import SHARE, UNLIMITED, ValueRange


@dataclass(frozen=True)
class Measure:
    """A number of a run.

    Attributes:
        name: name in sentences, axes and tables.
        of: run -> number; NaN where the run has none.
        unit: unit of `factor` times the number.
        better: "higher" or "lower" is better. None means neither.
        both: whether the number is a share of right validation images at an epoch, so that images are a source of chance too.
        epoch: that epoch.
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

LAST_ACCURACY = at_last("validation accuracy at the last epoch", "validation_accuracy", epoch="last", **_POINTS)
"""Accuracy of a network that is trained to the end, not stopped at its best validation accuracy."""

LOSS = Measure(
    "validation loss", lambda result: float(result.history["validation_loss"][result.best - 1]), digits=4, better="lower"
)
"""Mean cross-entropy (nats) at the best epoch; what is compared along with `ACCURACY`."""
