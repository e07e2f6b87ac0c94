"""Images without labels, to be classified: arrays of an .npz, .npy, IDX or CSV file. Labels that are there are left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PARTS
from seedbed.data.readers import idx, named, npy, npz, rows
from seedbed.data.readers.files import File
from seedbed.data.readers.inventory import inventory_of, some
from seedbed.data.readers.tables import is_table
from seedbed.errors import DataError

SUFFIXES = (".npz", ".npy", ".csv", ".tsv", ".csv.gz", ".tsv.gz", "-ubyte", "-ubyte.gz", ".idx", ".idx.gz")
"""Endings of the names of files with arrays of images."""


@dataclass(frozen=True)
class UnlabelledImages:
    """Images of a file.

    Attributes:
        images: numbers `(n, h, w)`, `(n, h, w, c)` or `(n, pixels)`.
        names: name of each image: its index in the file, after the array's name where there are several.
        ids: text of each row's index column; empty where there is none.
    """

    images: NDArray[Any]
    names: list[str]
    ids: list[str]


def is_array_file(path: Path) -> bool:
    """Whether the name is that of a file with arrays of images."""
    return path.name.lower().endswith(SUFFIXES)


def read_unlabelled(path: Path, image_shape: tuple[int, int, int]) -> UnlabelledImages:
    """Read the images of a file.

    Args:
        path: `.npz` with an array or with arrays of images by their names (all parts are read), `.npy`, IDX, or a table with
            one image per row.
        image_shape: shape of the images that the network takes, by which the columns of pixels of a table are found.

    Raises:
        DataError: the file cannot be read, or holds no such images.
        CorruptData: it is damaged.
    """
    [file] = inventory_of(path).files
    if is_table(file):
        pixels, ids = rows.read_unlabelled(file, math.prod(image_shape))
        return UnlabelledImages(pixels, _numbered(len(pixels)), ids)
    if file.suffix == ".npz":
        return _of_npz(file)
    images = npy.read_file(file) if file.suffix == ".npy" else idx.read_array(file)
    return UnlabelledImages(images, _numbered(len(images)), [])


def _of_npz(file: File) -> UnlabelledImages:
    with npz.opened(file) as arrays:
        sets = named.roles(arrays.names)
        chosen = [mine.images[part] for mine in sets.values() for part in PARTS if part in mine.images]
        if not chosen and len(arrays.names) == 1:
            chosen = list(arrays.names)
        if not chosen:
            known = some(sorted(arrays.names), 8) or "nothing"
            raise DataError(f"{file.where}: arrays of images must be named X, images or x_test, and here are: {known}.")
        loaded = {name: arrays.load(name) for name in chosen}
    if len({array.shape[1:] for array in loaded.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in loaded.items())
        raise DataError(f"{file.where}: its arrays of images have different shapes: {shapes}.")
    several = len(loaded) > 1
    names = [f"{name}/{index}" if several else str(index) for name, array in loaded.items() for index in range(len(array))]
    return UnlabelledImages(np.concatenate(list(loaded.values())) if several else loaded[chosen[0]], names, [])


def _numbered(count: int) -> list[str]:
    return list(map(str, range(count)))
