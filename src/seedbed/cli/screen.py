"""Output: results on stdout, notes and progress on stderr. No text of the user's is ever read as markup."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from seedbed.cli.text import escaped

if TYPE_CHECKING:
    from rich.console import Console

    from seedbed.tables import Table

WIDE = 1000
"""Columns where stdout is no terminal: what is piped must not be cut."""


def console(stream: IO[str]) -> Console:
    """Make a rich console on a stream, as wide as the text where the stream is no terminal."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else WIDE)


def note(text: str = "") -> None:
    """Print a line on stderr."""
    click.echo(escaped(text), err=True)


@contextmanager
def noted_after(seconds: float, text: str) -> Iterator[None]:
    """Print a note if the block takes longer than this."""
    timer = threading.Timer(seconds, note, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def result(text: str = "") -> None:
    """Print a line of the result, on stdout."""
    click.echo(escaped(text))


def emit(value: Mapping[str, Any]) -> None:
    """Print the one JSON object of `--json`. NaN and infinities become null; what would steer a terminal is escaped."""
    from seedbed.records import finite

    text = json.dumps(finite(dict(value)), allow_nan=False, ensure_ascii=False)
    if not text.isprintable():
        text = "".join(letter if escaped(letter) == letter else json.dumps(letter)[1:-1] for letter in text)
    click.echo(text)


def lines(texts: Iterable[object], *, indent: str = "") -> None:
    """Print lines of the result."""
    for text in texts:
        result(f"{indent}{text}")


def table(table: Table[Any], *, aside: bool = False) -> None:
    """Print a table on stdout, or `aside` on stderr."""
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns:
        grid.add_column(column.title, justify=column.align, overflow="fold")
    for row in table.texts:
        grid.add_row(*(Text(escaped(text)) for text in row))
    console(sys.stderr if aside else sys.stdout).print(grid)


def files(written: Mapping[str, Sequence[Path]]) -> None:
    """Print where a saved result's figures and tables are: kind -> files, as `figures.save_results` returns them."""
    pictures = [str(paths[0]) for kind, paths in written.items() if kind not in ("tables", "json", "yaml")]
    if pictures:
        result(f"Figures (and .svg and .html): {', '.join(pictures)}")
    result(f"Tables: {', '.join(str(path) for kind in ('tables', 'json') for path in written[kind])}")


def picture(paths: Sequence[Path], called: str = "Figure") -> None:
    """Print where a figure is: its files, as `figures.save` returns them; nothing where there is none."""
    if paths:
        result(f"{called}: {paths[0]} (and {' and '.join(path.suffix for path in paths[1:])})")
