"""All changes of the disk, one function per kind, so that a test can make any one of them fail. Used as `changes.NAME`."""

from __future__ import annotations

import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


def make_folder(path: Path) -> None:
    path.mkdir()


def make_file(path: Path) -> BinaryIO:
    return path.open("xb", buffering=0)


def put(file: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def truncate(file: BinaryIO, size: int) -> None:
    file.truncate(size)


def sync(file: BinaryIO) -> None:
    os.fsync(file.fileno())


def rename(old: Path, new: Path) -> None:
    for wait in (0.01, 0.05, 0.2, 0.5) if sys.platform == "win32" else ():
        try:
            old.replace(new)
            return
        except PermissionError:  # Windows, while another process reads the file
            time.sleep(wait)
    old.replace(new)


def sync_folder(path: Path) -> None:
    if sys.platform == "win32":  # it has no such call: NTFS keeps its own journal of names
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def remove_tree(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
        return
    with suppress(FileNotFoundError):  # another process that tidies up may be deleting the same
        shutil.rmtree(path)
