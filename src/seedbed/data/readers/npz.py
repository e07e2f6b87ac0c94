"""NumPy's .npz archives. Nothing is ever unpickled."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content
from seedbed.data.readers import named
from seedbed.data.readers.files import File, explained, first_line, read_array
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.named import ArraySource
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.errors import CorruptData, DataError


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether this is an archive, or a folder that has one and no other file of data."""
    return len(_archives(inventory)) == 1


def _archives(inventory: Inventory) -> list[File]:
    return [file for file in inventory.inside() if file.name.lower().endswith(".npz")]


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read an .npz archive.

    Raises:
        CorruptData: the archive is damaged, has objects, or claims to unfold to more than the limit.
        DataError: the archive has no arrays of known names, or they are no images and labels.
    """
    archives = _archives(inventory)
    if len(archives) != 1:
        raise DataError(f"{inventory.path}: one .npz archive is needed, and there are {len(archives)}.")
    inventory.take(*archives)
    with opened(archives[0]) as arrays:
        return named.read(arrays, options)


@contextmanager
def opened(file: File) -> Iterator[ArraySource]:
    """Open an archive; errors inside the block become `CorruptData`."""
    try:
        with explained(file.where), file.opened() as stream, zipfile.ZipFile(stream) as archive:
            names = tuple(name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy"))

            def load(name: str) -> NDArray[Any]:
                with archive.open(f"{name}.npy") as member:
                    shape, fortran, dtype = header(member, f"{file.where}, array {name}")
                    return read_array(member, file, dtype, shape, name=name, fortran=fortran)

            yield ArraySource(names, load, file.where)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, ValueError, OverflowError, KeyError) as error:
        raise CorruptData(f"{file.where}: this is not an .npz archive, or a damaged one ({first_line(error)}).") from None


def header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, order (whether Fortran's) and type of an array in .npy format from its header.

    Raises:
        CorruptData: no such header, or an array of Python objects.
    """
    try:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise CorruptData(f"{where}: .npy version {version} is not known.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a header as Python 2 wrote it is read all the same
            shape, fortran, dtype = readers[version](stream)
    except (ValueError, TypeError, KeyError, SyntaxError, EOFError, OverflowError, RecursionError, TokenError) as error:
        raise CorruptData(f"{where}: its .npy header is damaged ({first_line(error)}).") from None
    if dtype.hasobject:
        raise CorruptData(f"{where}: it has Python objects, which are never unpickled. Save it as numbers or text.")
    if not all(0 <= side < 2**40 for side in shape):
        raise CorruptData(f"{where}: its .npy header claims the shape {shape}.")
    return shape, fortran, dtype
