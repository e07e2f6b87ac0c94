"""How much an image looks like the training images: its distance to the nearest one, and how far these are from each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from seedbed.data import Dataset

KEPT, PROBED = 4_000, 1_000
"""Training images that an image is compared with, and others whose distances to these give the threshold."""

SIDE = 32
"""Longer side to which larger images are brought by averaging (pixels)."""

USUAL = 0.995
"""Share of the training images that are nearer to another one than the threshold."""

PALE = 0.5
"""Share of the contrast of the palest training images below which an image is blank."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Training images, as points to which distances are measured.

    Attributes:
        points: images, averaged to at most `SIDE` pixels, `(n, d)`; values from 0 (black) to 1 (white).
        usual: distance to the nearest one that `USUAL` of other training images do not exceed.
        palest: the contrast (standard deviation of the values) that all but 0.5 % of the training images exceed.
    """

    points: NDArray[np.float32]
    usual: float
    palest: float

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Measure an even sample of the training images."""
        points = _points(dataset.pictures.shares(dataset.train.sample(KEPT + PROBED)))
        every = max(2, len(points) // PROBED)
        probed = np.zeros(len(points), dtype=bool)
        probed[::every] = True
        distances = _nearest(points[probed], points[~probed])
        return cls(points[~probed], float(np.quantile(distances, USUAL)), float(np.quantile(points.std(axis=1), 1 - USUAL)))

    def distances(self, shares: NDArray[np.float32]) -> NDArray[np.float64]:
        """Distances of images `(n, h, w, c)` to their nearest training images, `(n,)`, in units of the usual largest one."""
        return _nearest(_points(shares), self.points) / self.usual

    def remark(self, shares: NDArray[np.float32]) -> str:
        """Say that an image `(h, w, c)` is unlike all training images; empty where it is like some."""
        if float(_points(shares[None]).std()) < PALE * self.palest:
            return "It has hardly any contrast: nothing in the training images looks like this."
        distance = float(self.distances(shares[None])[0])
        if distance <= 1:
            return ""
        return (
            f"It looks like nothing in the training images: it is {distance:.1f} times as far from the nearest of them as "
            f"{100 * USUAL:g} % of them are from each other. The prediction may mean nothing."
        )


def _points(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Images `(n, h, w, c)` as points `(n, d)`: averaged over squares of pixels where they are large."""
    count, height, width, channels = shares.shape
    step = -(-max(height, width) // SIDE)
    padded = np.pad(shares, ((0, 0), (0, -height % step), (0, -width % step), (0, 0)), mode="edge")
    rows, columns = padded.shape[1] // step, padded.shape[2] // step
    squares = padded.reshape(count, rows, step, columns, step, channels).mean(axis=(2, 4))
    return np.ascontiguousarray(squares.reshape(count, -1), dtype=np.float32)


def _nearest(points: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Euclidean distance of each point `(n, d)` to the nearest of the others, `(n,)`."""
    squares = (points**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * points @ others.T
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares.min(axis=1), 0.0).astype(np.float64))
    return distances
