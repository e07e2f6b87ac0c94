"""Images and labels: found, verified, read and split.

`load` is the way in; what a data set is called is said by a `DataSpec`. `builtin` lists the data sets that are known by
themselves, `added` keeps the user's, `lookup` and `download` find them, `readers` decode them, `kept` is the cache of what was
decoded, and `split` deals images out to training, validation and test.
"""

from __future__ import annotations

from pathlib import Path

from seedbed.data import added
from seedbed.data.builtin import BUILTIN
from seedbed.data.content import Content, Images, Labels
from seedbed.data.dataset import Dataset, Part
from seedbed.data.description import DataInfo, Known, Verified, info, known, verify
from seedbed.data.download import DownloadProgress, OnProgress
from seedbed.data.library import at_hand, load, named, portable, resolve, unpacked
from seedbed.data.readers.pictures import read_one as picture

__all__ = [
    "BUILTIN",
    "Content",
    "DataInfo",
    "Dataset",
    "Images",
    "Known",
    "Labels",
    "Part",
    "DownloadProgress",
    "Verified",
    "OnProgress",
    "add",
    "at_hand",
    "info",
    "known",
    "load",
    "named",
    "picture",
    "portable",
    "resolve",
    "unpacked",
    "verify",
]


def add(
    name: str, path: Path, *, size: tuple[int, int] | None = None, label_column: str | None = None, replace: bool = False
) -> DataInfo:
    """Give a name to the user's own images, read them once and say what was found.

    Args:
        path: a folder of class folders with PNG or JPEG files, a folder of IDX or .npy files, an .npz or a .csv.
        size: height and width that pictures are brought to, or that rows of pixels have.
        label_column: of a CSV, by name or number.
        replace: give the name to other files or settings than before.

    Raises:
        SpecError: this is no name.
        DataError: the name is taken, or the files cannot be used.
        CorruptData: a file is damaged.
    """
    added.add(name, path, size=size, label_column=label_column, replace=replace)
    return info(name)
