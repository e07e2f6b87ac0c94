"""A folder of .npy files named as in an .npz archive: the format for large data, since the files are mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content
from seedbed.data.readers.arrays import ImageSize, RawPart, assemble
from seedbed.data.readers.gzipped import explained
from seedbed.data.readers.npz import header, pairs
from seedbed.errors import CorruptData


def names(folder: Path) -> list[str]:
    """List the arrays of a folder by the names of its files."""
    return [path.stem for path in folder.glob("*.npy") if not path.name.startswith(".")]


def fits(path: Path) -> bool:
    """Whether this is a folder with .npy files."""
    return path.is_dir() and bool(names(path))


def read(folder: Path, size: ImageSize | None = None) -> Content:
    """Read a folder with `x_train.npy`, `y_train.npy` and so on. uint8 and float32 images are not copied.

    Raises:
        DataError: no known names, or no images and labels.
        CorruptData: a file is damaged or has objects.
    """
    paths = {
        part: (folder / f"{images}.npy", folder / f"{labels}.npy")
        for part, (images, labels) in pairs(names(folder), str(folder)).items()
    }
    raw = {part: RawPart(_mapped(images), np.array(_mapped(labels)), str(images)) for part, (images, labels) in paths.items()}
    return assemble(raw, size)


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
