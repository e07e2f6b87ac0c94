"""A sweep as files: tables, JSON, the YAML that repeats it, and figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from seedbed import figures
from seedbed.figures import words
from seedbed.groups import Group
from seedbed.records import Result, finite
from seedbed.sweeps.outcome import Sweep


def save(sweep: Sweep, folder: Path, groups: Sequence[Group] | None = None) -> dict[str, list[Path]]:
    """Write all that a sweep found into a folder; figures of an earlier save that this one does not draw are removed.

    Args:
        groups: the settings in the order of the table; that of the grid where it is left out.

    Returns:
        Kind -> files: `tables` (results.csv, one row a setting; runs.csv, one row a run), `json` (results.json), `yaml`
        (sweep.yaml, which repeats the sweep), and each figure by its name.

    Raises:
        StorageError: a file could not be written, or another process has been writing them for a minute.
    """
    tables = {"results.csv": setting_table(sweep, groups or sweep.groups), "runs.csv": run_table(sweep)}
    files = figures.save_results(folder, sweep.charts(), {**tables, "sweep.yaml": to_yaml(sweep)}, sweep.as_json())
    return {**files, "tables": [folder / name for name in tables], "yaml": [folder / "sweep.yaml"]}


def setting_table(sweep: Sweep, groups: Sequence[Group]) -> str:
    """CSV, one row a setting: the fields that vary, then figures; shares in [0, 1], what is not known is empty."""
    kinds = list(dict.fromkeys(kind for one in groups for kind in one.verdicts))
    figure_names = ["mean", "low", "high", "last_mean", "last_low", "last_high"]
    rows: list[list[Any]] = [["group", *sweep.grid.varying, "parameters", "n", *figure_names, *kinds]]
    for one in groups:
        shares = [
            share for found in (one.accuracy, one.last) for share in ((found.mean, *found.pair()) if found else [None] * 3)
        ]
        fields = [words.value(value, name) for name, value in one.setting.items()]
        rows.append([one.name, *fields, one.parameters, one.n, *shares, *(one.verdicts.get(kind, 0) for kind in kinds)])
    return figures.csv_text(rows)


def run_table(sweep: Sweep) -> str:
    """CSV, one row a run: the fields that vary, the seed, and the figures of its best and last epoch."""
    measured = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
    heads = [f"{which}_{name}" for which in ("best", "last") for name in ("epoch", *measured)]
    rows: list[list[Any]] = [["name", *sweep.grid.varying, "seed", "parameters", *heads, "verdict", "seconds"]]
    for one in sweep.groups:
        fields = [words.value(value, name) for name, value in one.setting.items()]
        for result in one.results:
            epochs = [*_at(result, result.best, measured), *_at(result, result.history.epochs, measured)]
            facts = [result.verdict.kind, f"{result.seconds.total:.3f}"]
            rows.append([result.name, *fields, result.run.seed, one.parameters, *epochs, *facts])
    return figures.csv_text(rows)


def _at(result: Result, epoch: int, measured: Sequence[str]) -> list[Any]:
    if epoch < 1:
        return [None] * (1 + len(measured))
    row = result.history.row(epoch)
    return [epoch, *(row[name] for name in measured)]


def to_yaml(sweep: Sweep) -> str:
    """The sweep as the YAML file that `seedbed sweep -m NAME FILE.yaml` takes."""
    base = sweep.base.plain()
    base.pop("seed")
    base["data"].pop("digest")
    base["model"].pop("digest", None)
    grid = {name: finite(list(values)) for name, values in sweep.grid.values.items()}
    seeds: int | list[int] = list(sweep.seeds)
    if seeds == list(range(len(sweep.seeds))):
        seeds = len(sweep.seeds)
    return yaml.safe_dump({"base": base, "grid": grid, "seeds": seeds}, sort_keys=False, allow_unicode=True)
