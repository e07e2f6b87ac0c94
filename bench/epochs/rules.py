"""Ways to choose an epoch of a training, and ways to stop it, from the metrics of its epochs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from seedbed.records import EpochSeries, History, best_epoch
from seedbed.specs import Select

Rule = Callable[[EpochSeries, EpochSeries], int]
"""Validation accuracies and losses -> index of the chosen epoch."""


def seedbed(select: Select, accuracies: EpochSeries, losses: EpochSeries) -> int:
    """`records.best_epoch`, as every command calls it."""
    return best_epoch(History({"validation_accuracy": accuracies, "validation_loss": losses}), select) - 1


def trailing(values: EpochSeries, width: int) -> EpochSeries:
    """Means of each value and up to `width - 1` values before it; rounded, since equal means must tie."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - width)
    means: EpochSeries = np.round((sums[ends] - sums[starts]) / (ends - starts), 12)
    return means


CHOOSING: dict[str, Rule] = {
    **{f"`{select}`": partial(seedbed, select) for select in get_args(Select)},
    "accuracy, mean of 3": lambda accuracies, _: int(np.argmax(trailing(accuracies, 3))),
    "accuracy, mean of 10": lambda accuracies, _: int(np.argmax(trailing(accuracies, 10))),
    "loss, mean of 5": lambda _, losses: int(np.argmin(trailing(losses, 5))),
}
"""Rules that choose an epoch; those in backquotes are values of `Plan.select`."""

WATCHED: dict[str, Callable[[EpochSeries, EpochSeries], EpochSeries]] = {
    "loss": lambda _, losses: -losses,
    "accuracy": lambda accuracies, _: accuracies,
    "accuracy, mean of 5": lambda accuracies, _: trailing(accuracies, 5),
}
"""Quantities that patience may watch, the higher the better."""

PATIENCES = (5, 10, 20, 50)


def stopped(values: NDArray[np.float64], patience: int) -> int:
    """Number of epochs after which a training stops that waits `patience` epochs for a new best value."""
    best = np.maximum.accumulate(values)
    since = np.arange(len(values)) - np.maximum.accumulate(
        np.where(np.diff(best, prepend=-np.inf) > 0, np.arange(len(values)), 0)
    )
    over = np.flatnonzero(since >= patience)
    return int(over[0]) + 1 if len(over) else len(values)
