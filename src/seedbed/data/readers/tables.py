"""CSV: one image per row, its label in one column, its pixels in the others."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, Content, PartName
from seedbed.data.readers.arrays import MOST_DECODED, ImageSize, RawPart, assemble
from seedbed.data.readers.gzipped import first_line, opened
from seedbed.errors import CorruptData, DataError, nearest

LABELS = ("label", "class", "target")
BLOCK = 2048
"""Rows that are parsed at once."""

Pixels = NDArray[np.uint8] | NDArray[np.float32]
_FILE = re.compile(r"(?:.*[_-])?(train|test|val|valid|validation)\.csv(?:\.gz)?", re.IGNORECASE)


@dataclass(frozen=True)
class TableLayout:
    """The columns of a table.

    Attributes:
        header: names of the columns; empty where the table has no header.
        label: index of the column of labels.
        columns: number of columns.
    """

    header: tuple[str, ...]
    label: int
    columns: int


def find(folder: Path) -> dict[PartName, Path]:
    """Find the tables of a folder that are named after parts: `train.csv`, `test.csv`, `mnist_train.csv` ..."""
    parts: dict[PartName, Path] = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match and path.is_file() and not path.name.startswith("."):
            parts.setdefault(PART_NAMES[match[1].lower()], path)
    return parts


def fits(path: Path) -> bool:
    """Whether this is the name of a table, or a folder with a table of a training part."""
    return path.name.lower().endswith((".csv", ".csv.gz")) if path.is_file() else path.is_dir() and "train" in find(path)


def read(path: Path, size: ImageSize | None = None, label_column: str | None = None) -> Content:
    """Read a CSV file, or a folder of them, gzipped or not.

    Args:
        label_column: name or number (from 0) of the column of labels. None means the column named label, class or target,
            else the first.

    Raises:
        DataError: there is no such column, or the pixels make no image.
        CorruptData: a value is no number; the message names the line and the column.
    """
    files: dict[PartName, Path] = find(path) if path.is_dir() else {"train": path}
    if "train" not in files:
        raise DataError(f"{path}: there is no train.csv.")
    raw: dict[PartName, RawPart] = {}
    rules: list[str] = []
    for part, file in files.items():
        raw[part], rule = _read_table(file, label_column)
        rules += [rule] if rule not in rules else []
    return assemble(raw, size, tuple(rules))


def _read_table(path: Path, label_column: str | None) -> tuple[RawPart, str]:
    labels: list[str] = []
    blocks: list[Pixels] = []
    try:
        with opened(path) as file:
            lines = _numbered_lines(file)
            top = next(lines, None)
            if top is None:
                raise CorruptData(f"{path}: the table is empty.")
            layout = _layout(top[1], label_column, path)
            rows = lines if layout.header else itertools.chain([top], lines)
            while block := list(itertools.islice(rows, BLOCK)):
                labels += _labels(block, layout, path)
                blocks.append(_pixels(block, layout, path))
                if not sum(pixels.nbytes for pixels in blocks) <= MOST_DECODED:
                    raise DataError(f"{path}: over {MOST_DECODED >> 30} GiB of pixels. Convert it to .npy, which is mapped.")
    except (UnicodeDecodeError, csv.Error) as error:
        raise CorruptData(f"{path}: this is no CSV text in UTF-8 ({first_line(error)}).") from None
    if not blocks:
        raise CorruptData(f"{path}: the table has a header and no rows.")
    name = f", {layout.header[layout.label]!r}" if layout.header else ""
    rule = f"Labels are in column {layout.label}{name}; the other {layout.columns - 1} columns are pixels."
    return RawPart(np.concatenate(blocks), _label_array(labels), str(path)), rule


def _numbered_lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, start=1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        if text:
            yield number, text


def _fields(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line]), [])]


def _layout(line: str, wanted: str | None, path: Path) -> TableLayout:
    fields = _fields(line)
    if len(fields) < 2:
        raise DataError(
            f"{path}: a row needs a label and pixels, separated by commas, and the first line has {len(fields)} value."
        )
    header = tuple(fields) if sum(not _is_number(field) for field in fields) >= 2 else ()
    lower = [name.lower() for name in header]
    if wanted is None:
        label = next((lower.index(name) for name in LABELS if name in lower), 0)
    elif wanted.lower() in lower:
        label = lower.index(wanted.lower())
    elif wanted.isdecimal() and int(wanted) < len(fields):
        label = int(wanted)
    else:
        known = ", ".join(header[:6]) if header else f"numbers 0 to {len(fields) - 1}, since it has no header"
        raise DataError(f"{path}: there is no column {wanted!r}.{nearest(wanted, header)} Its columns: {known}.")
    return TableLayout(header, label, len(fields))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _pixels(lines: Sequence[tuple[int, str]], layout: TableLayout, path: Path) -> Pixels:
    columns = [column for column in range(layout.columns) if column != layout.label]
    try:
        values = np.loadtxt(
            [text for _, text in lines], dtype=np.float32, delimiter=",", usecols=columns, ndmin=2, comments=None, quotechar='"'
        )
    except (ValueError, OverflowError):
        raise CorruptData(_wrong_line(lines, layout, path)) from None
    if len(values) != len(lines):
        raise CorruptData(f"{path}: a quoted value runs over the end of its line, after line {lines[0][0]}.")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, column = wrong[0]
        where = f"line {lines[row][0]}, column {columns[column]}"
        raise CorruptData(f"{path}, {where}: pixels must be finite numbers, and this one is {values[row, column]}.")
    with np.errstate(invalid="ignore"):
        small = values.astype(np.uint8)
    return small if np.array_equal(small, values) else values


def _labels(lines: Sequence[tuple[int, str]], layout: TableLayout, path: Path) -> list[str]:
    labels = []
    for number, text in lines:
        fields = _fields(text) if '"' in text else text.split(",")
        if len(fields) != layout.columns:
            raise CorruptData(f"{path}, line {number}: it has {len(fields)} values, and the first line has {layout.columns}.")
        labels.append(fields[layout.label].strip())
        if not labels[-1]:
            raise CorruptData(f"{path}, line {number}: the label is missing.")
    return labels


def _label_array(labels: list[str]) -> NDArray[np.str_] | NDArray[np.int64] | NDArray[np.float64]:
    """Labels as numbers where all are numbers, so that 3 and 3.0 are one class; else as text."""
    if all(map(_is_number, set(labels))):
        values = np.array([float(label) for label in labels])
        return values.astype(np.int64) if np.array_equal(values, np.trunc(values)) and np.abs(values).max() < 2**53 else values
    return np.array(labels)


def _wrong_line(lines: Sequence[tuple[int, str]], layout: TableLayout, path: Path) -> str:
    """Name the first value that is no number."""
    for number, text in lines:
        for column, field in enumerate(_fields(text)):
            if column != layout.label and not _is_number(field):
                return f"{path}, line {number}, column {column}: pixels must be numbers, and this one is {field[:40]!r}."
    return f"{path}, after line {lines[0][0]}: a value is no number."
