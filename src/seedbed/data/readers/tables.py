"""Text tables: their separator, header and columns; and tables with one image per row, its label and its pixels.

The column of labels is the requested one, else one of a usual name, else the one that differs from all others by its header or
its values. Where two columns could be it, the table is refused with the option that settles it.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, PartName
from seedbed.data.readers.files import File, first_line, opened
from seedbed.errors import CorruptData, DataError, SpecError

LABELS = ("label", "labels", "class", "target", "y", "digit", "letter", "emotion", "category", "species", "breed", "class_name")
USAGE = ("usage", "split", "subset", "set", "part", "partition")
INDEX = ("", "unnamed: 0", "id", "index", "idx", "imageid", "image_id", "row", "no")
SEPARATORS = {"tab": "\t", "space": " "}
SNIFFED = ("\t", ";", "|", ",", " ")
"""Separators that are looked for, the first that divides the first lines alike."""

MANY = 9
"""Consecutive numbers in a first line that are names of columns and no pixels."""

MOST_CELLS = 50_000_000
"""Cells of a table that is read as text."""

MOST_WIDTH = 64 << 20
"""Characters of a line."""

_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)(\.0*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True)
class TextTable:
    """A table as text.

    Attributes:
        separator: what separates its columns.
        header: names of the columns; empty where the table has no header.
        rows: cells of the rows that were read.
        lines: their numbers in the file.
    """

    separator: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]

    @classmethod
    def glance(cls, file: File, separator: str | None, most: int) -> TextTable | None:
        """The first rows of a table; None where the file is no table."""
        try:
            return cls.read(file, separator, most)
        except DataError:
            return None

    @classmethod
    def read(cls, file: File, separator: str | None, most: int | None = None) -> TextTable:
        """Read a table, or its first rows.

        Raises:
            DataError: it has fewer than two columns, or too many cells.
            CorruptData: it is no text, or a row has another number of cells.
        """
        with texts(file) as lines:
            top = list(itertools.islice(lines, 3))
            if not top:
                raise CorruptData(f"{file.where}: the table is empty.")
            mark = separator_of([text for _, text in top], separator, file.where)
            rows: list[list[str]] = []
            numbers: list[int] = []
            for number, text in itertools.islice(itertools.chain(top, lines), None if most is None else most + 1):
                cells = fields(text, mark)
                if rows and len(cells) != len(rows[0]):
                    raise CorruptData(
                        f"{file.where}, line {number}: it has {len(cells)} values, and the first line has {len(rows[0])}."
                    )
                rows.append(cells)
                numbers.append(number)
                if len(rows) * len(cells) > MOST_CELLS:
                    raise DataError(f"{file.where}: a table of names and labels may have {MOST_CELLS:,} cells at most.")
        header = tuple(rows[0]) if is_header(rows) else ()
        return cls(mark, header, rows[1:] if header else rows, numbers[1:] if header else numbers)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, or their numbers where there is no header."""
        return self.header or tuple(str(column) for column in range(len(self.rows[0]) if self.rows else 0))

    def title(self, column: int) -> str:
        """A column for messages: its number, and its name where it has one."""
        return f"{column}, {self.header[column]!r}" if self.header else str(column)

    def find(self, names: Sequence[str]) -> int | None:
        """The first column with one of these names."""
        lower = [name.lower() for name in self.header]
        return next((lower.index(name) for name in names if name in lower), None)

    def column(self, wanted: str) -> int | None:
        """The column of a name or number; None where there is none."""
        named = self.find([wanted.lower()])
        if named is None and wanted.isdecimal() and int(wanted) < len(self.columns):
            return int(wanted)
        return named

    def without_header(self) -> TextTable:
        """The same table with its first line as a row."""
        return replace(self, header=(), rows=[list(self.header), *self.rows], lines=[1, *self.lines])

    def cells(self, column: int) -> list[str]:
        """The cells of a column."""
        return [row[column] for row in self.rows]


def is_table(file: File) -> bool:
    """Whether the name is that of a text table."""
    return file.suffix in (".csv", ".tsv")


@contextmanager
def texts(file: File) -> Iterator[Iterator[tuple[int, str]]]:
    """Open a text file: its line numbers and lines, without empty ones.

    Raises:
        CorruptData: it is no text in UTF-8.
    """
    with opened(file) as stream:
        yield _lines(stream, file)


def _lines(stream: IO[bytes], file: File) -> Iterator[tuple[int, str]]:
    try:
        for number in itertools.count(1):
            line = stream.readline(MOST_WIDTH)
            if not line:
                return
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip(" \r\n")
            if len(line) == MOST_WIDTH or "\0" in text:
                raise CorruptData(f"{file.where}, line {number}: this is no line of a text table.")
            if text.strip():
                yield number, text
    except UnicodeDecodeError as error:
        raise CorruptData(f"{file.where}: this is no CSV text in UTF-8 ({first_line(error)}). Save it in UTF-8.") from None


def separator_of(lines: Sequence[str], wanted: str | None, where: str) -> str:
    """What separates the columns: as requested, else the first of `SNIFFED` that divides the first lines into equally many.

    Raises:
        SpecError: the requested one is not a single character, "tab" or "space".
        DataError: a line has only one value.
    """
    if wanted is not None:
        mark = SEPARATORS.get(wanted.lower(), wanted)
        if len(mark) != 1 or mark in '"\r\n' or mark.isalnum():
            raise SpecError(f"separator = {wanted!r}: it must be one character, or tab or space.")
        return mark
    for mark in SNIFFED:
        counts = {len(fields(line, mark)) for line in lines}
        if counts != {1} and (len(counts) == 1 or mark == ","):
            return mark
    raise DataError(
        f"{where}: a row needs a label and pixels, separated by commas, and the first line has "
        f"{len(fields(lines[0], ','))} value. Another sign is given by --separator."
    )


def fields(line: str, separator: str) -> list[str]:
    """The cells of a line, without spaces around them.

    Raises:
        CorruptData: a cell is too long, or quotes are broken.
    """
    if separator == " ":
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(separator)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error as error:
        raise CorruptData(f"{line[:40]!r}: this is no line of a table ({first_line(error)}).") from None


def is_number(text: str) -> bool:
    """Whether a cell is a number."""
    return _NUMBER.fullmatch(text) is not None


def is_whole(text: str) -> bool:
    """Whether a cell is a whole number without zeros before it."""
    return _WHOLE.fullmatch(text) is not None


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    It does if two cells are text where numbers follow, or one is and the others count columns; or if all are consecutive
    numbers, as tables have that were written without names.
    """
    top, below = rows[0], rows[1:3]
    if (_counts(top) and len(top) >= MANY) or _numbered_twins(top):
        return True
    named = [column for column, cell in enumerate(top) if not is_number(cell)]
    if not named:
        return False
    if not below:
        return len(named) >= 2
    replaced = [column for column in named if all(is_number(row[column]) for row in below if column < len(row))]
    rest = [cell for column, cell in enumerate(top) if column not in named]
    if replaced:
        return True
    return len(named) >= 2 or (_counts(rest) and len(rest) >= MANY) or top[named[0]].lower() in (*LABELS, *INDEX[1:])


def _numbered_twins(cells: Sequence[str]) -> bool:
    """Whether cells are a first row that pandas took for names, and numbered where they are equal: 0, 0.1, 0.2 ..."""
    twins = [cell.partition(".")[2] for cell in cells if "." in cell]
    return len(twins) >= MANY and twins == [str(number) for number in range(1, len(twins) + 1)]


def _counts(cells: Sequence[str]) -> bool:
    return len(cells) > 1 and any(list(cells) == [str(first + k) for k in range(len(cells))] for first in (0, 1))


def labels_of(cells: Sequence[str], where: str) -> list[str]:
    """Labels as names of classes: whole numbers in one spelling (3.0 is 3), all else as it is written (01, 1_1, 1e2).

    Raises:
        DataError: the labels are numbers with fractions.
    """
    different = set(cells)
    if all(map(is_whole, different)):
        names = {cell: str(int(cell.partition(".")[0])) for cell in different if len(cell) < 400}
        return [names.get(cell, cell) for cell in cells]
    fractions = [cell for cell in different if re.fullmatch(r"[+-]?\d*\.\d*[1-9]\d*", cell)]
    if fractions and all(map(is_number, different)):
        raise DataError(
            f"{where}: labels must be whole numbers or names, and one is {min(fractions)}. --label-column chooses others."
        )
    return list(cells)


def usage_part(cell: str) -> PartName | None:
    """The part that a cell names, also in the words of FER2013: Training, PublicTest, PrivateTest."""
    lower = cell.strip().lower()
    return {"publictest": "validation", "privatetest": "test"}.get(lower) or PART_NAMES.get(lower)  # type: ignore[return-value]


def one_hot(table: TextTable, columns: Sequence[int]) -> bool:
    """Whether these columns have one 1 in each row, and 0 elsewhere."""
    if len(columns) < 2 or not table.rows:
        return False
    return all(Counter(row[column] for column in columns) == {"1": 1, "0": len(columns) - 1} for row in _plain(table, columns))


def _plain(table: TextTable, columns: Sequence[int]) -> Iterator[dict[int, str]]:
    for row in table.rows:
        yield {column: plain_number(row[column]) for column in columns}


def plain_number(cell: str) -> str:
    """A cell without a fraction of zero: 1 for 1.0."""
    return cell.removesuffix(".0").removesuffix(".")


Pixels = NDArray[np.uint8] | NDArray[np.float32]
