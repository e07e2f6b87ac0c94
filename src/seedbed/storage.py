"""The disk: the one room that writes files.

What is written is there whole or not at all, also where the process is killed or the power fails in between: a file is
written beside its place, synced, and renamed over it; meanwhile it is locked, so that who tidies up can tell the living from
the dead. Lines of a log carry a checksum each. A lock is freed by the kernel when its owner dies. All that changes the disk
goes through the few functions under "What changes the disk", so that a test can make any one of them fail. Each function raises
`StorageError`, one line with a way out, where the system refuses.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from seedbed.errors import CorruptFile, HomeInUse, StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Content = bytes | memoryview | Iterable[bytes | memoryview]

TEMPORARY, GONE = ".tmp-", ".gone-"
"""How the names of half-written files and of half-removed folders begin."""

UNIQUE = len(TEMPORARY) + 12
"""Characters of a temporary name before the ending that it has from its file."""

WAITING = 8
"""For how many files the disk is waited for at once. It writes down together what it is asked for together: one after the
other, 128 files of 0.7 MB took 500 ms here; 4 or 16 at a time, 60. To replace a file took 3 ms, and 0.4 in this way."""

MOST_JSON = 64 << 20
"""Bytes of the largest JSON file that is read."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
NOT_ALLOWED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


# --- What changes the disk ---------------------------------------------------------------------------------------------


def _make_folder(path: Path) -> None:
    path.mkdir()


def _create(path: Path) -> BinaryIO:
    return path.open("xb", buffering=0)


def _put(file: BinaryIO, data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def _truncate(file: BinaryIO, size: int) -> None:
    file.truncate(size)


def _sync(file: BinaryIO) -> None:
    os.fsync(file.fileno())


def _rename(old: Path, new: Path) -> None:
    for wait in (0.01, 0.05, 0.2, 0.5) if sys.platform == "win32" else ():
        try:
            old.replace(new)
            return
        except PermissionError:  # Windows, while somebody else reads the file
            time.sleep(wait)
    old.replace(new)


def _sync_folder(path: Path) -> None:
    if sys.platform == "win32":  # it has no such call: NTFS keeps its own journal of names
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _remove_tree(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
        return
    with suppress(FileNotFoundError):  # somebody who tidies up may be deleting the same
        shutil.rmtree(path)


# --- Whole files -------------------------------------------------------------------------------------------------------


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
            with _explained("write", path):
                for piece in _pieces(content):
                    _put(temporary.file, piece)


@contextmanager
def staged(path: Path) -> Iterator[Path]:
    """For a library that writes a file itself: a name beside `path` to write to, which then takes the place of `path`.

    The name ends as that of `path` does; there is an empty file under it. If the block raises, `path` is as before and nothing
    is left over.

    Raises:
        StorageError: no space, no permission, or nothing was written.
    """
    with _explained("write", path), _staged([path]) as [temporary]:
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
    _make_folders(folders)
    for folder in folders:
        with _explained("write in", folder):
            tidy(folder, paths)
    with ExitStack() as held:
        temporaries = [held.enter_context(_temporary(path)) for path in paths]
        yield temporaries
        _together(_sync_written, list(zip(temporaries, paths, strict=True)))
        _together(_take_place, list(zip(temporaries, paths, strict=True)))
    _together(_sync_names, folders)


def _sync_written(staged: tuple[_Temporary, Path]) -> None:
    temporary, path = staged
    with _explained("write", path), temporary.path.open("r+b") as written:
        _sync(written)


def _take_place(staged: tuple[_Temporary, Path]) -> None:
    temporary, path = staged
    if sys.platform == "win32":  # it renames no open file
        temporary.file.close()
    with _explained("write", path):
        _rename(temporary.path, path)


def _sync_names(folder: Path) -> None:
    with _explained("write in", folder):
        _sync_folder(folder)


def _together(change: Callable[[Any], None], things: Sequence[Any]) -> None:
    """Do the same with each of them, some at once; raises what one of them raises, when all have come to their end."""
    if len(things) < 2:
        for thing in things:
            change(thing)
        return
    with ThreadPoolExecutor(WAITING) as pool:
        waited = [pool.submit(change, thing) for thing in things]
    for each in waited:
        each.result()


@contextmanager
def _temporary(path: Path) -> Iterator[_Temporary]:
    """A new file beside `path`, held; if the block raises, it is removed."""
    with _explained("write", path):
        temporary = _held(path)
    with temporary.file:
        try:
            yield temporary
        except BaseException:
            temporary.file.close()
            with suppress(OSError):
                _remove(temporary.path)
            raise


def _held(path: Path) -> _Temporary:
    while True:
        temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(6)}{_ending(path)}")
        file = _create(temporary)
        try:
            held = _try_lock(file) and _is_at(file, temporary)
        except OSError:  # a file system without locks: nobody can see there what is in use, so nobody removes it
            held = True
        if held:
            return _Temporary(temporary, file)
        file.close()  # somebody tidied it away in between


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, keys in their order. It must be finite: see `records.finite`.

    Raises:
        StorageError: it holds NaN, an infinity, or something that JSON has no word for; or the disk said no.
    """
    write(path, json_content(path, value))


def json_content(path: Path, value: Any) -> bytes:
    """What `write_json` writes; `path` is named where the value is not finite."""
    return _encoded(path, value, indent=1).encode() + b"\n"


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """The value of a JSON file of at most `most` bytes.

    Raises:
        StorageError: there is no such file, or it cannot be read.
        CorruptFile: it is not JSON, holds NaN, or is too large.
    """
    with _explained("read", path), path.open("rb") as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise CorruptFile(f"{path}: this JSON file may have {most:,} bytes, and it has more.")
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path}: this is not JSON ({_short(error)}).") from None


def sha256(content: Path | Content) -> str:
    """SHA-256 of a file or of bytes, 64 hexadecimal digits."""
    if isinstance(content, Path):
        with _explained("read", content), content.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for piece in _pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def names(folder: Path) -> list[str]:
    """The names in a folder, sorted, hidden ones left out; of a missing folder, none."""
    with _explained("read", folder):
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []


def is_file(path: Path) -> bool:
    """Whether there is a file under this name."""
    with _explained("read", path):
        return path.is_file()


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are missing."""
    _make_folders([path])


def _make_folders(folders: Iterable[Path]) -> None:
    lines = [(folder, *folder.parents) for folder in folders]
    missing = list(dict.fromkeys(folder for line in lines for folder in reversed(line) if not folder.is_dir()))
    for folder in missing:
        with _explained("make a folder of", folder):
            with suppress(FileExistsError):
                _make_folder(folder)
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "a file is in the way", str(folder))
    _together(_sync_names, list(dict.fromkeys(folder.parent for folder in missing)))


def remove_tree(folder: Path) -> None:
    """Remove a folder and what it holds: gone at once under its name, then deleted. A missing folder is no error."""
    with _explained("remove", folder):
        if not (folder.exists() or folder.is_symlink()):
            return
        hidden = folder.with_name(f"{GONE}{secrets.token_hex(6)}")
        _rename(folder, hidden)
        _sync_folder(folder.parent)
        _remove_tree(hidden)


def sync(paths: Iterable[Path]) -> None:
    """Wait until the disk has what was written to files, and their names; a missing one is no error."""
    there = [path for path in paths if path.exists()]
    _together(_sync_file, there)
    _together(_sync_names, list(dict.fromkeys(path.parent for path in there)))


def _sync_file(path: Path) -> None:
    with _explained("sync", path), path.open("r+b") as file:
        _sync(file)


def remove(path: Path) -> None:
    """Remove a file. A missing one is no error."""
    with _explained("remove", path):
        _remove(path)


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
                _remove_tree(Path(entry.path))


def _remove_abandoned(temporary: Path) -> None:
    with temporary.open("r+b", buffering=0) as file:
        abandoned = _try_lock(file)
        if abandoned and sys.platform != "win32":  # which removes no open file
            _remove(temporary)
    if abandoned and sys.platform == "win32":
        _remove(temporary)


def _ending(path: Path) -> str:
    """How the names of a file's temporary forms end: as its own, and no longer than names may be."""
    return f"-{path.name[-200:]}"


def check_writable(folder: Path) -> None:
    """Make the folder if it is missing, and see that a file can be written in it: better known before hours of training."""
    probe = folder / f"{TEMPORARY}{secrets.token_hex(6)}"
    write(probe, b"seedbed\n")
    remove(probe)


# --- Lines -------------------------------------------------------------------------------------------------------------


def append_lines(path: Path, rows: Iterable[dict[str, Any]], *, sync: bool = True) -> None:
    """Append rows to a JSONL file, each with a checksum of its own under `crc`. A torn tail is cut off first.

    Args:
        path: made where it is missing, with its parent folders.
        rows: finite JSON values.
        sync: wait until the disk has them. Without it they outlive this process, and a power cut once `sync` was called.

    Raises:
        StorageError: a row is not finite, or the disk said no; the rows from before are untouched.
        CorruptFile: the file holds lines, and none is one of ours.
    """
    data = b"".join(_line(path, row) for row in rows)
    if not path.exists():
        if sync:
            write(path, data)
            return
        make_folder(path.parent)
        with _explained("write", path), _create(path) as file:
            _put(file, memoryview(data))
        return
    with _explained("append to", path), path.open("r+b", buffering=0) as file:
        size = _sound_size(path, file)
        if size < file.seek(0, os.SEEK_END):
            _truncate(file, size)
        file.seek(size)
        try:
            _put(file, memoryview(data))
        except OSError:
            with suppress(OSError):
                _truncate(file, size)
            raise
        if sync:
            _sync(file)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write a whole JSONL file anew, as `append_lines` would have; whole or not at all."""
    write(path, lines(path, rows))


def lines(path: Path, rows: Iterable[dict[str, Any]]) -> list[bytes]:
    """What `write_lines` writes."""
    return [_line(path, row) for row in rows]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file, without their checksums; a torn or wrong tail is left out. No file, no rows.

    Raises:
        CorruptFile: a line in the middle is damaged; names it.
        StorageError: the file cannot be read.
    """
    return [row for row, _ in _sound_lines(path)]


def cut_lines(path: Path, keep: int) -> None:
    """Cut a JSONL file back to its first `keep` rows, whatever state the rest is in.

    Raises:
        CorruptFile: fewer than `keep` rows are sound.
    """
    sound = _sound_lines(path, keep)
    if len(sound) < keep:
        raise CorruptFile(f"{path}: line {len(sound) + 1} is damaged or missing, and {keep} are needed.")
    if not path.exists():
        return
    with _explained("cut", path), path.open("r+b", buffering=0) as file:
        _truncate(file, sound[-1][1] if sound else 0)
        _sync(file)


def _line(path: Path, row: dict[str, Any]) -> bytes:
    body = _encoded(path, row)[:-1].encode()
    return b'%s%s"crc": "%08x"}\n' % (body, b", " if row else b"", zlib.crc32(body))


def _row(line: bytes) -> dict[str, Any] | None:
    """The row of one line with its line feed, or None where the line is torn or damaged."""
    if not (line.endswith(b'"}\n') and line[-19:-11] == b'"crc": "'):
        return None
    body = line[:-19].removesuffix(b", ")
    if line[-11:-3] != b"%08x" % zlib.crc32(body):
        return None
    try:
        row = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return {name: value for name, value in row.items() if name != "crc"} if isinstance(row, dict) else None


def _split(data: bytes) -> list[bytes]:
    """Lines with their line feeds; the last may lack it. (`bytes.splitlines` would also split at a carriage return.)"""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _sound_lines(path: Path, most: int | None = None) -> list[tuple[dict[str, Any], int]]:
    """At most so many rows from the start, each with the offset at which its line ends."""
    if not path.exists():
        return []
    with _explained("read", path):
        lines = _split(path.read_bytes())
    sound: list[tuple[dict[str, Any], int]] = []
    end = 0
    for number, line in enumerate(lines[:most], start=1):
        row = _row(line)
        if row is None:
            if most is None and any(_row(later) is not None for later in lines[number:]):
                raise CorruptFile(f"{path}: line {number} is damaged; its checksum does not match.")
            break
        end += len(line)
        sound.append((row, end))
    return sound


def _sound_size(path: Path, file: BinaryIO) -> int:
    """Where the last sound line ends; reads backwards, so that the cost does not grow with the file."""
    size = file.seek(0, os.SEEK_END)
    window = 1 << 14
    while size:
        start = max(0, size - window)
        file.seek(start)
        lines = _split(file.read(size - start))
        end = size
        for line in reversed(lines if start == 0 else lines[1:]):
            if _row(line) is not None:
                return end
            end -= len(line)
        if start == 0:
            if len(lines) > 1:
                raise CorruptFile(f"{path}: no line of it has a checksum that matches.")
            return 0
        window *= 4
    return 0


# --- Locks -------------------------------------------------------------------------------------------------------------


@contextmanager
def lock(path: Path, what: str = "", *, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock that the kernel frees when this process ends, however it ends.

    Args:
        path: the lock's file, which names its owner; made when the lock is taken and removed when it is given back.
        what: is locked, for the message; the path if empty.
        wait: seconds to go on trying while another process holds it.

    Raises:
        HomeInUse: another process holds it; names the process and its machine.
        StorageError: the file system has no locks, or cannot be written.
    """
    file = _locked(path, what or str(path), time.monotonic() + wait)
    try:
        yield
    finally:
        with file, suppress(OSError):  # on Windows an open file cannot be removed: it stays, and means nothing
            _remove(path)


def holder(path: Path) -> str:
    """Who holds the lock, as "pid P on host H", or "" where nobody does."""
    try:
        with path.open("r+b", buffering=0) as file:
            return "" if _try_lock(file, shared=True) else _owner(path)
    except FileNotFoundError:
        return ""
    except PermissionError:  # another user's home: the lock cannot be tried, only read
        return _owner(path)


def _locked(path: Path, what: str, until: float) -> BinaryIO:
    make_folder(path.parent)
    while True:
        with _explained("lock", path):
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", buffering=0)
            try:
                if _try_lock(file) and _is_at(file, path):
                    file.truncate(0)
                    file.write(f"pid {os.getpid()} on host {socket.gethostname()}".encode())
                    return file
            except BaseException:
                file.close()
                raise
            file.close()
        if time.monotonic() >= until:
            raise HomeInUse(f"{what} is in use by {_owner(path)}. Wait until it has ended, or stop it.")
        time.sleep(0.01)


def _try_lock(file: BinaryIO, *, shared: bool = False) -> bool:
    try:
        if sys.platform == "win32":
            file.seek(1 << 30)  # far behind the text, which others must be able to read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(0)
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, getattr(errno, "EDEADLOCK", errno.EAGAIN)):
            return False
        raise
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the file is still the one under this name: its last owner may have removed it while we waited."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _owner(path: Path) -> str:
    try:
        text = path.read_bytes()[:200].decode(errors="replace")
    except OSError:
        text = ""
    return text if text.isprintable() and text else "another process"


# --- Words -------------------------------------------------------------------------------------------------------------


@contextmanager
def _explained(what: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(_explanation(error, what, path)) from error


def _explanation(error: OSError, what: str, path: Path) -> str:
    if error.errno in NO_SPACE:
        return f"{path}: no space is left to {what} it. Free some, then go on with --resume; or choose another --home."
    if error.errno in NOT_ALLOWED:
        return f"{path}: not allowed to {what} it ({error.strerror}). Choose a folder that you may write in with --home DIR."
    if error.errno == errno.ENOENT:
        return f"{path}: there is no such file to {what}."
    return f"{path}: could not {what} it ({error.strerror or error})."


def _pieces(content: Content) -> Iterable[memoryview]:
    pieces = [content] if isinstance(content, bytes | memoryview) else content
    return (memoryview(piece).cast("B") for piece in pieces)


def _encoded(path: Path, value: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(value, allow_nan=False, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: JSON has no word for this value ({_short(error)}).") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def _short(error: Exception) -> str:
    return str(error).splitlines()[0][:120]
