"""Pictures whose labels are elsewhere than in folders: in a table of file names and labels, or in the files' own names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seedbed.data.content import Content, PartName
from seedbed.data.readers import pictures
from seedbed.data.readers.decoding import PictureItem
from seedbed.data.readers.files import File
from seedbed.data.readers.folders import pictures_in
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import part_of
from seedbed.data.readers.tables import (
    LABELS,
    USAGE,
    TextTable,
    is_table,
    is_whole,
    labels_of,
    one_hot,
    plain_number,
    usage_part,
)
from seedbed.errors import DataError, SpecError, nearest
from seedbed.words import counted

ENOUGH = 0.5
"""Share of a column's first values that must name pictures for the column to be that of the file names."""

LOOKED_AT = 200
"""Rows of a table that are looked at for the pictures' names."""

LISTS = (".csv", ".tsv", ".txt")
"""Endings of tables next to pictures."""

MOST_TABLES = 20
"""Tables in folders that are looked at."""


@dataclass(frozen=True)
class PictureTable:
    """A table of file names and labels.

    Attributes:
        file: the table's file.
        table: its rows.
        names: index of the column of file names.
    """

    file: File
    table: TextTable
    names: int

    @property
    def part(self) -> PartName:
        """The part that the table's name or its folder says; else training."""
        return part_of(self.file.stem) or folder_part(self.file.folder) or "train"

    @property
    def usage(self) -> int | None:
        """Index of the column of parts; None where no cell of it names one."""
        column = self.table.find(USAGE)
        return column if column is not None and any(map(usage_part, self.table.cells(column))) else None


class PictureNames:
    """Pictures by the names that tables give them, with or without folders and ending."""

    def __init__(self, files: Iterable[File]) -> None:
        self._files: dict[str, list[File]] = {}
        for file in files:
            for name in dict.fromkeys((file.name, file.base, file.stem)):
                self._files.setdefault(name, []).append(file)

    def candidates(self, name: str) -> list[File]:
        """The pictures that a name may mean; of equal names in several folders those whose path ends so."""
        name = name.replace("\\", "/").removeprefix("./")
        found = self._files.get(name) or self._files.get(name.rpartition("/")[2]) or []
        exact = [file for file in found if f"/{file.name}".endswith(f"/{name}")] if len(found) > 1 else []
        return exact or found

    def find(self, name: str, part: PartName, where: str) -> File | None:
        """The picture of a name: if there are several, that in a folder of the part; None where there is none.

        Raises:
            DataError: several pictures have this name.
        """
        found = self.candidates(name)
        if len(found) > 1:
            found = [file for file in found if folder_part(file.folder) == part] or found
        if len(found) > 1:
            raise DataError(
                f"{where}: {name!r} is the name of {len(found):,} pictures ({some(file.name for file in found)}). Write the "
                f"folders in front of the names in the table."
            )
        return found[0] if found else None

    def column(self, table: TextTable) -> int | None:
        """The column of a table whose values name pictures; None where there is none."""
        shares = [
            sum(self.candidates(row[column]) != [] for row in table.rows) / max(1, len(table.rows))
            for column in range(len(table.columns))
        ]
        best = max(range(len(shares)), key=lambda column: shares[column], default=None)
        return best if best is not None and shares[best] > ENOUGH else None


def folder_part(folder: str) -> PartName | None:
    """The part that one of the folders of a path is named after."""
    return next(filter(None, map(part_of, folder.split("/"))), None)


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there are pictures and a table of some of their names."""
    return not inventory.single and bool(pictures_in(inventory.files)) and bool(_tables(inventory, options))


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read the pictures that a table names, with the labels that it gives them.

    Raises:
        DataError: no table names pictures, a name is that of several, a picture has two labels, the column of labels is not
            certain, or as `pictures.read`.
        CorruptData: as `pictures.read`.
    """
    found = _tables(inventory, options)
    if not found:
        raise DataError(f"{inventory.path}: there is no table with a column of the pictures' names and one of labels.")
    _check_requested(found, options)
    names = PictureNames(pictures_in(inventory.files))
    listing = Listing()
    for each in found:
        inventory.take(each.file)
        labels = _labels(each, options)
        if labels is None:
            inventory.skip("no column of labels in it", each.file)
        else:
            listing.add(each, labels, names)
    if "train" not in listing.parts:
        raise DataError(f"{inventory.path}: no table gives labels of training pictures.")
    used = {picture.file.name for chosen in listing.parts.values() for picture in chosen}
    inventory.skip("named by no table", *(file for file in pictures_in(inventory.files) if file.name not in used))
    return pictures.read(listing.parts, inventory, options, listing.rules)


@dataclass(frozen=True)
class RowLabels:
    """The label of each row of a table, and the rule by which they were found."""

    texts: list[str]
    rule: str


class Listing:
    """The pictures that tables list.

    Attributes:
        parts: part -> pictures with their labels.
        rules: decisions, one sentence each.
    """

    def __init__(self) -> None:
        self.parts: dict[PartName, list[PictureItem]] = {}
        self.rules: list[str] = []
        self._known: dict[str, tuple[PartName, str]] = {}

    def add(self, each: PictureTable, labels: RowLabels, names: PictureNames) -> None:
        """Add the rows of a table.

        Raises:
            DataError: a name is that of several pictures, or a picture is in two parts or has two labels.
        """
        missing, repeated, table = [], 0, each.table
        for name, label, part in zip(table.cells(each.names), labels.texts, _parts(each), strict=True):
            file = names.find(name, part, each.file.where)
            if file is None:
                missing.append(name)
            elif file.name in self._known:
                self._check_same(file, part, label)
                repeated += 1
            else:
                self._known[file.name] = (part, label)
                self.parts.setdefault(part, []).append(PictureItem(file, label))
        base = each.file.base
        if missing:
            rows = counted(len(missing), "row")
            self.rules.append(f"Not read: {rows} of {base} whose pictures are not there ({some(missing)}).")
        if repeated:
            self.rules.append(f"Not read: {counted(repeated, 'row')} of {base} about pictures that were listed before.")
        self.rules.append(f"{labels.rule} of {base}.")

    def _check_same(self, file: File, part: PartName, label: str) -> None:
        before = self._known[file.name]
        if before[1] != label:
            raise DataError(f"{file.where}: it has two labels, {before[1]!r} and {label!r}. Each picture needs one class.")
        if before[0] != part:
            raise DataError(f"{file.where}: it is in the {before[0]} and in the {part} part. Leave one of the rows out.")


def fits_pattern(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether labels are to be found in the names of pictures."""
    return not inventory.single and options.label_pattern is not None and bool(pictures_in(inventory.files))


def read_pattern(inventory: Inventory, options: ReadOptions) -> Content:
    """Read pictures whose names hold their labels; folders named after parts separate these.

    Raises:
        SpecError: no pattern, or one that is no regular expression.
        DataError: no name matches, or as `pictures.read`.
    """
    if options.label_pattern is None:
        raise SpecError("Labels in file names need --label-pattern, a regular expression such as '^[a-z]+'.")
    try:
        pattern = re.compile(options.label_pattern)
    except re.error as error:
        raise SpecError(f"label_pattern = {options.label_pattern!r} is no regular expression: {error}.") from None
    listed: dict[PartName, list[PictureItem]] = {}
    for file in pictures_in(inventory.files):
        match = pattern.search(file.base)
        if match and (label := (match[1] if pattern.groups else match[0])):
            listed.setdefault(folder_part(file.folder) or "train", []).append(PictureItem(file, label))
        else:
            inventory.skip("not matched by --label-pattern", file)
    if "train" not in listed:
        names = some(file.base for file in pictures_in(inventory.files))
        raise DataError(
            f"{inventory.path}: no picture's name matches --label-pattern {options.label_pattern!r}; they are {names}."
        )
    return pictures.read(listed, inventory, options, [f"Labels are what {options.label_pattern!r} finds in the file names."])


def _tables(inventory: Inventory, options: ReadOptions) -> list[PictureTable]:
    """The tables with a column of pictures' names: those next to the folders, else those in folders."""
    at_top = [file for file in inventory.inside() if file.suffix in LISTS]
    below = [file for file in inventory.files if file.folder and is_table(file)][:MOST_TABLES]
    if not (at_top or below):
        return []
    names = PictureNames(pictures_in(inventory.files))
    for tables in (at_top, below):
        found = [_picture_table(file, names, options) for file in tables if "submission" not in file.name.lower()]
        if any(found):
            return [table for table in found if table]
    return []


def _picture_table(file: File, names: PictureNames, options: ReadOptions) -> PictureTable | None:
    """A table with its column of pictures' names; None where it has none. A first row that names a picture is no header."""
    table = TextTable.glance(file, options.separator, LOOKED_AT)
    column = names.column(table) if table else None
    if column is None:
        return None
    table = TextTable.read(file, options.separator)
    headless = table.header and names.candidates(table.header[column])
    return PictureTable(file, table.without_header() if headless else table, column)


def _parts(each: PictureTable) -> list[PartName]:
    """The part of each row.

    Raises:
        DataError: the column of parts has a cell that names none.
    """
    if each.usage is None:
        return [each.part] * len(each.table.rows)
    parts: list[PartName] = []
    for cell in each.table.cells(each.usage):
        part = usage_part(cell)
        if part is None:
            column = each.table.title(each.usage)
            raise DataError(
                f"{each.file.where}: column {column} divides the rows, and {cell[:40]!r} is not the name of a part."
            )
        parts.append(part)
    return parts


def _check_requested(found: Sequence[PictureTable], options: ReadOptions) -> None:
    """Check that the requested column of labels is in one of the tables; those of a part without labels lack it."""
    wanted = options.label_column
    if wanted is None or any(each.table.column(wanted) is not None for each in found):
        return
    known = list(dict.fromkeys(name for each in found for name in each.table.columns))
    names = some((each.file.where for each in found), 1)
    raise DataError(f"{names}: there is no column {wanted!r}.{nearest(wanted, known)} There are: {some(known, 20)}.")


def _labels(each: PictureTable, options: ReadOptions) -> RowLabels | None:
    """The labels of a table: in the requested column, one of a usual name, the only one left, or one column for each class.

    Returns:
        None where the table has no labels.
    """
    table = each.table
    column = table.find(LABELS) if options.label_column is None else table.column(options.label_column)
    others = [other for other in range(len(table.columns)) if other not in (each.names, each.usage)]
    others = [other for other in others if not _counts_rows(table, other)]
    telling = [other for other in others if 1 < len({*table.cells(other)}) < len(table.rows)]
    others = telling or others
    if column is None and options.label_column is None and len(others) == 1:
        column = others[0]
    if column is not None:
        return RowLabels(labels_of(table.cells(column), each.file.where), f"Labels are in column {table.title(column)}")
    return _of_classes(each, others) if others and options.label_column is None else None


def _of_classes(each: PictureTable, columns: Sequence[int]) -> RowLabels:
    """The labels of columns of the classes, with a 1 in one of them.

    Raises:
        DataError: several columns may hold the labels, or a picture has several classes or none.
    """
    table, where = each.table, each.file.where
    binary = [column for column in columns if {*map(plain_number, table.cells(column))} <= {"0", "1"}]
    if table.header and one_hot(table, binary):
        hot = [next(column for column in binary if plain_number(row[column]) == "1") for row in table.rows]
        texts = [table.header[column] for column in hot]
        return RowLabels(
            texts, f"Each of {len(binary)} classes has a column, {table.title(binary[0])} to {table.title(binary[-1])},"
        )
    titles = "; ".join(f"{table.title(column)} with {len({*table.cells(column)}):,} values" for column in columns)
    many = " Pictures with several classes, or none, cannot be learned." if len(binary) == len(columns) > 2 else ""
    raise DataError(f"{where}: several columns may hold the labels: {titles}. Choose one with --label-column.{many}")


def _counts_rows(table: TextTable, column: int) -> bool:
    values = table.cells(column)
    return (
        all(map(is_whole, values)) and len(set(values)) == len(values) > 1 and _is_consecutive([int(value) for value in values])
    )


def _is_consecutive(values: list[int]) -> bool:
    return values in (list(range(len(values))), list(range(1, len(values) + 1)))
