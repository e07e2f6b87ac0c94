"""`digits`: 1,797 real handwritten digits, 8 x 8, that scikit-learn's package carries.

Source: Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998 (its test part).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from seedbed.data.content import Content, Labelled
from seedbed.data.readers.files import explained
from seedbed.errors import DataUnavailable


def path() -> Path:
    """Find the file within scikit-learn without importing it (which would take a second).

    Raises:
        DataUnavailable: scikit-learn is not installed, or without its data.
    """
    package = find_spec("sklearn")
    folders = package.submodule_search_locations if package else None
    for folder in folders or ():
        file = Path(folder) / "datasets" / "data" / "digits.csv.gz"
        if file.is_file():
            return file
    raise DataUnavailable("digits: scikit-learn's file is missing. Reinstall it: pip install --force-reinstall scikit-learn.")


def read() -> Content:
    """Read images `(1797, 8, 8, 1)`, pixels 0 to 16, of the digits 0 to 9; no official test set. Read-only arrays."""
    return _read(path())


@cache
def _read(file: Path) -> Content:
    """Kept, since each command of a notebook or a page asks for the images several times, and the text takes 25 ms to parse."""
    with explained(file):
        text = gzip.decompress(file.read_bytes())
    table = np.fromstring(text.replace(b"\n", b",").strip(b",").decode("ascii"), dtype=np.float64, sep=",")
    rows = table.reshape(-1, 65).astype(np.uint8)
    images, labels = np.ascontiguousarray(rows[:, :64]).reshape(-1, 8, 8, 1), rows[:, 64].astype(np.int32)
    for array in (images, labels):
        array.flags.writeable = False
    return Content(parts={"train": Labelled(images, labels)}, classes=tuple("0123456789"), scale=16.0)
