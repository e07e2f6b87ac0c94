"""Arrays that are known by their names: those of an archive, a folder of .npy files, a MATLAB or an HDF5 file.

A name has up to three pieces: a prefix, the part (without one it is training) and the role, in the usual spellings: `x_train`,
`train_images`, `X`, `data` with `target`, `kmnist-train-imgs`, `train/x`. Arrays of class names and of the split are used where
their names say what they are; all others are listed as unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, PARTS, Content, PartName
from seedbed.data.readers.arrays import RawPart, assemble
from seedbed.data.readers.files import MOST_DECODED
from seedbed.data.readers.inventory import some
from seedbed.data.readers.options import ReadOptions
from seedbed.data.readers.sets import chosen
from seedbed.errors import CorruptData, DataError
from seedbed.words import counted

IMAGES = ("x", "images", "image", "imgs", "img", "data", "pixels", "features", "arr_0")
LABELS = ("y", "labels", "label", "targets", "target", "arr_1")
CLASS_NAMES = frozenset(
    (
        "classes",
        "class_names",
        "classnames",
        "label_names",
        "labels_names",
        "target_names",
        "list_classes",
        "categories",
        "names",
    )
)
SPLITS = frozenset(("split", "splits", "subset", "usage", "part", "parts", "partition", "set"))


@dataclass(frozen=True)
class ArraySource:
    """Arrays of one source by their names.

    Attributes:
        names: names as they are spelled.
        load: function that reads the array of a name.
        where: file or folder, for messages.
    """

    names: tuple[str, ...]
    load: Callable[[str], NDArray[Any]]
    where: str


@dataclass
class ArrayRoles:
    """The names of the images and labels of each part, of one prefix."""

    images: dict[PartName, str] = field(default_factory=dict)
    labels: dict[PartName, str] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the training part has both."""
        return "train" in self.images and "train" in self.labels


def roles(names: Iterable[str]) -> dict[str, ArrayRoles]:
    """Find the roles of arrays by their names: prefix -> roles. A name of a part comes before one without."""
    found: dict[str, ArrayRoles] = {}
    ranked = sorted((ranked, name) for name in names if (ranked := _role(name)) is not None)
    for (_, _, prefix, part, role), name in ranked:
        mine = found.setdefault(prefix, ArrayRoles())
        (mine.images if role == "images" else mine.labels).setdefault(part, name)
    return found


def _role(name: str) -> tuple[int, int, str, PartName, str] | None:
    """Rank of a name (explicit parts first, then the order of spellings), its prefix, part and role; None for other names."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    for start in [0, *(match.end() for match in re.finditer("_", words))]:
        hit = _CORES.get(words[start:])
        if hit is not None:
            explicit, rank, part, role = hit
            return explicit, rank, words[:start].strip("_"), part, role
    return None


def _cores() -> dict[str, tuple[int, int, PartName, str]]:
    cores: dict[str, tuple[int, int, PartName, str]] = {}
    for role, words in (("images", IMAGES), ("labels", LABELS)):
        for rank, word in enumerate(words):
            cores.setdefault(word, (1, rank, "train", role))
            for spelling, part in PART_NAMES.items():
                for core in (f"{word}_{spelling}", f"{spelling}_{word}", f"{spelling}{word}", f"{spelling}_set_{word}"):
                    cores.setdefault(core, (0, rank, part, role))
    return cores


_CORES = _cores()


def read(
    arrays: ArraySource, options: ReadOptions, rules: tuple[str, ...] = (), orient: Callable[..., Any] | None = None
) -> Content:
    """Build content from named arrays.

    Args:
        orient: function of images and labels that returns the images with the index of the image first.

    Raises:
        DataError: no known names, several sets and no prefix, or the arrays are no images and labels.
        CorruptData: as `assemble`.
    """
    sets = {prefix: mine for prefix, mine in roles(arrays.names).items() if mine.complete}
    if not sets:
        alone = [name for mine in roles(arrays.names).values() for name in mine.images.values()]
        if alone:
            raise DataError(
                f"{arrays.where}: there are images ({some(alone)}), but no labels. Add an array of them, such as y or y_train."
            )
        raise DataError(
            f"{arrays.where}: arrays must be named X, y or x_train, y_train, x_test, y_test, and here are: "
            f"{some(sorted(arrays.names), 8) or 'nothing'}."
        )
    mine = sets["" if options.prefix is None and "" in sets else chosen(sets, options.prefix, arrays.where)]
    used = {name for part, name in mine.images.items() if part in mine.labels} | {
        name for part, name in mine.labels.items() if part in mine.images
    }
    notes = [
        f"Not read: array {name}, since the {part} part has no labels."
        for part, name in mine.images.items()
        if part not in mine.labels
    ]
    raw: dict[PartName, RawPart] = {}
    for part in mine.images.keys() & mine.labels.keys():
        labels = arrays.load(mine.labels[part])
        images = arrays.load(mine.images[part])
        raw[part] = RawPart(orient(images, labels) if orient else images, np.array(labels), arrays.where)
    extra = _Extra(arrays, used | set(mine.images.values()))
    raw = extra.divided(raw)
    names = extra.class_names(raw["train"].labels)
    rest = sorted(set(arrays.names) - extra.used)
    if rest:
        notes.append(f"Not read: {counted(len(rest), 'array')} ({some(rest)}): no images or labels.")
    in_order = {part: raw[part] for part in PARTS if part in raw}
    content = assemble(in_order, options, (*rules, *extra.rules), names)
    return Content(content.parts, content.classes, content.scale, (*content.rules, *notes), content.pictures)


class _Extra:
    """The arrays that say more than images and labels: names of classes, and the split."""

    def __init__(self, arrays: ArraySource, used: set[str]) -> None:
        self.arrays = arrays
        self.used = set(used)
        self.rules: list[str] = []

    def divided(self, raw: Mapping[PartName, RawPart]) -> dict[PartName, RawPart]:
        """The training part, divided by an array of the parts' names where there is one."""
        name = self._find(SPLITS)
        if name is None or len(raw) != 1:
            return dict(raw)
        train = raw["train"]
        parts = _parts(self.arrays.load(name), len(train.images))
        if parts is None or "train" not in parts:
            return dict(raw)
        self.used.add(name)
        self.rules.append(f"The parts are those of the array {name}.")
        return divided(train, parts)

    def class_names(self, labels: NDArray[Any]) -> dict[str, str]:
        """Label -> name of its class, from an array of names that the labels number from 0 on."""
        name = self._find(CLASS_NAMES)
        if name is None or labels.dtype.kind not in "buif" or labels.ndim > 2:
            return {}
        names = np.asarray(self.arrays.load(name)).ravel()
        numbers = labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()
        if names.dtype.kind not in "US" or not (len(numbers) and numbers.min() >= 0 and numbers.max() < len(names) < 100_000):
            return {}
        self.used.add(name)
        self.rules.append(f"The names of the classes are those of the array {name}.")
        return {str(number): text_of_label(each) for number, each in enumerate(names)}

    def _find(self, known: frozenset[str]) -> str | None:
        return next((name for name in self.arrays.names if name.lower() in known and name not in self.used), None)


def _parts(values: NDArray[Any], count: int) -> list[PartName | None] | None:
    """The part of each image; None where the values are no names of parts."""
    if values.dtype.kind not in "US" or values.ravel().shape != (count,):
        return None
    named = {value: PART_NAMES.get(text_of_label(value).strip().lower()) for value in np.unique(values)}
    return [named[value] for value in values.ravel()] if all(named.values()) else None


def divided(whole: RawPart, parts: list[PartName | None]) -> dict[PartName, RawPart]:
    """Divide images and labels by the part of each.

    Raises:
        DataError: the images do not fit into memory.
    """
    if whole.images.nbytes > MOST_DECODED:
        raise DataError(f"{whole.where}: {whole.images.nbytes >> 30} GiB are too many to divide. Store each part on its own.")
    of = np.array(parts, dtype=object)
    return {
        part: RawPart(whole.images[of == part], whole.labels[of == part], whole.where)
        for part in PART_NAMES.values()
        if (of == part).any()
    }


def text_of_label(value: Any) -> str:
    """A text of an array, as valid text.

    Raises:
        CorruptData: it has a code that is no character.
    """
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    if any(0xD800 <= ord(sign) < 0xE000 for sign in text):
        raise CorruptData(f"{text[:40]!r}: a name has a code that is no character of Unicode.")
    return text
