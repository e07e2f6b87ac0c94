"""From a name to images: what is built in, what the user added, and the way each is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seedbed import storage
from seedbed.data import added, kept, lookup
from seedbed.data.builtin import BUILTIN, Builtin
from seedbed.data.content import Content, Labelled, check
from seedbed.data.dataset import Dataset
from seedbed.data.download import OnProgress, fetch
from seedbed.data.readers import cifar, digits, idx
from seedbed.data.split import split
from seedbed.devices import cache_folder
from seedbed.errors import CorruptData, DataUnavailable, SpecError, StorageError, UnknownDataset, nearest
from seedbed.specs import NAME_RULE, DataSpec

SOMEBODY_ELSE = 900.0
"""Seconds to wait while another process downloads or decodes the same data set."""


@dataclass(frozen=True)
class Origin:
    """Where content came from.

    Attributes:
        digest: of the content.
        where: a path, or words.
        proof: what says that the content is what its name promises.
    """

    digest: str
    where: str
    proof: str


def resolve(spec: DataSpec, on_progress: OnProgress | None = None) -> DataSpec:
    """The spec with the content's digest; finds the data, or downloads them.

    Args:
        on_progress: is told how far a download is.

    Raises:
        UnknownDataset: no data set has this name.
        DataUnavailable: neither here nor to be had.
        CorruptData: what was found is damaged, or not what the spec's digest says.
        DataError: what was found cannot be used.
        SpecError: the size of a data set whose size is fixed.
    """
    return spec.changed(digest=content_of(spec, on_progress)[0])


def load(spec: DataSpec, on_progress: OnProgress | None = None) -> Dataset:
    """Images and labels, split as the spec says. Decoded images come from the cache as memory maps.

    Args:
        on_progress: is told how far a download is.

    Raises:
        As `resolve`; and DataError where a class has too few images to be split.
    """
    digest, content = content_of(spec, on_progress)
    return split(content, spec.changed(digest=digest))


def at_hand(spec: DataSpec) -> Dataset | None:
    """The images of a spec with a digest, where they are decoded on this machine already; nothing is downloaded or written."""
    content = kept.sound(spec.digest)
    builtin = BUILTIN.get(spec.name)
    if content is None and builtin and builtin.format == "embedded" and builtin.digest == spec.digest:
        content = _embedded(builtin)[1]
    return None if content is None else split(content, spec)


def portable(spec: DataSpec) -> Content:
    """The content of a spec in plain arrays, without the names of files: what a machine is sent that has it not.

    Raises:
        As `resolve`.
    """
    _, content = content_of(spec)
    parts = {name: Labelled(part.images.view(np.ndarray), part.labels) for name, part in content.parts.items()}
    return Content(parts, content.classes, content.scale)


def unpacked(content: Content, spec: DataSpec) -> Dataset:
    """The data set of content that was sent here."""
    return split(content, spec)


def content_of(spec: DataSpec, on_progress: OnProgress | None = None) -> tuple[str, Content]:
    """Digest and content, not yet split. A digest in the spec is kept to: what it names is used, or nothing.

    Raises:
        As `resolve`.
    """
    content = kept.sound(spec.digest) if spec.digest else None
    if content is not None:
        return spec.digest, content
    digest, content = _by_name(spec, on_progress)
    if spec.digest and digest != spec.digest:
        raise CorruptData(
            f"{spec.name}: the content asked for is {spec.digest[:12]}, and what is here now is {digest[:12]}. Put the files "
            f"back as they were, or leave the digest out."
        )
    return digest, content


def origin(name: str) -> Origin:
    """Where the content of a data set that was loaded before came from.

    Raises:
        UnknownDataset: no data set has this name.
    """
    if name in BUILTIN:
        return _builtin_origin(BUILTIN[name])
    entry = entry_of(name)
    return Origin(next(iter(entry.digests.values()), ""), entry.path, "recorded when it was added")


def entry_of(name: str) -> added.AddedDataset:
    """What the user added under this name.

    Raises:
        UnknownDataset: nothing.
    """
    entry = added.find(name)
    if entry is None:
        known = [*BUILTIN, *(entry.name for entry in added.entries())]
        raise UnknownDataset(
            f"No data set is named {name!r}.{nearest(name, known)} Known here: {', '.join(known)}. "
            f"Add your own with `seedbed data add NAME PATH`."
        )
    return entry


def named(text: str) -> str:
    """The name of a data set, from its name or from a path to the user's images, which is then given one.

    Raises:
        UnknownDataset: neither a known name nor a path that exists.
        DataError: the files cannot be used.
    """
    if text in BUILTIN or added.find(text) is not None:
        return text
    path = Path(text).expanduser()
    if text and path.exists():
        return added.named(path)
    if text and not NAME_RULE.fullmatch(text):
        raise UnknownDataset(f"{text!r} is neither a data set nor a file or folder that exists. See: seedbed data list.")
    return entry_of(text).name


def builtin_content(builtin: Builtin, on_progress: OnProgress | None = None) -> tuple[str, Content]:
    """A built-in data set: from the cache, else found on this machine, else downloaded.

    Raises:
        As `resolve`.
    """
    if builtin.format == "embedded":
        return _embedded(builtin)
    found = _kept(builtin)
    if found is None:
        with storage.lock(cache_folder() / "data" / f"{builtin.name}.lock", f"data set {builtin.name}", wait=SOMEBODY_ELSE):
            found = _kept(builtin) or _taken_in(builtin, *_found_or_fetched(builtin, on_progress))
    return found


def _by_name(spec: DataSpec, on_progress: OnProgress | None) -> tuple[str, Content]:
    if spec.name not in BUILTIN:
        _, digest, content = added.content_of(entry_of(spec.name), spec.size)
        return digest, content
    builtin = BUILTIN[spec.name]
    if spec.size not in (None, builtin.image_shape[:2]):
        raise SpecError(
            f"size = {spec.size}: {spec.name} has images of {builtin.image_shape[:2]}; only your own folders are resized."
        )
    return builtin_content(builtin, on_progress)


def _embedded(builtin: Builtin) -> tuple[str, Content]:
    content = digits.read()
    if content.digest != builtin.digest:
        raise CorruptData(f"{digits.path()}: this is not {builtin.name} as published. Install scikit-learn anew.")
    return builtin.digest, content


def _kept(builtin: Builtin) -> tuple[str, Content] | None:
    digest = builtin.digest or _builtin_origin(builtin).digest
    content = kept.sound(digest) if digest else None
    return None if content is None else (digest, content)


def _found_or_fetched(builtin: Builtin, on_progress: OnProgress | None) -> tuple[Content, str, lookup.Proof]:
    search = lookup.search(builtin)
    if search.content is not None:
        return search.content, str(search.path), search.proof
    folder = cache_folder() / "data" / "downloads" / builtin.name
    try:
        files = fetch(builtin, folder, on_progress=on_progress)
    except DataUnavailable as error:
        raise DataUnavailable(_what_was_tried(builtin, search.passed, str(error))) from None
    if builtin.format == "cifar":
        content = cifar.read(files[0], builtin.classes)
    else:
        content = replace(idx.read(folder), classes=builtin.classes)
    return content, f"downloaded from {builtin.mirrors[0]} or another mirror", "files"


def _what_was_tried(builtin: Builtin, passed: tuple[str, ...], reason: str) -> str:
    chosen = ", ".join(map(str, lookup.folders())) or "not set"
    also = f" Passed over: {' '.join(passed)}" if passed else ""
    return (
        f"{builtin.name} is not on this machine (looked in SEEDBED_DATA ({chosen}), {cache_folder()}, and where Keras and "
        f"torchvision keep it), and {reason}.{also} `--data digits` works now, without a network."
    )


def _taken_in(builtin: Builtin, content: Content, where: str, proof: lookup.Proof) -> tuple[str, Content]:
    check(content, where)
    digest = content.digest
    recorded = _builtin_origin(builtin).digest
    if builtin.digest and digest != builtin.digest:
        raise CorruptData(f"{where}: this is not {builtin.name} as published; its content differs.")
    if recorded and digest != recorded and proof != "files":
        raise CorruptData(
            f"{where}: {builtin.name} was {recorded[:12]} when it was first seen, and this is {digest[:12]}. Get it anew."
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
