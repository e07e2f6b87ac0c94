"""Data sets that the user added: names for paths, with the reader and the digest of the content.

Entries are stored in the cache folder under `data/added/NAME.json`. An entry has a signature of its files (names, sizes, times
of change), so that changed files are noticed without reading them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from seedbed import storage
from seedbed.data import kept
from seedbed.data.builtin import BUILTIN
from seedbed.data.content import Content, check
from seedbed.data.progress import WatchData
from seedbed.data.readers import READERS, kind_of, read
from seedbed.data.readers.inventory import ARCHIVES, inventory_of
from seedbed.data.readers.options import NO_OPTIONS, ImageSize, ReadOptions
from seedbed.data.split import drawn
from seedbed.devices import cache_folder
from seedbed.errors import CorruptData, DataError, StorageError, UnknownDataset, nearest
from seedbed.names import checked_name
from seedbed.specs import DataSpec


@dataclass(frozen=True)
class AddedDataset:
    """A named data set of the user's.

    Attributes:
        path: absolute path of the files.
        kind: name of the reader.
        options: what the user said about the files.
        signature: signature of the files when they were last read.
        digests: requested size ("" for none, else like "28x28") -> digest of the content.
        sources: the same -> digest of the source record, see `kept`.
    """

    name: str
    path: str
    kind: str
    options: ReadOptions = NO_OPTIONS
    signature: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def described(self, digest: str, content: Content) -> Content:
        """The content of this digest with the names and notes of the files that this data set came from."""
        sources = [self.sources.get(key) for key, known in self.digests.items() if known == digest]
        if sources and sources[0]:
            return kept.with_source(content, sources[0])
        note = f"Read by an earlier version; `seedbed data verify {self.name}` shows whether this one reads the files alike."
        return replace(content, rules=(*content.rules, note)) if sources else content


def entries() -> list[AddedDataset]:
    """List all entries by name; invalid files are skipped."""
    folder = cache_folder() / "data" / "added"
    return [entry for path in sorted(folder.glob("*.json")) if (entry := _read_entry(path)) is not None]


def find(name: str) -> AddedDataset | None:
    """Find the entry of this name."""
    return _read_entry(_file(name)) if re.fullmatch(r"[\w.-]+", name) else None


def add(
    name: str,
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    *,
    kind: str | None = None,
    replace: bool = False,
    on_progress: WatchData | None = None,
) -> AddedDataset:
    """Add an entry as `seedbed.data.add` does."""
    if checked_name(name) in BUILTIN:
        raise DataError(f"{name!r} is the name of a built-in data set; choose another.")
    path = path.expanduser().resolve()
    entry = AddedDataset(name, str(path), kind_of(path, options, kind), options)
    before = find(name)
    if before is not None and not replace:
        if _settings(before) != _settings(entry):
            raise DataError(f"{name!r} stands for {before.path} already; choose another name, or use --replace.")
        entry = before
    return content_of(entry, on_progress=on_progress)[0]


def remove(name: str) -> AddedDataset:
    """Remove an entry; the user's files and the decoded images stay.

    Raises:
        UnknownDataset: there is none of this name.
    """
    entry = existing_entry(name)
    storage.remove(_file(name))
    return entry


def rename(name: str, to: str) -> AddedDataset:
    """Give an entry another name.

    Raises:
        UnknownDataset: there is none of this name.
        DataError: the other name is taken.
    """
    entry = existing_entry(name)
    if checked_name(to) in BUILTIN or find(to) is not None:
        raise DataError(f"{to!r} is the name of another data set; choose a new one.")
    renamed = replace(entry, name=to)
    storage.write_json(_file(to), asdict(renamed))
    storage.remove(_file(name))
    return renamed


def existing_entry(name: str) -> AddedDataset:
    """Find the data set that the user added under this name.

    Raises:
        UnknownDataset: there is none.
    """
    entry = find(name)
    if entry is None:
        known = [*BUILTIN, *(entry.name for entry in entries())]
        raise UnknownDataset(
            f"No data set is named {name!r}.{nearest(name, known)} Known here: {', '.join(known)}. "
            f"Add your own with `seedbed data add NAME PATH`."
        )
    return entry


def content_of(
    entry: AddedDataset, size: ImageSize | None = None, on_progress: WatchData | None = None
) -> tuple[AddedDataset, str, Content]:
    """The content of an entry, from the cache or from its files; an entry without a digest gets one.

    Raises:
        CorruptData: the files have changed since they were added.
        DataError: the files cannot be used.
    """
    size = size or entry.options.size
    known = entry.digests.get(_key(size))
    gone = not Path(entry.path).exists()
    signature = entry.signature if known and gone else signature_of(existing(entry))
    if known and signature == entry.signature and (content := kept.sound(known)) is not None:
        return entry, known, entry.described(known, content)
    if not known and signature != entry.signature and entry.digests:
        height, _, width = next(iter(entry.digests)).partition("x")
        entry, *_ = read_again(entry, (int(height), int(width)) if height else None, on_progress)
    return read_again(entry, size, on_progress)


def read_again(
    entry: AddedDataset, size: ImageSize | None, on_progress: WatchData | None = None
) -> tuple[AddedDataset, str, Content]:
    """Read the user's files, even if their content is in the cache.

    Raises:
        CorruptData: the content has changed.
        DataError: the files cannot be used.
    """
    key = _key(size)
    path = existing(entry)
    signature = signature_of(path)
    content = decoded(entry, size, on_progress)
    digest = content.digest
    known = entry.digests.get(key)
    if known and known != digest:
        content, digest = _as_before(entry, size, known, on_progress) or (content, digest)
    if known and known != digest:
        raise CorruptData(_changed(entry, known, digest, same_files=signature == entry.signature))
    same = signature == entry.signature
    digests, sources = (entry.digests, entry.sources) if same else ({}, {})
    kept.keep(content, digest, in_place=True)
    source = kept.keep_source(content)
    entry = replace(entry, signature=signature, digests={**digests, key: digest}, sources={**sources, key: source})
    storage.write_json(_file(entry.name), asdict(entry))
    return entry, digest, entry.described(digest, kept.find(digest) or content)


def _as_before(
    entry: AddedDataset, size: ImageSize | None, known: str, on_progress: WatchData | None
) -> tuple[Content, str] | None:
    """The content as version 0.1 read it, where grey pictures stored in colour were colour; None if it differs too."""
    if entry.options.channels is not None:
        return None
    content = decoded(replace(entry, options=replace(entry.options, channels="colour")), size, on_progress)
    return (content, known) if content.digest == known else None


def decoded(entry: AddedDataset, size: ImageSize | None = None, on_progress: WatchData | None = None) -> Content:
    """Read and check the files of an entry; nothing is written.

    Raises:
        CorruptData, DataError: the files cannot be used.
    """
    path = existing(entry)
    content = read(path, entry.kind, replace(entry.options, size=size or entry.options.size), on_progress)
    check(content, str(path))
    drawn(content, DataSpec(name=entry.name))  # fails now, and not in training, where a class is too small
    return content


def _changed(entry: AddedDataset, known: str, digest: str, *, same_files: bool) -> str:
    digests = f"(its content was {known[:12]} and is {digest[:12]})"
    accept = f"seedbed data add {entry.name} {entry.path} --replace"
    if same_files:
        return f"{entry.name}: this version of seedbed reads {entry.path} differently {digests}. Accept that: {accept}."
    return f"{entry.name}: {entry.path} has changed since it was added {digests}. Put it back, or accept the change: {accept}."


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


def named(path: Path, on_progress: WatchData | None = None) -> str:
    """Name a path: by its entry, or by a new one named after the folder or file.

    An entry without options comes first; one with options is taken if it is the only one.

    Raises:
        DataError: the files cannot be used, or several entries with options have this path.
    """
    entry = at(path)
    return entry.name if entry else add(unused_name(path), path, on_progress=on_progress).name


def at(path: Path) -> AddedDataset | None:
    """The entry of a path, as `named` chooses it; None where there is none.

    Raises:
        DataError: several entries with options have this path.
    """
    full = str(path.expanduser().resolve())
    found = [entry for entry in entries() if entry.path == full]
    plain = [entry for entry in found if entry.options == NO_OPTIONS]
    if not plain and len(found) > 1:
        names = ", ".join(entry.name for entry in found)
        raise DataError(f"{path} has several names, with different options: {names}. Give one of them.")
    return next(iter(plain or found), None)


def unused_name(path: Path) -> str:
    """A name for a path that no data set has: that of the folder or file, with a number if need be."""
    suffixes = "|".join(re.escape(suffix) for suffix in (*(r.suffix for r in READERS.records() if r.suffix), *ARCHIVES))
    plain = re.sub(rf"({suffixes})?(\.gz)?$", "", path.expanduser().resolve().name, flags=re.IGNORECASE)
    base = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:90] or "data"
    taken = {*BUILTIN, *(entry.name for entry in entries())}
    numbered = (f"{base}-{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([base], numbered) if name not in taken)


def signature_of(path: Path) -> str:
    """Digest of the names, sizes and times of change of a file, or of all files below a folder."""
    if path.is_dir():
        lines = [f"{file.name}\0{file.size}\0{file.changed}\n" for file in inventory_of(path).files]
    else:
        stat = path.stat()
        lines = [f"\0{stat.st_size}\0{stat.st_mtime_ns}\n"]
    return storage.sha256("".join(sorted(lines)).encode("utf-8", "surrogateescape"))


def _settings(entry: AddedDataset) -> tuple[object, ...]:
    return entry.path, entry.kind, entry.options


def _key(size: ImageSize | None) -> str:
    return f"{size[0]}x{size[1]}" if size else ""


def _file(name: str) -> Path:
    return cache_folder() / "data" / "added" / f"{name}.json"


def _read_entry(path: Path) -> AddedDataset | None:
    try:
        facts = storage.read_json(path)
        earlier = {name: facts.pop(name) for name in ("size", "label_column") if name in facts}  # before there were options
        options = {**facts.pop("options", {}), **earlier}
        size = options.get("size")
        options["size"] = (int(size[0]), int(size[1])) if size else None
        entry = AddedDataset(**facts, options=ReadOptions(**options))
    except (StorageError, KeyError, TypeError, ValueError, AttributeError):
        return None
    return entry if entry.kind in READERS and entry.name == path.stem else None
