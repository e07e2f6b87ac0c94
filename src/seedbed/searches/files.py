"""A search as files: tables, JSON and figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seedbed import figures, storage
from seedbed.figures import words
from seedbed.records import finite
from seedbed.searches.outcome import COSTS, Search, cost_of

RESULTS_FILE = "results.json"


def save(search: Search, folder: Path) -> dict[str, list[Path]]:
    """Write all that a search found into a folder.

    Returns:
        Kind -> files: `tables` (best.csv, one row a finalist; trials.csv, one row a trial), `json` (results.json), and each
        figure by its name.

    Raises:
        StorageError: a file could not be written.
    """
    drawn = {name: figures.save(chart, folder / "figures" / name) for name, chart in search.charts().items()}
    tables = {"best.csv": best_table(search), "trials.csv": trial_table(search)}
    for name, text in tables.items():
        storage.write(folder / name, text.encode())
    storage.write_json(folder / RESULTS_FILE, search.as_json())
    return {"tables": [folder / name for name in tables], "json": [folder / RESULTS_FILE], **drawn}


def best_table(search: Search) -> str:
    """CSV, one row a finalist, the best first; shares in [0, 1], seconds, what is not known is empty."""
    head = ["name", "network", "mean", "low", "high", "n", "left_out", *COSTS, "latency_batch", "frontier_of", *_SETTINGS]
    rows: list[list[Any]] = [[*head, "trial", "trial_accuracy"]]
    on = {cost: search.frontier(cost) for cost in COSTS}
    for one in search.best:
        found, plan = one.accuracy, one.trial.run.plan
        shares = [found.mean, found.low, found.high, found.n] if found else [None, None, None, 0]
        costs = [cost_of(one, cost) for cost in COSTS]
        batch = one.latency.batch if one.latency else None
        frontiers = " ".join(cost for cost in COSTS if one in on[cost])
        settings = [words.value(getattr(plan, name), name) for name in _SETTINGS]
        told = [one.name, words.network(one.trial.run.model), *shares, one.left_out, *costs, batch, frontiers, *settings]
        rows.append([*told, one.trial.number, one.trial.accuracy])
    return _csv(rows)


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
    return _csv(rows)


def _csv(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([finite(list(row)) for row in rows])
    return text.getvalue()
