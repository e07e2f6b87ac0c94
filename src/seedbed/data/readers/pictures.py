"""Picture files of the formats that Pillow reads safely, as images of one shape.

What is decided once for a data set, from its training part, and kept with it, so that `predict` reads a picture as training
did: the shape (a size that most pictures have, or the requested one; colour if any picture is in colour), what is done to
pictures of other proportions, the value that is white in files of more than 8 bits, and what is behind transparent pixels.
JPEG's orientation tag is applied. The pages of a TIFF are images of their own; of an animation the first frame counts.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Labelled, PartName, class_order
from seedbed.data.ranges import depth_of
from seedbed.data.readers.files import MOST_DECODED, File, first_line
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import ImageSize, ReadOptions
from seedbed.devices import cores
from seedbed.errors import CorruptData, DataError
from seedbed.records import Ground, PictureFit, PictureRule
from seedbed.words import counted

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

QUICK = 1 << 30
"""Bytes of images that may be decoded before their common shape is known."""

BLOCK = 64
"""PartPictures that a thread takes at once."""

COMMON = 0.5
"""Share of the pictures above which their most frequent size is that of the data set."""

PROPOSED = 64
"""Longer side of a proposed size (pixels)."""

FAINT = 0.1
"""Contrast on white, as a share of that on black, below which transparent pictures are drawn in white ink."""


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
        colour: whether its mode and palette have more than shades of grey.
        deep: whether its values have more than 8 bits.
        clear: whether it has transparent pixels.
        pages: pages of a TIFF, else 1.
        moving: whether it is an animation.
    """

    size: ImageSize
    colour: bool
    deep: bool
    clear: bool
    pages: int
    moving: bool


PartPictures = Mapping[PartName, Sequence[PictureItem]]


def read(pictures: PartPictures, inventory: Inventory, options: ReadOptions, rules: Sequence[str] = ()) -> Content:
    """Read the pictures of all parts.

    Raises:
        DataError: they have no common size and none was requested, or do not fit into memory.
        CorruptData: pictures are damaged, too large, or of another format; the message names the first ten.
    """
    with _quiet(), ThreadPoolExecutor(cores()) as pool:
        looks = {part: _Look(chosen, pool) for part, chosen in pictures.items()}
        inventory.take(*(picture.file for chosen in pictures.values() for picture in chosen))
        if not looks["train"].pictures:
            raise CorruptData(_damaged(looks, inventory))
        shape, decided = _common_shape([seen for look in looks.values() for seen in look.seen], options)
        total = sum(len(look.pictures) for look in looks.values())
        if not total * int(np.prod(shape)) <= MOST_DECODED:
            raise DataError(
                f"{inventory.path}: {total:,} pictures of {shape[0]} x {shape[1]} do not fit into memory. Choose a --size."
            )
        rule, learned = _learned(looks["train"], options, pool)
        classes = class_order([picture.label for look in looks.values() for picture in look.pictures])
        numbers = {name: label for label, name in enumerate(classes)}
        parts = {part: look.labelled(shape, rule, numbers, pool) for part, look in looks.items()}
    told = [*rules, *decided, *learned, *_pages(looks)]
    if any(look.errors for look in looks.values()):
        if not (options.skip_damaged and len(parts["train"].images)):
            raise CorruptData(_damaged(looks, inventory))
        told.append(_damaged(looks, inventory, skipped=True))
    return Content(parts, classes, 255.0, tuple(told), rule)


def read_one(path: Path, shape: tuple[int, int, int], rule: PictureRule) -> NDArray[np.float32]:
    """Read a picture as the pictures of a data set of this shape were read, `(h, w, c)`: 0 is black, 1 white.

    Raises:
        CorruptData: the picture is damaged, too large, or of another format.
        DataError: the file cannot be read.
    """
    file = File.at(str(path))
    with _quiet(), _opened(PictureItem(file, "")) as image:
        if image.mode in DEEP and rule.deep is None:
            rule = replace(rule, deep=white_of(_largest(image)))
        return _pixels(image, shape, rule).astype(np.float32) / np.float32(255)


def size_of(path: Path) -> ImageSize:
    """Height and width of a picture, upright.

    Raises:
        As `read_one`.
    """
    with _quiet(), _opened(PictureItem(File.at(str(path)), "")) as image:
        return _upright(image)


class _Look:
    """A first look at the pictures of a part: headers, and at once the pixels of those that have the expected shape.

    Attributes:
        pictures: readable pictures, one for each page.
        seen: their headers.
        errors: source of a picture that cannot be read -> why, in a sentence that names the file.
    """

    def __init__(self, given: Sequence[PictureItem], pool: ThreadPoolExecutor) -> None:
        self.errors: dict[str, str] = {}
        looked: list[Seen | None] = [None] * len(given)
        expected = next((seen for picture in given[:BLOCK] if (seen := self._first(picture)) is not None), None)
        self._shape = (*expected.size, 3 if expected.colour else 1) if expected else (0, 0, 0)
        room = int(np.prod(self._shape)) * len(given) <= QUICK
        self._quick = np.empty((len(given), *self._shape) if room else (0, *self._shape), dtype=np.uint8)
        ready = np.zeros(len(given), dtype=bool)

        def look(start: int) -> None:
            for index in range(start, min(start + BLOCK, len(given))):
                try:
                    with _opened(given[index]) as image:
                        looked[index] = seen = _seen(image)
                        if (
                            room
                            and image.mode == ("L" if self._shape[2] == 1 else "RGB")
                            and _is_plain(seen, image, self._shape)
                        ):
                            self._quick[index] = np.asarray(image).reshape(self._shape)
                            ready[index] = True
                except DataError as error:
                    looked[index] = None
                    self.errors[given[index].source] = str(error)

        list(pool.map(look, range(0, len(given), BLOCK)))
        whole = [(index, picture, seen) for index, (picture, seen) in enumerate(zip(given, looked, strict=True)) if seen]
        self._rows = np.array([index for index, _, seen in whole for _ in range(seen.pages)], dtype=np.int64)
        self._ready = ready[self._rows] if len(self._rows) else np.zeros(0, dtype=bool)
        self.pictures = [
            replace(picture, page=page) if page else picture for _, picture, seen in whole for page in range(seen.pages)
        ]
        self.seen = [seen for _, _, seen in whole for _ in range(seen.pages)]

    @staticmethod
    def _first(picture: PictureItem) -> Seen | None:
        try:
            with _opened(picture) as image:
                return _seen(image)
        except DataError:
            return None

    def labelled(
        self, shape: tuple[int, int, int], rule: PictureRule, numbers: Mapping[str, int], pool: ThreadPoolExecutor
    ) -> Labelled:
        """The images in this shape, and their labels; damaged ones are left out and listed in `errors`."""
        ready = self._ready if shape == self._shape else np.zeros(len(self.pictures), dtype=bool)
        if ready.all() and len(ready) == len(self._quick):
            images = self._quick
        else:
            images = np.empty((len(self.pictures), *shape), dtype=np.uint8)
            if ready.any():
                images[ready] = self._quick[self._rows[ready]]
        left, sound = np.flatnonzero(~ready), np.ones(len(ready), dtype=bool)

        def decode(start: int) -> None:
            for index in left[start : start + BLOCK].tolist():
                try:
                    with _opened(self.pictures[index]) as image:
                        images[index] = _pixels(image, shape, rule)
                except DataError as error:
                    sound[index] = False
                    self.errors[self.pictures[index].source] = str(error)

        list(pool.map(decode, range(0, len(left), BLOCK)))
        chosen = self.pictures if sound.all() else [self.pictures[index] for index in np.flatnonzero(sound)]
        labels = np.array([numbers[picture.label] for picture in chosen], dtype=np.int32)
        return Labelled(images if sound.all() else images[sound], labels, tuple(picture.source for picture in chosen))


def _is_plain(seen: Seen, image: Image, shape: tuple[int, int, int]) -> bool:
    """Whether a picture's pixels are those of the file, whatever is decided for the data set."""
    return (image.height, image.width) == shape[:2] == seen.size and seen.pages == 1 and not seen.clear


def _damaged(looks: Mapping[PartName, _Look], inventory: Inventory, *, skipped: bool = False) -> str:
    """The sentence about damaged pictures: the first ten and their number."""
    errors = {source: why for look in looks.values() for source, why in sorted(look.errors.items())}
    total = sum(len(look.pictures) for look in looks.values())
    if skipped:
        return f"Not read: {counted(len(errors), 'damaged picture')} ({some(errors, 10)}), left out as requested."
    if len(errors) == 1:
        return f"{next(iter(errors.values()))} --skip-damaged leaves it out."
    reasons = some((why.removeprefix(f"{inventory.path}/").split(". ")[0][:150].rstrip(".") for why in errors.values()), 10)
    return (
        f"{inventory.path}: {len(errors):,} pictures cannot be read ({total:,} can): {reasons}. --skip-damaged leaves them out."
    )


def _common_shape(seen: Sequence[Seen], options: ReadOptions) -> tuple[tuple[int, int, int], list[str]]:
    """Height, width and channels for all pictures, and the rules that were applied.

    Raises:
        DataError: no size is that of most pictures, and none was requested.
    """
    sizes = Counter(each.size for each in seen)
    usual = min(sizes, key=lambda size: (-sizes[size], size))
    if options.size is None and not sizes[usual] > COMMON * len(seen):
        raise DataError(_proposal(list(sizes), len(seen)))
    chosen = options.size or usual
    others = len(seen) - sizes[chosen]
    why = "as requested" if options.size else "the most common" if len(sizes) > 1 else "that of all pictures"
    rules = [f"Size {chosen[0]} x {chosen[1]}, {why}."]
    if others:
        fit = {"stretch": "stretched", "crop": "cropped around their centre", "pad": "padded with the colour of their border"}
        odd = sum(not alike(each.size, chosen) for each in seen if each.size != chosen)
        change = f", and {odd:,} of other proportions were {fit[options.fit or 'pad']}" if odd else ""
        rules.append(f"{others:,} of {len(seen):,} pictures had another size and were brought to it{change}.")
    coloured = sum(each.colour for each in seen)
    if 0 < coloured < len(seen):
        rules.append(f"All are read as colour, since {coloured:,} of {len(seen):,} are in colour.")
    return (*chosen, 3 if coloured else 1), rules


def _proposal(sizes: Sequence[ImageSize], count: int) -> str:
    smallest, largest = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
    height, width = (float(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    shrink = min(1.0, PROPOSED / max(height, width))
    proposed = f"--size {max(1, round(height * shrink))}x{max(1, round(width * shrink))}"
    return (
        f"The {count:,} pictures have {len(sizes):,} sizes, from {smallest[0]} x {smallest[1]} to {largest[0]} x {largest[1]} "
        f"(height x width), and none is that of most. State one, such as {proposed}; --fit pad, crop or stretch says what is "
        f"done to other proportions."
    )


def _learned(look: _Look, options: ReadOptions, pool: ThreadPoolExecutor) -> tuple[PictureRule, list[str]]:
    """What is decided for the data set from its training pictures, and the rules about it."""
    deep, ground, said = None, "white", []
    deeper = [picture for picture, seen in zip(look.pictures, look.seen, strict=True) if seen.deep]
    if deeper:
        deep = white_of(max(pool.map(_largest_of, deeper)))
        if deep != 65535:
            said.append(f"Values of more than 8 bits reach from 0 to {deep:g} in these files: {deep:g} is white.")
    clear = [picture for picture, seen in zip(look.pictures, look.seen, strict=True) if seen.clear]
    if clear:
        chosen = clear[:: max(1, len(clear) // BLOCK)][:BLOCK]
        contrast = np.median(list(pool.map(_contrasts, chosen)), axis=0)
        ground = "black" if contrast[0] < FAINT * contrast[1] else "white"
        white_ink = ", since they are drawn in white" if ground == "black" else ""
        said.append(f"{len(clear):,} pictures with transparent pixels were laid on {ground}{white_ink}.")
    return PictureRule((0.0,), (255.0,), options.fit or "pad", deep, "black" if ground == "black" else "white"), said


def _pages(looks: Mapping[PartName, _Look]) -> list[str]:
    seen = [each for look in looks.values() for each in look.seen]
    said = []
    if pages := sum(each.pages > 1 for each in seen):
        said.append(f"{pages:,} images are pages of TIFF files with several.")
    if moving := sum(each.moving for each in seen):
        said.append(f"{moving:,} {'picture moves' if moving == 1 else 'pictures move'}: the first frame counts.")
    return said


def white_of(largest: float) -> float:
    """The value that is white where values of more than 8 bits reach up to this."""
    return 1.0 if largest <= 1 else depth_of(max(largest, 255))


def _largest_of(picture: PictureItem) -> float:
    with _opened(picture) as image:
        return _largest(image)


def _largest(image: Image) -> float:
    values = np.asarray(image)
    return float(values.max(initial=0, where=np.isfinite(values)))


def _contrasts(picture: PictureItem) -> tuple[float, float]:
    """Standard deviation of a transparent picture on white, and on black."""
    with _opened(picture) as image:
        white, black = (np.asarray(_laid(image, ground).convert("L"), dtype=np.float64).std() for ground in ("white", "black"))
        return float(white), float(black)


def _seen(image: Image) -> Seen:
    pages = _count_pages(image) if image.format == "TIFF" else 1
    moving = image.format != "TIFF" and bool(getattr(image, "is_animated", False))
    return Seen(_upright(image), _coloured(image), image.mode in DEEP, image.has_transparency_data, pages, moving)


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


def _upright(image: Image) -> ImageSize:
    width, height = image.size
    turned = image.format in ("JPEG", "MPO") and image.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)


def _coloured(image: Image) -> bool:
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0, 0, 0]).reshape(-1, 3)
        return bool((palette != palette[:, :1]).any())
    return image.mode not in ("1", "L", "LA", "La", *DEEP)


def _pixels(image: Image, shape: tuple[int, int, int], rule: PictureRule) -> NDArray[np.uint8]:
    """Decode a picture in this shape."""
    from PIL import Image, ImageOps

    height, width, channels = shape
    if image.format in ("JPEG", "MPO"):
        image = ImageOps.exif_transpose(image)
    if image.mode in DEEP:
        image = Image.fromarray(_shallow(np.asarray(image), rule.deep or 65535.0))
    if image.has_transparency_data:
        image = _laid(image, rule.ground)
    image = image.convert("RGB" if channels == 3 else "L")
    if image.size != (width, height):
        image = _fitted(image, (height, width), rule.fit)
    return np.asarray(image, dtype=np.uint8).reshape(shape)


def _shallow(values: NDArray[Any], white: float) -> NDArray[np.uint8]:
    """Values of more than 8 bits as bytes."""
    if white == 65535 and values.dtype.kind in "iu":
        return (values.astype(np.int64).clip(0, 65535) >> 8).astype(np.uint8)
    return np.rint(np.nan_to_num(values.astype(np.float64)).clip(0, white) * (255 / white)).astype(np.uint8)


def _laid(image: Image, ground: Ground | str) -> Image:
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
def _opened(picture: PictureItem) -> Iterator[Image]:
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
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings about files that it reads correctly; errors are checked here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
