"""Whole files: written under a temporary name in the same folder, synced, and renamed.

A half-written file is locked meanwhile, so that `tidy` can distinguish a file in use from one that a dead process left.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from seedbed.storage import changes
from seedbed.storage.folders import GONE, make_folders, sync_names, together
from seedbed.storage.locks import is_at, try_lock
from seedbed.storage.refusals import explained

FileContent = bytes | memoryview | Iterable[bytes | memoryview]

TEMPORARY = ".tmp-"
"""Prefix of the names of half-written files."""

UNIQUE = len(TEMPORARY) + 12
"""Characters of a temporary name before the ending that it has from its file."""


def write(path: Path, content: FileContent) -> None:
    """Write a file whole or not at all; parent folders are made.

    Args:
        path: target; an existing file is replaced.
        content: bytes, or pieces of them, which are written in order without being joined in memory.

    Raises:
        StorageError: no space, no permission, or another refusal of the system.
    """
    write_all({path: content})


def write_all(contents: Mapping[Path, FileContent]) -> None:
    """Write several files, each whole or not at all: as `write` for each, but with one wait for the disk.

    No file takes its place before all are on the disk; then they do, in any order, and all are there when this returns. Each
    is open until then, so write hundreds in several calls. What killed processes left of the same files is removed first.
    """
    folders = list(dict.fromkeys(path.parent for path in contents))
    make_folders(folders)
    for folder in folders:
        with explained("write in", folder):
            tidy(folder, contents)
    with ExitStack() as held:
        temporaries = [held.enter_context(_temporary(path)) for path in contents]
        for temporary, (path, content) in zip(temporaries, contents.items(), strict=True):
            with explained("write", path):
                for piece in _pieces(content):
                    changes.put(temporary.file, piece)
        together(_sync_written, temporaries, contents)
        together(_take_place, temporaries, contents)
    together(sync_names, folders)


class _Temporary(NamedTuple):
    """A half-written file, and the handle that holds it: as long as that is open, `tidy` leaves it."""

    path: Path
    file: BinaryIO


def _sync_written(temporary: _Temporary, path: Path) -> None:
    with explained("write", path), temporary.path.open("r+b") as written:
        changes.sync(written)


def _take_place(temporary: _Temporary, path: Path) -> None:
    if sys.platform == "win32":  # it renames no open file
        temporary.file.close()
    with explained("write", path):
        changes.rename(temporary.path, path)


@contextmanager
def _temporary(path: Path) -> Iterator[_Temporary]:
    """Hold a new file in the folder of `path`; if the block raises, remove it."""
    with explained("write", path):
        temporary = _held(path)
    with temporary.file:
        try:
            yield temporary
        except BaseException:
            temporary.file.close()
            with suppress(OSError):
                changes.remove(temporary.path)
            raise


def _held(path: Path) -> _Temporary:
    while True:
        temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}{_ending(path)}")
        file = changes.make_file(temporary)
        try:
            held = try_lock(file) and is_at(file, temporary)
        except OSError:  # without locks in the file system no process can see what is in use, so none removes it
            held = True
        if held:
            return _Temporary(temporary, file)
        file.close()  # another process tidied it away in between


def sha256(content: Path | FileContent) -> str:
    """Compute the SHA-256 of a file or of bytes, 64 hexadecimal digits."""
    if isinstance(content, Path):
        with explained("read", content), content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for piece in _pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def is_file(path: Path) -> bool:
    """Whether there is a file under this name."""
    with explained("read", path):
        return path.is_file()


def sync(paths: Iterable[Path]) -> None:
    """Wait until the disk has the content and the names of files; a missing file is no error."""
    there = [path for path in paths if path.exists()]
    together(_sync_file, there)
    together(sync_names, list(dict.fromkeys(path.parent for path in there)))


def _sync_file(path: Path) -> None:
    with explained("sync", path), path.open("r+b") as file:
        changes.sync(file)


def remove(path: Path) -> None:
    """Remove a file. A missing one is no error."""
    with explained("remove", path):
        changes.remove(path)


def tidy(folder: Path, files: Iterable[Path] | None = None) -> None:
    """Delete what killed processes left half-written or half-removed in a folder; files that are being written stay.

    Args:
        files: files whose half-written forms alone are removed. None removes everything that was left.
    """
    endings = None if files is None else {_ending(path) for path in files}
    for entry in os.scandir(folder) if folder.is_dir() else ():
        with suppress(OSError):
            if entry.name.startswith(TEMPORARY) and (endings is None or entry.name[UNIQUE:] in endings):
                _remove_abandoned(Path(entry.path))
            elif endings is None and entry.name.startswith(GONE):
                changes.remove_tree(Path(entry.path))


def _remove_abandoned(temporary: Path) -> None:
    with temporary.open("r+b", buffering=0) as file:
        abandoned = try_lock(file)
        if abandoned and sys.platform != "win32":  # which removes no open file
            changes.remove(temporary)
    if abandoned and sys.platform == "win32":
        changes.remove(temporary)


def _ending(path: Path) -> str:
    """FinishedRun of the names of a file's temporary forms: that of its own name, no longer than names may be."""
    return f"-{path.name[-200:]}"


def check_writable(folder: Path) -> None:
    """Make the folder if it is missing, and check that a file can be written in it, before hours of training."""
    probe = folder / f"{TEMPORARY}{secrets.token_hex(6)}"
    write(probe, b"seedbed\n")
    remove(probe)


def _pieces(content: FileContent) -> Iterable[memoryview]:
    pieces = [content] if isinstance(content, bytes | memoryview) else content
    return (memoryview(piece).cast("B") for piece in pieces)
