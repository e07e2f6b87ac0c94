"""Progress of what takes long before training: downloads, and reading the user's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DownloadProgress:
    """Progress of a download in bytes; `total` is None where the server does not state it."""

    what: str
    done: int
    total: int | None


@dataclass(frozen=True)
class ReadProgress:
    """Progress of reading files.

    Attributes:
        what: the path that is read.
        done, total: numbers of pictures, or of bytes of tables.
        unit: which of them.
    """

    what: str
    done: int
    total: int
    unit: Literal["pictures", "bytes"]


WatchData = Callable[[DownloadProgress | ReadProgress], None]
"""Callback for the progress of a download, or of reading."""
