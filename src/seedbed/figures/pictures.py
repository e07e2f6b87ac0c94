"""Pictures of images: grids with titles, drawn pixel by pixel."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal
from unicodedata import east_asian_width

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import SpecError
from seedbed.palette import COLOURS, FONT, Mode

if TYPE_CHECKING:
    from PIL import Image

MARGIN, GAP = 20, 16
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]+")
"""Letters of Hebrew, Arabic and their neighbours."""

MARK = "\u200e"
"""Ends the direction of letters written from right to left: numbers after a name stay after it."""

LINE = 1.35
"""Height of a line of text, in font sizes."""


def picture_grid(
    images: ArrayLike,
    titles: Sequence[str],
    *,
    columns: int = 5,
    top: float = 255.0,
    heading: str = "",
    side: int = 140,
    size: int = 15,
    mode: Mode = "light",
) -> Image.Image:
    """Draw images in rows under their titles, each pixel as a square.

    Args:
        images: `(n, h, w, c)` or `(n, h, w)`, c = 1 (grey) or 3 (colour); 0 is black and `top` white.
        titles: n texts, each of one line or of several.
        columns: images in a row.
        top: the value that is drawn white, `Dataset.scale`.
        heading: text above the images.
        side: a picture's longer side is enlarged by whole pixels to about this, or made smaller to it.
        size: font size in pixels.
        mode: colour of the background.

    Raises:
        SpecError: not one title an image, no image, or another number of channels.
    """
    from PIL import Image

    pixels = _bytes(images, top)
    if not (len(pixels) == len(titles) and len(pixels) > 0 and columns > 0):
        raise SpecError(
            f"A grid needs one title an image and a column: {len(pixels)} images, {len(titles)} titles, {columns} columns."
        )
    tiles = [_enlarged(image, side) for image in pixels]
    width, height = max(tiles[0].width, side), tiles[0].height
    texts = [_fitted(title, size, width) for title in titles]
    lines = max(len(text) for text in texts)
    above = math.ceil((size + 3) * LINE) + 14 if heading else 0
    cell = height + math.ceil(lines * size * LINE) + 6
    across, down = min(columns, len(tiles)), math.ceil(len(tiles) / columns)
    room = (2 * MARGIN + across * (width + GAP) - GAP, 2 * MARGIN + above + down * (cell + GAP) - GAP)
    canvas = Image.new("RGB", room, COLOURS[mode]["paper"])
    placed: list[PlacedText] = []
    if heading:
        line = _fitted(heading, size + 3, room[0] - 2 * MARGIN)[0]
        placed.append(PlacedText(line, MARGIN, MARGIN + size + 3, size + 3, "start"))
    for i, (tile, text) in enumerate(zip(tiles, texts, strict=True)):
        x, y = MARGIN + i % columns * (width + GAP), MARGIN + above + i // columns * (cell + GAP)
        for row, line in enumerate(text, start=lines - len(text)):
            placed.append(PlacedText(line, x + width / 2, y + size + row * size * LINE, size, "middle"))
        canvas.paste(tile, (x + (width - tile.width) // 2, y + cell - height))
    written = _written(placed, room, COLOURS[mode]["ink"])
    canvas.paste(written, (0, 0), written)
    return canvas


@dataclass(frozen=True)
class PlacedText:
    """A line of text with the place of its baseline, its font size (pixels), and whether it starts or is centred there."""

    text: str
    x: float
    y: float
    size: int
    anchor: Literal["start", "middle"]


def _written(texts: Sequence[PlacedText], room: tuple[int, int], ink: str) -> Image.Image:
    """The texts on a transparent ground, in the font of the charts; letters that it lacks come from the system's fonts."""
    import vl_convert
    from PIL import Image

    lines = "".join(
        f'<text x="{each.x:g}" y="{each.y:g}" font-size="{each.size}" text-anchor="{each.anchor}">{_ordered(each.text)}</text>'
        for each in texts
    )
    style = f'font-family="{FONT}" fill="{ink}" xml:space="preserve"'
    size = f'width="{room[0]}" height="{room[1]}"'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><g {style}>{lines}</g></svg>'
    return Image.open(io.BytesIO(vl_convert.svg_to_png(drawing))).convert("RGBA")


def _ordered(text: str) -> str:
    """The text for a drawing, its pieces in the order from left to right."""
    return escape(RIGHT_TO_LEFT.sub(lambda run: run[0] + MARK, text))


def picture_bytes(image: Image.Image) -> bytes:
    """The picture as PNG."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=False, compress_level=6)
    return buffer.getvalue()


def picture_address(content: bytes) -> str:
    """PNG bytes as a `data:` address, for pages that hold their pictures."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


def thumbnails(images: ArrayLike, *, top: float = 255.0, side: int = 32) -> list[str]:
    """Each image as the `data:` address of a small PNG.

    Args:
        images: `(n, h, w, c)`.
        top: the value that is drawn white.
        side: the longest side, in pixels; smaller images keep their size.
    """
    from PIL import Image

    small = []
    for pixels in _bytes(images, top):
        image = Image.fromarray(pixels)
        image.thumbnail((side, side))
        small.append(picture_address(picture_bytes(image)))
    return small


def _bytes(images: ArrayLike, top: float) -> NDArray[np.uint8]:
    """As uint8, `(n, h, w)` or `(n, h, w, 3)`."""
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if not (array.ndim == 3 or (array.ndim == 4 and array.shape[-1] == 3)):
        raise SpecError(f"Images to draw have the shape (n, h, w, 1 or 3); these have {np.asarray(images).shape}.")
    if array.dtype == np.uint8 and top == 255.0:
        return array
    levels = np.clip(array.astype(np.float64) * (255.0 / top), 0, 255)
    return np.rint(levels).astype(np.uint8)


def _enlarged(pixels: NDArray[np.uint8], side: int) -> Image.Image:
    from PIL import Image

    image = Image.fromarray(pixels)
    longest = max(image.size)
    if longest > side:
        image.thumbnail((side, side), Image.Resampling.BOX)
        return image
    zoom = max(1, round(side / longest))
    return image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)


def _fitted(text: str, size: int, width: float) -> list[str]:
    """The text's lines, each cut to the width with an ellipsis."""
    lines = ["".join(sign if sign.isprintable() else "?" for sign in line) for line in text.split("\n")]
    return [_cut(line, size, width) for line in lines]


def _cut(line: str, size: int, width: float) -> str:
    """The line, or as many of its letters as fit with an ellipsis."""
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    widths = [size if east_asian_width(sign) in "WF" else font.getlength(sign if ord(sign) < 256 else "o") for sign in line]
    if sum(widths) <= width:
        return line
    room, ends = width - size, 0
    while ends < len(line) and widths[ends] <= room:
        room -= widths[ends]
        ends += 1
    return line[:ends] + "…"
