"""Find data sets by name: built-in ones, and those that the user added."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seedbed import storage
from seedbed.data import added, kept, lookup
from seedbed.data.builtin import BUILTIN, Builtin
from seedbed.data.content import Content, Labelled, check
from seedbed.data.dataset import ARRAYS, ArrayPair, Dataset
from seedbed.data.download import fetch
from seedbed.data.progress import WatchData
from seedbed.data.readers import cifar, digits, idx
from seedbed.data.readers.inventory import inventory_of, is_address
from seedbed.devices import cache_folder
from seedbed.errors import CorruptData, DataError, DataUnavailable, SpecError, StorageError, UnknownDataset
from seedbed.names import NAME_RULE
from seedbed.specs import DataSpec

DataLike = str | os.PathLike[str] | DataSpec | Dataset | ArrayPair | tuple[ArrayPair, ArrayPair]
"""What users give as data, see `spec_of`."""

PATIENCE = 900.0
"""Seconds to wait while another process downloads or decodes the same data set."""


@dataclass(frozen=True)
class Origin:
    """The origin of content.

    Attributes:
        digest: digest of the content.
        where: path or description.
        proof: evidence that the content is what its name promises.
    """

    digest: str
    where: str
    proof: str


def resolve(spec: DataSpec, on_progress: WatchData | None = None) -> DataSpec:
    """Complete the spec with the digest of the content; find the data, or download them.

    Args:
        on_progress: callback for the progress of a download, or of reading.

    Raises:
        UnknownDataset: no data set has this name.
        DataUnavailable: the data are not on this machine, and no mirror has them.
        CorruptData: the data are damaged, or have another digest than the spec.
        DataError: the data cannot be used.
        SpecError: a size for a data set whose size is fixed.
    """
    return spec.changed(digest=content_of(spec, on_progress)[0])


def load(spec: DataSpec, on_progress: WatchData | None = None) -> Dataset:
    """Load images and labels, split by the spec. Decoded images come from the cache as memory maps.

    Args:
        on_progress: callback for the progress of a download, or of reading.

    Raises:
        As `resolve`; and DataError where a class has too few images to be split.
    """
    digest, content = content_of(spec, on_progress)
    return Dataset.split(content, spec.changed(digest=digest))


def at_hand(spec: DataSpec) -> Dataset | None:
    """Load a spec with a digest if it is already decoded on this machine; nothing is downloaded or written.

    The names of the user's files are not part of it.
    """
    content = kept.sound(spec.digest)
    builtin = BUILTIN.get(spec.name)
    if content is None and builtin and builtin.format == "embedded" and builtin.digest == spec.digest:
        content = _embedded(builtin)[1]
    return None if content is None else Dataset.split(content, spec)


def portable(spec: DataSpec) -> Content:
    """Load the content of a spec as plain arrays without file names, to send it to a machine that does not have it.

    Raises:
        As `resolve`.
    """
    _, content = content_of(spec)
    parts = {name: Labelled(part.images.view(np.ndarray), part.labels) for name, part in content.parts.items()}
    return Content(parts, content.classes, content.scale, pictures=content.pictures)


def content_of(spec: DataSpec, on_progress: WatchData | None = None) -> tuple[str, Content]:
    """Find digest and content, not yet split. A digest in the spec is binding: other content is an error.

    Raises:
        As `resolve`.
    """
    content = kept.sound(spec.digest) if spec.digest else None
    if content is not None:
        entry = added.find(spec.name)
        return spec.digest, entry.described(spec.digest, content) if entry else content
    builtin = BUILTIN.get(spec.name)
    if builtin is None and spec.name.startswith(ARRAYS) and added.find(spec.name) is None:
        raise UnknownDataset(
            f"{spec.name!r} are arrays, and they are not in {cache_folder()} any more. Give them again, in Python: "
            f"Dataset.of(images, labels)."
        )
    if builtin is None:
        _, digest, content = added.content_of(added.existing_entry(spec.name), spec.size, on_progress)
    elif spec.size in (None, builtin.image_shape[:2]):
        digest, content = _builtin_content(builtin, on_progress)
    else:
        sides = builtin.image_shape[:2]
        raise SpecError(f"size = {spec.size}: {spec.name} has images of {sides}; only your own folders are resized.")
    if spec.digest and digest != spec.digest:
        raise CorruptData(
            f"{spec.name}: the requested content is {spec.digest[:12]}, and the files here have {digest[:12]}. Put the "
            f"original files back, or leave the digest out."
        )
    return digest, content


def origin(name: str) -> Origin:
    """The origin of a data set that was loaded before.

    Raises:
        UnknownDataset: no data set has this name.
    """
    if name in BUILTIN:
        return _builtin_origin(BUILTIN[name])
    entry = added.existing_entry(name)
    return Origin(next(iter(entry.digests.values()), ""), entry.path, "recorded when it was added")


def named(text: str, on_progress: WatchData | None = None) -> str:
    """Turn a name or a path to the user's images into the name of a data set; a new path gets a name.

    Args:
        on_progress: callback for the progress of reading.

    Raises:
        UnknownDataset: the text is neither a known name nor an existing path.
        DataError: the files cannot be used.
    """
    if text in BUILTIN or added.find(text) is not None:
        return text
    path = Path(text).expanduser()
    if text and path.exists():
        return added.named(path, on_progress)
    if is_address(text):
        raise UnknownDataset(f"{text!r} is an address. Download the files first, and give their folder or archive.")
    if text.lower() in BUILTIN:
        return text.lower()
    if text and not NAME_RULE.fullmatch(text):
        raise UnknownDataset(f"{text!r} is neither a data set nor a file or folder that exists. See: seedbed data list.")
    return added.existing_entry(text).name


def spec_of(data: DataLike, on_progress: WatchData | None = None) -> DataSpec:
    """Make the data spec of what users give as data.

    Args:
        data: name of a data set, or path to images; a whole data spec, whose name may be a path; a data set; or arrays,
            `(images, labels)` or `((images, labels), (test images, test labels))`.
        on_progress: callback for the progress of reading.

    Raises:
        UnknownDataset: a text is neither a known name nor an existing path.
        DataError: the files or arrays cannot be used.
    """
    if isinstance(data, str | os.PathLike):
        return DataSpec(name=named(str(data), on_progress))
    if isinstance(data, DataSpec):
        return data if _is_kept(data) else data.changed(name=named(data.name, on_progress))
    if isinstance(data, Dataset):
        return data.spec
    if isinstance(data, tuple) and len(data) == 2:
        first: Any = data[0]
        of_pairs = isinstance(first, tuple) and isinstance(data[1], tuple)
        return (Dataset.of(*first, test=data[1]) if of_pairs else Dataset.of(*data)).spec  # type: ignore[arg-type]
    raise DataError(
        f"data = {type(data).__name__}: it must be the name of a data set, a path to images, arrays (images, labels), or "
        f"Dataset.of(images, labels, classes=...)."
    )


def _is_kept(spec: DataSpec) -> bool:
    """Whether the content is that of arrays, which have no files."""
    return spec.name.startswith(ARRAYS) and kept.sound(spec.digest) is not None


def unnamed(text: str) -> Path | None:
    """The path that a text stands for, if it exists and no data set has it; else None.

    Raises:
        DataError: several entries with options have this path.
    """
    path = Path(text).expanduser()
    if not text or text in BUILTIN or added.find(text) is not None or not path.exists():
        return None
    return path if added.at(path) is None else None


def _builtin_content(builtin: Builtin, on_progress: WatchData | None) -> tuple[str, Content]:
    """A built-in data set: from the cache, else found on this machine, else downloaded."""
    if builtin.format == "embedded":
        return _embedded(builtin)
    available = _kept(builtin)
    if available is None:
        with storage.lock(cache_folder() / "data" / f"{builtin.name}.lock", f"data set {builtin.name}", wait=PATIENCE):
            available = _kept(builtin) or _taken_in(builtin, *_found_or_fetched(builtin, on_progress))
    return available


def _embedded(builtin: Builtin) -> tuple[str, Content]:
    content = digits.read()
    if content.digest != builtin.digest:
        raise CorruptData(f"{digits.path()}: this is not {builtin.name} as published. Reinstall scikit-learn.")
    return builtin.digest, content


def _kept(builtin: Builtin) -> tuple[str, Content] | None:
    digest = builtin.digest or _builtin_origin(builtin).digest
    content = kept.sound(digest) if digest else None
    return None if content is None else (digest, content)


def _found_or_fetched(builtin: Builtin, on_progress: WatchData | None) -> tuple[Content, str, lookup.Proof]:
    search = lookup.search(builtin)
    if search.content is not None:
        return search.content, str(search.path), search.proof
    folder = cache_folder() / "data" / "downloads" / builtin.name
    try:
        files = fetch(builtin, folder, on_progress=on_progress)
    except DataUnavailable as error:
        chosen = ", ".join(map(str, lookup.folders())) or "not set"
        rejected = f" Rejected: {' '.join(search.rejected)}" if search.rejected else ""
        raise DataUnavailable(
            f"{builtin.name} is not on this machine (searched: SEEDBED_DATA ({chosen}), {cache_folder()}, and the folders of "
            f"Keras and torchvision), and {error}.{rejected} `--data digits` works now, without a network."
        ) from None
    if builtin.format == "cifar":
        content = cifar.read(files[0], builtin.classes)
    else:
        content = replace(idx.read(inventory_of(folder)), classes=builtin.classes)
    return content, f"downloaded from {builtin.mirrors[0]} or another mirror", "files"


def _taken_in(builtin: Builtin, content: Content, where: str, proof: lookup.Proof) -> tuple[str, Content]:
    check(content, where)
    digest = content.digest
    recorded = _builtin_origin(builtin).digest
    if builtin.digest and digest != builtin.digest:
        raise CorruptData(f"{where}: this is not {builtin.name} as published; its content differs.")
    if recorded and digest != recorded and proof != "files":
        raise CorruptData(
            f"{where}: {builtin.name} was {recorded[:12]} when it was first read, and this is {digest[:12]}. Get it again."
        )
    kept.keep(content, digest)
    storage.write_json(_origin_file(builtin), {"digest": digest, "where": where, "proof": proof})
    storage.remove_tree(cache_folder() / "data" / "downloads" / builtin.name)
    return digest, kept.find(digest) or content


def _builtin_origin(builtin: Builtin) -> Origin:
    if builtin.format == "embedded":
        return Origin(builtin.digest, "scikit-learn's package", "content")
    try:
        facts = storage.read_json(_origin_file(builtin))
        return Origin(str(facts["digest"]), str(facts["where"]), "content" if builtin.digest else str(facts["proof"]))
    except (StorageError, KeyError, TypeError):
        return Origin(builtin.digest, "", "content" if builtin.digest else "")


def _origin_file(builtin: Builtin) -> Path:
    return cache_folder() / "data" / "seen" / f"{builtin.name}.json"
