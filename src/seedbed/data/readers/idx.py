"""IDX, the format that MNIST came in: two zero bytes, a type, the number of dimensions, their sizes, then the values.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section on the file format.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, Content, PartName
from seedbed.data.readers import gzipped
from seedbed.data.readers.arrays import ImageSize, RawPart, assemble
from seedbed.errors import CorruptData, DataError

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

_NAME = re.compile(r"(?:(train|t10k|test|val(?:id(?:ation)?)?)[-_.]?)?(images?|labels?)[-_.]?idx\d", re.IGNORECASE)


def find(folder: Path) -> dict[PartName, dict[str, Path]]:
    """Find the IDX files of a folder: part -> "images" and "labels" -> path; a plain file precedes its gzipped twin."""
    pairs: dict[PartName, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), key=lambda path: (path.name.endswith(".gz"), path.name)):
        match = _NAME.search(path.name)
        if match and path.is_file() and not path.name.startswith("."):
            part = PART_NAMES.get((match[1] or "train").lower(), "test")  # MNIST's own files call it t10k
            kind = match[2].lower().rstrip("s") + "s"
            pairs.setdefault(part, {}).setdefault(kind, path)
    return pairs


def fits(path: Path) -> bool:
    """Whether this is a folder with a training part in IDX files."""
    return path.is_dir() and "train" in find(path)


def read(folder: Path, size: ImageSize | None = None) -> Content:
    """Read a folder with pairs of IDX files; plain files are mapped, not copied.

    Raises:
        DataError: a file of a pair is missing, or the arrays are no images and labels.
        CorruptData: a file is damaged.
    """
    raw: dict[PartName, RawPart] = {}
    for part, pair in find(folder).items():
        for kind in ("images", "labels"):
            if kind not in pair:
                raise DataError(f"{folder}: the {part} part has no file of {kind} next to {next(iter(pair.values())).name}.")
        raw[part] = RawPart(read_array(pair["images"]), np.asarray(read_array(pair["labels"])), str(pair["images"]))
    if "train" not in raw:
        raise DataError(f"{folder}: there are no training images; their file's name must contain 'train-images-idx'.")
    return assemble(raw, size)


def read_array(path: Path) -> NDArray[Any]:
    """Read the array of one IDX file, gzipped or not. A plain file of bytes becomes a memory map.

    Raises:
        CorruptData: the file is not IDX, or its length is not that of its header.
    """
    packed = gzipped.is_gzipped(path)
    with gzipped.opened(path) as file:
        dtype, shape, offset = _header(file, path)
        count = math.prod(shape) * dtype.itemsize
        if not packed and path.stat().st_size != offset + count:
            raise CorruptData(
                f"{path}: its header {shape} promises {offset + count:,} bytes, and it has {path.stat().st_size:,}."
            )
        if not packed and dtype.itemsize == 1 and count:
            return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
        return gzipped.read_array(file, path, dtype, shape)


def _header(file: IO[bytes], path: Path) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type and shape of the values, and the offset of the first."""
    start = file.read(4)
    kind = TYPES.get(start[2]) if len(start) == 4 and start[:2] == b"\0\0" else None
    if kind is None or not 1 <= start[3] <= 4:
        raise CorruptData(f"{path}: this is not an IDX file; it begins with {start.hex(' ') or 'nothing'}.")
    sizes = file.read(4 * start[3])
    if len(sizes) != 4 * start[3]:
        raise CorruptData(f"{path}: cut short within its header. Get the file again.")
    return np.dtype(kind), tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4")), 4 + len(sizes)
