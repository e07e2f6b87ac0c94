"""From files of many kinds to `Content`. Nothing is unpickled, and what a file claims is checked before memory is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from seedbed.data.content import Content
from seedbed.data.readers import idx, npy, npz, pictures, tables
from seedbed.data.readers.arrays import ImageSize
from seedbed.errors import DataError
from seedbed.kinds import Registry


@dataclass(frozen=True)
class Reader:
    """How the user's files of one kind become content.

    Attributes:
        name: as lists of data sets and the records of added ones call it.
        title: what it reads, for messages.
        fits: whether a file or folder is of this kind, judged by names alone.
        read: path, size of the images and column of the labels (None where the user left them out) -> content.
        suffix: how the name of a single file ends; a data set is named without it.
    """

    name: str
    title: str
    fits: Callable[[Path], bool]
    read: Callable[[Path, ImageSize | None, str | None], Content]
    suffix: str = ""


READERS = Registry(
    "reader",
    Reader("npz", "an .npz", npz.fits, lambda path, size, _: npz.read(path, size), ".npz"),
    Reader("idx", "a folder of IDX files", idx.fits, lambda path, size, _: idx.read(path, size)),
    Reader("npy", "a folder of .npy files", npy.fits, lambda path, size, _: npy.read(path, size)),
    Reader("csv", "a .csv", tables.fits, tables.read, ".csv"),
    Reader(
        "pictures",
        "a folder of class folders with PNG or JPEG files",
        Path.is_dir,
        lambda path, size, _: pictures.read(path, size),
    ),
)
"""The first that fits reads a file or folder; that of pictures takes any folder."""


def kind_of(path: Path) -> str:
    """The name of the reader for a file or folder of the user's.

    Raises:
        DataError: no reader fits.
    """
    if not path.exists():
        raise DataError(f"{path}: there is no such file or folder.")
    for reader in READERS.records():
        if reader.fits(path):
            return reader.name
    *others, last = (reader.title for reader in reversed(READERS.records()))
    raise DataError(f"{path}: data are {', '.join(others)} or {last}.")


def read(path: Path, kind: str, size: ImageSize | None = None, label_column: str | None = None) -> Content:
    """Content of the user's files, by the reader of this name.

    Raises:
        SpecError: no reader has this name.
        DataError: the files cannot be used.
        CorruptData: they are damaged.
    """
    return READERS[kind].read(path, size, label_column)
