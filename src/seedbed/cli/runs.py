"""`seedbed runs`: what the home holds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import share_text
from seedbed.cli.frame import CommandGroup
from seedbed.cli.screen import note, result
from seedbed.cli.text import escaped
from seedbed.errors import RunError
from seedbed.tables import Column, Table
from seedbed.words import counted

if TYPE_CHECKING:
    from seedbed.records import Result
    from seedbed.runs import Listed, RunStore
    from seedbed.runs.record import Record

MOST_SHOWN = 8
"""Names that the question before removing has."""


@click.group("runs", cls=CommandGroup)
def command() -> None:
    """List, show or remove what was trained."""


@command.command("list")
@click.option("--all", "each", is_flag=True, help="Each run of a sweep, not the sweep as one row.")
@options.home
@options.as_json
def list_runs(each: bool, home: Path) -> options.Output:
    """Every run, finished or not, and when it was last written; a sweep is one row."""
    from seedbed.runs import RunStore
    from seedbed.sweeps.stored import stored_sweeps

    listed = RunStore(home).listing()
    sweeps = stored_sweeps(listed)
    rows = [_Row([run], home) for run in listed] if each else _rows(listed, sweeps, home)
    return {"home": str(home), "runs": [_plain(run, sweeps, home) for run in listed]}, lambda: _show_list(home, rows)


@dataclass(frozen=True)
class _Row:
    """A row of the list: a run, or all runs of a sweep."""

    runs: list[Listed]
    home: Path
    sweep: str = ""

    @property
    def state(self) -> str:
        counts = Counter(run.status for run in self.runs)
        return ", ".join(f"{count} {status}" for status, count in counts.items()) if self.sweep else self.runs[0].status

    @property
    def network(self) -> str:
        if self.sweep:
            settings = {run.record.group for run in self.runs if run.record}
            return f"sweep of {counted(len(settings), 'setting')}, {counted(len(self.runs), 'run')}"
        record = self.runs[0].record
        return record.run.model.title if record else self.runs[0].reason

    @property
    def date(self) -> str:
        return max(_written(self.home, run.name) for run in self.runs)

    def common(self, value: Callable[[Record], Any]) -> Any:
        """A value that all runs share; None where they do not."""
        values = [value(run.record) for run in self.runs if run.record]
        return values[0] if len(values) == len(self.runs) and len(set(map(str, values))) == 1 else None

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy at the best epoch; of a sweep the highest."""
        known = [run.record.best["validation"]["accuracy"] for run in self.runs if run.record and run.record.best]
        return max(known, default=None)

    @property
    def verdict(self) -> str:
        kinds = [run.verdict.label if run.verdict else run.reason for run in self.runs]
        if not self.sweep:
            return kinds[0]
        return ", ".join(f"{count} {kind}" for kind, count in Counter(filter(None, kinds)).most_common())


def _rows(listed: Sequence[Listed], sweeps: Mapping[str, str], home: Path) -> list[_Row]:
    rows: dict[str, _Row] = {}
    for run in listed:
        sweep = sweeps.get(run.record.group, "") if run.record else ""
        rows.setdefault(f"sweep {sweep}" if sweep else f"run {run.name}", _Row([], home, sweep)).runs.append(run)
    return list(rows.values())


def _written(home: Path, name: str) -> str:
    """When a run's record was last written, to the minute; empty where it cannot be known."""
    try:
        return datetime.fromtimestamp((home / name / "run.json").stat().st_mtime).strftime("%Y-%m-%d %H:%M")
    except OSError:
        return ""


def _show_list(home: Path, rows: Sequence[_Row]) -> None:
    if not rows:
        note(f"{home} holds no runs yet. Begin with: seedbed train -m first -d --data digits")
        return
    columns: list[Column[_Row]] = [
        Column("run", lambda row: row.sweep or row.runs[0].name, align="left"),
        Column("written", lambda row: row.date, align="left", extra=3),
        Column("state", lambda row: row.state, align="left"),
        Column("network", lambda row: row.network, align="left"),
        Column("data", lambda row: row.common(lambda record: record.run.data.name), align="left", extra=2),
        Column("seed", lambda row: row.common(lambda record: record.run.seed), extra=4),
        Column("epochs", lambda row: row.common(lambda record: record.epochs or None), extra=1),
        Column("validation", lambda row: row.accuracy, share_text),
        Column("verdict", lambda row: row.verdict, align="left"),
    ]
    screen.table(Table(columns, rows))
    if any(row.sweep for row in rows):
        result("A sweep is one row, with its best run's accuracy; --all lists each run.")


@command.command("show")
@click.argument("name")
@options.home
@options.as_json
def show(name: str, home: Path) -> options.Output:
    """A run's settings, metrics and files; of a group, those of each seed."""
    from seedbed.runs import RunStore

    store = RunStore(home)
    runs = store.find(name)
    looks = {run.name: len(store.looks(run.name)) for run in runs}
    plain = {"group": runs[0].group, "runs": [{**run.as_json(), "looks": looks[run.name]} for run in runs]}

    def show_all() -> None:
        for run in runs:
            _show(run, looks[run.name])

    return plain, show_all


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@options.home
@options.as_json
def remove(names: tuple[str, ...], yes: bool, home: Path) -> options.Output:
    """Remove runs, or all runs of a group or a sweep; asks before it does."""
    from seedbed.runs import RunStore

    store = RunStore(home)
    groups = [group for name in names for group in _groups(store, name)]
    if not yes:
        _confirm(store, groups)
    removed = [run for group in groups for run in store.remove(group)]
    return {"removed": removed}, lambda: result(f"Removed: {', '.join(removed)}")


def _groups(store: RunStore, name: str) -> list[str]:
    """The run or group of this name, or else the groups of the sweep."""
    from seedbed.sweeps.stored import is_known, stored_sweep

    stored = None if is_known(store, name) else stored_sweep(store, name)
    return stored.groups if stored else [name]


def _confirm(store: RunStore, groups: Sequence[str]) -> None:
    runs = [run for run in store.listing() if run.name in groups or (run.record and run.record.group in groups)]
    if not runs:
        return  # removing says which name is not known
    if not sys.stdin.isatty():
        raise RunError(f"{counted(len(runs), 'run')} would be removed, and there is no terminal to ask; add --yes.")
    shown = [run.name for run in runs[:MOST_SHOWN]] + (["..."] if len(runs) > MOST_SHOWN else [])
    click.confirm(escaped(f"Remove {counted(len(runs), 'run')} ({', '.join(shown)})?"), abort=True, err=True)


def _plain(listed: Listed, sweeps: Mapping[str, str], home: Path) -> dict[str, Any]:
    record = listed.record
    facts: dict[str, Any] = {"name": listed.name, "status": listed.status, "reason": listed.reason}
    facts["written"] = _written(home, listed.name) or None
    if record is not None:
        facts |= {"group": record.group, "identity": record.identity, "seed": record.run.seed, "epochs": record.epochs}
        facts |= {"model": record.run.model.plain(), "data": record.run.data.name, "best": record.best}
        facts["verdict"] = listed.verdict.kind if listed.verdict else None
        facts["sweep"] = sweeps.get(record.group)
    return facts


def _show(run: Result, looks: int) -> None:
    """Print a run: its settings, its outcome, and where its files are."""
    from seedbed.specs import to_yaml

    result(f"{run.name}: {run.verdict}")
    result(f"  trained on {run.device}; {run.model.parameters:,} parameters, {run.model.operations:,} operations per image")
    for which, epoch in (("best", run.best), ("last", run.history.epochs)):
        if epoch >= 1:
            row = run.history.row(epoch)
            result(
                f"  {which} epoch {epoch}: training loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.4f}; "
                f"validation loss {row['validation_loss']:.4f}, accuracy {row['validation_accuracy']:.4f}"
            )
    result(f"  looks at the test part: {looks}")
    result("  settings (usable with --config):")
    screen.lines(to_yaml(run.run).splitlines(), indent="    ")
    result("  files:")
    screen.lines(sorted(path for path in Path(run.folder).rglob("*") if path.is_file()), indent="    ")
    result()
