"""Measures: numbers that can be read off a run, with their names and units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from seedbed.records import Result


@dataclass(frozen=True)
class Measure:
    """A number that can be read off a run.

    Attributes:
        name: as sentences, axes and tables call it.
        of: reads it; NaN where this run has none.
        unit: the unit of `factor` times the number.
        better: "higher" or "lower" is better; None where neither is.
        both: the number is a share of right validation images at an epoch, so the images are a source of chance too.
        epoch: which epoch that is.
    """

    name: str
    of: Callable[[Result], float]
    unit: str = ""
    factor: float = 1.0
    digits: int = 3
    better: str | None = None
    both: bool = False
    epoch: Literal["best", "last"] = "best"


def at_last(name: str, column: str, **details: Any) -> Measure:
    """A measure that is a column of the history at the last epoch."""
    return Measure(name, lambda result: float(result.history[column][-1]), **details)


_POINTS: dict[str, Any] = {"unit": "points", "factor": 100, "digits": 2, "better": "higher", "both": True}

ACCURACY = Measure(
    "validation accuracy", lambda result: float(result.history["validation_accuracy"][result.best - 1]), **_POINTS
)
"""At the best epoch."""

LAST_ACCURACY = at_last("validation accuracy at the last epoch", "validation_accuracy", epoch="last", **_POINTS)
"""Of a network that is trained to the end, and not stopped where the validation images say so."""
