"""A search as files: tables, JSON and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seedbed import figures
from seedbed.figures import words
from seedbed.searches.outcome import COSTS, Search


def save(search: Search, folder: Path) -> dict[str, list[Path]]:
    """Write all that a search found into a folder; figures of an earlier save that this one does not draw are removed.

    Returns:
        Kind -> files: `tables` (best.csv, one row a finalist; trials.csv, one row a trial), `json` (results.json), and each
        figure by its name.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    tables = {"best.csv": best_table(search), "trials.csv": trial_table(search)}
    return figures.save_results(folder, search.charts(), tables, search.as_json())


def best_table(search: Search) -> str:
    """CSV, one row a finalist, the best first; shares in [0, 1], seconds, what is not known is empty."""
    head = ["name", "network", "mean", "low", "high", "n", "left_out", *COSTS, "latency_batch", "frontier_of", *_SETTINGS]
    rows: list[list[Any]] = [[*head, "trial", "trial_accuracy"]]
    on = {cost: search.frontier(cost) for cost in COSTS}
    for one in search.best:
        found, plan = one.accuracy, one.trial.run.plan
        shares = [found.mean, found.low, found.high, found.n] if found else [None, None, None, 0]
        costs = [one.cost(cost) for cost in COSTS]
        batch = one.latency.batch if one.latency else None
        frontiers = " ".join(cost for cost in COSTS if one in on[cost])
        settings = [words.value(getattr(plan, name), name) for name in _SETTINGS]
        told = [one.name, words.network(one.trial.run.model), *shares, one.group.left_out, *costs, batch, frontiers, *settings]
        rows.append([*told, one.trial.number, one.trial.accuracy])
    return figures.csv_text(rows)


_SETTINGS = ("optimizer", "learning_rate", "schedule", "batch_size", "momentum", "weight_decay", "l1", "l2")


def trial_table(search: Search) -> str:
    """CSV, one row a trial: its state, accuracy, network, costs and settings."""
    rows: list[list[Any]] = [
        ["number", "run", "state", "accuracy", "epochs", "network", "parameters", "operations", "units", *_SETTINGS, "seconds"]
    ]
    for trial in search.trials:
        settings = [words.value(getattr(trial.run.plan, name), name) for name in _SETTINGS]
        facts = [trial.model.parameters, trial.model.operations, trial.model.units]
        epochs = max(trial.curve, default=trial.run.plan.epochs)
        told = [trial.number, trial.name, trial.state, trial.accuracy, epochs, words.network(trial.run.model), *facts]
        rows.append([*told, *settings, f"{trial.seconds:.3f}"])
    return figures.csv_text(rows)
