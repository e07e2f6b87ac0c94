"""Which files of a folder belong together: by the part in their names, and by what stands before it.

`mnist_train.csv` and `mnist_test.csv` are the parts of one set, `fashion_train.csv` is of another. Parts of two sets are never
mixed: where a folder has several, a prefix chooses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from seedbed.data.content import PART_NAMES, PartName
from seedbed.data.readers.files import File
from seedbed.data.readers.inventory import some
from seedbed.errors import DataError, nearest

PartFiles = dict[PartName, list[File]]

_PART = re.compile(rf"(?:^|(?<=[^a-z]))({'|'.join(sorted(PART_NAMES, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)


def by_prefix(files: Iterable[File]) -> dict[str, PartFiles]:
    """Sort files whose names have the name of a part: what stands before it -> part -> files."""
    sets: dict[str, PartFiles] = {}
    for file in files:
        match = _PART.search(file.base)
        if match:
            part = PART_NAMES[match[1].lower()]
            sets.setdefault(file.base[: match.start()].rstrip("-_. "), {}).setdefault(part, []).append(file)
    return sets


def part_of(name: str) -> PartName | None:
    """The part that a name of a folder or file has in it: `train`, `test1`, `training_data`; None for other names."""
    match = _PART.search(name)
    return PART_NAMES[match[1].lower()] if match else None


def chosen(sets: Mapping[str, Any], prefix: str | None, where: object) -> str:
    """The prefix of the set to read: the requested one, or the only one.

    Raises:
        DataError: no set begins so, or there are several and no prefix.
    """
    if prefix is not None and prefix not in sets:
        known = some(map(repr, sets), 8) or "none"
        raise DataError(f"{where}: no data set begins with {prefix!r}.{nearest(prefix, sets)} There are: {known}.")
    if prefix is None and len(sets) > 1:
        names = some(map(repr, sets), 8)
        raise DataError(f"{where} has {len(sets)} data sets: {names}. Choose one, such as --prefix {next(filter(None, sets))}.")
    return next(iter(sets)) if prefix is None else prefix
