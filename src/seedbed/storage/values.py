"""JSON files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seedbed.errors import CorruptFile, StorageError
from seedbed.storage.files import write
from seedbed.storage.refusals import explained

MOST_JSON = 64 << 20
"""Largest JSON file that is read (bytes)."""


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, keys in their order. It must be finite: see `records.finite`.

    Raises:
        StorageError: it holds NaN, an infinity, or a value that JSON cannot express; or the disk refused.
    """
    write(path, json_content(path, value))


def json_content(path: Path, value: Any) -> bytes:
    """Encode a value as `write_json` writes it; the error names `path`."""
    return encoded(path, value, indent=1).encode() + b"\n"


def read_json(path: Path, most: int = MOST_JSON) -> Any:
    """Read a JSON file of at most `most` bytes.

    Raises:
        StorageError: there is no such file, or it cannot be read.
        CorruptFile: it is not JSON, holds NaN, or is too large.
    """
    return parsed_json(path, json_text(path, most))


def json_text(path: Path, most: int = MOST_JSON) -> bytes:
    """The text of a JSON file, as `read_json` reads it."""
    with explained("read", path), path.open("rb") as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise CorruptFile(f"{path}: this JSON file may have {most:,} bytes, and it has more.")
    return text


def parsed_json(path: Path, text: bytes) -> Any:
    """The value of a JSON file with this text."""
    try:
        return json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise CorruptFile(f"{path}: this is not JSON ({short(error)}).") from None


def encoded(path: Path, value: Any, indent: int | None = None) -> str:
    try:
        return json.dumps(value, allow_nan=False, indent=indent)
    except (TypeError, ValueError, RecursionError) as error:
        raise StorageError(f"{path}: JSON has no word for this value ({short(error)}).") from None


def no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def short(error: Exception) -> str:
    return str(error).splitlines()[0][:120]
