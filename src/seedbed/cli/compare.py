"""`seedbed compare`: which of several settings is better, and whether the figures show it."""

from __future__ import annotations

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
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("img/comparison"),
    metavar="STEM",
    show_default=True,
    help="Where the figure goes: STEM.png, STEM.svg, STEM.html.",
)
@options.home
@options.as_json
def command(names: tuple[str, ...], out: Path, home: Path, as_json: bool) -> None:
    """Differences in validation accuracy between runs or groups, with intervals.

    Groups are paired by their seeds; single runs are compared on the same images. The verdicts are corrected for the number
    of pairs.
    """
    from seedbed.groups import compare
    from seedbed.runs import Home

    found = compare(Home(home), names)
    pictures = _draw(found, out) if found.pairs else []
    if as_json:
        screen.emit(found.as_json())
        return
    _show(found)
    if pictures:
        result(f"Figure: {pictures[0]} (and {' and '.join(path.suffix for path in pictures[1:])})")


def _draw(found: Comparison, stem: Path) -> list[Path]:
    from seedbed import figures

    return figures.save(found.figure(), stem)


def _show(found: Comparison) -> None:
    columns: list[Column[Group]] = [
        Column("name", lambda each: each.name, align="left"),
        Column("seeds", lambda each: each.n),
        Column("parameters", lambda each: each.parameters, ","),
        *accuracy_columns("validation accuracy", lambda each: each.accuracy),
    ]
    screen.table(Table(columns, found.groups))
    result()
    if found.differs:
        screen.table(_differences(found))
        result()
    for sentence in found.sentences():
        result(sentence)


def _differences(found: Comparison) -> Table[str]:
    """The settings that differ, one column per group."""
    settings: Column[str] = Column("setting that differs", lambda setting: setting, align="left")

    def value(name: str) -> Column[str]:
        return Column(name, lambda setting: found.differs[setting].get(name), align="left")

    return Table([settings, *(value(each.name) for each in found.groups)], list(found.differs))
