"""`seedbed compare`: which of several settings is better, and whether the figures show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import result

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
    columns: dict[str, screen.Justify] = {"name": "left", "seeds": "right", "parameters": "right"}
    columns |= {"validation accuracy": "right", "95 % interval": "right"}
    screen.table(columns, [_row(each) for each in found.groups])
    result()
    if found.differs:
        names = [each.name for each in found.groups]
        rows = [(setting, *(values.get(name) for name in names)) for setting, values in found.differs.items()]
        screen.table({"setting that differs": "left", **dict.fromkeys(names, "left")}, rows)
        result()
    for sentence in found.sentences():
        result(sentence)


def _row(group: Group) -> tuple[object, ...]:
    from seedbed.figures.words import percent

    size = f"{group.parameters:,}"
    accuracy = group.accuracy
    if accuracy is None:
        return group.name, 0, size, "", "none is left"
    interval = f"{percent(accuracy.low, 2)} to {percent(accuracy.high, 2)}"
    return group.name, group.n, size, percent(accuracy.mean, 2), interval
