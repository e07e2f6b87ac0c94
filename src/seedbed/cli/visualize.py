"""`seedbed visualize`: look at the images before training on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from seedbed.cli import options, screen
from seedbed.cli.text import escaped


@click.command("visualize")
@options.data
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("img"),
    metavar="DIR",
    show_default=True,
    help="Where the pictures and index.html go.",
)
@click.option(
    "--protocol",
    type=click.Choice(["honest", "handout"]),
    default="honest",
    show_default=True,
    help="honest locks the test images away; handout calls them validation, as the exercise did.",
)
@options.as_json
def command(data: str, out: Path, protocol: Literal["honest", "handout"], as_json: bool) -> None:
    """Look at the images: examples, balance, pixels, duplicates, leakage, a plane.

    Writes PNG files and one page, index.html, that needs no network.
    """
    from seedbed import data as sets
    from seedbed.cli.watch import fetching
    from seedbed.specs import DataSpec
    from seedbed.visualize import visualize

    with fetching() as watch:
        dataset = sets.load(DataSpec(name=sets.named(data), protocol=protocol), watch)
    report = visualize(dataset, out, on_event=progress())
    _clear()
    if as_json:
        screen.emit(report.as_json())
        return
    for line in (line for section in ("overview", "balance", "duplicates", "leakage") for line in report.sentences[section]):
        screen.result(line)
    screen.result()
    for path in (*report.pictures.values(), report.page):
        screen.result(str(path))


def progress() -> Callable[[str], None]:
    """Show the work on stderr: one line that is rewritten on a terminal, a line per step elsewhere."""
    shown = ""

    def show(line: str) -> None:
        nonlocal shown
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{escaped(line)}", nl=False, err=True)
        elif (step := line.split(":")[0]) != shown:
            screen.note(step)
            shown = step

    return show


def _clear() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
