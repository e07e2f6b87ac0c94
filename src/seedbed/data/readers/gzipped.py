"""Files that may be gzipped, read with a known length: a bomb is refused before it unfolds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import CorruptData, DataError

MAGIC = b"\x1f\x8b"

HARMLESS, MOST_RATIO = 256 << 20, 100
"""Bytes that anything may unfold to; beyond them the most that a packed byte may unfold to. (MNIST: 5; zeros: 1,000.)"""


def is_gzipped(path: Path) -> bool:
    """Whether the file begins as gzip files do, whatever its name."""
    with explained(path), path.open("rb") as file:
        return file.read(2) == MAGIC


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked where it is gzipped; errors inside the block become `CorruptData`."""
    packed = is_gzipped(path)
    with explained(path), path.open("rb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Errors of reading and unpacking, each as one line that names the file.

    Raises:
        DataError: the system refuses.
        CorruptData: the file is damaged.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptData(f"{path}: damaged or cut short ({first_line(error)}). Get the file again.") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or first_line(error)}).") from None
    except MemoryError:
        raise DataError(f"{path}: what it holds does not fit into memory.") from None


def read_exactly(file: IO[bytes], path: Path, count: int) -> NDArray[np.uint8]:
    """The next `count` bytes, which the file's header promised.

    Raises:
        CorruptData: there are fewer, or more than a file of its size may unfold to.
    """
    size = path.stat().st_size
    if not count <= max(HARMLESS, size * MOST_RATIO):
        raise CorruptData(
            f"{path}: {size:,} bytes claim to unfold to {count:,}; at most {MOST_RATIO} times as many are believed."
        )
    content = np.empty(count, dtype=np.uint8)
    view, filled = content.data, 0
    while filled < count:
        got = file.readinto(view[filled : filled + (1 << 20)])  # type: ignore[attr-defined]
        if not got:
            raise CorruptData(f"{path}: cut short: {filled:,} of {count:,} bytes are there. Get the file again.")
        filled += got
    return content


def first_line(error: BaseException) -> str:
    """What an exception says, at most a line of it."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
