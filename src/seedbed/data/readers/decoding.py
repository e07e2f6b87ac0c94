"""One picture file: opened under a list of allowed formats and caps, described by its header, and decoded to a shape.

JPEG's orientation tag is applied. The pages of a TIFF are pictures of their own; of an animation the first frame counts.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.ranges import depth_of
from seedbed.data.readers.files import File, first_line
from seedbed.data.readers.options import ImageSize
from seedbed.errors import CorruptData
from seedbed.records import Ground, PictureFit, PictureRule

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""Pillow's decoders that may run, whatever a file's name says."""

SUFFIXES = frozenset(
    (
        ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif",
        ".pbm", ".pgm", ".ppm", ".pnm",
    )
)  # fmt: skip
KINDS = "PNG, JPEG, BMP, TIFF, WebP, GIF or PNM"

DAMAGED = (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError, LookupError, TypeError, OverflowError)
"""Errors that Pillow raises on damaged files."""

MOST_PIXELS = 50_000_000
"""Largest picture, by its header, before any of it is unpacked (pixels)."""

MOST_PAGES = 10_000
"""Pages of a TIFF that are looked for."""

ORIENTATION = 0x0112
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Pillow's modes of more than 8 bits per value."""

SMALL = 1 << 20
"""Bytes of a file that is read at once."""

SHADES = 2
"""Levels by which the channels of a pixel may differ where it is a shade of grey: WebP rounds them apart."""


@dataclass(frozen=True)
class PictureItem:
    """A picture to read: its file, its label, and its page in it."""

    file: File
    label: str
    page: int = 0

    @property
    def source(self) -> str:
        return f"{self.file.name}#{self.page + 1}" if self.page else self.file.name


@dataclass(frozen=True)
class Seen:
    """A picture as its header describes it.

    Attributes:
        size: height and width, upright.
        stored: whether it is stored in colour: its mode and palette have more than shades of grey.
        colour: the same, but for a picture whose pixels were looked at and have shades of grey alone.
        deep: whether its values have more than 8 bits.
        clear: whether it has transparent pixels.
        pages: pages of a TIFF, else 1.
        moving: whether it is an animation.
    """

    size: ImageSize
    stored: bool
    colour: bool
    deep: bool
    clear: bool
    pages: int
    moving: bool


def seen_of(image: Image) -> Seen:
    pages = _count_pages(image) if image.format == "TIFF" else 1
    moving = image.format != "TIFF" and bool(getattr(image, "is_animated", False))
    stored = _coloured(image)
    return Seen(upright_size(image), stored, stored, image.mode in DEEP, image.has_transparency_data, pages, moving)


def _count_pages(image: Image) -> int:
    pages = 1
    while pages < MOST_PAGES:
        try:
            image.seek(pages)
        except EOFError:
            break
        pages += 1
    image.seek(0)
    return pages


def upright_size(image: Image) -> ImageSize:
    width, height = image.size
    turned = image.format in ("JPEG", "MPO") and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _coloured(image: Image) -> bool:
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in ("1", "L", "LA", "La", *DEEP)


def pixels_of(image: Image, shape: tuple[int, int, int], rule: PictureRule) -> NDArray[np.uint8]:
    """Decode a picture in this shape."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    if image.format in ("JPEG", "MPO"):
        image = ImageOps.exif_transpose(image)
    if image.mode in DEEP:
        image = Image.fromarray(_shallow(np.asarray(image), rule.deep or 65535.0))
    if image.has_transparency_data:
        image = laid_on(image, rule.ground)
    image = image.convert("RGB" if channels == 3 else "L")
    if image.size != (width, height):
        image = _fitted(image, (height, width), rule.fit)
    return np.asarray(image, dtype=np.uint8).reshape(shape)


def _shallow(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Values of more than 8 bits as bytes."""
    if white == 65535 and values.dtype.kind in "iu":
        return (values.astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8)
    return np.rint(np.nan_to_num(values.astype(np.float64)).clip(0, white) * (255 / white)).astype(np.uint8)


def laid_on(image: Image, ground: Ground | str) -> Image:
    """A picture with transparent pixels on a ground."""
    from PIL import Image

    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, ground), image)


def _fitted(image: Image, size: ImageSize, fit: PictureFit) -> Image:
    """The picture in this size, by an antialiased bilinear filter."""
    from PIL import Image, ImageOps

    height, width = size
    if fit == "stretch" or alike((image.height, image.width), size):
        return image.resize((width, height), Image.Resampling.BILINEAR)
    if fit == "crop":
        return ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    inside = ImageOps.contain(image, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(inside)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.rint(np.median(border, axis=0)).astype(int)
    padded = Image.new(image.mode, (width, height), tuple(colour.tolist()) if image.mode == "RGB" else int(colour))
    padded.paste(inside, ((width - inside.width) // 2, (height - inside.height) // 2))
    return padded


def alike(size: ImageSize, other: ImageSize) -> bool:
    """Whether two sizes have the same proportions, to the pixel."""
    (height, width), (high, wide) = size, other
    return max(1, round(width * high / height)) == wide or max(1, round(height * wide / width)) == high


@contextmanager
def opened(picture: PictureItem) -> Iterator[Image]:
    """Open a picture and check its header; errors inside the block name the file."""
    from PIL import Image, UnidentifiedImageError

    where = picture.file.where
    try:
        with picture.file.opened() as file, Image.open(_whole(file, picture.file), formats=FORMATS) as image:
            if picture.page:
                image.seek(picture.page)
            if not 0 < image.width * image.height <= MOST_PIXELS:
                raise CorruptData(
                    f"{where}: a picture may have at most {MOST_PIXELS:,} pixels, and this one claims {image.width} x "
                    f"{image.height}. Make it smaller."
                )
            yield image
    except Image.DecompressionBombError:
        raise CorruptData(f"{where}: a picture may have at most {MOST_PIXELS:,} pixels, and this one claims more.") from None
    except UnidentifiedImageError:
        raise CorruptData(f"{where}: this is no {KINDS}, despite its name. Convert or remove it.") from None
    except DAMAGED as error:
        raise CorruptData(f"{where}: damaged picture ({first_line(error)}). Replace or remove it.") from None


def _whole(stream: IO[bytes], file: File) -> IO[bytes]:
    """A small file in memory: Pillow reads it in many small pieces."""
    return io.BytesIO(stream.read()) if file.size <= SMALL else stream


@contextmanager
def quiet() -> Iterator[None]:
    """Silence Pillow's warnings about files that it reads correctly; errors are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def white_of(largest: float) -> float:
    """The value that is white where values of more than 8 bits reach up to this."""
    return 1.0 if largest <= 1 else depth_of(max(largest, 255))


def largest_of(image: Image) -> float:
    values = np.asarray(image)
    return float(values.max(initial=0, where=np.isfinite(values)))


def has_shades_alone(image: Image) -> bool:
    """Whether a picture that is stored in colour has only shades of grey."""
    if image.has_transparency_data:
        image = laid_on(image, "white")
    pixels = np.asarray(image.convert("RGB"), dtype=np.int16)
    return int((pixels.max(axis=-1) - pixels.min(axis=-1)).max()) <= SHADES


def read_one(path: Path, shape: tuple[int, int, int], rule: PictureRule) -> NDArray[np.float32]:
    """Read a picture as the pictures of a data set of this shape were read, `(h, w, c)`: 0 is black, 1 white.

    Raises:
        CorruptData: the picture is damaged, too large, or of another format.
        DataError: the file cannot be read.
    """
    file = File.at(str(path))
    with quiet(), opened(PictureItem(file, "")) as image:
        if image.mode in DEEP and rule.deep is None:
            rule = replace(rule, deep=white_of(largest_of(image)))
        return pixels_of(image, shape, rule).astype(np.float32) / np.float32(255)


def size_of(path: Path) -> ImageSize:
    """Height and width of a picture, upright.

    Raises:
        As `read_one`.
    """
    with quiet(), opened(PictureItem(File.at(str(path)), "")) as image:
        return upright_size(image)
