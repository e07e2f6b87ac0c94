"""Images as points of a plane, and nearest-centroid classification as a baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seedbed.data.content import Int64Array
from seedbed.data.facts import ClassPictures, chunks
from seedbed.data.parts import Part
from seedbed.errors import DataError

AXES = 50
"""Principal axes that t-SNE gets."""
FEWEST = 10


@dataclass(frozen=True)
class Embedding:
    """Some images of a part as points.

    Attributes:
        positions: positions of the images in their part, `(n,)`.
        pca: coordinates on the first two principal axes, `(n, 2)` (images / scale).
        explained: share of the variance on each of the two axes.
        tsne: coordinates by t-SNE, `(n, 2)`, without units: only neighbourhoods have a meaning.
    """

    positions: Int64Array
    pca: NDArray[np.float64]
    explained: tuple[float, float]
    tsne: NDArray[np.float64]


def stratified(labels: NDArray[np.int32], most: int, *, seed: int = 0) -> Int64Array:
    """Draw positions of at most `most` labels, stratified by class (each class at least once where possible), ascending.

    The images of a class are drawn without replacement by `seed`.
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    random = np.random.default_rng(seed)
    order = random.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    counts = np.bincount(labels)
    rank = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    depth = (rank + 0.5) / np.repeat(counts, counts)  # the k-th of n in its class: the smallest depths are stratified
    depth[rank == 0] = 0
    return np.sort(order[np.argsort(depth, kind="stable")[:most]])


def embed(part: Part, *, scale: float, most: int = 1500, seed: int = 0) -> Embedding:
    """Compute PCA and t-SNE of a stratified sample of a part.

    Args:
        part: part to sample.
        scale: divisor of the pixels.
        most: maximal number of images in the sample.
        seed: seed of the sample and of both methods.

    Raises:
        DataError: the part has fewer than 10 images.

    Source: van der Maaten, Hinton 2008, "Visualizing Data using t-SNE".
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    positions = stratified(part.labels, most, seed=seed)
    if not len(positions) >= FEWEST:
        raise DataError(f"An embedding needs at least {FEWEST} images; the part has {len(positions)}.")
    images = part.take(positions).reshape(len(positions), -1).astype(np.float32) / np.float32(scale)
    axes = min(AXES, *images.shape)
    with threadpool_limits(1):  # t-SNE's threads wait for each other at every step: next to other work, 2.6 s became 19 s
        pca = PCA(axes, svd_solver="randomized", random_state=seed)
        points = np.asarray(pca.fit_transform(images), dtype=np.float64)
        neighbours = min(30.0, (len(points) - 1) / 3)
        start = points[:, :2] / max(points[:, 0].std(), 1e-12) * 1e-4
        tsne = TSNE(perplexity=neighbours, init=start, max_iter=500, random_state=seed).fit_transform(points)
    shares = pca.explained_variance_ratio_
    return Embedding(positions, points[:, :2], (float(shares[0]), float(shares[1])), np.asarray(tsne, dtype=np.float64))


def nearest_centroid(centres: ClassPictures, part: Part) -> int:
    """Count the images of a part that are nearest to the mean image of their own class: a baseline without training.

    Args:
        centres: mean images of the classes in the training part; a class without images is never the nearest.
        part: part to classify; its labels are read.
    """
    means = centres.mean.reshape(len(centres.mean), -1)
    known = np.flatnonzero(centres.counts > 0)
    lengths = np.einsum("ij,ij->i", means[known], means[known])
    right = 0
    for start, images in chunks(part):
        nearest = known[np.argmin(lengths - 2 * images @ means[known].T, axis=1)]
        right += int((nearest == part.labels[start : start + len(images)]).sum())
    return right
