"""Predict the classes of image files with a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from seedbed import data
from seedbed.data import Dataset
from seedbed.data.readers import decoding
from seedbed.errors import DataError, RunError, SpecError, nearest
from seedbed.evaluation.familiarity import Familiarity
from seedbed.evaluation.photos import PAGE, InkLayout, find_ink, placed
from seedbed.network import best_run, load_network
from seedbed.records import PictureFit, finite_fields
from seedbed.runs import RunStore
from seedbed.words import counted

Inversion = Literal["auto", "yes", "no"]
INVERSIONS: tuple[Inversion, ...] = get_args(Inversion)
Cropping = Literal["auto", "none"]
CROPPINGS: tuple[Cropping, ...] = get_args(Cropping)

SAMPLE = 1000
"""Training images whose borders are measured."""

DARK = 0.05
"""Brightness below which a border counts as black."""

PLAIN = 0.25
"""Brightness up to which a ground is nearly black, and from 1 minus it nearly white."""

WITHIN = 0.95
"""Share of a side up to which ink is placed within an image; larger signs fill it, as the embedded digits do."""

LARGER = 1.5
"""Multiple of the training images' sides from which on a picture may be a photo."""

EVEN, OPPOSITE = 0.1, 0.5
"""A negative is certain where the borders of the training images are this alike, and that of the picture this far from them."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """The prediction for one image file.

    Attributes:
        path: image file.
        classes: names of the classes.
        probabilities: probabilities `(C,)` in the order of the classes.
        preprocessing: steps of preprocessing, one sentence each.
        image: input of the network before scaling, `(h, w, c)`.
        shown: the same as a screen shows it, uint8 `(h, w, c)`.
        remark: a sentence if the image looks like nothing in the training images; else empty.
    """

    path: Path
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    preprocessing: tuple[str, ...]
    image: NDArray[Any]
    shown: NDArray[np.uint8]
    remark: str = ""

    @property
    def best(self) -> str:
        """The class with the highest probability."""
        return self.classes[int(self.probabilities.argmax())]

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The most probable classes with their probabilities, in descending order."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[index], float(self.probabilities[index])) for index in order]

    def as_json(self) -> dict[str, Any]:
        """Path, predicted class, all probabilities in descending order, preprocessing."""
        probabilities = dict(self.top(len(self.classes)))
        fields = {"predicted": self.best, "probabilities": probabilities, "preprocessing": self.preprocessing}
        return finite_fields({"path": str(self.path), **fields, "remark": self.remark or None})


@dataclass(frozen=True)
class Border:
    """Brightness of the borders of the training images, in [0, 1]: mean and standard deviation over images."""

    mean: float
    spread: float


def predict(
    home: RunStore, name: str, paths: Sequence[Path], *, invert: Inversion = "auto", crop: Cropping = "auto"
) -> list[Prediction]:
    """Predict the classes of image files (PNG, JPEG) of any size with a run's best network.

    Each picture is brought to the network's size, channels and range of values as the pictures of its training part were. A
    network that learned white digits on black cannot read a black digit on white; "auto" inverts a picture if that is certain:
    the training images are grey and share one background, and the picture's border is at the other end. Pictures are never
    inverted for a network that learned from colour. Where all training images have a black background, "auto" also removes a
    lighter one.

    With `crop` "auto", a grey picture that is larger than the training images, which share one background, is taken for a photo
    of a drawn sign: its ink is found, and placed as that of the training images is (`evaluation.photos`).

    Args:
        home: store of the runs.
        name: name of a run, or of a group, whose run with the best validation accuracy is used.
        paths: image files.
        invert: whether to invert the pictures.
        crop: whether to look for the ink.

    Raises:
        RunError: the network diverged, or it was trained on permuted pixels.
        DataError, CorruptData: a file cannot be read; the message names it.
        SpecError: `invert` or `crop` is unknown.
    """
    for option, value, known in (("invert", invert, INVERSIONS), ("crop", crop, CROPPINGS)):
        if value not in known:
            raise SpecError(f"{option} = {value!r}: it must be {' or '.join(known)}.{nearest(str(value), known)}")
    result = best_run(name, home.find(name))
    if result.run.data.permutation is not None:
        raise RunError(f"Run {result.name!r} was trained on permuted pixels, so it cannot read an ordinary picture.")
    dataset = data.load(result.run.data)
    dataset = replace(dataset, pictures=result.data.pictures or dataset.pictures)
    if not paths:
        return []
    border = border_of(dataset)
    layout = ink_layout(dataset, border) if crop == "auto" else None
    seen = [prepared(Path(path), dataset, border, invert, layout) for path in paths]
    familiarity, rule = Familiarity.of(dataset), dataset.pictures
    images = np.stack([image for image, _ in seen])
    rows = load_network(home, result).probabilities(images)
    return [
        Prediction(Path(path), dataset.classes, row, steps, image, rule.shown(image), familiarity.remark(rule.shares(image)))
        for path, row, (image, steps) in zip(paths, rows, seen, strict=True)
    ]


def prepared(
    path: Path, dataset: Dataset, border: Border, invert: Inversion, layout: InkLayout | None = None
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Prepare a picture for the network, `(h, w, c)`; also returns the steps of preprocessing, one sentence each.

    Args:
        layout: where training images have their ink, to look for that of larger pictures. None means not to look.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    shares, steps = _as_ink(path, dataset, invert, layout) if layout else (None, [])
    if shares is None:
        shares, more = _as_whole(path, dataset, border, invert)
        steps += more
    rule, stored = dataset.pictures, dataset.train.store.dtype if dataset.scale == 255 else np.dtype(np.float32)
    return rule.values(shares, stored), tuple(steps)


def ink_layout(dataset: Dataset, border: Border) -> InkLayout | None:
    """Where training images have their ink; None where they are in colour, or do not share a ground around their ink."""
    even = border.spread <= EVEN and min(border.mean, 1 - border.mean) <= PLAIN
    if dataset.image_shape[2] != 1 or not even:
        return None
    layout = InkLayout.of(dataset.pictures.shares(dataset.train.sample(SAMPLE))[..., 0], border.mean)
    return layout if layout and layout.side <= WITHIN else None


def _as_ink(path: Path, dataset: Dataset, invert: Inversion, layout: InkLayout) -> tuple[NDArray[np.float32] | None, list[str]]:
    """The ink of a larger picture, placed as that of the training images; None where none is looked for, or found."""
    size, (height, width) = dataset.image_shape[:2], decoding.size_of(path)
    if height < LARGER * size[0] and width < LARGER * size[1]:
        return None, []
    shrink = min(1.0, PAGE / max(height, width))
    page = (max(1, round(height * shrink)), max(1, round(width * shrink)), 1)
    light = None if invert == "auto" else (layout.light if invert == "no" else not layout.light)
    ink = find_ink(decoding.read_one(path, page, dataset.pictures)[..., 0], light=light)
    if ink is None:
        return None, ["No ink was found."]
    rows, columns = ((round(side.start / shrink), round(side.stop / shrink)) for side in ink.box)
    middle = "its centre of mass" if layout.by_mass else "its box"
    steps = [
        f"{'Light' if ink.light else 'Dark'} ink was found in rows {rows[0]} to {rows[1]} and columns {columns[0]} to "
        f"{columns[1]} of {height} x {width} pixels (--crop none takes the whole picture).",
        f"It was taken from its ground, and placed as in the training images: its longer side has "
        f"{round(layout.side * min(size))} of {min(size)} pixels, and {middle} is in the middle.",
    ]
    if ink.others:
        steps.append(f"{counted(ink.others, 'other mark')} were left out." if ink.others > 1 else "Another mark was left out.")
    return placed(ink, layout, size)[..., None], steps


def _as_whole(path: Path, dataset: Dataset, border: Border, invert: Inversion) -> tuple[NDArray[np.float32], list[str]]:
    """The whole picture, resized, and inverted where that is certain."""
    shape, rule = dataset.image_shape, dataset.pictures
    shares = decoding.read_one(path, shape, rule)
    steps = [*_resized(path, shape[:2], rule.fit), "Read as colour." if shape[2] == 3 else "Read as grey."]
    negative, why = _decision(float(_brightness(shares[None])[0]), border, invert, coloured=shape[2] == 3)
    shares = 1 - shares if negative else shares
    steps.append(why)
    levelled = _levelled(shares, border) if invert == "auto" and shape[2] == 1 else None
    if levelled is not None:
        shares = levelled
        steps.append("Its background was set to that of the training images, and its contrast stretched.")
    return shares, steps


def _levelled(shares: NDArray[np.float32], border: Border) -> NDArray[np.float32] | None:
    """Give the picture the background that all training images share (paper is not white); None where it needs no change.

    The range from the border's brightness to the 99th percentile is stretched to the range above that background.
    """
    ground, top = float(_brightness(shares[None])[0]), float(np.quantile(shares, 0.99))
    if not (border.mean < DARK and border.spread < DARK and ground - border.mean > DARK and top > ground):
        return None
    levelled: NDArray[np.float32] = np.clip(border.mean + (shares - ground) * (1 - border.mean) / (top - ground), 0, 1)
    return levelled


def _resized(path: Path, size: tuple[int, int], fit: PictureFit) -> list[str]:
    """Describe the change of size of a file that was read before."""
    before = decoding.size_of(path)
    if before == size:
        return []
    how = "Resized" if decoding.alike(before, size) else {"stretch": "Stretched", "crop": "Cropped", "pad": "Padded"}[fit]
    return [f"{how} from {before[0]} x {before[1]} to {size[0]} x {size[1]} pixels (height x width)."]


def border_of(dataset: Dataset) -> Border:
    """Measure the borders of an even sample of the training images."""
    brightness = _brightness(dataset.pictures.shares(dataset.train.sample(SAMPLE)))
    return Border(float(brightness.mean()), float(brightness.std()))


def _brightness(shares: NDArray[np.float32]) -> NDArray[np.float64]:
    """The mean of each image's outermost pixels, `(n, h, w, c)` -> `(n,)`, in [0, 1]."""
    edge = np.zeros(shares.shape[1:3], dtype=bool)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    brightness: NDArray[np.float64] = shares[:, edge].mean(axis=(1, 2), dtype=np.float64)
    return brightness


def _decision(brightness: float, border: Border, invert: Inversion, *, coloured: bool) -> tuple[bool, str]:
    """Whether to invert a picture whose border has this brightness, and the sentence that says why."""
    if invert != "auto":
        return invert == "yes", "Inverted, as requested." if invert == "yes" else "Not inverted, as requested."
    if coloured:
        return False, "Not inverted: the network learned from colour."
    opposite = (brightness > OPPOSITE) != (border.mean > OPPOSITE) and abs(1 - brightness - border.mean) < OPPOSITE
    negative = opposite and border.spread <= EVEN and abs(brightness - border.mean) > OPPOSITE
    seen = f"its border's brightness is {brightness:.2f}, that of the training images {border.mean:.2f}"
    if opposite and not negative:
        seen += f" (standard deviation {border.spread:.2f}); if it is a negative of them, --invert yes"
    return negative, f"{'Inverted' if negative else 'Not inverted'}: {seen}."
