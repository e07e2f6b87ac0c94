"""CIFAR-10's binary version: records of one label byte and 3 x 32 x 32 pixels, in a folder or in its .tar.gz.

The Python version of the same images is a pickle, and is never read. Source: Krizhevsky, "Learning Multiple Layers of Features
from Tiny Images", 2009; layout on cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Labelled, PartName
from seedbed.data.readers.files import explained, first_line
from seedbed.errors import CorruptData

FILES: Mapping[PartName, tuple[str, ...]] = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
RECORD, RECORDS = 1 + 3 * 32 * 32, 10_000


def is_folder(folder: Path) -> bool:
    """Whether a folder has the six files."""
    return all((folder / name).is_file() for names in FILES.values() for name in names)


def read(path: Path, classes: tuple[str, ...]) -> Content:
    """Read the folder `cifar-10-batches-bin`, or the archive of it.

    Raises:
        CorruptData: a file is missing or of the wrong length, or has a label of no class.
    """
    files = _from_folder(path) if path.is_dir() else _from_archive(path)
    parts: dict[PartName, Labelled] = {}
    for part, names in FILES.items():
        records = np.concatenate([_records(files, name, path) for name in names])
        labels = records[:, 0].astype(np.int32)
        if not labels.max() < len(classes):
            raise CorruptData(f"{path}: labels must be below {len(classes)}, and one is {labels.max()}.")
        images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        parts[part] = Labelled(np.ascontiguousarray(images), labels)
    return Content(parts=parts, classes=classes, scale=255.0)


def _records(files: Mapping[str, bytes], name: str, path: Path) -> NDArray[np.uint8]:
    content = files.get(name, b"")
    if len(content) != RECORD * RECORDS:
        raise CorruptData(f"{path}: {name} must have {RECORD * RECORDS:,} bytes, and has {len(content):,}.")
    return np.frombuffer(content, dtype=np.uint8).reshape(RECORDS, RECORD)


def _from_folder(folder: Path) -> dict[str, bytes]:
    paths = [folder / name for names in FILES.values() for name in names]
    with explained(folder):
        return {path.name: path.read_bytes() for path in paths if path.is_file() and path.stat().st_size == RECORD * RECORDS}


def _from_archive(path: Path) -> dict[str, bytes]:
    """Stream the six members by name; nothing is unpacked to the disk, so no path in the archive can lead anywhere."""
    wanted = {name for names in FILES.values() for name in names}
    files: dict[str, bytes] = {}
    try:
        with explained(path), tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in wanted and member.isreg() and member.size == RECORD * RECORDS:
                    stream = archive.extractfile(member)
                    files[name] = stream.read(RECORD * RECORDS) if stream else b""
                if files.keys() == wanted:
                    break
    except tarfile.TarError as error:
        raise CorruptData(f"{path}: this is not a .tar.gz, or a damaged one ({first_line(error)}). Get it again.") from None
    return files
