"""From a name to content: what is built in, what the user added, and the way each is found."""

from __future__ import annotations

from pathlib import Path

from seedbed import storage
from seedbed.data import kept, lookup
from seedbed.data.builtin import BUILTIN, Builtin
from seedbed.data.content import Content, check
from seedbed.data.dataset import Dataset
from seedbed.data.readers import digits
from seedbed.data.split import split
from seedbed.devices import cache_folder
from seedbed.errors import DataUnavailable, StorageError, UnknownDataset, nearest
from seedbed.specs import DataSpec


def resolve(spec: DataSpec) -> DataSpec:
    """The spec with the content's digest; finds the data, or downloads them.

    Raises:
        UnknownDataset: no data set has this name.
        DataUnavailable: neither here nor to be had.
        CorruptData: what was found is damaged, or not what the spec's digest says.
        DataError: what was found cannot be used.
    """
    return spec.changed(digest=_content(spec)[0])


def load(spec: DataSpec) -> Dataset:
    """Images and labels, split as the spec says. Decoded images come from the cache as memory maps.

    Raises:
        SpecError, and what `resolve` raises.
    """
    digest, content = _content(spec)
    return split(content, spec.changed(digest=digest))


def _content(spec: DataSpec) -> tuple[str, Content]:
    if spec.name not in BUILTIN:
        raise UnknownDataset(
            f"No data set is named {spec.name!r}.{nearest(spec.name, BUILTIN)} Known here: {', '.join(BUILTIN)}. "
            f"Add your own with `seedbed data add NAME PATH`."
        )
    return _builtin_content(BUILTIN[spec.name])


def _builtin_content(builtin: Builtin) -> tuple[str, Content]:
    if builtin.format == "embedded":
        return builtin.digest, digits.read()
    digest = builtin.digest or _seen(builtin.name)
    content = kept.find(digest) if digest else None
    if content is not None:
        return digest, content
    search = lookup.search(builtin)
    if search.content is None or search.path is None:
        raise DataUnavailable(f"{builtin.name} is not here")
    return _taken_in(builtin, search.content, search.path)


def _taken_in(builtin: Builtin, content: Content, path: Path) -> tuple[str, Content]:
    check(content, str(path))
    digest = content.digest
    kept.keep(content, digest)
    storage.write_json(_seen_file(builtin.name), {"digest": digest, "where": str(path)})
    return digest, kept.find(digest) or content


def _seen_file(name: str) -> Path:
    return cache_folder() / "data" / "seen" / f"{name}.json"


def _seen(name: str) -> str:
    try:
        return str(storage.read_json(_seen_file(name))["digest"])
    except (StorageError, KeyError, TypeError):
        return ""
