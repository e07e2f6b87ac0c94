"""Parquet files with pictures in a column, as Hugging Face's data sets have them; read by pyarrow, which is an extra.

The pictures are a column of bytes, or of structures with the field `bytes`; the file's metadata name the classes.
Files of the parts differ by their names (`train-00000-of-00002.parquet`), also in a folder `data`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.data.content import Content, PartName
from seedbed.data.readers import pictures
from seedbed.data.readers.decoding import PictureItem
from seedbed.data.readers.files import File, check_unfolding, decoded, explained
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import by_prefix, chosen
from seedbed.data.readers.tables import LABELS
from seedbed.errors import CorruptData, DataError, nearest

SUFFIXES = (".parquet", ".pq")
USUAL = (*LABELS, "fine_label", "coarse_label")


@dataclass(frozen=True)
class PictureColumns:
    """The columns of pictures and labels, and the names of the classes where labels are numbers."""

    pictures: str
    label: str
    names: Sequence[str]
    others: Sequence[str]


def files_of(inventory: Inventory) -> list[File]:
    """The Parquet files of a folder and of folders in it."""
    return [file for file in inventory.files if file.suffix in SUFFIXES]


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there are Parquet files."""
    return bool(files_of(inventory))


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read the pictures of Parquet files.

    Raises:
        DataError: pyarrow is not installed, no column of pictures or of labels, or as `pictures.read`.
        CorruptData: a file is damaged, or claims to unfold to more than the limit; or as `pictures.read`.
    """
    found = files_of(inventory)
    if len(found) == 1:
        parts: dict[PartName, list[File]] = {"train": found}
    else:
        sets = {name: files for name, files in by_prefix(found).items() if "train" in files}
        if not sets:
            raise DataError(f"{inventory.path}: of {len(found)} Parquet files one must have 'train' in its name.")
        parts = sets[chosen(sets, options.prefix, inventory.path)]
    listed: dict[PartName, list[PictureItem]] = {}
    rules: list[str] = []
    for part, files in parts.items():
        listed[part] = [picture for file in files for picture in _pictures(file, options, rules)]
        inventory.take(*files)
    return pictures.read(listed, inventory, options, rules)


def _pictures(file: File, options: ReadOptions, rules: list[str]) -> Iterator[PictureItem]:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise DataError(f"{file.where}: Parquet files need pyarrow: pip install 'seedbed[parquet]'.") from None
    with decoded(file.where, "Parquet"), explained(file.where), file.opened() as stream:
        table = pq.ParquetFile(stream)
        _check_size(table, file)
        columns = _columns(table.schema_arrow, options, file)
        rule = f"Pictures are in column {columns.pictures!r}, labels in {columns.label!r}."
        others = f" Not read: {len(columns.others)} other columns ({some(columns.others)})." if columns.others else ""
        rules += [rule + others] if rule + others not in rules else []
        yield from _rows(table, columns, file)


def _check_size(table: Any, file: File) -> None:
    count = sum(max(0, table.metadata.row_group(group).total_byte_size) for group in range(table.num_row_groups))
    check_unfolding(file, count)


def _columns(schema: Any, options: ReadOptions, file: File) -> PictureColumns:
    import pyarrow as pa

    def holds_bytes(kind: Any) -> bool:
        return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))

    held = [
        column.name
        for column in schema
        if holds_bytes(column.type)
        or (pa.types.is_struct(column.type) and any(inner.name == "bytes" and holds_bytes(inner.type) for inner in column.type))
    ]
    simple = [
        c.name for c in schema if pa.types.is_integer(c.type) or pa.types.is_string(c.type) or pa.types.is_boolean(c.type)
    ]
    if not held:
        raise DataError(f"{file.where}: there is no column of pictures as bytes; its columns: {some(schema.names, 8)}.")
    label = options.label_column or next((name for name in simple if name.lower() in USUAL), None)
    label = simple[0] if label is None and len(simple) == 1 else label
    if label is None or label not in simple:
        near = nearest(label, simple) if label else ""
        raise DataError(
            f"{file.where}: state the column of labels with --label-column.{near} There are: {', '.join(simple) or 'none'}."
        )
    others = [name for name in schema.names if name not in (held[0], label)]
    return PictureColumns(held[0], label, _class_names(schema.metadata or {}, label), others)


def _class_names(metadata: Any, label: str) -> list[str]:
    """Names of the classes, as Hugging Face writes them into the metadata."""
    try:
        feature = json.loads(metadata[b"huggingface"])["info"]["features"][label]
        names = feature.get("names") or []
        names = [names[str(number)] for number in range(len(names))] if isinstance(names, dict) else names
        return [name for name in names if isinstance(name, str)] if all(isinstance(name, str) for name in names) else []
    except (KeyError, TypeError, ValueError, AttributeError):
        return []


def _rows(table: Any, columns: PictureColumns, file: File) -> Iterator[PictureItem]:
    number = 0
    for batch in table.iter_batches(batch_size=256, columns=[columns.pictures, columns.label]):
        held, labels = batch.column(columns.pictures), batch.column(columns.label).to_pylist()
        for value, label in zip(held.to_pylist(), labels, strict=True):
            content = value.get("bytes") if isinstance(value, dict) else value
            where = f"{file.where}, row {number}"
            if not content or label is None:
                raise CorruptData(f"{where}: it has no {'label' if content else 'picture'}.")
            yield PictureItem(_held(f"{file.name}#{number}", where, content), _name(label, columns.names))
            number += 1


def _name(label: Any, names: Sequence[str]) -> str:
    if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(names):
        return names[label]
    return str(int(label)) if isinstance(label, bool) else str(label)


def _held(name: str, where: str, content: bytes) -> File:
    return File(name, where, len(content), len(content), lambda: io.BytesIO(content))
