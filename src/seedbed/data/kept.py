"""Decoded content in seedbed's cache, under its digest: opened as memory maps within milliseconds.

A folder `data/DIGEST/` holds the arrays as .npy files and `manifest.json`, which is written last: where it exists, the rest is
complete. Arrays that were mapped from the user's own files are not copied: the manifest names the file, its size and its time
of change.

What belongs to the files and not to the pixels (their names, notes of the reader, how pictures were read) is a *source record*
under its own digest, `data/sources/DIGEST.json`: two data sets with equal pixels keep their own.
"""

from __future__ import annotations

import io
import itertools
import json
import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import storage
from seedbed.data.content import Content, Labelled, PartName, pieces
from seedbed.devices import cache_folder
from seedbed.errors import CorruptData, StorageError
from seedbed.records import PictureRule

FORMAT = 1


def folder(digest: str) -> Path:
    """Folder of the content of this digest."""
    return cache_folder() / "data" / digest


def keep(content: Content, digest: str, *, in_place: bool = False) -> None:
    """Write the pixels, labels and classes of content into the cache, and nothing of the files that they came from.

    With `in_place`, images that are mapped from a file are not copied.

    Raises:
        StorageError: the cache cannot be written.
    """
    place = folder(digest)
    try:
        parts = {name: _keep_part(part, place, name, in_place) for name, part in content.parts.items()}
        facts = {"classes": content.classes, "scale": content.scale, "rules": ()}
        storage.write_json(place / "manifest.json", {"format": FORMAT, **facts, "parts": parts})
    except StorageError as error:
        raise StorageError(f"Decoded images are stored in {cache_folder()}; SEEDBED_CACHE changes this. {error}") from None


def _keep_part(part: Labelled, place: Path, name: str, in_place: bool) -> dict[str, Any]:
    return {
        "images": _keep_array(part.images, place / f"{name}_images.npy", in_place),
        "labels": _keep_array(part.labels, place / f"{name}_labels.npy", False),
    }


def keep_source(content: Content) -> str:
    """Write the source record of content into the cache, and return its digest.

    Raises:
        StorageError: the cache cannot be written.
    """
    names = {name: part.sources for name, part in content.parts.items() if part.sources}
    pictures = asdict(content.pictures) if content.pictures else None
    record = {"rules": content.rules, "sources": names, "pictures": pictures}
    digest = storage.sha256(json.dumps(record, sort_keys=True).encode())
    storage.write_json(_source_file(digest), record)
    return digest


def with_source(content: Content, digest: str) -> Content:
    """The content with its source record; without one that is missing, damaged or of other content."""
    try:
        record = storage.read_json(_source_file(digest))
        names = {name: tuple(map(str, sources)) for name, sources in record["sources"].items()}
        if any(len(names[name]) != len(part.labels) for name, part in content.parts.items() if name in names):
            return content
        parts = {name: replace(part, sources=names.get(name, ())) for name, part in content.parts.items()}
        return replace(content, parts=parts, rules=tuple(map(str, record["rules"])), pictures=_rule(record["pictures"]))
    except (StorageError, KeyError, TypeError, ValueError, AttributeError):
        return content


def _rule(fields: dict[str, Any] | None) -> PictureRule | None:
    if fields is None:
        return None
    levels = {name: tuple(map(float, fields[name])) for name in ("black", "white")}
    return PictureRule(**{**fields, **levels})


def _source_file(digest: str) -> Path:
    return cache_folder() / "data" / "sources" / f"{digest}.json"


def find(digest: str) -> Content | None:
    """Map the content of this digest; None where the cache does not have all of it.

    Raises:
        CorruptData: the content lies in the user's own file, and that has changed.
    """
    place = folder(digest)
    try:
        manifest = storage.read_json(place / "manifest.json")
        if manifest["format"] != FORMAT:
            return None
        parts: dict[PartName, Labelled] = {}
        for name, facts in manifest["parts"].items():
            sources = tuple(storage.read_json(place / facts["sources"])) if "sources" in facts else ()
            labels = np.array(_mapped(facts["labels"], place), dtype=np.int32)
            parts[name] = Labelled(_mapped(facts["images"], place), labels, sources)
    except (StorageError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return None  # missing or damaged: the data set is decoded again
    return Content(parts, tuple(manifest["classes"]), float(manifest["scale"]), tuple(manifest["rules"]))


def sound(digest: str) -> Content | None:
    """Like `find`, but None also where the user's own file has changed."""
    try:
        return find(digest)
    except CorruptData:
        return None


def forget(digest: str) -> None:
    """Remove content from the cache; the user's own files are not touched."""
    storage.remove_tree(folder(digest))


def _keep_array(array: NDArray[Any], path: Path, in_place: bool) -> dict[str, Any]:
    """Write an array, unless it may stay in the file that it is mapped from; return its entry of the manifest."""
    if in_place and isinstance(array, np.memmap) and array.filename is not None:
        file, offset = Path(array.filename).resolve(), array.offset
        changed: int | None = file.stat().st_mtime_ns
    else:
        header = _header(array)
        storage.write(path, itertools.chain([header], pieces(array)))
        file, offset, changed = path, len(header), None
    return {
        "file": str(file) if changed else file.name,
        "offset": offset,
        "dtype": array.dtype.str,
        "shape": array.shape,
        "bytes": file.stat().st_size,
        "changed": changed,
    }


def _header(array: NDArray[Any]) -> bytes:
    """Header of a .npy file of this array."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
    )
    return header.getvalue()


def _mapped(facts: dict[str, Any], place: Path) -> Any:
    """Map an array within milliseconds: sizes and times are compared, not contents (`verify` does that)."""
    own = facts["changed"] is None
    file = place / facts["file"]
    stat = file.stat() if own or file.exists() else None
    if not own and not (stat and (stat.st_size, stat.st_mtime_ns) == (facts["bytes"], facts["changed"])):
        raise CorruptData(f"{file}: it was changed or removed since its images were first used. Put it back, or add it again.")
    dtype, shape = np.dtype(facts["dtype"]), tuple(facts["shape"])
    if not (stat and stat.st_size == facts["bytes"] >= facts["offset"] + math.prod(shape) * dtype.itemsize):
        raise ValueError(f"{file.name} is cut short")
    return np.memmap(file, dtype=dtype, mode="r", offset=facts["offset"], shape=shape)
