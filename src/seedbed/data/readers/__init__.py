"""Readers of files of many kinds. Nothing is unpickled, and a file's claims are checked before memory is allocated.

A path is listed once, as an `Inventory`; the first reader that fits it builds the content, and every file that was not read is
in a sentence with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from seedbed.data.content import Content
from seedbed.data.progress import WatchData
from seedbed.data.readers import folders, hdf5, idx, listed, matlab, npy, npz, parquet, rows
from seedbed.data.readers.advice import advice
from seedbed.data.readers.contrast import notes
from seedbed.data.readers.inventory import Inventory, inventory_of
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.errors import DataError
from seedbed.kinds import Registry


@dataclass(frozen=True)
class Reader:
    """A reader of the user's files of one kind.

    Attributes:
        name: name in lists of data sets, in the records of added ones, and for `--kind`.
        title: description of the files, for messages.
        fits: predicate of an inventory and options: are the files of this kind?
        read: function of an inventory and options that returns content; it takes the files that it reads.
        suffix: ending of the name of a single file; a data set is named without it.
    """

    name: str
    title: str
    fits: Callable[[Inventory, ReadOptions], bool]
    read: Callable[[Inventory, ReadOptions], Content]
    suffix: str = ""


READERS = Registry(
    "reader",
    Reader("pattern", "pictures with their labels in their names (--label-pattern)", listed.fits_pattern, listed.read_pattern),
    Reader("pictures", "a folder of class folders with pictures", folders.fits, folders.read),
    Reader("listed", "a folder of pictures with a table of their labels", listed.fits, listed.read),
    Reader("npz", "an .npz", npz.fits, npz.read, ".npz"),
    Reader("idx", "a folder of IDX files", idx.fits, idx.read),
    Reader("npy", "a folder of .npy files", npy.fits, npy.read),
    Reader("mat", "a .mat", matlab.fits, matlab.read, ".mat"),
    Reader("hdf5", "an .h5", hdf5.fits, hdf5.read, ".h5"),
    Reader("parquet", "a .parquet", parquet.fits, parquet.read, ".parquet"),
    Reader("csv", "a .csv", rows.fits, rows.read, ".csv"),
)
"""The first reader that fits is used: pictures in class folders come before tables and arrays that lie next to them."""


def kind_of(path: Path, options: ReadOptions = NO_OPTIONS, asked: str | None = None) -> str:
    """Name of the reader for a file, folder or archive of the user's.

    Args:
        asked: name of the reader to take. None means the first that fits.

    Raises:
        SpecError: no reader has the name that is asked for.
        DataError: no reader fits; the message says what is there, and what to do.
        CorruptData: an archive is damaged.
    """
    if asked:
        return READERS[asked].name
    listing = inventory_of(path)
    for reader in READERS.records():
        if reader.fits(listing, options):
            return reader.name
    titles = [reader.title for reader in READERS.records()[1:]]
    raise DataError(advice(listing, titles, lambda below: _fitting(below, options)))


def _fitting(listing: Inventory, options: ReadOptions) -> str:
    return next((reader.title for reader in READERS.records() if reader.fits(listing, options)), "")


def read(path: Path, kind: str, options: ReadOptions = NO_OPTIONS, on_progress: WatchData | None = None) -> Content:
    """Read the user's files with the reader of this name.

    Args:
        on_progress: callback for the progress of reading pictures and tables.

    Raises:
        SpecError: no reader has this name.
        DataError: the files cannot be used.
        CorruptData: the files are damaged.
    """
    reader, listing = READERS[kind], inventory_of(path)
    listing.on_progress = on_progress
    content = reader.read(listing, options)
    said = [*content.rules, *notes(content), *listing.unread()]
    if kind == "pictures" and listed.fits(listing, options):
        said.append("A table here names these pictures too: --kind listed takes the labels from it, not from the folders.")
    return replace(content, rules=tuple(said))
