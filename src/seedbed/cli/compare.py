"""`seedbed compare`: which of several settings is better, and whether the figures show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import result

if TYPE_CHECKING:
    from seedbed.comparison import Candidate, Comparison


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
    from seedbed.comparison import compare
    from seedbed.runs import RunStore

    found = compare(RunStore(home), names)
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
    screen.table(columns, [_row(each) for each in found.candidates])
    result()
    if found.differs:
        names = [each.name for each in found.candidates]
        rows = [(setting, *(values.get(name) for name in names)) for setting, values in found.differs.items()]
        screen.table({"setting that differs": "left", **dict.fromkeys(names, "left")}, rows)
        result()
    for sentence in found.sentences():
        result(sentence)


def _row(candidate: Candidate) -> tuple[object, ...]:
    from seedbed.figures.words import percent

    size = "" if candidate.parameters is None else f"{candidate.parameters:,}"
    accuracy = candidate.accuracy
    if accuracy is None:
        return candidate.name, 0, size, "", "none is left"
    interval = f"{percent(accuracy.low, 2)} to {percent(accuracy.high, 2)}"
    return candidate.name, len(candidate.runs), size, percent(accuracy.mean, 2), interval
