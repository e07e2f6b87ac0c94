"""Search this machine for a built-in data set before downloading it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from seedbed.data.builtin import DIGITS, Builtin
from seedbed.data.content import Content
from seedbed.data.download import is_sound
from seedbed.data.readers import cifar, idx, npz
from seedbed.data.readers.inventory import inventory_of
from seedbed.errors import CorruptData, DataError

Proof = Literal["content", "files", "first sight"]
"""Evidence that data are the published ones: the pinned digest of the content, the published digests of its files, or only
their name, number and shape; in the last case the digest of the content is recorded and binding from then on."""


@dataclass(frozen=True)
class SearchPath:
    """A folder or file that may have a data set.

    Attributes:
        chosen: whether the user named it in `SEEDBED_DATA`; a fault in it is then an error.
        certain: whether its name identifies the data set; otherwise the content must prove it.
    """

    path: Path
    chosen: bool = False
    certain: bool = True


@dataclass(frozen=True)
class SearchResult:
    """The result of a search for a data set.

    Attributes:
        content, path: content and its path; None where the search failed.
        proof: evidence that it is the published data set.
        rejected: reasons why paths that looked right were rejected, one sentence each.
    """

    content: Content | None = None
    path: Path | None = None
    proof: Proof = "first sight"
    rejected: tuple[str, ...] = ()


def folders() -> list[Path]:
    """The folders of `SEEDBED_DATA`."""
    return [Path(text).expanduser() for text in os.environ.get("SEEDBED_DATA", "").split(os.pathsep) if text.strip()]


def places(builtin: Builtin) -> Iterator[SearchPath]:
    """Paths to search, in order: `SEEDBED_DATA`, then the download folders of Keras and torchvision."""
    names = (builtin.name, builtin.name.replace("_", "-"), builtin.torchvision)
    for folder in folders():
        for name in dict.fromkeys(names):
            yield SearchPath(folder / name, chosen=True)
        yield SearchPath(folder / f"{builtin.name}.npz", chosen=True)
        yield SearchPath(folder, chosen=True, certain=folder.name.lower() in names)
    keras = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "datasets"
    yield SearchPath(keras / f"{builtin.name}.npz")
    yield SearchPath(keras / builtin.name.replace("_", "-"))
    yield SearchPath(Path("data") / builtin.torchvision)


def search(builtin: Builtin) -> SearchResult:
    """Find the first path that has the data set.

    Raises:
        CorruptData: a path that the user chose has other content under this name.
    """
    rejected: list[str] = []
    for place in places(builtin):
        try:
            content = _read(place.path, builtin)
            proof = _proof(content, builtin, place) if content is not None else None
            if proof is not None:
                return SearchResult(content, place.path.resolve(), proof, tuple(rejected))
        except DataError as error:
            if place.chosen and place.certain:
                raise
            if place.certain:
                rejected.append(str(error))
    return SearchResult(rejected=tuple(rejected))


def glance(builtin: Builtin) -> Path | None:
    """Find the first path that seems to have the data set, by the names of its files alone."""
    return next((place.path.resolve() for place in places(builtin) if place.certain and _holds(place.path, builtin)), None)


def _holds(path: Path, builtin: Builtin) -> bool:
    if path.suffix == ".npz":
        return path.is_file()
    if not path.is_dir():
        return False
    if builtin.format == "cifar":
        return cifar.is_folder(path)
    return any(len(pairs) >= 2 for pairs in idx.find(inventory_of(path, deepest=0)).values())


def _read(path: Path, builtin: Builtin) -> Content | None:
    """Read a path, with the data set's own names of classes; None where it has no files of the format."""
    if not _holds(path, builtin):
        return None
    if builtin.format == "cifar" and path.is_dir():
        return cifar.read(path, builtin.classes)
    listing = inventory_of(path, deepest=0)
    content = npz.read(listing) if path.suffix == ".npz" else idx.read(listing)
    return replace(content, classes=builtin.classes) if content.classes == DIGITS else content


def _proof(content: Content, builtin: Builtin, place: SearchPath) -> Proof | None:
    """Evidence that this is the data set; None where a path that promised nothing has another."""
    sizes = tuple(len(content.parts[name].labels) if name in content.parts else 0 for name in ("train", "test"))
    if sizes == builtin.sizes and content.image_shape == builtin.image_shape:
        if builtin.digest and content.digest == builtin.digest:
            return "content"
        if not builtin.digest and _published(place.path, builtin):
            return "files"
        if not builtin.digest and place.certain:
            return "first sight"
    if place.certain:
        raise CorruptData(
            f"{place.path}: this is not {builtin.name} as published; its content differs. Get it again, or, if it is your own "
            f"variant, add it under another name: seedbed data add NAME {place.path}."
        )
    return None


def _published(folder: Path, builtin: Builtin) -> bool:
    """Whether the files that were read have their published digests. (A plain file is read before its gzipped twin.)"""
    packed = (folder / remote.name for remote in builtin.files)
    plain = any((folder / remote.name.removesuffix(".gz")).exists() for remote in builtin.files if builtin.format == "idx")
    return not plain and all(is_sound(path, remote) for path, remote in zip(packed, builtin.files, strict=True))
