"""`seedbed compare`: which of several settings is better, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import accuracy_columns
from seedbed.cli.screen import result
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.groups import Comparison, Group


@click.command("compare")
@click.argument("names", nargs=-1, required=True, metavar="NAME NAME...")
@options.stem("img/comparison")
@options.margin
@options.home
@options.as_json
def command(names: tuple[str, ...], out: Path, margin: float, home: Path) -> options.Output:
    """Differences in validation accuracy between runs or groups, with intervals.

    Groups are paired by their seeds; single runs are compared on the same images. The verdicts are corrected for the number
    of pairs.
    """
    from seedbed import figures
    from seedbed.groups import compare
    from seedbed.runs import RunStore

    comparison = compare(RunStore(home), names, margin=margin / 100)
    pictures = figures.save(comparison.figure(), out) if comparison.pairs else []
    curves = figures.save(comparison.curves(), out.with_name(f"{out.name}_curves")) if comparison.pairs else []
    return comparison.as_json(), lambda: _show(comparison, pictures, curves)


def _show(comparison: Comparison, pictures: Sequence[Path], curves: Sequence[Path]) -> None:
    from seedbed.groups.speed import speed_columns

    columns: list[Column[Group]] = [
        Column("name", lambda group: group.name, align="left"),
        Column("seeds", lambda group: group.n),
        Column("parameters", lambda group: group.parameters, ","),
        *accuracy_columns("validation accuracy", lambda group: group.accuracy),
    ]
    screen.table(Table(columns, comparison.groups))
    result()
    speed = speed_columns(comparison.groups)
    if speed:
        name: Column[Group] = Column("validation accuracy", lambda group: group.name, align="left")
        screen.table(Table([name, *speed], comparison.groups))
        result()
    if comparison.differs:
        screen.table(_differences(comparison))
        result()
    screen.lines(comparison.sentences())
    if comparison.method:
        result(comparison.method)
    screen.picture(pictures)
    screen.picture(curves, "Learning curves")


def _differences(comparison: Comparison) -> Table[str]:
    """Make the table of the settings that differ, one column per group."""
    settings: Column[str] = Column("setting that differs", lambda setting: setting, align="left")

    def value(name: str) -> Column[str]:
        return Column(name, lambda setting: comparison.differs[setting].get(name), align="left")

    return Table([settings, *(value(group.name) for group in comparison.groups)], list(comparison.differs))
