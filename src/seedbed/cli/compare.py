"""`seedbed compare`: which of several settings is better, and whether that may be chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.columns import accuracy_columns, share_text
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
def command(names: tuple[str, ...], out: Path, home: Path) -> options.Output:
    """Differences in validation accuracy between runs or groups, with intervals.

    Groups are paired by their seeds; single runs are compared on the same images. The verdicts are corrected for the number
    of pairs.
    """
    from seedbed import figures
    from seedbed.groups import compare
    from seedbed.runs import RunStore

    comparison = compare(RunStore(home), names)
    pictures = figures.save(comparison.figure(), out) if comparison.pairs else []
    return comparison.as_json(), lambda: _show(comparison, pictures)


def _show(comparison: Comparison, pictures: Sequence[Path]) -> None:
    from seedbed.groups import optimism

    columns: list[Column[Group]] = [
        Column("name", lambda group: group.name, align="left"),
        Column("seeds", lambda group: group.n),
        Column("parameters", lambda group: group.parameters, ","),
        *accuracy_columns("validation accuracy", lambda group: group.accuracy),
        Column("at the last epoch", lambda group: group.last and group.last.mean, share_text),
    ]
    screen.table(Table(columns, comparison.groups))
    result()
    if comparison.differs:
        screen.table(_differences(comparison))
        result()
    screen.lines(comparison.sentences())
    screen.lines(optimism([result for group in comparison.groups for result in group.results]))
    if pictures:
        result(f"Figure: {pictures[0]} (and {' and '.join(path.suffix for path in pictures[1:])})")


def _differences(comparison: Comparison) -> Table[str]:
    """Make the table of the settings that differ, one column per group."""
    settings: Column[str] = Column("setting that differs", lambda setting: setting, align="left")

    def value(name: str) -> Column[str]:
        return Column(name, lambda setting: comparison.differs[setting].get(name), align="left")

    return Table([settings, *(value(group.name) for group in comparison.groups)], list(comparison.differs))
