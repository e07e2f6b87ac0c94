"""Files that may be gzipped, read to a known length: a decompression bomb is refused before it unfolds."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from seedbed.data.readers.arrays import MOST_DECODED
from seedbed.errors import CorruptData, DataError

MAGIC = b"\x1f\x8b"

HARMLESS, MOST_RATIO = 256 << 20, 100
"""Bytes to which any file may unfold; beyond them, the limit of bytes per packed byte. (MNIST: 5; zeros: 1,000.)"""


def is_gzipped(path: Path) -> bool:
    """Whether the file begins as gzip files do; its name does not matter."""
    with explained(path), path.open("rb") as file:
        return file.read(2) == MAGIC


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where it is gzipped; errors inside the block become `CorruptData`."""
    packed = is_gzipped(path)
    with explained(path), path.open("rb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of reading and unpacking into one line that names the file.

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
        raise DataError(f"{path}: its content does not fit into memory.") from None


def read_array(
    file: IO[bytes], path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], *, name: str = "", fortran: bool = False
) -> NDArray[Any]:
    """Read the rest of a file, or of the member `name` of an archive, as an array of the type and shape that it promised.

    Raises:
        DataError: the array is too large for memory.
        CorruptData: there are fewer bytes or more, or more than a file of its size may unfold to.
    """
    where = f"{path}, array {name}" if name else str(path)
    count = math.prod(shape) * dtype.itemsize
    if not count <= MOST_DECODED:
        raise DataError(f"{where}: {count >> 30} GiB are too many to unpack. Store it as .npy or plain IDX, which is mapped.")
    size = path.stat().st_size
    if not count <= max(HARMLESS, size * MOST_RATIO):
        raise CorruptData(f"{where}: {size:,} bytes claim to unfold to {count:,}; the limit is {MOST_RATIO} times the size.")
    content = np.empty(count, dtype=np.uint8)
    view, filled = content.data, 0
    while filled < count:
        got = file.readinto(view[filled : filled + (1 << 20)])  # type: ignore[attr-defined]
        if not got:
            raise CorruptData(f"{where}: cut short: {filled:,} of {count:,} bytes are there. Get the file again.")
        filled += got
    if file.read(1):
        raise CorruptData(f"{where}: more bytes follow than its header {shape} promises.")
    array = content.view(dtype) if dtype.itemsize else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="), copy=False)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
