"""What lies at a path: the files of a folder, of an archive, or a single one, and which of them were read.

Every reader works on an `Inventory`. It takes the files that it reads and may give reasons for those that it leaves out; what
is neither is listed too, so that nothing vanishes without a sentence. Archives are read member by member: nothing is unpacked
to a path, so the names in them lead nowhere.
"""

from __future__ import annotations

import io
import lzma
import os
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Literal

from seedbed.data.progress import ReadProgress, WatchData
from seedbed.data.readers.files import HARMLESS, MOST_RATIO, File, explained, first_line, text_of
from seedbed.errors import CorruptData, DataError
from seedbed.words import counted, listed

DEEPEST = 5
"""Levels of folders that are listed: an archive's own folder, PART/CLASS, and what lies below a class."""

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

MOST_UNPACKED = 4 << 30
"""Bytes to which a compressed tar archive may unfold: its members are kept in memory while it is read."""

DAMAGED = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError,
)  # fmt: skip
"""Errors that the libraries raise on damaged archives."""

SHOWN = 3
"""Names of files in a sentence."""

LONGEST_NAME = 100
"""Letters of a name in a sentence."""


class Inventory:
    """The files at a path, in the order of their names.

    Args:
        path: folder, archive or file.
        files: all files except hidden ones.
        folders: names of all folders, empty ones too.
        single: whether the path itself is a file of data.
        omitted: reason -> names of what is there and cannot be read as a file.
    """

    def __init__(
        self,
        path: Path,
        files: Iterable[File],
        folders: Iterable[str] = (),
        *,
        single: bool = False,
        omitted: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.path = path
        self.files = sorted(files, key=lambda file: file.name)
        self.folders = sorted(folders)
        self.single = single
        self._inside: dict[str, list[File]] = {}
        for file in self.files:
            self._inside.setdefault(file.folder, []).append(file)
        self.on_progress: WatchData | None = None
        self._omitted = omitted or {}
        self._taken: set[str] = set()
        self._reasons: dict[str, list[File]] = {}

    def inside(self, folder: str = "") -> list[File]:
        """The files directly in a folder."""
        return self._inside.get(folder, [])

    def subfolders(self, folder: str = "") -> list[str]:
        """Names of the folders directly in a folder."""
        return [name for name in self.folders if name.rpartition("/")[0] == folder]

    def within(self, folder: str) -> list[File]:
        """The files in a folder and all folders below it."""
        return [file for file in self.files if file.name.startswith(f"{folder}/")]

    def below(self, folder: str) -> Inventory:
        """The inventory of one of its folders."""
        cut = len(folder) + 1
        files = [replace(file, name=file.name[cut:]) for file in self.within(folder)]
        return Inventory(self.path / folder, files, [name[cut:] for name in self.folders if name.startswith(f"{folder}/")])

    def take(self, *files: File) -> None:
        """Mark files as read."""
        self._taken.update(file.name for file in files)

    def skip(self, reason: str, *files: File) -> None:
        """Mark files as left out for a reason, a phrase that ends a sentence."""
        self._reasons.setdefault(reason, []).extend(files)

    def report(self, done: int, total: int, unit: Literal["pictures", "bytes"]) -> None:
        """Report how much was read, where a callback was given."""
        if self.on_progress:
            self.on_progress(ReadProgress(str(self.path), done, total, unit))

    def unread(self) -> list[str]:
        """One sentence for each reason why files were not read; those without a reason come last."""
        known = self._taken | {file.name for files in self._reasons.values() for file in files}
        rest = [file for file in self.files if file.name not in known]
        files = {**self._reasons, "no part of this layout": rest}
        reasons = {**{reason: [file.name for file in chosen] for reason, chosen in files.items()}, **self._omitted}
        return [
            f"Not read: {counted(len(names), 'file')} ({some(names)}): {reason}." for reason, names in reasons.items() if names
        ]

    def summary(self) -> str:
        """What is there in a few words, such as "90 .bmp files in 3 folders"."""
        kinds = Counter(file.suffix or "unnamed" for file in self.files)
        shown = [f"{number:,} {kind} file{'s' if number > 1 else ''}" for kind, number in kinds.most_common(4)]
        rest = sum(kinds.values()) - sum(number for _, number in kinds.most_common(4))
        folders = {file.folder for file in self.files if file.folder}
        places = f" in {counted(len(folders), 'folder')}" if folders else ""
        return listed([*shown, *([f"{rest:,} others"] if rest else [])]) + places if shown else "no file"


def some(names: Iterable[str], most: int = SHOWN) -> str:
    """The first names of many; a long name, as damaged files have them, is cut."""
    every = list(names)
    shown = [name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..." for name in every[:most]]
    return ", ".join(shown) + (", ..." if len(every) > most else "")


def is_archive(path: Path) -> bool:
    """Whether the name is that of an archive that is read."""
    return path.name.lower().endswith(ARCHIVES)


def inventory_of(path: Path, deepest: int = DEEPEST) -> Inventory:
    """List what lies at a path.

    Args:
        deepest: levels of folders that are listed.

    Raises:
        DataError: there is nothing, or it cannot be read.
        CorruptData: an archive is damaged, or unfolds to more than the limit.
    """
    if path.is_dir():
        with explained(path):
            return _folder(path, deepest)
    if not path.exists():
        raise DataError(_nothing_at(path))
    if not is_archive(path):
        with explained(path):
            return Inventory(path, [File.at(str(path))], single=True)
    return _archive(path)


def is_address(text: str) -> bool:
    """Whether a text, or a path made of it, is an address on the web."""
    return re.search(r"(^|/)(https?|ftp|s3|gs|hf):/", text) is not None


def _nothing_at(path: Path) -> str:
    if is_address(str(path)):
        return f"{path}: this is an address. Download the files first, and give their folder or archive."
    return f"{path}: there is no such file or folder."


def _folder(root: Path, deepest: int) -> Inventory:
    files: list[File] = []
    folders: list[str] = []
    omitted: dict[str, list[str]] = {}

    def walk(folder: str, above: str, chain: frozenset[str], levels: int) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                name = f"{above}{text_of(entry.name)}"
                if entry.is_dir():
                    real = os.path.realpath(entry.path)
                    if real in chain:
                        omitted.setdefault("a link to a folder above it", []).append(f"{name}/")
                    elif levels:
                        folders.append(name)
                        walk(entry.path, f"{name}/", chain | {real}, levels - 1)
                    elif deepest:
                        omitted.setdefault(f"a folder more than {deepest} levels down", []).append(f"{name}/")
                elif entry.is_file():
                    files.append(File.at(entry.path, name, entry.stat()))
                else:
                    omitted.setdefault("a link that leads nowhere, or no plain file", []).append(name)

    walk(str(root), "", frozenset({os.path.realpath(root)}), deepest)
    return Inventory(root, files, folders, omitted=omitted)


def _archive(path: Path) -> Inventory:
    """The members of an archive; folders that hold everything are left out of their names."""
    omitted: dict[str, list[str]] = {}
    try:
        with explained(path):
            files = list(_zip(path) if path.name.lower().endswith(".zip") else _tar(path, omitted))
    except DAMAGED as error:
        raise CorruptData(f"{path}: this is no archive, or a damaged one ({first_line(error)}). Get it again.") from None
    while (
        files and len(tops := {file.name.partition("/")[0] for file in files}) == 1 and all("/" in file.name for file in files)
    ):
        cut = len(tops.pop()) + 1
        files = [replace(file, name=file.name[cut:]) for file in files]
    folders = {name for file in files for name in _parents(file.name)}
    named = {file.name: file for file in files}
    if len(named) < len(files):
        twice = [name for name, count in Counter(file.name for file in files).items() if count > 1]
        omitted["an earlier member of the archive with the same name"] = twice
    return Inventory(path, named.values(), folders, omitted=omitted)


def _zip(path: Path) -> Iterator[File]:
    archive = zipfile.ZipFile(path)
    for member in archive.infolist():
        name = _member_name(member.filename)
        if member.is_dir() or name is None:
            continue
        if member.flag_bits & 1:
            raise DataError(f"{path}: {name} is locked by a password. Unpack the archive first.")
        _check_unfolding(path, member.file_size, member.compress_size, name)

        where = f"{path}: {name}"
        yield File(name, where, member.file_size, member.compress_size, partial(_unpacked, archive, member, where))


def _unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, where: str) -> IO[bytes]:
    """The content of a member, in memory."""
    try:
        return io.BytesIO(archive.read(member))
    except DAMAGED as error:
        raise CorruptData(f"{where}: damaged in its archive ({first_line(error)}). Get the archive again.") from None


def _tar(path: Path, omitted: dict[str, list[str]]) -> Iterator[File]:
    """The members of a tar archive: slices of a plain one; of a compressed one, their content, read in one pass."""
    plain, unpacked = path.name.lower().endswith(".tar"), 0
    with tarfile.open(path, "r:" if plain else "r|*") as archive:
        for member in archive:
            name = _member_name(member.name)
            if name is None or member.isdir():
                continue
            if not member.isreg() or member.sparse is not None:
                omitted.setdefault("a link or no plain file in an archive", []).append(name)
                continue
            where = f"{path}: {name}"
            if plain:
                yield File(name, where, member.size, member.size, _slice(path, member.offset_data, member.size))
                continue
            unpacked += member.size
            _check_unfolding(path, unpacked, path.stat().st_size, name)
            if unpacked > MOST_UNPACKED:
                raise DataError(
                    f"{path}: it unfolds to more than {MOST_UNPACKED >> 30} GiB. Unpack it first, and give the folder."
                )
            stream = archive.extractfile(member)
            content = stream.read(member.size) if stream else b""
            yield File(name, where, len(content), path.stat().st_size, lambda content=content: io.BytesIO(content))  # type: ignore[misc]


def _slice(path: Path, start: int, size: int) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        with path.open("rb") as file:
            file.seek(start)
            return io.BytesIO(file.read(size))

    return opened


def _check_unfolding(path: Path, unpacked: int, packed: int, name: str) -> None:
    if not unpacked <= max(HARMLESS, packed * MOST_RATIO):
        raise CorruptData(
            f"{path}: {name} claims to unfold to {unpacked:,} bytes from {packed:,}; the limit is {MOST_RATIO} times the size."
        )


def _member_name(name: str) -> str | None:
    """Name of a member of an archive; None for hidden ones."""
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return text_of("/".join(parts)) if parts and not any(map(_hidden, parts)) else None


def _hidden(name: str) -> bool:
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def _parents(name: str) -> Iterator[str]:
    folder = name.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
