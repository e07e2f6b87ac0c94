"""What a user may say about files that do not speak for themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from seedbed.errors import SpecError, nearest
from seedbed.records import FITS, PictureFit

ImageSize = tuple[int, int]
Channels = Literal["grey", "colour"]
CHANNELS: tuple[Channels, ...] = get_args(Channels)

MOST_SIDE = 10_000
"""Longest side of an image (pixels)."""


@dataclass(frozen=True)
class ReadOptions:
    """How to read the files of a data set; each is None or False where the files are to speak for themselves.

    Attributes:
        size: height and width to which pictures are brought, or of images in rows of pixels.
        fit: what is done to pictures of other proportions.
        label_column: column of labels in a table, by name or number.
        separator: what separates the columns of a table: a character, or "tab" or "space".
        label_pattern: regular expression that finds a picture's label in its name: its first group, or all that it matches.
        prefix: beginning of the names of the files to read, where a folder has several data sets.
        transpose: whether rows and columns of the images are swapped.
        channels: whether pictures are read as grey or as colour. None means colour where any picture has some.
        skip_damaged: whether damaged pictures are left out.
    """

    size: ImageSize | None = None
    fit: PictureFit | None = None
    label_column: str | None = None
    separator: str | None = None
    label_pattern: str | None = None
    prefix: str | None = None
    transpose: bool = False
    skip_damaged: bool = False
    channels: Channels | None = None

    def __post_init__(self) -> None:
        """Check the choices; patterns and separators are checked where they are used."""
        if self.fit is not None and self.fit not in FITS:
            raise SpecError(f"fit = {self.fit!r} is not known.{nearest(self.fit, FITS)} Known: {', '.join(FITS)}.")
        if self.channels not in (None, *CHANNELS):
            near = nearest(str(self.channels), CHANNELS)
            raise SpecError(f"channels = {self.channels!r} is not known.{near} Known: {', '.join(CHANNELS)}.")
        if self.size is not None and not all(1 <= side <= MOST_SIDE for side in self.size):
            raise SpecError(f"size = {self.size}: height and width must be from 1 to {MOST_SIDE:,} pixels.")


NO_OPTIONS = ReadOptions()
"""The files speak for themselves."""
