"""IDX, the format that MNIST came in: two zero bytes, a type, the number of dimensions, their sizes, then the values.

Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section on the file format. EMNIST's files hold
each image transposed, and a text that maps labels to codes of characters (Cohen et al. 2017, "EMNIST: an extension of MNIST to
handwritten letters").
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, Content, PartName
from seedbed.data.readers import files
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.files import File
from seedbed.data.readers.inventory import Inventory
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.readers.sets import chosen
from seedbed.errors import CorruptData, DataError

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}

Pairs = dict[PartName, dict[str, File]]
"""Part -> "images" and "labels" -> file."""

_NAME = re.compile(r"(?:(train|t10k|test|val(?:id(?:ation)?)?)[-_.]?)?(images?|labels?)[-_.]?idx\d", re.IGNORECASE)
_TRANSPOSED = re.compile(r"emnist", re.IGNORECASE)


def find(inventory: Inventory) -> dict[str, Pairs]:
    """Find the sets of IDX files of a folder by the beginning of their names; a plain file precedes its gzipped twin."""
    sets: dict[str, Pairs] = {}
    for file in sorted(inventory.inside(), key=lambda file: (file.name.endswith(".gz"), file.name)):
        match = _NAME.search(file.name)
        if match:
            part = PART_NAMES[(match[1] or "train").lower()]
            kind = match[2].lower().rstrip("s") + "s"
            pairs = sets.setdefault(file.name[: match.start()].rstrip("-_."), {}).setdefault(part, {})
            if kind in pairs:
                inventory.skip("another file has the same images or labels", file)
            pairs.setdefault(kind, file)
    return sets


def fits(inventory: Inventory, options: ReadOptions) -> bool:
    """Whether this is a folder with a training part in IDX files."""
    return not inventory.single and any("train" in pairs for pairs in find(inventory).values())


def read(inventory: Inventory, options: ReadOptions = NO_OPTIONS) -> Content:
    """Read a folder with pairs of IDX files; plain files are mapped, not copied.

    Raises:
        DataError: a file of a pair is missing, the arrays are no images and labels, or there are several sets and no prefix.
        CorruptData: a file is damaged.
    """
    sets = find(inventory)
    if not sets:
        raise DataError(f"{inventory.path}: there are no IDX files.")
    prefix = chosen(sets, options.prefix, inventory.path)
    for name in sets.keys() - {prefix}:
        inventory.skip(f"of the data set {name!r}", *(file for pair in sets[name].values() for file in pair.values()))
    raw: dict[PartName, RawPart] = {}
    for part, pair in sets[prefix].items():
        for kind in ("images", "labels"):
            if kind not in pair:
                raise DataError(
                    f"{inventory.path}: the {part} part has no file of {kind} next to {next(iter(pair.values())).name}."
                )
        inventory.take(*pair.values())
        raw[part] = RawPart(read_array(pair["images"]), np.asarray(read_array(pair["labels"])), pair["images"].where)
    if "train" not in raw:
        raise DataError(f"{inventory.path}: there are no training images; their file's name must contain 'train-images-idx'.")
    known = _TRANSPOSED.match(prefix) is not None
    rules = (f"The images of {prefix} are stored with rows and columns swapped.",) if known else ()
    options = replace(options, transpose=options.transpose != known)
    return assemble(raw, options, rules, _names(inventory, prefix))


def _names(inventory: Inventory, prefix: str) -> dict[str, str]:
    """Names of the classes from `mapping.txt`: lines of a label and the codes of its characters."""
    wanted = (f"{prefix}-mapping.txt", f"{prefix}_mapping.txt", "mapping.txt")
    found = next((file for name in wanted for file in inventory.inside() if file.name == name), None)
    if found is None:
        return {}
    inventory.take(found)
    with files.opened(found) as stream:
        text = stream.read(1 << 20).decode("ascii", "replace")
    names = {}
    for number, line in enumerate(text.splitlines(), start=1):
        label, *codes = line.split()[:4] or [""]
        if not codes and not label:
            continue
        if not (label.isdecimal() and codes and all(map(_is_character, codes))):
            raise CorruptData(f"{found.where}, line {number}: a label and codes of characters are needed, not {line[:40]!r}.")
        names[str(int(label))] = "".join(map(chr, map(int, codes)))
    return names


def _is_character(code: str) -> bool:
    return code.isdecimal() and len(code) < 8 and int(code) < 0x110000 and not 0xD800 <= int(code) < 0xE000


def read_array(file: File) -> NDArray[Any]:
    """Read the array of one IDX file, gzipped or not. A plain file of bytes on the disk becomes a memory map.

    Raises:
        CorruptData: the file is not IDX, or its length is not that of its header.
    """
    packed = files.is_gzipped(file)
    with files.opened(file) as stream:
        dtype, shape, offset = _header(stream, file.where)
        count = math.prod(shape) * dtype.itemsize
        if not packed and file.size != offset + count:
            raise CorruptData(f"{file.where}: its header {shape} promises {offset + count:,} bytes, and it has {file.size:,}.")
        if not packed and file.path and dtype.itemsize == 1 and count:
            return np.memmap(file.path, dtype=dtype, mode="r", offset=offset, shape=shape)
        return files.read_array(stream, file, dtype, shape)


def _header(stream: IO[bytes], where: str) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type and shape of the values, and the offset of the first."""
    start = stream.read(4)
    kind = TYPES.get(start[2]) if len(start) == 4 and start[:2] == b"\0\0" else None
    if kind is None or not 1 <= start[3] <= 4:
        raise CorruptData(f"{where}: this is not an IDX file; it begins with {start.hex(' ') or 'nothing'}.")
    sizes = stream.read(4 * start[3])
    if len(sizes) != 4 * start[3]:
        raise CorruptData(f"{where}: cut short within its header. Get the file again.")
    return np.dtype(kind), tuple(int(size) for size in np.frombuffer(sizes, dtype=">u4")), 4 + len(sizes)
