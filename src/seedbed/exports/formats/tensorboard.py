"""TensorBoard: an event file for each run, with its metrics as scalars; written without TensorFlow.

An event file is a series of records (TFRecord): length, checksum of the length, data, checksum of the data. The data is a
protocol buffer `Event`. Both are small enough to be written here.

Source: `tensorflow/core/util/event.proto`, `tensorflow/core/framework/summary.proto`, and `lib/io/record_writer.h`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from seedbed import words
from seedbed.exports.protocol import Draft, MetricsFormat
from seedbed.exports.selection import RunSelection
from seedbed.records import METRICS, Result

CASTAGNOLI = 0x82F63B78
"""The polynomial of CRC-32C, bits reversed."""


def _draft(runs: RunSelection, stem: str) -> Draft:
    files = {f"{run.name}/events.out.tfevents.{int(_finished(run))}.seedbed": event_file(run) for run in runs.runs}
    shown = words.counted(len(files), "run")
    return Draft(files, (f"{shown}, a step for each epoch. Look at them with: tensorboard --logdir FOLDER.",))


def event_file(run: Result) -> bytes:
    """The event file of a run: every column of its history over its epochs."""
    start = _finished(run) - float(run.history["seconds"].sum()) if "seconds" in run.history.columns else _finished(run)
    return b"".join(_record(event) for event in _events(run, start))


def _events(run: Result, start: float) -> Iterator[bytes]:
    """The events of a run: version of the format, then the scalars of each epoch."""
    yield _double(1, start) + _bytes(3, b"brain.Event:2")
    seconds = 0.0
    for epoch in range(1, run.history.epochs + 1):
        row = run.history.row(epoch)
        seconds += row.get("seconds", 0.0)
        scalars = b"".join(_bytes(1, _bytes(1, tag(name).encode()) + _float(2, value)) for name, value in row.items())
        yield _double(1, start + seconds) + _varint(2, epoch) + _bytes(5, scalars)


def tag(column: str) -> str:
    """Name of a column in TensorBoard, which groups by what stands before a slash.

    >>> tag("train_loss"), tag("seconds"), tag("saturation/dense_0")
    ('loss/train', 'seconds', 'saturation/dense_0')
    """
    part, _, metric = column.partition("_")
    return f"{metric}/{part}" if column in METRICS else column


def _finished(run: Result) -> float:
    """When the run's record was written (seconds since 1970)."""
    record = Path(run.folder) / "run.json"
    return record.stat().st_mtime if run.folder and record.is_file() else 0.0


# Protocol buffers: a field is its number and kind in one byte, then its value


def _varint(field: int, value: int) -> bytes:
    return bytes([field << 3]) + _digits(value)


def _double(field: int, value: float) -> bytes:
    return bytes([field << 3 | 1]) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _digits(len(value)) + value


def _float(field: int, value: float) -> bytes:
    return bytes([field << 3 | 5]) + struct.pack("<f", value)


def _digits(value: int) -> bytes:
    """A whole number in base 128, the lowest digit first; all but the last have their highest bit set."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


# Records


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def _masked(data: bytes) -> bytes:
    """Checksum of data, rotated and shifted, so that checksums of data with checksums are as good."""
    checksum = crc32c(data)
    return struct.pack("<I", ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """CRC-32C of bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    checksum, table = 0xFFFFFFFF, _table()
    for byte in data:
        checksum = table[(checksum ^ byte) & 255] ^ checksum >> 8
    return checksum ^ 0xFFFFFFFF


@cache
def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (CASTAGNOLI if byte & 1 else 0)  # noqa: PLW2901
        table.append(byte)
    return table


FORMAT = MetricsFormat("tensorboard", "a folder of event files, one per run", (), _draft)
