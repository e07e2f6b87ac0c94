"""Text on its way to a terminal."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seedbed.records import DataFacts


def escaped(text: object) -> str:
    """Return the text on one line, with every character that steers a terminal or turns its writing shown as an escape.

    Names of files, classes and runs come from anywhere; printed raw they could move the cursor, rename the window or
    reverse what follows.

    >>> escaped("a\\x1b[31mb\\n")
    'a\\\\x1b[31mb\\\\n'
    """
    return "".join(map(_shown, str(text)))


def _shown(character: str) -> str:
    # Cc: control characters; Cf: invisible ones, among them those that reverse text; Zl, Zp: line and paragraph ends.
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def contents(facts: DataFacts) -> str:
    """Describe what a data set holds."""
    shape = " x ".join(map(str, facts.image_shape))
    return f"{facts.train:,} images to train on, {facts.validation:,} to validate on, {shape}, {len(facts.classes)} classes"


def size(count: float) -> str:
    """Format a number of bytes.

    >>> size(1536), size(3 * 2**30)
    ('1.5 KiB', '3.0 GiB')
    """
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"
