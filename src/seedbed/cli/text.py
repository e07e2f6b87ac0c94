"""Text on its way to a terminal."""

from __future__ import annotations

import unicodedata


def escaped(text: object) -> str:
    """The text on one line, with every character that steers a terminal or turns its writing shown as an escape.

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
