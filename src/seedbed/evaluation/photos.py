"""From a photo of a drawn sign to an image as the training images are: the ink is found, and placed as theirs is.

MNIST's digits were scaled into a box of 20 x 20 pixels with their proportions kept, and placed with their centre of mass in the
middle of 28 x 28 pixels. Whatever of this holds for some training images is measured on them: the size of the box, what is in
the middle, how wide the strokes are, and whether ink is lighter than the ground.

Of a photo, the ground is estimated locally, as the median around each pixel, so that shadows are part of it; ink is what
differs from it. Marks that touch the picture's edge (the paper's end, the edge of a shadow) and far or small ones are left out.

Source: for MNIST LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document recognition".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Brightness = NDArray[np.float32]
"""Brightness `(h, w)`: 0 is black, 1 is white."""
Mask = NDArray[np.bool_]
Box = tuple[slice, slice]

PAGE = 512
"""Longer side at which a photo is searched for ink (pixels)."""

THUMBNAIL, WINDOW = 64, 25
"""Longer side of the picture from which the ground is estimated, and side of the median's window there (pixels)."""

FAINTEST = 0.12
"""Contrast to the ground below which nothing is ink."""

LEAST_ROOM = 0.25
"""Darker grounds count as this one for the contrast of dark ink, lighter ones for that of light ink."""

OF_STRONGEST, OF_NOISE = 0.4, 6.0
"""Ink has this share of the strongest contrast, and this multiple of the noise."""

LEAST_MARK = 1 / 2000
"""Area of a mark below which it is dust, as a share of the picture."""

NEAR, SUBSTANTIAL = 0.35, 0.04
"""Other marks belong to the largest one if they are within this share of its longer side, and have this share of its ink."""

MEASURED = 300
"""Training images that are measured."""

FINE = 4
"""Factor by which training images are enlarged for the width of their strokes."""

STROKES = (0.8, 1.3)
"""Strokes are made wider or narrower where their width is not within these multiples of that of the training images."""


@dataclass(frozen=True)
class InkLayout:
    """Where training images have their ink.

    Attributes:
        ground: brightness around the ink.
        side: longer side of the ink's box, as a share of the image's shorter side.
        by_mass: whether the centre of mass is in the middle; if not, the middle of the box.
        stroke: width of the strokes, as a share of the box's longer side.
    """

    ground: float
    side: float
    by_mass: bool
    stroke: float

    @classmethod
    def of(cls, images: Brightness, ground: float) -> Self | None:
        """Measure training images `(n, h, w)` with this brightness around their ink; None where there is no ink."""
        inks = [_against(image, ground) for image in images[:: max(1, len(images) // MEASURED)]]
        boxes = [(ink, box) for ink in inks if (box := box_of(ink > 0.5))]
        if not boxes:
            return None
        middle = (np.array(images.shape[1:]) - 1) / 2
        of_mass = np.array([_centre(ink) - middle for ink, _ in boxes])
        of_box = np.array([[(side.start + side.stop - 1) / 2 for side in box] - middle for _, box in boxes])
        sides = [max(_extent(box)) for _, box in boxes]
        strokes = [_stroke(_enlarged(ink[box]) > 0.5) / FINE / side for (ink, box), side in zip(boxes, sides, strict=True)]
        side = float(np.median(sides)) / min(images.shape[1:])
        return cls(ground, side, bool(np.abs(of_mass).mean() < np.abs(of_box).mean()), float(np.median(strokes)))

    @property
    def light(self) -> bool:
        """Whether ink is lighter than the ground."""
        return self.ground < 0.5


@dataclass(frozen=True, eq=False)
class Ink:
    """The ink that was found in a picture.

    Attributes:
        strength: contrast to the ground in the box around the ink, 0 to 1, `(h, w)`; 0 besides the ink.
        mask: where ink is, `(h, w)`.
        light: whether it is lighter than the ground.
        box: place of its box in the picture.
        others: number of marks that were left out.
    """

    strength: Brightness
    mask: Mask
    light: bool
    box: Box
    others: int


def find_ink(page: Brightness, *, light: bool | None = None) -> Ink | None:
    """Find the ink of a picture; None where nothing stands out from the ground.

    Args:
        page: the picture, its longer side at most `PAGE` pixels.
        light: whether ink is lighter than the ground. None means whichever stands out more.
    """
    ground = local_ground(page)
    dark_ink, light_ink = _contrast(ground - page, ground), _contrast(page - ground, 1 - ground)
    if light is None:
        light = _energy(light_ink) > _energy(dark_ink)
    contrast = _smoothed(light_ink if light else dark_ink)
    noise = float(np.median(np.abs((page - ground) - np.median(page - ground)))) / 0.6745
    strongest = float(contrast.max())
    if strongest < FAINTEST:
        return None
    mask, others = _marks(contrast > max(OF_STRONGEST * strongest, OF_NOISE * noise), contrast)
    box = box_of(mask)
    if box is None:
        return None
    full = float(np.quantile(contrast[mask], 0.75))
    strength = np.where(_grown(mask), np.clip(contrast / full, 0, 1), 0).astype(np.float32)
    return Ink(strength[box], mask[box], light, box, others)


def placed(ink: Ink, layout: InkLayout, size: tuple[int, int]) -> Brightness:
    """An image of this height and width with the ink where training images have theirs, in brightness."""
    from PIL import Image

    strength = _of_stroke(ink, layout)
    height, width = strength.shape
    longer = max(1, round(layout.side * min(size)))
    new = [max(1, round(side * longer / max(height, width))) for side in (height, width)]
    small = np.asarray(Image.fromarray(strength).resize((new[1], new[0]), Image.Resampling.BOX), dtype=np.float32)
    full = np.quantile(small[small > 0.2], 0.9) if (small > 0.2).any() else 1.0
    small = np.clip(small / full, 0, 1)
    middle = _centre(small) if layout.by_mass else (np.array(small.shape) - 1) / 2
    top, left = (round(float(each)) for each in (np.array(size) - 1) / 2 - middle)
    image = np.zeros(size, np.float32)
    rows, columns = (_overlap(start, length, side) for start, length, side in zip((top, left), small.shape, size, strict=True))
    image[rows[0], columns[0]] = small[rows[1], columns[1]]
    return np.asarray(layout.ground + image * (1 - layout.ground if layout.light else -layout.ground), dtype=np.float32)


def _contrast(difference: Brightness, to: Brightness) -> Brightness:
    """A difference as a share of the largest one that this ground allows, 0 to 1."""
    return np.asarray(np.clip(difference / np.maximum(to, LEAST_ROOM), 0, 1), dtype=np.float32)


def local_ground(page: Brightness) -> Brightness:
    """Brightness of the ground at each pixel: the median of a wide window around it."""
    from PIL import Image
    from scipy.ndimage import median_filter

    height, width = page.shape
    shrink = max(1.0, max(page.shape) / THUMBNAIL)
    size = max(1, round(width / shrink)), max(1, round(height / shrink))
    thumbnail = np.asarray(Image.fromarray(page).resize(size, Image.Resampling.BOX))
    ground = median_filter(thumbnail, size=WINDOW, mode="nearest")
    return np.asarray(Image.fromarray(ground).resize((width, height), Image.Resampling.BILINEAR), dtype=np.float32)


def box_of(mask: Mask) -> Box | None:
    """The smallest box around what is True; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _marks(mask: Mask, contrast: Brightness) -> tuple[Mask, int]:
    """The largest connected mark with those that belong to it, and the number of others."""
    from scipy.ndimage import find_objects, label, sum_labels

    numbered, count = label(mask, structure=np.ones((3, 3)))
    boxes: list[Box] = [(rows, columns) for rows, columns in find_objects(numbered)]
    numbers = np.arange(1, count + 1)
    areas = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    inked = np.asarray(sum_labels(contrast, numbered, numbers))
    large = areas >= max(4, LEAST_MARK * mask.size)
    inside = np.array([not _touches(box, mask.shape) for box in boxes], dtype=np.bool_)
    known = large & inside if (large & inside).any() else large
    if not known.any():
        return np.zeros_like(mask), 0
    main = int(np.argmax(np.where(known, inked, 0)))
    reach = NEAR * max(_extent(boxes[main]))
    near = np.array([_distance(box, boxes[main]) <= reach for box in boxes], dtype=np.bool_)
    belongs = near & (inked >= SUBSTANTIAL * inked[main])
    belongs &= inside | (numbers - 1 == main)
    return np.isin(numbered, numbers[belongs]), int((known & ~belongs).sum())


def _touches(box: Box, shape: tuple[int, ...]) -> bool:
    return any(side.start == 0 or side.stop == length for side, length in zip(box, shape, strict=True))


def _distance(box: Box, other: Box) -> int:
    """Largest gap between two boxes along an axis (pixels)."""
    return max(max(int(a.start) - int(b.stop), int(b.start) - int(a.stop), 0) for a, b in zip(box, other, strict=True))


def _extent(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def _energy(contrast: Brightness) -> float:
    return float((contrast[contrast > FAINTEST] ** 2).sum())


def _smoothed(contrast: Brightness) -> Brightness:
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(contrast, 3, mode="nearest"), dtype=np.float32)


def _grown(mask: Mask) -> Mask:
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(mask, iterations=2))


def _against(image: Brightness, ground: float) -> Brightness:
    """Contrast of an image to an even ground, 0 to 1."""
    return np.asarray(np.abs(image - ground) / max(ground, 1 - ground), dtype=np.float32)


def _centre(weights: Brightness) -> NDArray[np.float64]:
    """Row and column of the centre of mass."""
    total = max(float(weights.sum()), 1e-9)
    rows, columns = (np.arange(length) for length in weights.shape)
    return np.array([weights.sum(axis=1) @ rows, weights.sum(axis=0) @ columns]) / total


def _enlarged(ink: Brightness) -> Brightness:
    from PIL import Image

    size = (FINE * ink.shape[1], FINE * ink.shape[0])
    return np.asarray(Image.fromarray(np.ascontiguousarray(ink, np.float32)).resize(size, Image.Resampling.BICUBIC))


def _stroke(mask: Mask) -> float:
    """Width of strokes: twice their area, divided by the length of their edges (pixels)."""
    from scipy.ndimage import binary_erosion

    edges = mask & ~binary_erosion(mask)
    return 2 * float(mask.sum()) / max(1, int(edges.sum()))


def _of_stroke(ink: Ink, layout: InkLayout) -> Brightness:
    """The ink with strokes about as wide, for its size, as those of the training images."""
    from scipy.ndimage import grey_dilation, grey_erosion

    own, target = _stroke(ink.mask), layout.stroke * max(ink.mask.shape)
    if STROKES[0] * target <= own <= STROKES[1] * target:
        return ink.strength
    reach = round(abs(target - own) / 2)
    reach = min(reach, max(1, int(own / 3))) if own > target else reach
    if not reach:
        return ink.strength
    disk = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1]) <= reach
    padded = np.pad(ink.strength, reach)
    changed = (grey_erosion if own > target else grey_dilation)(padded, footprint=disk)
    box = box_of(changed > 0.5)
    return np.ascontiguousarray(changed[box] if box else ink.strength, dtype=np.float32)


def _overlap(start: int, length: int, side: int) -> Box:
    """Where a strip of some length that starts at `start` lies in one of `side`, and which part of it does."""
    first, last = max(0, start), min(side, start + length)
    return slice(first, max(first, last)), slice(first - start, max(first, last) - start)
