"""HDF5 files, read by h5py, which is an extra: arrays by their names, also in groups (USPS: `train/data`, `train/target`).

Links to other files, external storage and virtual arrays are not followed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content
from seedbed.data.readers import named
from seedbed.data.readers.files import File, check_unfolding, decoded, explained
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.named import ArraySource
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.errors import DataError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
LEVELS = 4
MOST_ARRAYS = 1000


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there is an HDF5 file."""
    return len([file for file in inventory.inside() if file.suffix in SUFFIXES]) > 0


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read HDF5 files; several are taken together, as `train_catvnoncat.h5` and `test_catvnoncat.h5`.

    Raises:
        DataError: h5py is not installed, no arrays of known names, or they are no images and labels.
        CorruptData: a file is damaged, or claims to unfold to more than the limit.
    """
    found = [file for file in inventory.inside() if file.suffix in SUFFIXES]
    arrays: dict[str, NDArray[Any]] = {}
    for file in found:
        for name, array in arrays_of(file).items():
            arrays.setdefault(name, array)
    inventory.take(*found)
    return named.read(ArraySource(tuple(arrays), arrays.__getitem__, str(inventory.path)), options)


def arrays_of(file: File) -> dict[str, NDArray[Any]]:
    """The numeric and text arrays of a file, by their names with "/" between groups.

    Raises:
        As `read`.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(f"{file.where}: HDF5 files need h5py: pip install 'seedbed[hdf5]'.") from None
    with decoded(file.where, "HDF5"), explained(file.where), file.opened() as stream, h5py.File(stream, "r") as archive:
        names: list[str] = []
        _collect(archive, "", LEVELS, names, h5py)
        return {name: array for name in names if (array := _array(archive[name], file, name)) is not None}


def _collect(group: Any, above: str, levels: int, names: list[str], h5py: Any) -> None:
    """List the arrays of a group and of groups in it; only links within the file are followed."""
    for name in list(group)[:MOST_ARRAYS]:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink) or len(names) >= MOST_ARRAYS:
            continue
        item = group[name]
        if isinstance(item, h5py.Dataset):
            names.append(f"{above}{name}")
        elif isinstance(item, h5py.Group) and levels:
            _collect(item, f"{above}{name}/", levels - 1, names, h5py)


def _array(dataset: Any, file: File, name: str) -> NDArray[Any] | None:
    """An array of numbers or text; None for other kinds, and for those that are kept elsewhere."""
    if dataset.external or dataset.is_virtual or dataset.shape is None:
        return None
    text = dataset.dtype.kind == "O" and dataset.dtype.metadata and dataset.dtype.metadata.get("vlen") in (str, bytes)
    count = math.prod(dataset.shape) * (64 if text else dataset.dtype.itemsize)
    check_unfolding(file, count, name)
    if text:
        return np.array(dataset.asstr(errors="backslashreplace")[()], dtype=np.str_)
    return np.asarray(dataset[()]) if dataset.dtype.kind in "buifSU" else None
