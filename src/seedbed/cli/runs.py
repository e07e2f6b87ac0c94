"""`seedbed runs`: what the home holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import share_text
from seedbed.cli.frame import CommandGroup
from seedbed.cli.screen import note, result
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.records import Result
    from seedbed.runs import Listed
    from seedbed.runs.record import Record


@click.group("runs", cls=CommandGroup)
def command() -> None:
    """List, show or remove what was trained."""


@command.command("list")
@options.home
@options.as_json
def list_runs(home: Path) -> options.Output:
    """Every run, finished or not."""
    from seedbed.runs import RunStore

    listed = RunStore(home).listing()
    return {"home": str(home), "runs": [_plain(each) for each in listed]}, lambda: _show_list(home, listed)


def _show_list(home: Path, listed: Sequence[Listed]) -> None:
    if not listed:
        note(f"{home} holds no runs yet. Begin with: seedbed train -m first -d --data digits")
        return

    def of_record(heading: str, value: Callable[[Record], Any], **style: Any) -> Column[Listed]:
        return Column(heading, lambda each: each.record and value(each.record), **style)

    columns: list[Column[Listed]] = [
        Column("run", lambda each: each.name, align="left"),
        Column("state", lambda each: each.status, align="left"),
        Column("network", lambda each: each.record.run.model.title if each.record else each.reason, align="left"),
        of_record("data", lambda record: record.run.data.name, align="left"),
        of_record("seed", lambda record: record.run.seed),
        of_record("epochs", lambda record: record.epochs or None),
        of_record("validation", lambda record: record.best and record.best["validation"]["accuracy"], text=share_text),
        Column(
            "verdict",
            lambda each: each.verdict.label if each.verdict else each.reason,
            align="left",
        ),
    ]
    screen.table(Table(columns, listed))


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
@options.home
@options.as_json
def remove(names: tuple[str, ...], home: Path) -> options.Output:
    """Remove runs, or all runs of a group."""
    from seedbed.runs import RunStore

    removed = [run for name in names for run in RunStore(home).remove(name)]
    return {"removed": removed}, lambda: result(f"Removed: {', '.join(removed)}")


def _plain(listed: Listed) -> dict[str, Any]:
    record = listed.record
    facts: dict[str, Any] = {"name": listed.name, "status": listed.status, "reason": listed.reason}
    if record is not None:
        facts |= {"group": record.group, "identity": record.identity, "seed": record.run.seed, "epochs": record.epochs}
        facts |= {"model": record.run.model.plain(), "data": record.run.data.name, "best": record.best}
        facts["verdict"] = listed.verdict.kind if listed.verdict else None
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
