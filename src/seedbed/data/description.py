"""Describe data sets before training: parts, classes, balance, origin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seedbed.data import added, kept, lookup
from seedbed.data.builtin import BUILTIN
from seedbed.data.dataset import Dataset
from seedbed.data.library import content_of, load, origin
from seedbed.data.progress import WatchData
from seedbed.data.readers import kind_of
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.errors import DataError
from seedbed.specs import DataSpec

PROOFS = {
    "content": "the content has the pinned digest",
    "files": "its files had their published digests; the content's digest was recorded then",
    "first sight": "name, number and shape fit; the content's digest was recorded when it was first read",
}


@dataclass(frozen=True)
class Known:
    """An entry in the list of data sets.

    Attributes:
        kind: "built in", or the reader of the user's files.
        where: path of the data; empty where they would be downloaded.
        megabytes: size of that download (MB), else 0.
    """

    name: str
    title: str
    kind: str
    where: str
    megabytes: int = 0


@dataclass(frozen=True)
class DataInfo:
    """A data set, described.

    Attributes:
        counts: part -> number of images per class, in the order of the classes.
        parts: part -> number of images.
        imbalance: size of the largest class of the training part divided by that of the smallest.
        where: origin of the data.
        proof: evidence that they are what their name promises.
        notes: decisions of reading and splitting, one sentence each.
    """

    name: str
    digest: str
    where: str
    proof: str
    image_shape: tuple[int, int, int]
    dtype: str
    scale: float
    classes: tuple[str, ...]
    parts: dict[str, int]
    counts: dict[str, tuple[int, ...]]
    imbalance: float
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    """A data set after a check of every byte."""

    name: str
    digest: str
    where: str
    proof: str
    repaired: bool


def known() -> list[Known]:
    """List all data sets, built-in and added, without reading any."""
    listed = []
    for builtin in BUILTIN.values():
        from_here = origin(builtin.name)
        there = bool(from_here.digest) and kept.sound(from_here.digest) is not None
        place = from_here.where if there or builtin.format == "embedded" else lookup.glance(builtin)
        listed.append(Known(builtin.name, builtin.title, "built in", str(place or ""), 0 if place else builtin.megabytes))
    return listed + [Known(entry.name, "your own", entry.kind, entry.path) for entry in added.entries()]


def info(name: str, spec: DataSpec | None = None, on_progress: WatchData | None = None) -> DataInfo:
    """Describe a data set as training would see it: by default split by the honest protocol.

    Args:
        spec: settings of the split and of a study's changes; its name is ignored.
        on_progress: callback for the progress of a download, or of reading.

    Raises:
        As `load`.
    """
    dataset = load((spec or DataSpec()).changed(name=name), on_progress)
    from_here = origin(name)
    return _described(dataset, from_here.where, PROOFS.get(from_here.proof, from_here.proof))


def info_of_path(
    path: Path,
    spec: DataSpec | None = None,
    options: ReadOptions = NO_OPTIONS,
    *,
    kind: str | None = None,
    on_progress: WatchData | None = None,
) -> DataInfo:
    """Describe the user's files without giving them a name: they are read, and nothing is kept.

    Args:
        kind: name of the reader. None means the one that fits.
        on_progress: callback for the progress of reading.

    Raises:
        DataError: the files cannot be used.
        CorruptData: a file is damaged.
    """
    path = path.expanduser().resolve()
    name = added.unused_name(path)
    entry = added.AddedDataset(name, str(path), kind_of(path, options, kind), options)
    content = added.decoded(entry, on_progress=on_progress)
    dataset = Dataset.split(content, (spec or DataSpec()).changed(name=name, digest=content.digest))
    return _described(dataset, str(path), "read now, and not kept")


def _described(dataset: Dataset, where: str, proof: str) -> DataInfo:
    parts = {"train": dataset.train, "validation": dataset.validation}
    if dataset.test is not None:
        parts["test"] = dataset.test
    counts = {
        part: tuple(np.bincount(images.labels, minlength=len(dataset.classes)).tolist()) for part, images in parts.items()
    }
    smallest, largest = min(counts["train"]), max(counts["train"])
    return DataInfo(
        name=dataset.spec.name,
        digest=dataset.spec.digest,
        where=where,
        proof=proof,
        image_shape=dataset.image_shape,
        dtype=dataset.train.store.dtype.name,
        scale=dataset.scale,
        classes=dataset.classes,
        parts={part: len(images) for part, images in parts.items()},
        counts=counts,
        imbalance=largest / smallest if smallest else float("inf"),
        notes=dataset.notes,
    )


def verify(name: str, on_progress: WatchData | None = None) -> Verified:
    """Check every byte: the user's files against the digest from when they were added, the cache against its digest.

    Damaged content of the cache is decoded (or downloaded) again.

    Raises:
        CorruptData: the user's files have changed.
        As `load`.
    """
    if name not in BUILTIN:
        entry = added.existing_entry(name)
        added.read_again(entry, entry.options.size, on_progress)
    digest, content = content_of(DataSpec(name=name), on_progress)
    repaired = content.digest != digest
    if repaired:
        kept.forget(digest)
        digest, content = content_of(DataSpec(name=name), on_progress)
    from_here = origin(name)
    if content.digest != digest:
        raise DataError(f"{name}: it is damaged each time it is written to the cache. Check the disk.")
    return Verified(name, digest, from_here.where, PROOFS.get(from_here.proof, from_here.proof), repaired)
