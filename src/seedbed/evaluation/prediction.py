"""A trained network's answers to image files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.data.readers import pictures
from seedbed.errors import DataError, RunError, SpecError, nearest
from seedbed.records import Result, finite
from seedbed.runs import RunStore

Inversion = Literal["auto", "yes", "no"]
INVERSIONS = ("auto", "yes", "no")

SAMPLE = 1000
"""Training images whose borders are looked at."""

DARK = 0.05
"""Brightness below which a border counts as black."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network's answer to one image file.

    Attributes:
        classes: their names; `probabilities` `(C,)` in their order.
        preprocessing: what was done to the picture, one sentence each.
        image: `(h, w, c)`, as the network saw it but for the scale.
    """

    path: Path
    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]
    preprocessing: tuple[str, ...]
    image: NDArray[Any]

    @property
    def best(self) -> str:
        """The class of the highest probability."""
        return self.classes[int(self.probabilities.argmax())]

    def top(self, count: int = 3) -> list[tuple[str, float]]:
        """The likeliest classes with their probabilities, the likeliest first."""
        order = np.argsort(-self.probabilities, kind="stable")[:count]
        return [(self.classes[index], float(self.probabilities[index])) for index in order]

    def as_json(self) -> dict[str, Any]:
        """Path, predicted class, all probabilities (the likeliest first), preprocessing."""
        plain: dict[str, Any] = finite(
            {
                "path": str(self.path),
                "predicted": self.best,
                "probabilities": dict(self.top(len(self.classes))),
                "preprocessing": self.preprocessing,
            }
        )
        return plain


@dataclass(frozen=True)
class Border:
    """How bright the borders of the training images are, in [0, 1]: their mean and its spread from image to image."""

    mean: float
    spread: float


def predict(home: RunStore, name: str, paths: Sequence[Path], *, invert: Inversion = "auto") -> list[Prediction]:
    """What a run's best network says to image files (PNG, JPEG) of any size.

    Each picture is brought to the network's size and channels as the reader of image folders does it: stretched. A network
    that learned white digits on black has never seen a black digit on white; "auto" turns a picture to its negative when its
    border does not look like the training images' borders and the negative's does; and where all training images lie on black,
    it takes out a background that is not.

    Args:
        name: of a run, or of a group: then of its best run by validation accuracy.

    Raises:
        RunError: the network diverged, or it was trained on permuted pixels.
        DataError, CorruptData: a file cannot be read; names it.
        SpecError: `invert` is not known.
    """
    if invert not in INVERSIONS:
        raise SpecError(f"invert = {invert!r}: it must be {', '.join(INVERSIONS)}.{nearest(str(invert), INVERSIONS)}")
    result = _best(home, name)
    dataset = data.load(result.run.data)
    border = border_of(dataset)
    seen = [prepared(Path(path), dataset, border, invert) for path in paths]
    if not seen:
        return []
    images = np.stack([image for image, _ in seen])
    found = models.probabilities(
        result.run.model,
        home.weights(result.name, "best"),
        images,
        scale=dataset.scale,
        classes=len(dataset.classes),
    )
    rows = zip(paths, found, seen, strict=True)
    return [Prediction(Path(path), dataset.classes, row, said, image) for path, row, (image, said) in rows]


def _best(home: RunStore, name: str) -> Result:
    ranked = [result for result in home.find(name) if result.verdict.ranked and result.best]
    if not ranked:
        raise RunError(f"{name!r} has no network that can answer: every run of it diverged or collapsed.")
    result = max(ranked, key=lambda one: one.history["validation_accuracy"][one.best - 1])
    if result.run.data.permutation is not None:
        raise RunError(f"Run {result.name!r} was trained on permuted pixels; a picture as it is means nothing to it.")
    return result


def prepared(path: Path, dataset: Dataset, border: Border, invert: Inversion) -> tuple[NDArray[Any], tuple[str, ...]]:
    """A picture as the network is to see it, `(h, w, c)`, and what was done to it, one sentence each."""
    height, width, channels = dataset.image_shape
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    image = pictures.read_one(path, dataset.image_shape, dataset.scale)
    said = [*_resized(path, (height, width)), "Read as colour." if channels == 3 else "Read as grey."]
    negative, why = _decision(_brightness(image[None], dataset.scale)[0], border, invert)
    if negative:
        image = (dataset.scale - image).astype(image.dtype)
    levelled = _levelled(image, dataset.scale, border) if invert == "auto" else None
    if levelled is None:
        return image, (*said, why)
    return levelled, (*said, why, "Its background was brought to that of the training images, and its contrast stretched.")


def _levelled(image: NDArray[Any], scale: float, border: Border) -> NDArray[Any] | None:
    """The picture with the background that all training images share, where they do and it has another: paper is not white.

    What lies between the border's brightness and the brightest pixels (but for the top hundredth) fills the range above.
    """
    shares = image.astype(np.float64) / scale
    ground, top = float(_brightness(image[None], scale)[0]), float(np.quantile(shares, 0.99))
    if not (border.mean < DARK and border.spread < DARK and ground - border.mean > DARK and top > ground):
        return None
    level = border.mean + (shares - ground) * (1 - border.mean) / (top - ground)
    full = np.clip(level, 0, 1) * scale
    return np.rint(full).astype(image.dtype) if image.dtype == np.uint8 else full.astype(image.dtype)


def _resized(path: Path, size: tuple[int, int]) -> list[str]:
    """What the change of size was; the reader has found the file sound before."""
    from PIL import Image

    with Image.open(path, formats=pictures.FORMATS) as header:
        turned = header.format == "JPEG" and header.getexif().get(pictures.ORIENTATION, 1) in (5, 6, 7, 8)
        before = header.size if turned else header.size[::-1]
    if before == size:
        return []
    stretched = before[0] * size[1] != before[1] * size[0]
    how = "Stretched" if stretched else "Resized"
    return [f"{how} from {before[0]} x {before[1]} to {size[0]} x {size[1]} pixels (height x width)."]


def border_of(dataset: Dataset) -> Border:
    """From an even sample of the training images."""
    rows = np.unique(np.linspace(0, len(dataset.train) - 1, SAMPLE).astype(np.int64))
    brightness = _brightness(dataset.train.take(rows), dataset.scale)
    return Border(float(brightness.mean()), float(brightness.std()))


def _brightness(images: NDArray[Any], scale: float) -> NDArray[np.float64]:
    """The mean of each image's outermost pixels, `(n, h, w, c)` -> `(n,)`, in [0, 1]."""
    edge = np.zeros(images.shape[1:3], dtype=bool)
    edge[[0, -1], :] = edge[:, [0, -1]] = True
    brightness: NDArray[np.float64] = images[:, edge].mean(axis=(1, 2), dtype=np.float64) / scale
    return brightness


def _decision(brightness: float, border: Border, invert: Inversion) -> tuple[bool, str]:
    if invert != "auto":
        return invert == "yes", "Inverted, as asked for." if invert == "yes" else "Not inverted, as asked for."
    unlike = abs(brightness - border.mean) > max(3 * border.spread, 0.1)
    negative = unlike and abs(1 - brightness - border.mean) < abs(brightness - border.mean)
    seen = f"its border's brightness is {brightness:.2f}, that of the training images {border.mean:.2f}"
    return negative, f"{'Inverted' if negative else 'Not inverted'}: {seen}."
