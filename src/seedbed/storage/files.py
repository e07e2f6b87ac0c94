"""Whole files: written beside their place, synced, and renamed over it.

Meanwhile a half-written file is locked, so that who tidies up can tell the living from the dead.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from seedbed.errors import StorageError
from seedbed.storage import changes
from seedbed.storage.folders import GONE, make_folders, sync_names, together
from seedbed.storage.locks import is_at, try_lock
from seedbed.storage.refusals import explained

Content = bytes | memoryview | Iterable[bytes | memoryview]

TEMPORARY = ".tmp-"
"""How the names of half-written files begin."""

UNIQUE = len(TEMPORARY) + 12
"""Characters of a temporary name before the ending that it has from its file."""


def write(path: Path, content: Content) -> None:
    """Write a file whole or not at all; parent folders are made.

    Args:
        path: where; what is there is replaced.
        content: bytes, or pieces of them, which are written one after the other without being joined in memory.

    Raises:
        StorageError: no space, no permission, or another answer of the system.
    """
    write_all({path: content})


def write_all(contents: Mapping[Path, Content]) -> None:
    """Write several files, each whole or not at all: as `write` for one after the other, but the disk is waited for once.

    None takes its place before all are on the disk; then they do, in no order, and all are there when this returns. Each is
    open until then, so that hundreds are better written in several calls.
    """
    with _staged(list(contents)) as temporaries:
        for temporary, (path, content) in zip(temporaries, contents.items(), strict=True):
            with explained("write", path):
                for piece in _pieces(content):
                    changes.put(temporary.file, piece)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """For a library that writes a file itself: a name beside `path` to write to, which then takes the place of `path`.

    The name ends as that of `path` does; there is an empty file under it. If the block raises, `path` is as before and nothing
    is left over.

    Raises:
        StorageError: no space, no permission, or nothing was written.
    """
    with explained("write", path), _staged([path]) as [temporary]:
        yield temporary.path
        if not (temporary.path.is_file() and temporary.path.stat().st_size):
            raise StorageError(f"{path}: nothing was written to {temporary.path.name}.")


class _Temporary(NamedTuple):
    """A half-written file, and the handle that holds it: for as long as that is open, `tidy` lets it be."""

    path: Path
    file: BinaryIO


@contextmanager
def _staged(paths: Sequence[Path]) -> Iterator[list[_Temporary]]:
    """Files beside the paths to write to; after the block they take the places of the paths.

    What killed processes left of the same files is gone before.
    """
    folders = list(dict.fromkeys(path.parent for path in paths))
    make_folders(folders)
    for folder in folders:
        with explained("write in", folder):
            tidy(folder, paths)
    with ExitStack() as held:
        temporaries = [held.enter_context(_temporary(path)) for path in paths]
        yield temporaries
        together(_sync_written, list(zip(temporaries, paths, strict=True)))
        together(_take_place, list(zip(temporaries, paths, strict=True)))
    together(sync_names, folders)


def _sync_written(staged: tuple[_Temporary, Path]) -> None:
    temporary, path = staged
    with explained("write", path), temporary.path.open("r+b") as written:
        changes.sync(written)


def _take_place(staged: tuple[_Temporary, Path]) -> None:
    temporary, path = staged
    if sys.platform == "win32":  # it renames no open file
        temporary.file.close()
    with explained("write", path):
        changes.rename(temporary.path, path)


@contextmanager
def _temporary(path: Path) -> Iterator[_Temporary]:
    """A new file beside `path`, held; if the block raises, it is removed."""
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
        except OSError:  # a file system without locks: nobody can see there what is in use, so nobody removes it
            held = True
        if held:
            return _Temporary(temporary, file)
        file.close()  # somebody tidied it away in between


def sha256(content: Path | Content) -> str:
    """SHA-256 of a file or of bytes, 64 hexadecimal digits."""
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
    """Wait until the disk has what was written to files, and their names; a missing one is no error."""
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
    """Delete what killed processes left half-written or half-removed in a folder; what somebody is writing stays.

    Args:
        files: nothing goes but the half-written forms of files with these names; None: whatever was left there.
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
    """How the names of a file's temporary forms end: as its own, and no longer than names may be."""
    return f"-{path.name[-200:]}"


def check_writable(folder: Path) -> None:
    """Make the folder if it is missing, and see that a file can be written in it: better known before hours of training."""
    probe = folder / f"{TEMPORARY}{secrets.token_hex(6)}"
    write(probe, b"seedbed\n")
    remove(probe)


def _pieces(content: Content) -> Iterable[memoryview]:
    pieces = [content] if isinstance(content, bytes | memoryview) else content
    return (memoryview(piece).cast("B") for piece in pieces)
