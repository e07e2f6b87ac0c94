"""Arrays in files: safetensors and plain npz. A file can neither run code nor claim more memory than its length."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import storage
from seedbed.errors import CorruptFile, StorageError

Arrays = dict[str, NDArray[Any]]

KINDS = {
    "float64": "F64",
    "int64": "I64",
    "uint64": "U64",
    "float32": "F32",
    "int32": "I32",
    "uint32": "U32",
    "bfloat16": "BF16",
    "float16": "F16",
    "int16": "I16",
    "uint16": "U16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}
"""NumPy's names of dtypes -> those of safetensors."""


def safetensors_pieces(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> list[memoryview]:
    """A safetensors file as consecutive pieces to write, without copies of the arrays.

    The package's own `save` returns one bytes object, and its `save_file` would bypass `storage`, which handles disk errors
    and hashes.

    Source: https://huggingface.co/docs/safetensors, "Format".
    """
    sized = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)  # aligns each array to its item size
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    pieces, offset = [], 0
    for name, array in sized:
        if array.dtype.name not in KINDS:
            raise StorageError(f"{name}: safetensors does not support the dtype {array.dtype}.")
        end = offset + array.nbytes
        header[name] = {"dtype": KINDS[array.dtype.name], "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
        if array.nbytes:
            little = array.astype(array.dtype.newbyteorder("<"), copy=False)
            pieces.append(np.ascontiguousarray(little).reshape(-1).view(np.uint8).data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return [memoryview(struct.pack("<Q", len(text))), memoryview(text), *pieces]


def read_safetensors(path: Path, expected: Mapping[str, tuple[int, ...]] | None = None) -> Arrays:
    """Read the arrays of a safetensors file.

    Args:
        path: the file.
        expected: name -> shape, compared with the file's header before anything is allocated. None means no check.

    Raises:
        StorageError: there is no such file.
        CorruptFile: it is damaged, or has other names or shapes.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            names = list(file.keys())
            if expected is not None:
                _compare(path, {name: tuple(file.get_slice(name).get_shape()) for name in names}, expected)
            return {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise StorageError(f"{path}: there is no such file to read.") from None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CorruptFile(f"{path}: this is not a sound safetensors file ({str(error).splitlines()[0][:120]}).") from None


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The arrays as an uncompressed npz file."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def read_npz(path: Path) -> Arrays:
    """Read the arrays of an npz file from `npz`.

    Raises:
        StorageError: there is no such file.
        CorruptFile: it is damaged, compressed (seedbed's files are not, so size is bounded), or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {member.filename.removesuffix(".npy"): _member(archive, member) for member in archive.infolist()}
    except FileNotFoundError:
        raise StorageError(f"{path}: there is no such file to read.") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError, OverflowError) as error:
        raise CorruptFile(f"{path}: this is not a sound file of arrays ({str(error).splitlines()[0][:120]}).") from None


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        raise ValueError(f"{member.filename[:80]!r} is compressed, which seedbed's files are not")
    data = io.BytesIO(archive.read(member))
    version = np.lib.format.read_magic(data)
    if version != (1, 0):
        raise ValueError(f"{member.filename[:80]!r} has the npy version {version}, and must have (1, 0)")
    shape, _, dtype = np.lib.format.read_array_header_1_0(data)
    rest = len(data.getbuffer()) - data.tell()
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != rest:
        raise ValueError(f"{member.filename[:80]!r} claims {dtype} of shape {shape} and holds {rest} bytes")
    data.seek(0)
    array: NDArray[Any] = np.lib.format.read_array(data, allow_pickle=False)
    return array


def _compare(path: Path, actual: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]]) -> None:
    for name in [*expected, *actual]:
        if actual.get(name) != expected.get(name):
            raise CorruptFile(
                f"{path}: {name[:80]!r} is {actual.get(name, 'missing')} in the file, and "
                f"{expected.get(name, 'missing')} in the network."
            )


def checked_digest(path: Path, digest: str) -> None:
    """Check that a file has the recorded SHA-256.

    Raises:
        StorageError: there is no such file.
        CorruptFile: its SHA-256 differs.
    """
    if storage.sha256(path) != digest:
        raise CorruptFile(f"{path}: its SHA-256 is not the one recorded; the file is damaged. Train the run again.")
