"""A folder of .npy files named as in an .npz archive: the kind for large data, since it is mapped where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, PartName
from seedbed.data.readers.arrays import RawPart, ImageSize, assemble
from seedbed.data.readers.gzipped import explained
from seedbed.data.readers.npz import header, pairs
from seedbed.errors import CorruptData


def names(folder: Path) -> list[str]:
    """The arrays of a folder, by the names of its files."""
    return [path.stem for path in folder.glob("*.npy") if not path.name.startswith(".")]


def fits(path: Path) -> bool:
    """Whether this is a folder with .npy files."""
    return path.is_dir() and bool(names(path))


def read(folder: Path, size: ImageSize | None = None) -> Content:
    """Content of a folder with `x_train.npy`, `y_train.npy` and so on. uint8 and float32 images are not copied.

    Raises:
        DataError: no names that are known, or no images and labels.
        CorruptData: a file is damaged or holds objects.
    """
    found: dict[PartName, RawPart] = {}
    for part, (images, labels) in pairs(names(folder), str(folder)).items():
        path = folder / f"{images}.npy"
        found[part] = RawPart(_mapped(path), np.array(_mapped(folder / f"{labels}.npy")), str(path))
    return assemble(found, size)


def _mapped(path: Path) -> NDArray[Any]:
    with explained(path), path.open("rb") as file:
        shape, fortran, dtype = header(file, str(path))
        offset = file.tell()
    promised, there = offset + int(np.prod(shape, dtype=object)) * dtype.itemsize, path.stat().st_size
    if promised != there:
        raise CorruptData(f"{path}: its header {shape} promises {promised:,} bytes, and it has {there:,}.")
    if promised == offset:
        raise CorruptData(f"{path}: it is empty; its shape is {shape}.")
    with explained(path):
        return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order="F" if fortran else "C")
