"""Where a built-in data set is found on this machine, before anything is downloaded."""

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
from seedbed.errors import CorruptData, DataError

Proof = Literal["content", "files", "first sight"]
"""What says that data are the published ones: the pinned digest of the content, the published digests of its files, or only
their name, number and shape; then the digest of the content is recorded, and must be the same ever after."""


@dataclass(frozen=True)
class SearchPath:
    """A folder or file that may hold a data set.

    Attributes:
        chosen: the user named it, in `SEEDBED_DATA`; what is wrong with it is an error and not passed over.
        certain: its name says which data set it holds; otherwise its content must prove it.
    """

    path: Path
    chosen: bool = False
    certain: bool = True


@dataclass(frozen=True)
class SearchResult:
    """What looking for a data set gave.

    Attributes:
        content, path: what was found, and where; None where nothing was.
        proof: what says that it is the published data set.
        passed: why places that looked right were passed over, a sentence each.
    """

    content: Content | None = None
    path: Path | None = None
    proof: Proof = "first sight"
    passed: tuple[str, ...] = ()


def folders() -> list[Path]:
    """The folders of `SEEDBED_DATA`."""
    return [Path(text).expanduser() for text in os.environ.get("SEEDBED_DATA", "").split(os.pathsep) if text.strip()]


def places(builtin: Builtin) -> Iterator[SearchPath]:
    """Where to look, in order: `SEEDBED_DATA`, then where Keras and torchvision keep their downloads."""
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
    """The first place that holds the data set.

    Raises:
        CorruptData: a place that the user chose holds something else under its name.
    """
    passed: list[str] = []
    for place in places(builtin):
        try:
            content = _read(place.path, builtin)
            proof = _proof(content, builtin, place) if content is not None else None
            if proof is not None:
                return SearchResult(content, place.path.resolve(), proof, tuple(passed))
        except DataError as error:
            if place.chosen and place.certain:
                raise
            if place.certain:
                passed.append(str(error))
    return SearchResult(passed=tuple(passed))


def glance(builtin: Builtin) -> Path | None:
    """The first place that seems to hold the data set, by the names of its files alone."""
    return next((place.path.resolve() for place in places(builtin) if place.certain and _holds(place.path, builtin)), None)


def _holds(path: Path, builtin: Builtin) -> bool:
    if path.suffix == ".npz":
        return path.is_file()
    if not path.is_dir():
        return False
    return cifar.is_folder(path) if builtin.format == "cifar" else len(idx.find(path)) >= 2


def _read(path: Path, builtin: Builtin) -> Content | None:
    """What lies there, with the data set's own names of classes; None where nothing of the kind does."""
    if not _holds(path, builtin):
        return None
    if builtin.format == "cifar" and path.is_dir():
        return cifar.read(path, builtin.classes)
    content = npz.read(path) if path.suffix == ".npz" else idx.read(path)
    return replace(content, classes=builtin.classes) if content.classes == DIGITS else content


def _proof(content: Content, builtin: Builtin, place: SearchPath) -> Proof | None:
    """What proves that this is the data set; None where another was found in a place that promised nothing."""
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
            f"{place.path}: this is not {builtin.name} as published; its content differs. Get it anew, or, if it is your own "
            f"variant, add it under another name: seedbed data add NAME {place.path}."
        )
    return None


def _published(folder: Path, builtin: Builtin) -> bool:
    """Whether the files that were read have their published digests. (A plain file is read before its packed twin.)"""
    packed = (folder / remote.name for remote in builtin.files)
    plain = any((folder / remote.name.removesuffix(".gz")).exists() for remote in builtin.files if builtin.format == "idx")
    return not plain and all(is_sound(path, remote) for path, remote in zip(packed, builtin.files, strict=True))
