"""Photos of drawn signs: dark ink on lit paper, with a shadow, noise, rotation, and the sign away from the middle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]

PAPER, INK = 0.86, 0.2


def drawn(sign: Any, random: np.random.Generator, *, size: tuple[int, int] = (450, 600), turn: float = 10.0) -> Floats:
    """A page with this sign, `(h, w)` with 0 for no ink and 1 for ink, as brightness from 0 to 1.

    Args:
        size: height and width of the photo (pixels).
        turn: largest rotation (degrees).
    """
    height, width = size
    side = int(random.uniform(0.35, 0.6) * min(size))
    image = Image.fromarray((np.clip(sign, 0, 1) * 255).astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
    image = image.rotate(random.uniform(-turn, turn), Image.Resampling.BICUBIC, expand=True)
    strokes = np.clip((np.asarray(image, np.float64) / 255 - 0.35) * 4, 0, 1)  # a pen is dark or not there
    strokes = strokes[: height - 2, : width - 2]
    top = int(random.uniform(0.02, 0.98) * (height - strokes.shape[0]))
    left = int(random.uniform(0.02, 0.98) * (width - strokes.shape[1]))
    ink = np.zeros(size)
    ink[top : top + strokes.shape[0], left : left + strokes.shape[1]] = strokes
    page = (PAPER * (1 - ink) + INK * ink) * _light(random, size)
    return np.clip(page + 0.015 * random.standard_normal(size), 0, 1)


def _light(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    """Light from one side, and the soft edge of a shadow somewhere on the page."""
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] / max(size)
    angle, other = random.uniform(0, 2 * np.pi, 2)
    slope = 0.25 * (np.cos(angle) * rows + np.sin(angle) * columns)
    edge = np.cos(other) * (rows - random.uniform(0.2, 0.6)) + np.sin(other) * (columns - random.uniform(0.2, 0.8))
    shadow = 1 - 0.45 / (1 + np.exp(-edge / 0.02))
    return np.asarray(np.clip((0.95 + slope) * shadow, 0, 1.15))


def save(page: Floats, path: Path) -> Path:
    """Save it as phones do, in colour."""
    tint = np.array([1.0, 0.98, 0.93])
    Image.fromarray((np.clip(page[..., None] * tint, 0, 1) * 255).astype(np.uint8)).save(path, quality=88)
    return path
