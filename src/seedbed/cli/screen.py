"""Output: results on stdout, notes and progress on stderr. No text of the user's is ever read as markup."""

from __future__ import annotations

import codecs
import json
import shutil
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from seedbed.cli.text import escaped
from seedbed.words import duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

    from seedbed.groups.statements import Statement
    from seedbed.tables import Table

WIDE = 1000
"""Columns where stdout is no terminal: what is piped must not be cut."""

_began = time.monotonic()


SHOWN = 5
"""Letters that a note names."""


def start_clock() -> None:
    """Count the time of a command from now on."""
    global _began
    _began = time.monotonic()


def times(in_workers: float) -> None:
    """Print how long the command took, and how long its workers trained, which may be longer: they work side by side."""
    result(f"Time: {duration(time.monotonic() - _began)} in all; training {duration(in_workers)} of workers' time")


def console(stream: IO[str]) -> Console:
    """Make a rich console on a stream, as wide as the text where the stream is no terminal."""
    from rich.console import Console

    return Console(file=stream, markup=False, highlight=False, emoji=False, width=None if stream.isatty() else WIDE)


def note(text: str = "") -> None:
    """Print a line on stderr."""
    click.echo(_wrapped(escaped(text), sys.stderr), err=True)


def note_boxes(texts: Iterable[str]) -> None:
    """Say which letters of some texts drawn pictures show as boxes, since no font here has them."""
    from seedbed.figures import missing_letters

    letters = missing_letters(texts)
    if letters:
        more = f" and {len(letters) - SHOWN:,} more" if len(letters) > SHOWN else ""
        note(
            f"note: No font on this machine has the letters {' '.join(letters[:SHOWN])}{more}: pictures show boxes for them. "
            f"Install a font that has them; the Noto fonts have those of all languages."
        )


def _wrapped(text: str, stream: IO[str]) -> str:
    """The text as lines that end between words, where a terminal shows it; further lines keep the indent of the first."""
    columns = shutil.get_terminal_size().columns
    if not stream.isatty() or len(text) < columns:
        return text
    indent = text[: len(text) - len(text.lstrip())]
    return textwrap.fill(
        text, columns - 1, subsequent_indent=indent, drop_whitespace=True, break_long_words=False, break_on_hyphens=False
    )


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
    click.echo(_wrapped(escaped(text), sys.stdout))


def emit(value: Mapping[str, Any]) -> None:
    """Print the one JSON object of `--json`. NaN and infinities become null; what would steer a terminal is escaped.

    Where stdout is not UTF-8, as in a pipe of Windows, all letters but those of ASCII are escaped: JSON must be UTF-8.
    """
    from seedbed.records import finite

    ascii_only = codecs.lookup(sys.stdout.encoding or "utf-8").name != "utf-8"
    text = json.dumps(finite(dict(value)), allow_nan=False, ensure_ascii=ascii_only)
    if not text.isprintable():
        text = "".join(letter if escaped(letter) == letter else json.dumps(letter)[1:-1] for letter in text)
    click.echo(text)


def lines(texts: Iterable[object], *, indent: str = "") -> None:
    """Print lines of the result."""
    for text in texts:
        result(f"{indent}{text}")


def statements(found: Iterable[Statement], *, details: bool, indent: str = "") -> None:
    """Print what was found, each with its mark; with `details` also its statistics and the rule of the mark."""
    for each in found:
        said = each.sentence if details else each.answer
        if not said:
            continue
        result(f"{indent}[{each.mark}] {said}" if each.mark else f"{indent}{said}")
        if details and each.certainty:
            result(f"{indent}    {each.mark}: {each.certainty.rule}")


def more_in_details() -> None:
    """Say how one sees the statistics that were left out."""
    result("The statistics: the same command with --details.")


def table(table: Table[Any], *, aside: bool = False) -> None:
    """Print a table on stdout, or `aside` on stderr; without its least important columns where a terminal is too narrow."""
    terminal = console(sys.stderr if aside else sys.stdout)
    droppable = sorted((column for column in table.columns if column.extra), key=lambda column: -column.extra)
    left_out: list[str] = []
    unlimited = terminal.options.update(max_width=WIDE)
    while droppable and terminal.measure(_grid(table), options=unlimited).maximum > terminal.width:
        least = droppable.pop(0)
        left_out.append(least.heading)
        table = replace(table, columns=[column for column in table.columns if column is not least])
    terminal.print(_grid(table))
    if left_out:
        note(f"Left out, for this terminal is too narrow: {', '.join(left_out)}.")


def _grid(table: Table[Any]) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in table.columns:
        grid.add_column(column.title, justify=column.align, overflow="fold")
    for row in table.texts:
        grid.add_row(*(Text(escaped(text)) for text in row))
    return grid


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
