"""JSONL files: logs that grow by whole lines, each with a checksum."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from seedbed.errors import CorruptFile
from seedbed.storage import changes
from seedbed.storage.files import write
from seedbed.storage.folders import make_folder
from seedbed.storage.refusals import explained
from seedbed.storage.values import encoded, no_constant

DECODER = json.JSONDecoder(parse_constant=no_constant)


def append_lines(path: Path, rows: Iterable[dict[str, Any]], *, sync: bool = True) -> None:
    """Append rows to a JSONL file, each with its checksum under `crc`. A torn tail is cut off first.

    Args:
        path: file; made where it is missing, with its parent folders.
        rows: finite JSON values.
        sync: whether to wait until the disk has them. Without it they survive the end of this process, and a power cut only
            after a call of `sync`.

    Raises:
        StorageError: a row is not finite, or the disk refused; the earlier rows are untouched.
        CorruptFile: the file has lines, and none has a matching checksum.
    """
    data = b"".join(_line(path, row) for row in rows)
    if not path.exists():
        if sync:
            write(path, data)
            return
        make_folder(path.parent)
        with explained("write", path), changes.make_file(path) as file:
            changes.put(file, memoryview(data))
        return
    with explained("append to", path), path.open("r+b", buffering=0) as file:
        size = _sound_size(path, file)
        if size < file.seek(0, os.SEEK_END):
            changes.truncate(file, size)
        file.seek(size)
        try:
            changes.put(file, memoryview(data))
        except OSError:
            with suppress(OSError):
                changes.truncate(file, size)
            raise
        if sync:
            changes.sync(file)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Replace a JSONL file by one with these rows, as `append_lines` writes them; whole or not at all."""
    write(path, lines(path, rows))


def lines(path: Path, rows: Iterable[dict[str, Any]]) -> list[bytes]:
    """Encode rows as `write_lines` writes them."""
    return [_line(path, row) for row in rows]


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a JSONL file, without checksums; a torn or wrong tail is left out. A missing file has no rows.

    Raises:
        CorruptFile: a line in the middle is damaged; the message names it.
        StorageError: the file cannot be read.
    """
    return [row for row, _ in _sound_lines(path)]


def cut_lines(path: Path, keep: int) -> None:
    """Cut a JSONL file back to its first `keep` rows; the rest may be damaged.

    Raises:
        CorruptFile: fewer than `keep` rows are sound.
    """
    sound = _sound_lines(path, keep)
    if len(sound) < keep:
        raise CorruptFile(f"{path}: line {len(sound) + 1} is damaged or missing, and {keep} are needed.")
    if not path.exists():
        return
    with explained("cut", path), path.open("r+b", buffering=0) as file:
        changes.truncate(file, sound[-1][1] if sound else 0)
        changes.sync(file)


def _line(path: Path, row: dict[str, Any]) -> bytes:
    body = encoded(path, row)[:-1].encode()
    return b'%s%s"crc": "%08x"}\n' % (body, b", " if row else b"", zlib.crc32(body))


def _row(line: bytes) -> dict[str, Any] | None:
    """Decode a line with its line feed; None where it is torn or damaged."""
    if not _sound(line):
        return None
    try:
        row = DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict):
        return None
    del row["crc"]
    return row


def _sound(line: bytes) -> bool:
    """Whether a line is whole by its checksum."""
    if not (line.endswith(b'"}\n') and line[-19:-11] == b'"crc": "'):
        return False
    return line[-11:-3] == b"%08x" % zlib.crc32(line[:-19].removesuffix(b", "))


def _split(data: bytes) -> list[bytes]:
    """Split into lines with their line feeds; the last may lack it. (`bytes.splitlines` also splits at a carriage return.)"""
    *whole, rest = data.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _sound_lines(path: Path, most: int | None = None) -> list[tuple[dict[str, Any], int]]:
    """The first `most` sound rows, or all, each with the offset at which its line ends."""
    if not path.exists():
        return []
    with explained("read", path):
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
    """Offset at which the last sound line ends; read backwards, so that the cost does not grow with the file."""
    size = file.seek(0, os.SEEK_END)
    window = 1 << 12
    while size:
        start = max(0, size - window)
        file.seek(start)
        lines = _split(file.read(size - start))
        end = size
        for line in reversed(lines if start == 0 else lines[1:]):
            if _sound(line):
                return end
            end -= len(line)
        if start == 0:
            if len(lines) > 1:
                raise CorruptFile(f"{path}: no line of it has a checksum that matches.")
            return 0
        window *= 4
    return 0
