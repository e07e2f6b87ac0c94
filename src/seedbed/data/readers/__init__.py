"""From files of many kinds to `Content`. Nothing is unpickled, and what a file claims is checked before memory is given."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from seedbed.data.content import Content
from seedbed.data.readers import idx, npy, npz, pictures, tables
from seedbed.data.readers.arrays import Size
from seedbed.errors import DataError

Kind = Literal["pictures", "idx", "npy", "npz", "csv"]


def kind_of(path: Path) -> Kind:
    """What a file or folder of the user's holds, by names alone.

    Raises:
        DataError: nothing that is known.
    """
    name = path.name.lower()
    if path.is_file() and name.endswith(".npz"):
        return "npz"
    if path.is_file() and name.endswith((".csv", ".csv.gz")):
        return "csv"
    if path.is_dir():
        if "train" in idx.find(path):
            return "idx"
        if npy.names(path):
            return "npy"
        return "csv" if "train" in tables.find(path) else "pictures"
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    raise DataError(
        f"{path}: data are a folder of class folders with PNG or JPEG files, a folder of IDX or .npy files, an .npz or a .csv."
    )


def read(path: Path, kind: Kind, size: Size | None = None, label_column: str | None = None) -> Content:
    """Content of the user's files.

    Raises:
        DataError: they cannot be used.
        CorruptData: they are damaged.
    """
    if kind == "csv":
        return tables.read(path, size, label_column)
    reader = {"pictures": pictures.read, "idx": idx.read, "npy": npy.read, "npz": npz.read}[kind]
    return reader(path, size)
