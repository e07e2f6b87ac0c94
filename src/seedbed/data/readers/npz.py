"""NumPy's .npz archives, and folders of .npy files with the same names. Nothing is ever unpickled."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, PartName
from seedbed.data.readers.arrays import ImageSize, RawPart, assemble
from seedbed.data.readers.gzipped import explained, first_line, read_array
from seedbed.errors import CorruptData, DataError

NAMES: dict[PartName, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), ("x", "y"), ("images", "labels")),
    "validation": (("x_val", "y_val"), ("x_validation", "y_validation"), ("val_images", "val_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels")),
}
"""Names of images and labels, the first that exists; in any case of letters."""


def fits(path: Path) -> bool:
    """Whether this is the name of an archive."""
    return path.is_file() and path.name.lower().endswith(".npz")


def read(path: Path, size: ImageSize | None = None) -> Content:
    """Read an .npz archive.

    Raises:
        CorruptData: the archive is damaged, has objects, or claims to unfold to more than the limit.
        DataError: the archive has no arrays of known names, or they are no images and labels.
    """
    try:
        with explained(path), zipfile.ZipFile(path) as archive:
            inside = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            raw = {
                part: RawPart(_member(archive, images, path), _member(archive, labels, path), str(path))
                for part, (images, labels) in pairs(inside, str(path)).items()
            }
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, ValueError, OverflowError) as error:
        raise CorruptData(f"{path}: this is not an .npz archive, or a damaged one ({first_line(error)}).") from None
    return assemble(raw, size)


def pairs(inside: Collection[str], where: str) -> dict[PartName, tuple[str, str]]:
    """Find the names of each part's images and labels.

    Raises:
        DataError: no known names.
    """
    spelled = {name.lower(): name for name in inside}
    chosen: dict[PartName, tuple[str, str]] = {}
    for part, names in NAMES.items():
        for images, labels in names:
            if images in spelled and labels in spelled:
                chosen.setdefault(part, (spelled[images], spelled[labels]))
    if "train" not in chosen:
        have = ", ".join(sorted(inside)[:8]) or "nothing"
        raise DataError(f"{where}: arrays must be named X, y or x_train, y_train, x_test, y_test, and here are: {have}.")
    return chosen


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    with archive.open(f"{name}.npy") as file:
        shape, fortran, dtype = header(file, f"{path}, array {name}")
        return read_array(file, path, dtype, shape, name=name, fortran=fortran)


def header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read shape, order (whether Fortran's) and type of an array in .npy format from its header.

    Raises:
        CorruptData: no such header, or an array of Python objects.
    """
    try:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise CorruptData(f"{where}: .npy version {version} is not known.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a header as Python 2 wrote it is read all the same
            shape, fortran, dtype = readers[version](file)
    except (ValueError, TypeError, KeyError, SyntaxError, EOFError, OverflowError, RecursionError, TokenError) as error:
        raise CorruptData(f"{where}: its .npy header is damaged ({first_line(error)}).") from None
    if dtype.hasobject:
        raise CorruptData(f"{where}: it has Python objects, which are never unpickled. Save it as numbers or text.")
    if not all(0 <= side < 2**40 for side in shape):
        raise CorruptData(f"{where}: its .npy header claims the shape {shape}.")
    return shape, fortran, dtype
