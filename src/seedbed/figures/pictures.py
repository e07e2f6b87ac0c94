"""Pictures of images: grids with titles, drawn pixel by pixel."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import SpecError
from seedbed.palette import COLOURS, Mode

if TYPE_CHECKING:
    from PIL import Image, ImageFont

MARGIN, GAP = 20, 16
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
    from PIL import Image, ImageDraw

    pixels = _bytes(images, top)
    if not (len(pixels) == len(titles) and len(pixels) > 0 and columns > 0):
        raise SpecError(
            f"A grid needs one title an image and a column: {len(pixels)} images, {len(titles)} titles, {columns} columns."
        )
    colours, font, bold = COLOURS[mode], _font(size), _font(size + 3)
    tiles = [_enlarged(image, side) for image in pixels]
    width, height = max(tiles[0].width, side), tiles[0].height
    texts = [_fitted(title, font, width) for title in titles]
    lines = max(len(text) for text in texts)
    above = math.ceil((size + 3) * LINE) + 14 if heading else 0
    cell = height + math.ceil(lines * size * LINE) + 6
    across, down = min(columns, len(tiles)), math.ceil(len(tiles) / columns)
    room = (2 * MARGIN + across * (width + GAP) - GAP, 2 * MARGIN + above + down * (cell + GAP) - GAP)
    canvas = Image.new("RGB", room, colours["paper"])
    draw = ImageDraw.Draw(canvas)
    if heading:
        draw.text((MARGIN, MARGIN), _fitted(heading, bold, room[0] - 2 * MARGIN)[0], font=bold, fill=colours["ink"])
    for i, (tile, text) in enumerate(zip(tiles, texts, strict=True)):
        x, y = MARGIN + i % columns * (width + GAP), MARGIN + above + i // columns * (cell + GAP)
        for row, line in enumerate(text, start=lines - len(text)):
            draw.text((x + width / 2, y + row * size * LINE), line, font=font, fill=colours["ink"], anchor="ma")
        canvas.paste(tile, (x + (width - tile.width) // 2, y + cell - height))
    return canvas


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


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """The text's lines, each cut to the width with an ellipsis."""
    lines = ["".join(sign if sign.isprintable() else "?" for sign in line) for line in text.split("\n")]
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line + "…"
