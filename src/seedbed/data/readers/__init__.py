"""Readers of files of many kinds. Nothing is unpickled, and a file's claims are checked before memory is allocated."""

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
    """A reader of the user's files of one kind.

    Attributes:
        name: name in lists of data sets and in the records of added ones.
        title: description of the files, for messages.
        fits: predicate of a path: is the file or folder of this kind, judged by names alone?
        read: function of a path, the size of the images and the column of the labels (None by default) that returns content.
        suffix: ending of the name of a single file; a data set is named without it.
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
    Reader("pictures", pictures.TITLE, Path.is_dir, lambda path, size, _: pictures.read(path, size)),
)
"""The first reader that fits is used; that of pictures takes any folder."""


def kind_of(path: Path) -> str:
    """Name of the reader for a file or folder of the user's.

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
    """Read the user's files with the reader of this name.

    Raises:
        SpecError: no reader has this name.
        DataError: the files cannot be used.
        CorruptData: the files are damaged.
    """
    return READERS[kind].read(path, size, label_column)
