"""Files on the disk or in an archive, gzipped or not, read to a known length: a bomb is refused before it unfolds."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import CorruptData, DataError

MOST_DECODED = 8 << 30
"""Largest decoded images in memory (bytes). Larger data sets come as .npy or plain IDX, which are mapped."""

MAGIC = b"\x1f\x8b"

HARMLESS, MOST_RATIO = 256 << 20, 100
"""Bytes to which any file may unfold; beyond them, the limit of bytes per packed byte. (MNIST: 5; zeros: 1,000.)"""


@dataclass(frozen=True)
class File:
    """A file of an inventory.

    Attributes:
        name: path below the inventory's own, with "/" between folders; valid text.
        where: name for messages.
        size: number of bytes.
        packed: number of bytes on the disk, in an archive.
        opened: function that opens it for reading; several threads may call it.
        changed: time of change (ns); 0 within an archive.
        path: path on the disk; None within an archive.
    """

    name: str
    where: str
    size: int
    packed: int
    opened: Callable[[], IO[bytes]]
    changed: int = 0
    path: str | None = None

    @classmethod
    def at(cls, path: str, name: str = "", stat: os.stat_result | None = None) -> File:
        """The file at a path."""
        stat = stat or os.stat(path)  # noqa: PTH116
        name = name or text_of(os.path.basename(path))  # noqa: PTH119
        return cls(name, path, stat.st_size, stat.st_size, partial(_open, path), stat.st_mtime_ns, path)

    @cached_property
    def folder(self) -> str:
        """Name of the folder that holds it; empty at the top."""
        return self.name.rpartition("/")[0]

    @property
    def base(self) -> str:
        """Name without folders."""
        return self.name.rpartition("/")[2]

    @cached_property
    def suffix(self) -> str:
        """Ending of the name in lower case, with the dot; that of the unpacked file where it is gzipped."""
        return os.path.splitext(self.base.lower().removesuffix(".gz"))[1]  # noqa: PTH122

    @property
    def stem(self) -> str:
        """Name without folders and ending."""
        return os.path.splitext(self.base)[0]  # noqa: PTH122


def _open(path: str) -> IO[bytes]:
    return open(path, "rb")  # noqa: PTH123


def text_of(name: str) -> str:
    """Turn a file's name into valid text; bytes that are no UTF-8 become escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def is_gzipped(file: File) -> bool:
    """Whether the file begins as gzip files do; its name does not matter."""
    with explained(file.where), file.opened() as stream:
        return stream.read(2) == MAGIC


@contextmanager
def opened(file: File) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where it is gzipped; errors inside the block become `CorruptData`."""
    packed = is_gzipped(file)
    with explained(file.where), file.opened() as stream:
        if not packed:
            yield stream
            return
        with gzip.GzipFile(fileobj=stream) as unpacked:
            yield cast("IO[bytes]", unpacked)


@contextmanager
def explained(where: object) -> Iterator[None]:
    """Turn errors of reading and unpacking into one line that names the file.

    Raises:
        DataError: the system refuses.
        CorruptData: the file is damaged.
    """
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptData(f"{where}: damaged or cut short ({first_line(error)}). Get the file again.") from None
    except OSError as error:
        raise DataError(f"{where}: cannot be read ({error.strerror or first_line(error)}).") from None
    except MemoryError:
        raise DataError(f"{where}: its content does not fit into memory.") from None


@contextmanager
def decoded(where: object, kind: str) -> Iterator[None]:
    """Turn whatever a library raises over a damaged byte into one line; what seedbed itself says stays.

    Args:
        kind: name of the format.

    Raises:
        CorruptData: the library could not decode the file.
        DataError: its content does not fit into memory.
    """
    try:
        yield
    except DataError:
        raise
    except MemoryError:
        raise DataError(f"{where}: its content does not fit into memory.") from None
    except Exception as error:
        raise CorruptData(f"{where}: this is no {kind} file, or a damaged one ({first_line(error)}). Get it again.") from None


def check_unfolding(file: File, count: int, name: str = "") -> None:
    """Check that a file, or the array `name` in it, may be unfolded to this number of bytes.

    Raises:
        DataError: they are too many for memory.
        CorruptData: they are too many for a file of its size.
    """
    where = _of_array(file, name)
    if not count <= MOST_DECODED:
        raise DataError(f"{where}: {count >> 30} GiB are too many to unpack. Store it as .npy or plain IDX, which is mapped.")
    if not count <= max(HARMLESS, file.packed * MOST_RATIO):
        claim = f"{file.packed:,} bytes claim to unfold to {count:,}"
        raise CorruptData(f"{where}: {claim}; the limit is {MOST_RATIO} times the size.")


def _of_array(file: File, name: str) -> str:
    return f"{file.where}, array {name}" if name else file.where


def read_array(
    stream: IO[bytes], file: File, dtype: np.dtype[Any], shape: tuple[int, ...], *, name: str = "", fortran: bool = False
) -> NDArray[Any]:
    """Read the rest of a file, or of the member `name` of an archive, as an array of the type and shape that it promised.

    Raises:
        DataError: the array is too large for memory.
        CorruptData: there are fewer bytes or more, or more than a file of its size may unfold to.
    """
    where, count = _of_array(file, name), math.prod(shape) * dtype.itemsize
    check_unfolding(file, count, name)
    content = np.empty(count, dtype=np.uint8)
    view, filled = content.data, 0
    while filled < count:
        got = stream.readinto(view[filled : filled + (1 << 20)])  # type: ignore[attr-defined]
        if not got:
            raise CorruptData(f"{where}: cut short: {filled:,} of {count:,} bytes are there. Get the file again.")
        filled += got
    if stream.read(1):
        raise CorruptData(f"{where}: more bytes follow than its header {shape} promises.")
    array = content.view(dtype) if dtype.itemsize else np.empty(0, dtype)
    return array.reshape(shape, order="F" if fortran else "C").astype(dtype.newbyteorder("="), copy=False)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:160]
