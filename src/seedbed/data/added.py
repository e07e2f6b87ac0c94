"""Data sets that the user added: names for paths, with the reader and the digest of the content.

Entries are stored in the cache folder under `data/added/NAME.json`. An entry has a signature of its files (names, sizes, times
of change), so that changed files are noticed without reading them.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from seedbed import storage
from seedbed.data import kept
from seedbed.data.builtin import BUILTIN
from seedbed.data.content import Content, check
from seedbed.data.readers import READERS, kind_of, read
from seedbed.data.readers.arrays import ImageSize
from seedbed.data.split import split
from seedbed.devices import cache_folder
from seedbed.errors import CorruptData, DataError, StorageError
from seedbed.names import checked_name
from seedbed.specs import DataSpec

DEEPEST = 3
"""Levels of folders that are listed: readers go no deeper than PART/CLASS/FILE, and a link may lead in a circle."""


@dataclass(frozen=True)
class AddedDataset:
    """A named data set of the user's.

    Attributes:
        path: absolute path of the files.
        kind: name of the reader.
        size: requested height and width, or None.
        label_column: column of labels in a CSV, or None.
        signature: signature of the files when they were last read.
        digests: requested size ("" for none, else like "28x28") -> digest of the content.
    """

    name: str
    path: str
    kind: str
    size: ImageSize | None = None
    label_column: str | None = None
    signature: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


def entries() -> list[AddedDataset]:
    """List all entries by name; invalid files are skipped."""
    folder = cache_folder() / "data" / "added"
    return [entry for path in sorted(folder.glob("*.json")) if (entry := _read_entry(path)) is not None]


def find(name: str) -> AddedDataset | None:
    """Find the entry of this name."""
    return _read_entry(_file(name)) if re.fullmatch(r"[\w.-]+", name) else None


def add(
    name: str, path: Path, *, size: ImageSize | None = None, label_column: str | None = None, replace: bool = False
) -> AddedDataset:
    """Add an entry as `seedbed.data.add` does."""
    if checked_name(name) in BUILTIN:
        raise DataError(f"{name!r} is the name of a built-in data set; choose another.")
    path = path.expanduser().resolve()
    entry = AddedDataset(name, str(path), kind_of(path), size, label_column)
    before = find(name)
    if before is not None and not replace:
        if _settings(before) != _settings(entry):
            raise DataError(f"{name!r} stands for {before.path} already; choose another name, or use --replace.")
        entry = before
    return content_of(entry)[0]


def content_of(entry: AddedDataset, size: ImageSize | None = None) -> tuple[AddedDataset, str, Content]:
    """The content of an entry, from the cache or from its files; an entry without a digest gets one.

    Raises:
        CorruptData: the files have changed since they were added.
        DataError: the files cannot be used.
    """
    size = size or entry.size
    known = entry.digests.get(_key(size))
    gone = not Path(entry.path).exists()
    signature = entry.signature if known and gone else signature_of(existing(entry))
    if known and signature == entry.signature and (content := kept.sound(known)) is not None:
        return entry, known, content
    if not known and signature != entry.signature and entry.digests:
        height, _, width = next(iter(entry.digests)).partition("x")
        entry, *_ = read_again(entry, (int(height), int(width)) if height else None)
    return read_again(entry, size)


def read_again(entry: AddedDataset, size: ImageSize | None) -> tuple[AddedDataset, str, Content]:
    """Read the user's files, even if their content is in the cache.

    Raises:
        CorruptData: the content has changed.
        DataError: the files cannot be used.
    """
    key = _key(size)
    path = existing(entry)
    signature = signature_of(path)
    content = read(path, entry.kind, size, entry.label_column)
    check(content, str(path))
    split(content, DataSpec(name=entry.name))  # fails now, and not in training, where a class is too small
    digest = content.digest
    known = entry.digests.get(key)
    if known and known != digest:
        raise CorruptData(
            f"{entry.name}: {path} has changed since it was added (its content was {known[:12]} and is {digest[:12]}). Put it "
            f"back, or accept the change: seedbed data add {entry.name} {path} --replace."
        )
    others = entry.digests if signature == entry.signature else {}
    entry = replace(entry, signature=signature, digests={**others, key: digest})
    kept.keep(content, digest, in_place=True)
    storage.write_json(_file(entry.name), asdict(entry))
    return entry, digest, kept.find(digest) or content


def existing(entry: AddedDataset) -> Path:
    """Path of an entry.

    Raises:
        DataError: the path does not exist any more.
    """
    path = Path(entry.path)
    if not path.exists():
        raise DataError(
            f"{entry.name}: {path} is gone. Put it back, or add the data again: seedbed data add {entry.name} PATH."
        )
    return path


def named(path: Path) -> str:
    """Name a path: by its entry, or by a new one named after the folder or file.

    Raises:
        DataError: the files cannot be used.
    """
    full = str(path.expanduser().resolve())
    for entry in entries():
        if entry.path == full and entry.size is None and entry.label_column is None:
            return entry.name
    suffixes = "|".join(re.escape(reader.suffix) for reader in READERS.records() if reader.suffix)
    plain = re.sub(rf"({suffixes})?(\.gz)?$", "", Path(full).name, flags=re.IGNORECASE)
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:90] or "data"
    taken = {*BUILTIN, *(entry.name for entry in entries())}
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    name = next(name for name in itertools.chain([base], numbered) if name not in taken)
    return add(name, path).name


def signature_of(path: Path) -> str:
    """Digest of the names, sizes and times of change of a file, or of all files below a folder."""
    lines = [f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}\n" for name, stat in _files(path)]
    return storage.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape"))


def _files(path: str | Path, above: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """List a file, or all files below a folder except hidden ones, by their relative names."""
    if not os.path.isdir(path):  # noqa: PTH112
        yield above, os.stat(path)  # noqa: PTH116
        return
    with os.scandir(path) as inside:
        for entry in inside:
            if entry.name.startswith("."):
                continue
            name = f"{above}{entry.name}"
            if entry.is_dir():
                yield from _files(entry.path, f"{name}/") if name.count("/") < DEEPEST else ()
            elif entry.is_file():
                yield name, entry.stat()


def _settings(entry: AddedDataset) -> tuple[object, ...]:
    return entry.path, entry.kind, entry.size, entry.label_column


def _key(size: ImageSize | None) -> str:
    return f"{size[0]}x{size[1]}" if size else ""


def _file(name: str) -> Path:
    return cache_folder() / "data" / "added" / f"{name}.json"


def _read_entry(path: Path) -> AddedDataset | None:
    try:
        facts = storage.read_json(path)
        size = facts["size"]
        entry = AddedDataset(**{**facts, "size": (int(size[0]), int(size[1])) if size else None})
    except (StorageError, KeyError, TypeError, ValueError):
        return None
    return entry if entry.kind in READERS and entry.name == path.stem else None
