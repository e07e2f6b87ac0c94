"""`seedbed runs`: what the home holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import share_text
from seedbed.cli.frame import Group
from seedbed.cli.screen import note, result
from seedbed.figures.words import network
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.records import Result
    from seedbed.runs import Home, Listed


@click.group("runs", cls=Group)
def command() -> None:
    """List, show or remove what was trained."""


@command.command("list")
@options.home
@options.as_json
def list_runs(home: Path, as_json: bool) -> None:
    """Every run, finished or not."""
    from seedbed.runs import Home

    listed = Home(home).listing()
    if as_json:
        screen.emit({"home": str(home), "runs": [_plain(each) for each in listed]})
        return
    if not listed:
        note(f"{home} holds no runs yet. Begin with: seedbed train -m first -d --data digits")
        return
    columns: list[Column[Listed]] = [
        Column("run", lambda each: each.name, align="left"),
        Column("state", lambda each: each.status, align="left"),
        Column("network", lambda each: network(each.record.run.model) if each.record else each.reason, align="left"),
        Column("data", lambda each: each.record and each.record.run.data.name, align="left"),
        Column("seed", lambda each: each.record and each.record.run.seed),
        Column("epochs", lambda each: (each.record and each.record.epochs) or None),
        Column("validation", _validation_accuracy, share_text),
        Column("verdict", _verdict, align="left"),
    ]
    screen.table(Table(columns, listed))


def _validation_accuracy(listed: Listed) -> float | None:
    best = listed.record and listed.record.best
    return best["validation"]["accuracy"] if best else None


def _verdict(listed: Listed) -> str | None:
    if listed.record is None:
        return None
    return listed.record.verdict.kind if listed.record.verdict else listed.reason


@command.command("show")
@click.argument("name")
@options.home
@options.as_json
def show(name: str, home: Path, as_json: bool) -> None:
    """A run's settings, figures and files; of a group, those of each seed."""
    from seedbed.runs import Home

    store = Home(home)
    found = store.find(name)
    if as_json:
        looks = {each.name: len(store.looks(each.name)) for each in found}
        screen.emit({"group": found[0].group, "runs": [{**each.as_json(), "looks": looks[each.name]} for each in found]})
        return
    for each in found:
        _show(store, each)


@command.command("remove")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.home
@options.as_json
def remove(names: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Remove runs, or all runs of a group."""
    from seedbed.runs import Home

    gone = [each for name in names for each in Home(home).remove(name)]
    if as_json:
        screen.emit({"removed": gone})
    else:
        result(f"Removed: {', '.join(gone)}")


def _plain(listed: Listed) -> dict[str, Any]:
    record = listed.record
    facts: dict[str, Any] = {"name": listed.name, "status": listed.status, "reason": listed.reason}
    if record is not None:
        facts |= {"group": record.group, "identity": record.identity, "seed": record.run.seed, "epochs": record.epochs}
        facts |= {"model": record.run.model.plain(), "data": record.run.data.name, "best": record.best}
        facts["verdict"] = record.verdict.kind if record.verdict else None
    return facts


def _show(home: Home, of: Result) -> None:
    """One run: its settings, its metrics, and where its files are."""
    from seedbed.specs import to_yaml

    result(f"{of.name}: {of.verdict.kind}. {of.verdict.evidence}")
    result(f"  trained on {of.device}; {of.model.parameters:,} parameters, {of.model.operations:,} operations an image")
    for which, epoch in (("best", of.best), ("last", of.history.epochs)):
        if epoch >= 1:
            row = of.history.row(epoch)
            result(
                f"  {which} epoch {epoch}: training loss {row['train_loss']:.4f}, accuracy {row['train_accuracy']:.4f}; "
                f"validation loss {row['validation_loss']:.4f}, accuracy {row['validation_accuracy']:.4f}"
            )
    looks = len(home.looks(of.name))
    result(f"  looks at the test part: {looks}")
    result("  settings (usable with --config):")
    for line in to_yaml(of.run).splitlines():
        result(f"    {line}")
    files = sorted(path for path in Path(of.folder).rglob("*") if path.is_file())
    result("  files:")
    for path in files:
        result(f"    {path}")
    result()
