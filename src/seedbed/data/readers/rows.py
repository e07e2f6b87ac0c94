"""CSV with one image per row: its label in one column, or one column for each class, and its pixels in the others.

The pixels may also be in one cell, with spaces between them (FER2013). A column of the parts divides the rows.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, PartName
from seedbed.data.readers import bytewise
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.files import MOST_DECODED, File
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.named import divided
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import by_prefix, chosen
from seedbed.data.readers.tables import (
    INDEX,
    LABELS,
    USAGE,
    Pixels,
    TextTable,
    fields,
    is_number,
    is_table,
    is_whole,
    labels_of,
    one_hot,
    texts,
    usage_part,
)
from seedbed.errors import CorruptData, DataError, nearest

BLOCK = 2048
"""Rows that are parsed at once."""

GLANCE = 200
"""Rows by which the kinds of the columns are found."""

ENOUGH = 20
"""Rows from which a first column that counts them is an index, where no name says so."""

CLEAR = 4
"""Factor between the numbers of different values of two columns that makes the one with fewer that of the labels."""


@dataclass(frozen=True)
class Columns:
    """Which column is what.

    Attributes:
        table: the first rows.
        label: column of labels; None where only all rows will show it, or where `classes` are columns of their own.
        classes: columns of the classes, with a 1 in one of them.
        pixels: columns of pixels, or the one that holds them all.
        packed: whether one cell holds all pixels.
        usage: column of the parts.
        rules: decisions, one sentence each.
    """

    table: TextTable
    label: int | None
    classes: tuple[int, ...]
    pixels: tuple[int, ...]
    packed: bool = False
    usage: int | None = None
    rules: tuple[str, ...] = ()


def find(inventory: Inventory, options: ReadOptions) -> dict[PartName, File]:
    """The tables to read: a single one, or those named after parts (`train.csv`, `mnist_test.csv`).

    Raises:
        DataError: tables of several sets, or two of one part.
    """
    tables = [file for file in inventory.inside() if is_table(file)]
    if len(tables) == 1:
        return {"train": tables[0]}
    sets = {name: files for name, files in by_prefix(tables).items() if "train" in files}
    if not sets:
        return {}
    prefix = chosen(sets, options.prefix, inventory.path)
    for part, files in sets[prefix].items():
        if len(files) > 1:
            raise DataError(
                f"{inventory.path}: {files[0].name} and {files[1].name} are both the {part} part. Remove one of them."
            )
    return {part: files[0] for part, files in sets[prefix].items()}


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether this is a table, or a folder with a single one or with that of a training part."""
    tables = [file for file in inventory.inside() if is_table(file)]
    return len(tables) == 1 or any("train" in files for files in by_prefix(tables).values())


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read a table, or a folder of them, gzipped or not.

    Raises:
        DataError: no column is certainly that of the labels, or the pixels make no image.
        CorruptData: a value is no number; the message names the line and the column.
    """
    files = find(inventory, options)
    if "train" not in files:
        raise DataError(f"{inventory.path}: there is no table of a training part, such as train.csv.")
    train = _columns(_glance(files["train"], options), options, files["train"].where)
    raw: dict[PartName, RawPart] = {}
    rules: list[str] = list(train.rules)
    for part, file in files.items():
        columns = train if part == "train" else _alike(train, _glance(file, options), options, file)
        if columns is None:
            inventory.skip(f"no column of labels in it, as {files['train'].base} has", file)
            continue
        inventory.take(file)
        table, divisions, found = _read(file, columns, inventory)
        rules += [rule for rule in found if rule not in rules]
        if part == "train" and divisions is not None and len(files) == 1:
            raw = divided(table, divisions)
            rules.append(f"The parts are those of column {columns.table.title(columns.usage or 0)}.")
        else:
            raw[part] = table
    if "train" not in raw:
        raise DataError(f"{inventory.path}: no row is of the training part.")
    return assemble(raw, options, tuple(rules))


def read_unlabelled(file: File, count: int, options: ReadOptions = NO_OPTIONS) -> tuple[Pixels, list[str]]:
    """Read the pixels of a table whose images are to be classified; a column of labels is left out.

    Args:
        count: number of pixels of an image, by which their columns are found.

    Returns:
        Pixels `(n, count)`, and the text of each row's index column; empty where there is none.

    Raises:
        DataError: the columns that are no label, index or part are not this number.
        CorruptData: a row has another number of values, or one is no number.
    """
    table = _glance(file, options)
    columns = _unlabelled_columns(table, count, file.where)
    blocks: list[Pixels] = []
    names: list[str] = []
    with texts(file) as lines:
        rows = itertools.islice(lines, 1 if table.header else 0, None)
        while block := list(itertools.islice(rows, BLOCK)):
            pixels, cells = _parsed(block, columns, file)
            if pixels.shape[1] != count:
                raise DataError(f"{file.where}: its images have {pixels.shape[1]} pixels, and the network takes {count}.")
            blocks.append(pixels)
            names += [row[columns.label] for _, row in cells] if columns.label is not None else []
    whole: Pixels = np.concatenate(blocks)  # type: ignore[assignment]
    return whole, names


def _unlabelled_columns(table: TextTable, count: int, where: str) -> Columns:
    """Which columns are pixels; the index of a row stands in the place of its label."""
    every = list(range(len(table.rows[0])))
    known = [table.find(names) for names in (INDEX, LABELS, USAGE)] if len(every) != count else []
    rest = [column for column in every if column not in known]
    packed = next((column for column in rest if _is_packed(table, column)), None)
    index = known[0] if known else None
    if packed is not None:
        return Columns(table, index, (), (packed,), packed=True)
    if len(rest) != count:
        raise DataError(
            f"{where}: the network takes {count} pixels, and the table has {len(rest)} columns that are no label or index. "
            f"Name its columns: label, id, pixel0, pixel1, ..."
        )
    return Columns(table, index, (), tuple(rest))


def _glance(file: File, options: ReadOptions) -> TextTable:
    table = TextTable.read(file, options.separator, GLANCE)
    if not table.rows:
        raise CorruptData(f"{file.where}: the table has a header and no rows.")
    if len(table.rows[0]) < 2:
        raise DataError(f"{file.where}: a row needs a label and pixels, and the first line has {len(table.rows[0])} value.")
    return table


def _alike(train: Columns, table: TextTable, options: ReadOptions, file: File) -> Columns | None:
    """The columns of another part; None where it has no labels."""
    if train.table.header and table.header:
        needed = [train.label] if train.label is not None else train.classes
        if any(train.table.header[column] not in table.header for column in needed if column is not None):
            return None
        if train.label is None and not train.classes and len(table.header) != len(train.table.header):
            return None
        return _columns(table, options, file.where)
    width, expected = (len(each.rows[0]) for each in (table, train.table))
    if width == expected - 1:
        return None
    if width != expected:
        raise CorruptData(f"{file.where}: it has {width} columns, and the table of the training part {expected}.")
    return replace(train, table=table)


def _columns(table: TextTable, options: ReadOptions, where: str) -> Columns:
    """Find which column is what.

    Raises:
        DataError: no such column, or none that is certainly that of the labels.
    """
    every = list(range(len(table.rows[0])))
    usage = table.find(USAGE)
    if usage is not None and not all(usage_part(cell) for cell in table.cells(usage)):
        usage = None
    label = _requested(table, options.label_column, where)
    label = label if label is not None or options.label_column is not None else table.find(LABELS)
    rest = [column for column in every if column not in (usage, label)]
    packed = next((column for column in rest if _is_packed(table, column)), None)
    if packed is not None:
        others = [column for column in rest if column != packed]
        label = others[0] if label is None and len(others) == 1 else label
        if label is None:
            raise _uncertain(table, others, where)
        rule = f"Labels are in column {table.title(label)}; column {table.title(packed)} holds all pixels of an image."
        return Columns(table, label, (), (packed,), packed=True, usage=usage, rules=(rule,))
    index = next((column for column in rest if _is_index(table, column)), None)
    rest = [column for column in rest if column != index]
    odd = _unlike(table, rest)
    classes = _one_hot_end(table, rest) if label is None and not table.header else ()
    if label is None and len(odd) == 1:
        label = odd[0]
    elif label is None and not classes and one_hot(table, odd):
        classes = tuple(odd)
    if label is None and not classes:
        label = _of_text(table, rest, where)
    dropped = [column for column in odd if column != label and column not in classes] if label is not None or classes else []
    pixels = tuple(column for column in rest if column != label and column not in (*classes, *dropped))
    rules = [f"Not read: column {table.title(index)}, which counts the rows."] if index is not None else []
    rules += [f"Not read: column {table.title(column)}, which is unlike those of pixels." for column in dropped[:10]]
    if classes:
        rules.insert(
            0, f"Each of {len(classes)} classes has a column, {table.title(classes[0])} to {table.title(classes[-1])}."
        )
    elif label is not None:
        rules.insert(0, f"Labels are in column {table.title(label)}; {len(pixels)} other columns are pixels.")
    return Columns(table, label, classes, pixels, usage=usage, rules=tuple(rules))


def _requested(table: TextTable, wanted: str | None, where: str) -> int | None:
    if wanted is None:
        return None
    column = table.column(wanted)
    if column is None:
        last = len(table.rows[0]) - 1
        known = ", ".join(table.header[:6]) if table.header else f"numbers 0 to {last}, since it has no header"
        raise DataError(f"{where}: there is no column {wanted!r}.{nearest(wanted, table.header)} Its columns: {known}.")
    return column


def _is_packed(table: TextTable, column: int) -> bool:
    cells = table.cells(column)[:20]
    return table.separator != " " and all(len(parts := cell.split()) >= 4 and all(map(is_number, parts[:4])) for cell in cells)


def _is_index(table: TextTable, column: int) -> bool:
    """Whether a column counts the rows, or has a name that says so and a number of its own in each row."""
    cells = table.cells(column)
    if not all(map(is_whole, cells)) or len(set(cells)) < len(cells):
        return False
    named = bool(table.header) and table.header[column].lower() in INDEX
    counted = cells in ([str(first + row) for row in range(len(cells))] for first in (0, 1))
    return (named and (counted or len(cells) > 1)) or (counted and not table.header and column == 0 and len(cells) >= ENOUGH)


def _unlike(table: TextTable, columns: Sequence[int]) -> list[int]:
    """The columns whose names are not like those of most: `label` among `pixel0`, `pixel1` ..."""
    if not table.header:
        return []
    stems = {column: re.sub(r"\d+", "#", table.header[column].lower()) for column in columns}
    usual, count = Counter(stems.values()).most_common(1)[0] if stems else ("", 0)
    if not (count >= 4 and 2 * count > len(columns)):
        return []
    return [column for column in columns if stems[column] != usual]


def _one_hot_end(table: TextTable, columns: Sequence[int]) -> tuple[int, ...]:
    """The first or last columns that have one 1 in each row, where the others are as many as the pixels of a square image."""
    for count in range(2, len(columns) // 2):
        pixels = len(columns) - count
        if any(math.isqrt(pixels // channels) ** 2 * channels == pixels for channels in (1, 3)):
            for chosen in (columns[-count:], columns[:count]):
                if one_hot(table, chosen):
                    return tuple(chosen)
    return ()


def _of_text(table: TextTable, columns: Sequence[int], where: str) -> int | None:
    """The only column that holds text or codes such as 01; None where there is none."""
    text = [column for column in columns if not all(is_number(cell) and not _is_code(cell) for cell in table.cells(column))]
    damaged = [column for column in text if 2 * sum(map(is_number, table.cells(column))) >= len(table.rows)]
    text = [column for column in text if column not in damaged or any(map(_is_code, table.cells(column)))]
    if len(text) > 1:
        raise _uncertain(table, text, where)
    return text[0] if text else None


def _is_code(cell: str) -> bool:
    return re.fullmatch(r"0\d+", cell) is not None


def _uncertain(table: TextTable, columns: Sequence[int], where: str) -> DataError:
    titles = "; ".join(table.title(column) for column in columns[:6])
    return DataError(
        f"{where}: no column is certainly that of the labels ({titles}). Choose it with --label-column NAME or NUMBER."
    )


def _read(file: File, columns: Columns, inventory: Inventory) -> tuple[RawPart, list[PartName | None] | None, list[str]]:
    """Images and labels, the part of each row where a column says it, and rules."""
    labels: list[str] = []
    usage: list[PartName | None] = []
    blocks: list[Pixels] = []
    done = 0
    with texts(file) as lines:
        rows = itertools.islice(lines, 1 if columns.table.header else 0, None)
        while block := list(itertools.islice(rows, BLOCK)):
            pixels, cells = _parsed(block, columns, file)
            blocks.append(pixels)
            done += sum(len(text) + 1 for _, text in block)
            inventory.report(done, max(done, file.size), "bytes")
            labels += [_label(row, columns, number, file) for number, row in cells]
            if columns.usage is not None:
                usage += [_part(row[columns.usage], number, file) for number, row in cells]
            if not sum(pixels.nbytes for pixels in blocks) <= MOST_DECODED:
                raise DataError(f"{file.where}: over {MOST_DECODED >> 30} GiB of pixels. Convert it to .npy, which is mapped.")
    whole: Pixels = np.concatenate(blocks)  # type: ignore[assignment]
    if columns.label is None and not columns.classes:
        whole, labels, rule = _by_values(whole, columns, file)
        return RawPart(whole, np.array(labels), file.where), usage or None, [rule]
    return RawPart(whole, np.array(labels_of(labels, file.where)), file.where), usage or None, []


def _parsed(
    block: Sequence[tuple[int, str]], columns: Columns, file: File
) -> tuple[Pixels, list[tuple[int, Mapping[int, str] | list[str]]]]:
    """The pixels of lines, and the number and cells of each: at least those of labels and parts."""
    table = columns.table
    wanted = [column for column in (columns.label, columns.usage, *columns.classes) if column is not None]
    lines = [text for _, text in block]
    quick = None if columns.packed else bytewise.parse(lines, table.separator, len(table.rows[0]), columns.pixels, wanted)
    if quick is not None:
        named = [dict(zip(wanted, row, strict=True)) for row in zip(*quick[1], strict=True)] if wanted else [{}] * len(block)
        return quick[0], [(number, row) for (number, _), row in zip(block, named, strict=True)]
    cells = _cells(block, columns, file)
    pixels = _packed(cells, columns, file) if columns.packed else _pixels(block, columns, file)
    return pixels, list(cells)


def _cells(block: Sequence[tuple[int, str]], columns: Columns, file: File) -> list[tuple[int, list[str]]]:
    """The cells of each line, with its number."""
    width = len(columns.table.rows[0])
    cells = [(number, fields(text, columns.table.separator)) for number, text in block]
    for number, row in cells:
        if len(row) != width:
            raise CorruptData(f"{file.where}, line {number}: it has {len(row)} values, and the first line has {width}.")
    return cells


def _label(row: Mapping[int, str] | list[str], columns: Columns, number: int, file: File) -> str:
    if columns.classes:
        hot = [column for column in columns.classes if row[column].removesuffix(".0") == "1"]
        if len(hot) != 1:
            raise CorruptData(f"{file.where}, line {number}: one class must be 1 and the others 0, and {len(hot)} are 1.")
        return columns.table.header[hot[0]] if columns.table.header else str(columns.classes.index(hot[0]))
    label = row[columns.label] if columns.label is not None else "0"
    if not label:
        raise CorruptData(f"{file.where}, line {number}: the label is missing.")
    return label


def _part(cell: str, number: int, file: File) -> PartName:
    part = usage_part(cell)
    if part is None:
        raise CorruptData(f"{file.where}, line {number}: {cell[:40]!r} is not the name of a part.")
    return part


def _pixels(block: Sequence[tuple[int, str]], columns: Columns, file: File) -> Pixels:
    mark = columns.table.separator
    lines = [text for _, text in block]
    if mark != "," and not any('"' in text for text in lines):
        lines = [text.replace(",", ".") for text in lines]  # decimal commas
    try:
        values = np.loadtxt(
            lines,
            dtype=np.float32,
            delimiter=None if mark == " " else mark,
            usecols=columns.pixels,
            ndmin=2,
            comments=None,
            quotechar='"',
        )
    except (ValueError, OverflowError):
        raise CorruptData(_wrong_cell(block, columns, file)) from None
    if len(values) != len(block):
        raise CorruptData(f"{file.where}: a quoted value runs over the end of its line, after line {block[0][0]}.")
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        row, column = wrong[0]
        at = f"line {block[row][0]}, column {columns.pixels[column]}"
        raise CorruptData(f"{file.where}, {at}: pixels must be finite numbers, and this one is {values[row, column]}.")
    return _small(values)


def _small(values: NDArray[np.float32]) -> Pixels:
    with np.errstate(invalid="ignore"):
        small = values.astype(np.uint8)
    return small if np.array_equal(small, values) else values


def _packed(cells: Sequence[tuple[int, list[str]]], columns: Columns, file: File) -> Pixels:
    """The pixels of cells that hold all of an image."""
    rows = []
    for number, row in cells:
        try:
            rows.append(np.array(row[columns.pixels[0]].split(), dtype=np.float32))
        except ValueError:
            raise CorruptData(f"{file.where}, line {number}: pixels must be numbers with spaces between them.") from None
        if rows[-1].shape != rows[0].shape or not np.isfinite(rows[-1]).all():
            raise CorruptData(
                f"{file.where}, line {number}: it has {len(rows[-1])} pixels, and the first row has {len(rows[0])}."
            )
    return _small(np.stack(rows))


def _by_values(pixels: Pixels, columns: Columns, file: File) -> tuple[Pixels, list[str], str]:
    """Find the labels in the first or the last column by the values of all rows.

    Raises:
        DataError: both could be the labels, or neither.
    """
    table, ends = columns.table, (0, pixels.shape[1] - 1)
    counts = {column: _different(pixels[:, column], first=column == 0) for column in ends}
    likely = sorted((count, column) for column, count in counts.items() if count)
    if not likely or (len(likely) == 2 and likely[0][0] * CLEAR > likely[1][0]):
        raise _uncertain(table, [columns.pixels[column] for column in ends], file.where)
    place = likely[0][1]
    labels = [str(int(value)) for value in pixels[:, place]]
    title = table.title(columns.pixels[place])
    rule = f"Labels are in column {title}, by its values; {pixels.shape[1] - 1} other columns are pixels."
    return np.delete(pixels, place, axis=1), labels, rule


def _different(values: NDArray[Any], *, first: bool) -> int:
    """The number of different values of a column that could be labels; 0 where it could not."""
    if not np.array_equal(values, np.trunc(values)) or (len(values) < 4 and not first):
        return 0
    count = len(np.unique(values))
    return count if 2 <= count <= max(2, len(values) // 2) else 0


def _wrong_cell(block: Sequence[tuple[int, str]], columns: Columns, file: File) -> str:
    """Name the first value that is no number."""
    for number, text in block:
        row = fields(text, columns.table.separator)
        for column in columns.pixels:
            if not (is_number(row[column]) or (columns.table.separator != "," and is_number(row[column].replace(",", ".")))):
                return f"{file.where}, line {number}, column {column}: pixels must be numbers, not {row[column][:40]!r}."
    return f"{file.where}, after line {block[0][0]}: a value is no number."


def hint(files: Iterator[File]) -> str:
    """Advice where there are tables, but none of a training part."""
    names = [file.base for file in files if is_table(file)]
    return f"Of several tables ({', '.join(names[:3])}), one must have 'train' in its name." if len(names) > 1 else ""
