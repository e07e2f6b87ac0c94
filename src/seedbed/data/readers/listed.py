"""Pictures whose labels are elsewhere than in folders: in a table of file names and labels, or in the files' own names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from seedbed.data.content import Content, PartName
from seedbed.data.readers import pictures
from seedbed.data.readers.files import File
from seedbed.data.readers.folders import pictures_in
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.pictures import PictureItem
from seedbed.data.readers.sets import part_of
from seedbed.data.readers.tables import LABELS, USAGE, TextTable, is_table, is_whole, labels_of, usage_part
from seedbed.errors import DataError, SpecError, nearest
from seedbed.words import counted

ENOUGH = 0.5
"""Share of a column's first values that must name pictures for the column to be that of the file names."""

LOOKED_AT = 200


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


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there are pictures and a table of some of their names."""
    return not inventory.single and bool(pictures_in(inventory.files)) and bool(_tables(inventory, options))


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read the pictures that a table names, with the labels that it gives them.

    Raises:
        DataError: no table names pictures, two tables do, the column of labels is not certain, or as `pictures.read`.
        CorruptData: a picture of the table is not there, or as `pictures.read`.
    """
    found = _tables(inventory, options)
    if not found:
        raise DataError(f"{inventory.path}: there is no table with a column of the pictures' names and one of labels.")
    files = _by_name(pictures_in(inventory.files))
    listed: dict[PartName, list[PictureItem]] = {}
    rules: list[str] = []
    for each in found:
        inventory.take(each.file)
        label = _label_column(each, options)
        if label is None:
            inventory.skip("no column of labels in it", each.file)
            continue
        own: PartName = part_of(each.file.stem) or "train"
        missing = []
        labels = labels_of([row[label] for row in each.table.rows], f"{each.file.where}")
        usage = each.table.find(USAGE)
        for row, text in zip(each.table.rows, labels, strict=True):
            file = _match(files, row[each.names], own)
            part: PartName = own if usage is None else usage_part(row[usage]) or own
            if file is None:
                missing.append(row[each.names])
            else:
                listed.setdefault(part, []).append(PictureItem(file, text))
        if missing:
            rules.append(
                f"Not read: {counted(len(missing), 'row')} of {each.file.base} whose pictures are not there ({some(missing)})."
            )
        rules.append(f"Labels are in column {each.table.title(label)} of {each.file.base}.")
    if "train" not in listed:
        raise DataError(f"{inventory.path}: no table gives labels of training pictures.")
    used = {picture.file.name for chosen in listed.values() for picture in chosen}
    inventory.skip("named by no table", *(file for file in pictures_in(inventory.files) if file.name not in used))
    return pictures.read(listed, inventory, options, rules)


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
            folders = file.folder.lower().split("/")
            part: PartName = next(filter(None, map(part_of, folders)), "train")
            listed.setdefault(part, []).append(PictureItem(file, label))
        else:
            inventory.skip("not matched by --label-pattern", file)
    if "train" not in listed:
        names = some(file.base for file in pictures_in(inventory.files))
        raise DataError(
            f"{inventory.path}: no picture's name matches --label-pattern {options.label_pattern!r}; they are {names}."
        )
    return pictures.read(listed, inventory, options, [f"Labels are what {options.label_pattern!r} finds in the file names."])


def _tables(inventory: Inventory, options: ReadOptions) -> list[PictureTable]:
    """The tables with a column of pictures' names."""
    tables = [file for file in inventory.inside() if is_table(file) and "submission" not in file.name.lower()]
    files = _by_name(pictures_in(inventory.files)) if tables else {}
    found = []
    for file in tables:
        table = TextTable.glance(file, options.separator, LOOKED_AT)
        if table is not None:
            column = _name_column(table, files)
            if column is not None:
                found.append(PictureTable(file, TextTable.read(file, options.separator), column))
    return found


def _name_column(table: TextTable, files: Mapping[str, list[File]]) -> int | None:
    """The column whose values name pictures."""
    shares = [
        sum(_candidates(files, row[column]) != [] for row in table.rows) / max(1, len(table.rows))
        for column in range(len(table.columns))
    ]
    best = max(range(len(shares)), key=lambda column: shares[column], default=None)
    return best if best is not None and shares[best] > ENOUGH else None


def _by_name(found: list[File]) -> dict[str, list[File]]:
    """Pictures by their whole name, their name without folders, and that without the ending."""
    names: dict[str, list[File]] = {}
    for file in found:
        for name in dict.fromkeys((file.name, file.base, file.stem)):
            names.setdefault(name, []).append(file)
    return names


def _candidates(files: Mapping[str, list[File]], name: str) -> list[File]:
    name = name.replace("\\", "/").removeprefix("./")
    return files.get(name) or files.get(name.rpartition("/")[2]) or []


def _match(files: Mapping[str, list[File]], name: str, part: PartName) -> File | None:
    """The picture of a name: if there are several, that in a folder of the table's part."""
    found = _candidates(files, name)
    if len(found) > 1:
        found = [file for file in found if part_of(file.folder.partition("/")[0]) == part] or found
    return found[0] if found else None


def _label_column(each: PictureTable, options: ReadOptions) -> int | None:
    """The column of labels: the requested one, one of a usual name, or the only one left; None where there is none."""
    table, others = each.table, [column for column in range(len(each.table.columns)) if column != each.names]
    if options.label_column is not None:
        column = table.column(options.label_column)
        if column is None:
            titles = ", ".join(map(table.title, range(len(table.columns))))
            raise DataError(
                f"{each.file.where}: there is no column {options.label_column!r}."
                f"{nearest(options.label_column, table.columns)} Its columns: {titles}."
            )
        return column
    usual = table.find(LABELS)
    if usual is not None:
        return usual
    others = [column for column in others if column != table.find(USAGE) and not _counts_rows(table, column)]
    if len(others) > 1:
        titles = ", ".join(map(table.title, others))
        raise DataError(f"{each.file.where}: several columns may hold the labels: {titles}. Choose one with --label-column.")
    return others[0] if others else None


def _counts_rows(table: TextTable, column: int) -> bool:
    values = [row[column] for row in table.rows]
    return (
        all(map(is_whole, values)) and len(set(values)) == len(values) > 1 and _is_consecutive([int(value) for value in values])
    )


def _is_consecutive(values: list[int]) -> bool:
    return values in (list(range(len(values))), list(range(1, len(values) + 1)))
