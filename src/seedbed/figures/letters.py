"""Letters that no font of this machine has: pictures show boxes for them."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from seedbed.palette import FONT

UNKNOWN = "\u0378"
"""A code that is no letter, so that it is drawn as the box."""

PLAIN = 0x100
"""Letters below this code are in every font."""

MOST = 256
"""Letters that are looked at."""

CELL, BASELINE, SIZE = 32, 24, 20
"""Side of the square in which a letter is drawn, its baseline, and the font size (pixels)."""


def missing_letters(texts: Iterable[str]) -> list[str]:
    """The letters of some texts that are drawn as boxes here, in the order in which they occur."""
    every = dict.fromkeys(sign for text in texts for sign in text if ord(sign) >= PLAIN and _is_drawn(sign))
    letters = list(every)[:MOST]
    if not letters:
        return []
    box, *cells = _drawn([UNKNOWN, *letters])
    return [letter for letter, cell in zip(letters, cells, strict=True) if np.array_equal(cell, box)]


def _is_drawn(sign: str) -> bool:
    """Whether a sign has a shape of its own: a letter, number, symbol, or a sign of private use."""
    return unicodedata.category(sign)[0] in "LNS" or unicodedata.category(sign) == "Co"


def _drawn(letters: Sequence[str]) -> list[NDArray[np.uint8]]:
    """Each letter in a square of its own."""
    import vl_convert
    from PIL import Image

    places = enumerate(map(escape, letters))
    signs = "".join(f'<text x="{CELL * place + 4}" y="{BASELINE}">{letter}</text>' for place, letter in places)
    room = f'width="{CELL * len(letters)}" height="{CELL}"'
    style = f'font-family="{FONT}" font-size="{SIZE}"'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" {room}><g {style}>{signs}</g></svg>'
    pixels = np.asarray(Image.open(io.BytesIO(vl_convert.svg_to_png(drawing))).convert("RGBA"))[..., 3]
    return [pixels[:, CELL * place : CELL * (place + 1)] for place in range(len(letters))]
