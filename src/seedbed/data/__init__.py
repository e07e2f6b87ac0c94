"""Data sets: find, verify, read and split images and labels.

`load` is the entry point; a `DataSpec` names the data set. `builtin` lists the built-in data sets, `added` the user's; `lookup`
and `download` find them, `readers` decode them, `kept` caches the decoded content, and `split` divides it into training,
validation and test part.
"""

from __future__ import annotations

from pathlib import Path

from seedbed.data import added
from seedbed.data.added import remove, rename
from seedbed.data.content import check_finite
from seedbed.data.dataset import ARRAYS, ArrayPair, Dataset
from seedbed.data.description import DataInfo, info, info_of_path, known, verify
from seedbed.data.library import DataLike, at_hand, load, named, portable, resolve, spec_of, unnamed
from seedbed.data.parts import Part, permuted
from seedbed.data.progress import DownloadProgress, ReadProgress, WatchData
from seedbed.data.ranges import check_like
from seedbed.data.readers.decoding import read_one as picture
from seedbed.data.readers.options import NO_OPTIONS, ReadOptions
from seedbed.data.split import permutation

__all__ = [
    "ARRAYS",
    "ArrayPair",
    "DataInfo",
    "DataLike",
    "Dataset",
    "DownloadProgress",
    "Part",
    "ReadOptions",
    "ReadProgress",
    "WatchData",
    "add",
    "at_hand",
    "check_finite",
    "check_like",
    "info",
    "info_of_path",
    "known",
    "load",
    "named",
    "permutation",
    "permuted",
    "picture",
    "portable",
    "remove",
    "rename",
    "resolve",
    "spec_of",
    "unnamed",
    "verify",
]


def add(
    name: str,
    path: Path,
    options: ReadOptions = NO_OPTIONS,
    *,
    kind: str | None = None,
    replace: bool = False,
    on_progress: WatchData | None = None,
) -> DataInfo:
    """Give a name to the user's own images, read them once and describe them.

    Args:
        name: name of the data set from now on.
        path: folder of class folders with pictures, folder of IDX or .npy files, table, file of arrays, or archive of these.
        options: what the files do not say themselves.
        kind: name of the reader. None means the first that fits.
        replace: whether the name may move to other files or settings.
        on_progress: callback for the progress of reading.

    Raises:
        SpecError: the name breaks the rule for names, or an option its rule.
        DataError: the name is taken, or the files cannot be used.
        CorruptData: a file is damaged.
    """
    added.add(name, path, options, kind=kind, replace=replace, on_progress=on_progress)
    return info(name)
