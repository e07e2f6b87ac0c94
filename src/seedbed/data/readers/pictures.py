"""Picture files of the formats that Pillow reads safely, as images of one shape.

What is decided once for a data set, from its training part, and kept with it, so that `predict` reads a picture as training
did: the shape (a size that most pictures have, or the requested one; colour if any picture has any), what is done to
pictures of other proportions, the value that is white in files of more than 8 bits, and what is behind transparent pixels.
JPEG's orientation tag is applied. The pages of a TIFF are images of their own; of an animation the first frame counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Content, Labelled, PartName, class_order
from seedbed.data.readers.decoding import (
    SMALL,
    PictureItem,
    Seen,
    alike,
    has_shades_alone,
    laid_on,
    largest_of,
    opened,
    pixels_of,
    quiet,
    seen_of,
    white_of,
)
from seedbed.data.readers.files import MOST_DECODED
from seedbed.data.readers.inventory import Inventory, some
from seedbed.data.readers.options import ImageSize, ReadOptions
from seedbed.data.readers.png import MODES, plain_pixels
from seedbed.devices import cores
from seedbed.errors import CorruptData, DataError
from seedbed.records import PictureRule
from seedbed.words import counted

if TYPE_CHECKING:
    from PIL.Image import Image

QUICK = 1 << 30
"""Bytes of images that may be decoded before their common shape is known."""

BLOCK = 64
"""Pictures that a thread takes at once."""

LARGE = 1 << 14
"""Pixels of a picture from which on several threads read. Smaller ones spend their time in Python code, under its lock, so that
further threads only wait."""

COMMON = 0.5
"""Share of the pictures above which their most frequent size is that of the data set."""

PROPOSED = 64
"""Longer side of a proposed size (pixels)."""

LISTED = 10
"""Damaged pictures that are named."""

FAINT = 0.1
"""Contrast on white, as a share of that on black, below which transparent pictures are drawn in white ink."""


PartPictures = Mapping[PartName, Sequence[PictureItem]]


def read(pictures: PartPictures, inventory: Inventory, options: ReadOptions, rules: Sequence[str] = ()) -> Content:
    """Read the pictures of all parts.

    Raises:
        DataError: they have no common size and none was requested, or do not fit into memory.
        CorruptData: pictures are damaged, too large, or of another format; the message names the first ten.
    """
    with quiet(), ThreadPoolExecutor(cores()) as pool:
        progress = _Progress(inventory, pictures)
        colour = _ColourSearch(options)
        looks = {part: _Look(chosen, pool, progress, colour) for part, chosen in pictures.items()}
        inventory.take(*(picture.file for chosen in pictures.values() for picture in chosen))
        if not looks["train"].pictures:
            raise CorruptData(_damaged(looks, inventory))
        every = [seen for look in looks.values() for seen in look.seen]
        size, decided = _common_size(every, options)
        channels, more = _channels(every, options)
        shape, decided = (*size, channels), [*decided, *more]
        total = sum(len(look.pictures) for look in looks.values())
        if not total * int(np.prod(shape)) <= MOST_DECODED:
            raise DataError(
                f"{inventory.path}: {total:,} pictures of {shape[0]} x {shape[1]} do not fit into memory. Choose a --size."
            )
        rule, learned = _learned(looks["train"], options, pool)
        classes = class_order([picture.label for look in looks.values() for picture in look.pictures])
        numbers = {name: label for label, name in enumerate(classes)}
        parts = {part: look.labelled(shape, rule, numbers) for part, look in looks.items()}
    told = [*rules, *decided, *learned, *_pages(looks)]
    if any(look.errors for look in looks.values()):
        if not (options.skip_damaged and len(parts["train"].images)):
            raise CorruptData(_damaged(looks, inventory))
        told.append(_damaged(looks, inventory, skipped=True))
    return Content(parts, classes, 255.0, tuple(told), rule)


class _ColourSearch:
    """Whether any picture has colour: pictures that are stored in colour are looked at until one has.

    Several threads look, so that which pictures are looked at is a matter of luck; whether one has colour is not.
    """

    def __init__(self, options: ReadOptions) -> None:
        self.over = options.channels is not None

    def seen(self, image: Image) -> Seen:
        """A picture by its header, and while no colour was found by its pixels."""
        seen = seen_of(image)
        if not seen.colour or self.over:
            return seen
        if has_shades_alone(image):
            return replace(seen, colour=False)
        self.over = True
        return seen


class _Progress:
    """Counts the pictures whose pixels were read, and reports their number."""

    def __init__(self, inventory: Inventory, pictures: PartPictures) -> None:
        self._inventory, self._done, self._total = inventory, 0, sum(map(len, pictures.values()))

    def add(self, count: int) -> None:
        self._done = min(self._done + count, self._total)
        self._inventory.report(self._done, self._total, "pictures")


class _Look:
    """A first look at the pictures of a part: headers, and at once the pixels of those that have the expected shape.

    Attributes:
        pictures: readable pictures, one for each page.
        seen: their headers.
        errors: source of a picture that cannot be read -> why, in a sentence that names the file.
    """

    def __init__(
        self, given: Sequence[PictureItem], pool: ThreadPoolExecutor, progress: _Progress, colour: _ColourSearch
    ) -> None:
        self.errors: dict[str, str] = {}
        looked: list[Seen | None] = [None] * len(given)
        expected = next((seen for picture in given[:BLOCK] if (seen := _first(picture)) is not None), None)
        self._shape = (*expected.size, 3 if expected.colour else 1) if expected else (0, 0, 0)
        self._map: Callable[..., Iterator[None]] = pool.map if self._shape[0] * self._shape[1] >= LARGE else map
        room = int(np.prod(self._shape)) * len(given) <= QUICK
        self._quick = np.empty((len(given), *self._shape) if room else (0, *self._shape), dtype=np.uint8)
        ready = np.zeros(len(given), dtype=bool)
        some_plain = room and expected and any(_plain(picture, self._shape) is not None for picture in given[:BLOCK])
        plain = _plain_seen(self._shape) if some_plain else None

        def look(start: int) -> None:
            for index in range(start, min(start + BLOCK, len(given))):
                try:
                    pixels = _plain(given[index], self._shape) if plain and (colour.over or not plain.colour) else None
                    if pixels is not None:
                        looked[index], self._quick[index], ready[index] = plain, pixels, True
                        continue
                    with opened(given[index]) as image:
                        looked[index] = seen = colour.seen(image)
                        if room and _is_plain(seen, image, self._shape):
                            mode = MODES[self._shape[2]]
                            same = image if image.mode == mode else image.convert(mode)
                            self._quick[index] = np.asarray(same).reshape(self._shape)
                            ready[index] = True
                except DataError as error:
                    looked[index] = None
                    self.errors[given[index].source] = str(error)

        starts = range(0, len(given), BLOCK)
        for start, _ in zip(starts, self._map(look, starts), strict=True):
            progress.add(int(ready[start : start + BLOCK].sum()))
        self._progress = progress
        whole = [(index, picture, seen) for index, (picture, seen) in enumerate(zip(given, looked, strict=True)) if seen]
        self._rows = np.array([index for index, _, seen in whole for _ in range(seen.pages)], dtype=np.int64)
        self._ready = ready[self._rows] if len(self._rows) else np.zeros(0, dtype=bool)
        self.pictures = [
            replace(picture, page=page) if page else picture for _, picture, seen in whole for page in range(seen.pages)
        ]
        self.seen = [seen for _, _, seen in whole for _ in range(seen.pages)]

    def labelled(self, shape: tuple[int, int, int], rule: PictureRule, numbers: Mapping[str, int]) -> Labelled:
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
                    with opened(self.pictures[index]) as image:
                        images[index] = pixels_of(image, shape, rule)
                except DataError as error:
                    sound[index] = False
                    self.errors[self.pictures[index].source] = str(error)

        starts = range(0, len(left), BLOCK)
        for start, _ in zip(starts, self._map(decode, starts), strict=True):
            self._progress.add(min(BLOCK, len(left) - start))
        chosen = self.pictures if sound.all() else [self.pictures[index] for index in np.flatnonzero(sound)]
        labels = np.array([numbers[picture.label] for picture in chosen], dtype=np.int32)
        return Labelled(images if sound.all() else images[sound], labels, tuple(picture.source for picture in chosen))


def _first(picture: PictureItem) -> Seen | None:
    try:
        with opened(picture) as image:
            seen = seen_of(image)
            return replace(seen, colour=False) if seen.colour and has_shades_alone(image) else seen
    except DataError:
        return None


def _plain(picture: PictureItem, shape: tuple[int, int, int]) -> NDArray[np.uint8] | None:
    """The pixels of a plain PNG of this shape, by its decoder alone; None if it is anything else."""
    if picture.page or picture.file.size > SMALL:
        return None
    try:
        with picture.file.opened() as file:
            return plain_pixels(file, shape)
    except OSError:
        return None


def _plain_seen(shape: tuple[int, int, int]) -> Seen:
    """What the header of a plain PNG of this shape says."""
    in_colour = shape[2] == 3
    return Seen(shape[:2], in_colour, in_colour, deep=False, clear=False, pages=1, moving=False)


def _is_plain(seen: Seen, image: Image, shape: tuple[int, int, int]) -> bool:
    """Whether a picture's pixels are those of the file, whatever is decided for the data set but its colour."""
    of_mode = image.mode == MODES[shape[2]] or (image.mode == "RGB" and not seen.colour)
    return of_mode and (image.height, image.width) == shape[:2] == seen.size and seen.pages == 1 and not seen.clear


def _damaged(looks: Mapping[PartName, _Look], inventory: Inventory, *, skipped: bool = False) -> str:
    """The sentence about damaged pictures: the first ten and their number."""
    errors = {source: why for look in looks.values() for source, why in sorted(look.errors.items())}
    total = sum(len(look.pictures) for look in looks.values())
    if skipped:
        return f"Not read: {counted(len(errors), 'damaged picture')} ({some(errors, LISTED)}), left out as requested."
    if len(errors) == 1:
        return f"{next(iter(errors.values()))} --skip-damaged leaves it out."
    reasons = [why.removeprefix(f"{inventory.path}/").split(". ")[0][:150].rstrip(".") for why in errors.values()]
    more = f"; and {len(reasons) - LISTED:,} more" if len(reasons) > LISTED else ""
    return (
        f"{inventory.path}: {len(errors):,} pictures cannot be read ({total:,} can): {'; '.join(reasons[:LISTED])}{more}. "
        f"--skip-damaged leaves them out."
    )


def _common_size(seen: Sequence[Seen], options: ReadOptions) -> tuple[ImageSize, list[str]]:
    """Height and width for all pictures, and the rules that were applied.

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
    return chosen, rules


def _channels(seen: Sequence[Seen], options: ReadOptions) -> tuple[int, list[str]]:
    """The number of channels for all pictures, and the rules that were applied."""
    stored = sum(each.stored for each in seen)
    known = f"{stored:,} of {len(seen):,} pictures are stored in colour"
    if options.channels == "grey":
        return 1, [f"Read as grey, as requested; {known}."] if stored else []
    if options.channels == "colour":
        return 3, ["Read as colour, as requested."]
    if not any(each.colour for each in seen):
        return 1, [f"{known} and have shades of grey alone: all are read as grey."] if stored else []
    mixed = f"{known}, and not all of these have shades of grey alone: all are read as colour."
    return 3, [mixed] if stored < len(seen) else []


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


def _largest_of(picture: PictureItem) -> float:
    with opened(picture) as image:
        return largest_of(image)


def _contrasts(picture: PictureItem) -> tuple[float, float]:
    """Standard deviation of a transparent picture on white, and on black."""
    with opened(picture) as image:
        white, black = (
            np.asarray(laid_on(image, ground).convert("L"), dtype=np.float64).std() for ground in ("white", "black")
        )
        return float(white), float(black)
