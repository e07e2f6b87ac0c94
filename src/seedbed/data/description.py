"""What can be said about a data set before a network sees it: parts, classes, balance, where it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seedbed.data import added, kept, lookup
from seedbed.data.builtin import BUILTIN
from seedbed.data.dataset import Part
from seedbed.data.download import OnProgress
from seedbed.data.library import content_of, entry_of, load, origin
from seedbed.errors import DataError
from seedbed.specs import DataSpec

PROOFS = {
    "content": "the content has the pinned digest",
    "files": "its files had their published digests; the content's digest was recorded then",
    "first sight": "name, number and shape fit; the content's digest was recorded when it was first seen",
}


@dataclass(frozen=True)
class Known:
    """A data set in a list.

    Attributes:
        kind: "built in", or how the user's files are read.
        where: it is or would be found; empty where it would be downloaded.
        megabytes: of that download, else 0.
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
        counts: part -> images of each class, in the classes' order.
        parts: part -> images.
        imbalance: the largest class of the training part over the smallest.
        where, proof: it came from, and what says that it is what its name promises.
        notes: what was decided when it was read and split.
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
    """A data set whose every byte was looked at again."""

    name: str
    digest: str
    where: str
    proof: str
    repaired: bool


def known() -> list[Known]:
    """All data sets, built in and added, without reading any."""
    listed = []
    for builtin in BUILTIN.values():
        from_here = origin(builtin.name)
        there = bool(from_here.digest) and kept.sound(from_here.digest) is not None
        place = from_here.where if there or builtin.format == "embedded" else lookup.glance(builtin)
        listed.append(Known(builtin.name, builtin.title, "built in", str(place or ""), 0 if place else builtin.megabytes))
    return listed + [Known(entry.name, "your own", entry.kind, entry.path) for entry in added.entries()]


def info(name: str, spec: DataSpec | None = None, on_progress: OnProgress | None = None) -> DataInfo:
    """A data set as training would see it: by default split by the honest protocol.

    Args:
        spec: how it is split and what a study did to it; its name does not matter.
        on_progress: is told how far a download is.

    Raises:
        As `load`.
    """
    dataset = load((spec or DataSpec()).changed(name=name), on_progress)
    from_here = origin(name)
    parts = {"train": dataset.train, "validation": dataset.validation}
    if dataset.test is not None:
        parts["test"] = dataset.test
    counts = {part: _counts(images, len(dataset.classes)) for part, images in parts.items()}
    return DataInfo(
        name=name,
        digest=dataset.spec.digest,
        where=from_here.where,
        proof=PROOFS.get(from_here.proof, from_here.proof),
        image_shape=dataset.image_shape,
        dtype=dataset.train.store.dtype.name,
        scale=dataset.scale,
        classes=dataset.classes,
        parts={part: len(images) for part, images in parts.items()},
        counts=counts,
        imbalance=max(counts["train"]) / min(counts["train"]) if min(counts["train"]) else float("inf"),
        notes=dataset.notes,
    )


def verify(name: str, on_progress: OnProgress | None = None) -> Verified:
    """Look at every byte again: the user's files against what they held when they were added, what is kept in the cache against
    its digest. What is damaged in the cache is decoded (or downloaded) anew.

    Raises:
        CorruptData: the files are not what they were.
        As `load`.
    """
    if name not in BUILTIN:
        entry = entry_of(name)
        path = added.existing(entry)
        added.read_anew(entry, entry.size, added.signature_of(path))
    digest, content = content_of(DataSpec(name=name), on_progress)
    repaired = content.digest != digest
    if repaired:
        kept.forget(digest)
        digest, content = content_of(DataSpec(name=name), on_progress)
    from_here = origin(name)
    if content.digest != digest:
        raise DataError(f"{name}: it is damaged each time it is written to the cache. Look after the disk.")
    return Verified(name, digest, from_here.where, PROOFS.get(from_here.proof, from_here.proof), repaired)


def _counts(part: Part, classes: int) -> tuple[int, ...]:
    return tuple(int(count) for count in np.bincount(part.labels, minlength=classes))
