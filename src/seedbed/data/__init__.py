"""Data sets: find, verify, read and split images and labels.

`load` is the entry point; a `DataSpec` names the data set. `builtin` lists the built-in data sets, `added` the user's; `lookup`
and `download` find them, `readers` decode them, `kept` caches the decoded content, and `split` divides it into training,
validation and test part.
"""

from __future__ import annotations

from pathlib import Path

from seedbed.data import added
from seedbed.data.dataset import Dataset, Part
from seedbed.data.description import DataInfo, info, known, verify
from seedbed.data.download import DownloadProgress, WatchDownload
from seedbed.data.library import at_hand, load, named, portable, resolve
from seedbed.data.readers.pictures import read_one as picture
from seedbed.data.split import split

__all__ = [
    "DataInfo",
    "Dataset",
    "DownloadProgress",
    "Part",
    "WatchDownload",
    "add",
    "at_hand",
    "info",
    "known",
    "load",
    "named",
    "picture",
    "portable",
    "resolve",
    "split",
    "verify",
]


def add(
    name: str, path: Path, *, size: tuple[int, int] | None = None, label_column: str | None = None, replace: bool = False
) -> DataInfo:
    """Give a name to the user's own images, read them once and describe them.

    Args:
        name: name of the data set from now on.
        path: folder of class folders with PNG or JPEG files, folder of IDX or .npy files, .npz or .csv file.
        size: height and width to which pictures are resized, or of images in rows of pixels.
        label_column: column of labels in a CSV, by name or number.
        replace: whether the name may move to other files or settings.

    Raises:
        SpecError: the name breaks the rule for names.
        DataError: the name is taken, or the files cannot be used.
        CorruptData: a file is damaged.
    """
    added.add(name, path, size=size, label_column=label_column, replace=replace)
    return info(name)
