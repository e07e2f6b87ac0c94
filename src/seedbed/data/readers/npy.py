"""Folders of NumPy files: .npy (the format for large data, since the files are mapped) and .npz with one array each.

The arrays are named after their files, also below folders of the parts (`train/x.npy`). Where no names are known, each file
holds the images of one class, as QuickDraw's do.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content
from seedbed.data.readers import named, npz
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.files import MOST_DECODED, File, explained, read_array
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.named import ArraySource
from seedbed.data.readers.npz import header
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.errors import CorruptData, DataError


def arrays_of(inventory: Inventory) -> dict[str, File]:
    """The arrays of a folder and of the folders in it, by the names of their files without the ending."""
    folders = ["", *inventory.subfolders()]
    found = [file for folder in folders for file in inventory.inside(folder) if file.suffix in (".npy", ".npz")]
    return {os.path.splitext(file.name)[0]: file for file in found}  # noqa: PTH122


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether this is a folder with NumPy files."""
    return not inventory.single and bool(arrays_of(inventory))


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read a folder with `x_train.npy`, `y_train.npy` and so on. uint8 and float32 images are not copied.

    Raises:
        DataError: no known names, or no images and labels.
        CorruptData: a file is damaged or has objects.
    """
    found = arrays_of(inventory)
    if not any(mine.complete for mine in named.roles(found).values()) and len(found) > 1 and options.prefix is None:
        return _one_class_per_file(inventory, found, options)
    inventory.take(*found.values())
    return named.read(ArraySource(tuple(found), lambda name: read_file(found[name]), str(inventory.path)), options)


def _one_class_per_file(inventory: Inventory, found: dict[str, File], options: ReadOptions) -> Content:
    arrays = {name: read_file(file) for name, file in found.items()}
    shapes = {array.shape[1:] for array in arrays.values()}
    if len(shapes) > 1 or any(array.ndim < 2 for array in arrays.values()):
        raise DataError(
            f"{inventory.path}: arrays must be named X, y or x_train, y_train, x_test, y_test, or each file must hold the "
            f"images of one class; here are: {', '.join(sorted(found)[:8])}."
        )
    if not sum(array.nbytes for array in arrays.values()) <= MOST_DECODED:
        raise DataError(
            f"{inventory.path}: over {MOST_DECODED >> 30} GiB. Join the classes to one X.npy and y.npy, which are mapped."
        )
    inventory.take(*found.values())
    classes = _class_names(list(arrays))
    labels = np.repeat(np.array(classes), [len(array) for array in arrays.values()])
    rules = (f"Each of {len(arrays)} files holds the images of one class.",)
    images = np.concatenate(list(arrays.values()))
    return assemble({"train": RawPart(images, labels, str(inventory.path))}, options, rules)


def _class_names(names: Sequence[str]) -> list[str]:
    """Names of files without the words that all begin with."""
    first, last = min(names), max(names)
    same = next((place for place, sign in enumerate(first) if last[place : place + 1] != sign), len(first))
    cut = first[:same].rfind("_") + 1
    return [name[cut:] or name for name in names]


def read_file(file: File) -> NDArray[Any]:
    """Read the array of a .npy file, mapped where it lies on the disk, or the only array of an .npz."""
    if file.suffix == ".npz":
        with npz.opened(file) as arrays:
            if len(arrays.names) != 1:
                raise DataError(
                    f"{file.where}: in a folder of several an .npz holds one array, and this one has {len(arrays.names)}. "
                    f"Give a single file."
                )
            return arrays.load(arrays.names[0])
    with explained(file.where), file.opened() as stream:
        shape, fortran, dtype = header(stream, file.where)
        offset = stream.tell()
        promised = offset + math.prod(shape) * dtype.itemsize
        if promised != file.size:
            raise CorruptData(f"{file.where}: its header {shape} promises {promised:,} bytes, and it has {file.size:,}.")
        if promised == offset:
            raise CorruptData(f"{file.where}: it is empty; its shape is {shape}.")
        if file.path is None:
            return read_array(stream, file, dtype, shape, fortran=fortran)
        return np.memmap(file.path, dtype=dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C")
