"""`seedbed visualize`: look at the images before training on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from seedbed.cli import options, screen
from seedbed.cli.text import escaped
from seedbed.specs import DataSpec, Protocol

if TYPE_CHECKING:
    from seedbed.visualize import VisualizeReport

CLEAR = "\r\x1b[K"
"""Moves to the start of the terminal's line, and clears it."""


@click.command("visualize")
@options.data
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("img"),
    metavar="DIR",
    show_default=True,
    help="Where the pictures and index.html go.",
)
@options.protocol()
@options.as_json
def command(data: str, out: Path, protocol: Protocol) -> options.Output:
    """Look at the images: examples, balance, pixels, duplicates, leakage, a map.

    Writes PNG files and one page, index.html, that needs no network.
    """
    from seedbed import data as sets
    from seedbed.cli.watch import fetching
    from seedbed.visualize import visualize

    with fetching() as watch:
        dataset = sets.load(DataSpec(name=sets.named(data, watch), protocol=protocol), watch)
    screen.note_boxes(dataset.classes)
    report = visualize(dataset, out, on_event=progress())
    if sys.stderr.isatty():
        click.echo(CLEAR, nl=False, err=True)
    return report.as_json(), lambda: _show(report)


def _show(report: VisualizeReport) -> None:
    for section in ("overview", "balance", "duplicates", "leakage"):
        screen.lines(report.sentences[section])
    screen.result()
    screen.lines((*report.pictures.values(), report.page))


def progress() -> Callable[[str], None]:
    """Show the work on stderr: one line that is rewritten on a terminal, a line per step elsewhere."""
    shown = ""

    def show(line: str) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            click.echo(CLEAR + escaped(line), nl=False, err=True)
        elif (step := line.split(":")[0]) != shown:
            screen.note(step)
            shown = step

    return show
