"""Folders of PNG and JPEG files, one folder per class, with or without `train`, `val` and `test` above them.

The rules: excluded files are counted and reported. If any picture is in colour, all are read as colour, else all as grey.
16-bit pictures become 8-bit. Transparent pixels are laid on white. JPEG's orientation tag is applied. All pictures are
stretched to one size, the most common or the requested one, with an antialiased bilinear filter.
"""

from __future__ import annotations

import math
import os
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import PART_NAMES, Content, Labelled, PartName, class_order
from seedbed.data.readers.arrays import MOST_DECODED, ImageSize
from seedbed.data.readers.gzipped import first_line
from seedbed.devices import cores
from seedbed.errors import CorruptData, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE = "a folder of class folders with PNG or JPEG files"
FORMATS = ("PNG", "JPEG")
SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

DAMAGED = (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError, LookupError, TypeError, OverflowError)
"""Errors that Pillow raises on damaged files."""

MOST_PIXELS = 50_000_000
"""Largest picture, by its header, before any of it is unpacked (pixels)."""

ORIENTATION = 0x0112


@dataclass(frozen=True)
class PictureFile:
    """A picture to read, as its header describes it.

    Attributes:
        size: height and width, upright.
        colour: whether its mode and palette have more than shades of grey.
    """

    path: Path
    label: str
    size: ImageSize
    colour: bool


def read(folder: Path, size: ImageSize | None = None) -> Content:
    """Read a folder of class folders.

    Args:
        size: height and width for all. None means the most common size.

    Raises:
        DataError: there are no class folders, or the pictures do not fit into memory.
        CorruptData: a picture is damaged, too large, or no PNG or JPEG; the message names it.
    """
    listed, rules = _listed(folder)
    with _quiet(), ThreadPoolExecutor(cores()) as pool:
        pictures = {part: list(pool.map(_glance, *zip(*files, strict=True))) for part, files in listed.items()}
        together = [picture for part in pictures.values() for picture in part]
        shape, decided = _common_shape(together, size)
        needed = len(together) * math.prod(shape)
        if not needed <= MOST_DECODED:
            raise DataError(
                f"{folder}: {len(together):,} pictures of {shape[0]} x {shape[1]} would fill {needed >> 30} GiB of memory. "
                f"Make them smaller with --size HEIGHTxWIDTH."
            )
        classes = class_order([picture.label for picture in together])
        parts = {part: _decoded(chosen, folder, shape, classes, pool) for part, chosen in pictures.items()}
    return Content(parts=parts, classes=classes, scale=255.0, rules=(*rules, *decided))


def read_one(path: Path, shape: tuple[int, int, int], scale: float = 255.0) -> NDArray[Any]:
    """Read a picture as a network expects it that was trained on images of this shape and scale, `(h, w, c)`.

    Returns:
        uint8 for a scale of 255; else float32, where white is `scale`.

    Raises:
        CorruptData: the picture is damaged, too large, or no PNG or JPEG.
        DataError: the file cannot be read.
    """
    with _quiet():
        pixels = _pixels(path, shape)
    return pixels if scale == 255 else pixels.astype(np.float32) * np.float32(scale / 255)


def _listed(folder: Path) -> tuple[dict[PartName, list[tuple[Path, str]]], list[str]]:
    """The files of each part with their classes, and the rule about excluded files."""
    above = {PART_NAMES[path.name.lower()]: path for path in _subfolders(folder) if path.name.lower() in PART_NAMES}
    roots: dict[PartName, Path] = above if "train" in above else {"train": folder}
    listed: dict[PartName, list[tuple[Path, str]]] = {}
    excluded = 0
    for part, root in roots.items():
        files: list[tuple[Path, str]] = []
        for place in _subfolders(root):
            inside = sorted(path for path in place.iterdir() if not path.name.startswith("."))
            wanted = [path for path in inside if path.suffix.lower() in SUFFIXES and path.is_file()]
            files += [(path, _text(place.name)) for path in wanted]
            excluded += len(inside) - len(wanted)
        if not files:
            raise DataError(f"{root}: there must be a folder for each class with PNG or JPEG files in it, and there is none.")
        listed[part] = files
    return listed, [f"{excluded:,} files that are not PNG or JPEG were left out."] if excluded else []


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise DataError(f"{folder}: cannot be read ({error.strerror or first_line(error)}).") from None


def _text(name: str) -> str:
    """Turn a file's name into valid text; bytes that are no UTF-8 become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _common_shape(pictures: Sequence[PictureFile], size: ImageSize | None) -> tuple[tuple[int, int, int], list[str]]:
    """Height, width and channels for all pictures, and the rules that were applied."""
    sizes = Counter(picture.size for picture in pictures)
    chosen = size or min(sizes, key=lambda shape: (-sizes[shape], shape))
    others = len(pictures) - sizes[chosen]
    why = "as requested" if size else "the most common" if len(sizes) > 1 else "that of all pictures"
    rules = [f"Size {chosen[0]} x {chosen[1]}, {why}."]
    if others:
        rules.append(f"{others:,} of {len(pictures):,} pictures had another size and were stretched to it.")
    coloured = sum(picture.colour for picture in pictures)
    if 0 < coloured < len(pictures):
        rules.append(f"All are read as colour, since {coloured:,} of {len(pictures):,} are in colour.")
    return (*chosen, 3 if coloured else 1), rules


def _decoded(
    pictures: Sequence[PictureFile],
    folder: Path,
    shape: tuple[int, int, int],
    classes: tuple[str, ...],
    pool: ThreadPoolExecutor,
) -> Labelled:
    images = np.empty((len(pictures), *shape), dtype=np.uint8)

    def decode(index: int) -> None:
        images[index] = _pixels(pictures[index].path, shape)

    list(pool.map(decode, range(len(pictures))))
    numbers = {name: label for label, name in enumerate(classes)}
    labels = np.array([numbers[picture.label] for picture in pictures], dtype=np.int32)
    return Labelled(images, labels, tuple(_text(str(picture.path.relative_to(folder).as_posix())) for picture in pictures))


def _glance(path: Path, label: str) -> PictureFile:
    with _opened(path) as image:
        width, height = image.size
        turned = image.format == "JPEG" and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
        return PictureFile(path, label, (width, height) if turned else (height, width), _coloured(image))


def _coloured(image: Image) -> bool:
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in ("1", "L", "LA", "I", "I;16", "I;16B", "F")


def _pixels(path: Path, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Decode a picture in this shape."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    with _opened(path) as file:
        image: Image.Image = ImageOps.exif_transpose(file) if file.format == "JPEG" else file
        if image.mode.startswith("I"):
            image = Image.fromarray((np.asarray(image).astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8))
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("RGB" if channels == 3 else "L")
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(image, dtype=np.uint8).reshape(shape)


@contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open a picture and check its header; errors inside the block name the file."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as image:
            if not image.width * image.height <= MOST_PIXELS:
                raise CorruptData(
                    f"{path}: a picture may have at most {MOST_PIXELS:,} pixels, and this one claims {image.width} x "
                    f"{image.height}. Make it smaller."
                )
            yield image
    except Image.DecompressionBombError:
        raise CorruptData(f"{path}: a picture may have at most {MOST_PIXELS:,} pixels, and this one claims more.") from None
    except UnidentifiedImageError:
        raise CorruptData(f"{path}: this is no PNG or JPEG, despite its name. Convert or remove it.") from None
    except DAMAGED as error:
        raise CorruptData(f"{path}: damaged picture ({first_line(error)}). Replace or remove it.") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings about files that it reads correctly; errors are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
