"""Measurements in the home, written one by one: an interrupted study resumes, and a second call measures nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed import storage
from seedbed.records import finite
from seedbed.runs import RunStore
from seedbed.runs.record import LOCKS

FOLDER = ".measurements"


class MeasurementLog:
    """The rows of measurements under one key, in a file of checksummed lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = storage.read_lines(path)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Rows of one kind, oldest first."""
        return [row for row in self.rows if row.get("kind") == kind]

    def add(self, kind: str, **row: Any) -> None:
        """Append a row; it is on disk when this returns.

        Raises:
            StorageError: the file cannot be written.
        """
        plain = {"kind": kind, **finite(row)}
        storage.append_lines(self.path, [plain])
        self.rows.append(plain)


@contextmanager
def measurements(home: RunStore, name: str, key: Any, *, again: bool = False) -> Iterator[MeasurementLog]:
    """Open the measurements of this name and key, locked for this process.

    Args:
        key: everything that they depend on, as JSON values: the machine, the images, the versions.
        again: whether to delete earlier measurements.

    Raises:
        HomeInUse: another process measures the same.
        StorageError: the home cannot be written.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = home.root / FOLDER / f"{name}-{digest}.jsonl"
    with storage.lock(home.root / LOCKS / path.stem, "This measurement"):
        if again:
            storage.remove(path)
        yield MeasurementLog(path)
