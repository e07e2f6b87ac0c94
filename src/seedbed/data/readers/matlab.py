"""MATLAB files up to version 7.2, read by SciPy; those of version 7.3 are HDF5, and read as such.

MATLAB puts the index of the image last (SVHN: `X` is 32 x 32 x 3 x n); it is moved first. Files of the parts differ by
their names (`train_32x32.mat`).
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, PartName
from seedbed.data.readers import hdf5, named
from seedbed.data.readers.files import HARMLESS, MOST_RATIO, File, decoded, explained, first_line
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.named import ArraySource
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import by_prefix, chosen
from seedbed.errors import CorruptData, DataError

HEADER = 128
COMPRESSED = 15
"""Type of an element that holds a compressed one."""

STEP = 1 << 20


def files_of(inventory: Inventory, suffixes: tuple[str, ...]) -> list[File]:
    """The files of these endings directly in a folder."""
    return [file for file in inventory.inside() if file.suffix in suffixes]


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether there are MATLAB files."""
    return bool(files_of(inventory, (".mat",)))


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read a MATLAB file, or one for each part.

    Raises:
        DataError: no arrays of known names, or they are no images and labels.
        CorruptData: a file is damaged, or claims to unfold to more than the limit.
    """
    found = files_of(inventory, (".mat",))
    parts = _parts(found, options, inventory)
    inventory.take(*parts.values())
    arrays = {part: _arrays(file) for part, file in parts.items()}
    if len(parts) == 1:
        return named.read(_joined(arrays, inventory, alone=True), options, orient=_image_first)
    return named.read(_joined(arrays, inventory, alone=False), options, orient=_image_first)


def _parts(found: list[File], options: ReadOptions, inventory: Inventory) -> dict[PartName, File]:
    if len(found) == 1:
        return {"train": found[0]}
    sets = {name: files for name, files in by_prefix(found).items() if "train" in files}
    if not sets:
        raise DataError(f"{inventory.path}: of {len(found)} .mat files one must have 'train' in its name.")
    return {part: files[0] for part, files in sets[chosen(sets, options.prefix, inventory.path)].items()}


def _joined(arrays: Mapping[PartName, Mapping[str, NDArray[Any]]], inventory: Inventory, *, alone: bool) -> ArraySource:
    """The arrays of all files; of one file for each part with the part before their names."""
    every = {name if alone else f"{part}/{name}": array for part, own in arrays.items() for name, array in own.items()}
    return ArraySource(tuple(every), every.__getitem__, str(inventory.path))


def _arrays(file: File) -> dict[str, NDArray[Any]]:
    """The numeric and text arrays of a file by their names."""
    with explained(file.where), file.opened() as stream:
        content = stream.read()
    if content[:8] == hdf5.SIGNATURE or content[512:520] == hdf5.SIGNATURE:
        return {name: array.T for name, array in hdf5.arrays_of(file).items()}
    _check_unfolding(content, file)
    from scipy.io import loadmat

    with decoded(file.where, "MATLAB"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = loadmat(io.BytesIO(content), mat_dtype=False, chars_as_strings=True)  # type: ignore[arg-type]
    return {name: plain for name, array in loaded.items() if not name.startswith("__") and (plain := _plain(array)) is not None}


def _plain(value: Any) -> NDArray[Any] | None:
    """An array of numbers or text; a cell array of texts as their array; None for everything else."""
    array = np.asarray(value)
    if array.dtype.kind in "buifUS":
        return array
    if array.dtype == object and array.dtype.names is None:
        texts = [np.asarray(cell).ravel() for cell in array.ravel().tolist()]
        if texts and all(text.dtype.kind == "U" and text.size == 1 for text in texts):
            return np.array([str(text[0]) for text in texts])
    return None


def _check_unfolding(content: bytes, file: File) -> None:
    """Check what the compressed elements unfold to, before SciPy unfolds them.

    Raises:
        CorruptData: they unfold to more than the limit, or the file is cut short.
    """
    most = max(HARMLESS, len(content) * MOST_RATIO)
    order = ">" if content[126:128] == b"MI" else "<"
    place, unfolded = HEADER, 0
    while place + 8 <= len(content):
        kind, size = struct.unpack(f"{order}II", content[place : place + 8])
        if kind == COMPRESSED:
            unpacker = zlib.decompressobj()
            data = content[place + 8 : place + 8 + size]
            try:
                while data and not unpacker.eof:
                    unfolded += len(unpacker.decompress(data, STEP))
                    data = unpacker.unconsumed_tail
                    if not unfolded <= most:
                        raise CorruptData(f"{file.where}: {len(content):,} bytes unfold to more than {most:,}.")
            except zlib.error as error:
                raise CorruptData(f"{file.where}: damaged or cut short ({first_line(error)}). Get the file again.") from None
        place += 8 + size


def _image_first(images: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """Move the index of the image to the front, where its axis is the last or, of rows, the second."""
    count = max(labels.shape, default=0)
    if images.ndim in (3, 4) and images.shape[-1] == count and images.shape[0] != count:
        return np.moveaxis(images, -1, 0)
    if images.ndim == 2 and images.shape[1] == count != images.shape[0]:
        return images.T
    return images
