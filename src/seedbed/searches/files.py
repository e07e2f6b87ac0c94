"""A search as files: tables, JSON and figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seedbed import figures, words
from seedbed.searches.finalists import Finalist
from seedbed.searches.outcome import COSTS, Search
from seedbed.searches.trial import Trial
from seedbed.tables import Column, Row, Table, interval_columns

SETTINGS = ("optimizer", "learning_rate", "schedule", "batch_size", "momentum", "weight_decay", "l1", "l2")


def save(search: Search, folder: Path) -> dict[str, list[Path]]:
    """Write a search into a folder; figures of an earlier save that this one does not draw are removed.

    Returns:
        Kind -> files: `tables` (best.csv, one row per finalist; trials.csv, one row per trial), `json` (results.json), and
        each figure by its name.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    tables = {"best.csv": best_table(search).csv(), "trials.csv": trial_table(search).csv()}
    return figures.save_results(folder, search.charts(), tables, search.as_json())


def best_table(search: Search) -> Table[Finalist]:
    """Make a table with one row per finalist, the best first; shares in [0, 1], seconds."""
    frontiers = {cost: search.frontier(cost) for cost in COSTS}

    def cost(name: str) -> Column[Finalist]:
        return Column(name, lambda finalist: finalist.cost(name))

    columns: list[Column[Finalist]] = [
        Column("name", lambda finalist: finalist.name),
        Column("network", lambda finalist: finalist.trial.run.model.title),
        *interval_columns(lambda finalist: finalist.accuracy),
        Column("n", lambda finalist: finalist.accuracy.n if finalist.accuracy else 0),
        Column("left_out", lambda finalist: finalist.group.left_out),
        *map(cost, COSTS),
        Column("latency_batch", lambda finalist: finalist.latency and finalist.latency.batch),
        Column("frontier_of", lambda finalist: " ".join(cost for cost in COSTS if finalist in frontiers[cost])),
        *_setting_columns(lambda finalist: finalist.trial),
        Column("trial", lambda finalist: finalist.trial.number),
        Column("trial_accuracy", lambda finalist: finalist.trial.accuracy),
    ]
    return Table(columns, search.best)


def trial_table(search: Search) -> Table[Trial]:
    """Make a table with one row per trial: its state, accuracy, network, costs and settings."""

    def cost(name: str) -> Column[Trial]:
        return Column(name, lambda trial: getattr(trial.model, name))

    columns: list[Column[Trial]] = [
        Column("number", lambda trial: trial.number),
        Column("run", lambda trial: trial.name),
        Column("state", lambda trial: trial.state),
        Column("accuracy", lambda trial: trial.accuracy),
        Column("epochs", lambda trial: max(trial.curve, default=trial.run.plan.epochs)),
        Column("network", lambda trial: trial.run.model.title),
        *map(cost, ("parameters", "operations", "units")),
        *_setting_columns(lambda trial: trial),
        Column("seconds", lambda trial: f"{trial.seconds:.3f}"),
    ]
    return Table(columns, search.trials)


def _setting_columns(trial: Callable[[Row], Trial]) -> list[Column[Row]]:
    def column(name: str) -> Column[Row]:
        return Column(name, lambda row: words.value(getattr(trial(row).run.plan, name), name))

    return [column(name) for name in SETTINGS]
