"""The variance of a study: what its cells share, what each has for itself, and what the images bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seedbed.errors import StatisticsError
from seedbed.statistics.crossed import table_of
from seedbed.statistics.interval import Estimate, Floats

FEWEST = 4
"""Cells from which on it can be told whether their variances are alike."""

UNLIKELY = 0.05
"""Chance at which a cell's variance is no longer taken for one of the others' kind."""


@dataclass(frozen=True)
class Moderated:
    """The variance of a single run in each cell of a study, after the seeds' own effects were taken out.

    Attributes:
        variances, freedoms: of each cell.
        alike: whether all cells share one variance, because the figures do not tell them apart.
    """

    variances: tuple[float, ...]
    freedoms: tuple[float, ...]
    alike: bool


def moderated_variances(cells: Sequence[ArrayLike], *, least: float = 0.0) -> Moderated:
    """A variance for each cell, drawn towards the one that all cells share, as strongly as they are alike.

    A cell with five seeds knows its variance by four degrees of freedom only; a study has many cells. One variance for all
    (`pooled_variance`) uses them, and is wrong where a cell is noisier than the others. So the cells' variances are taken as
    draws from a scaled inverse chi-squared distribution whose place and width are estimated from all of them, and each cell
    gets its posterior mean: the pooled variance where the cells are alike, nearly its own where they are not. A cell that is
    far noisier than this distribution foresees stays out of it and keeps its own variance.

    Args:
        cells: one value per seed for each cell, the same seeds in the same order, NaN where a run is missing; shapes `(n,)`.
        least: no variance is taken to be smaller; that of rounding, for values that come in steps.

    Raises:
        StatisticsError: fewer than two cells, shapes that differ, or no cell with a second seed.

    Source: Smyth 2004, "Linear models and empirical Bayes methods for assessing differential expression in microarray
    experiments", section 6.2; for the noisy cells Phipson et al. 2016, "Robust hyperparameter estimation protects against
    hypervariable genes".
    """
    table = np.array([np.asarray(cell, dtype=np.float64) for cell in cells]) if _same_shape(cells) else np.empty(0)
    if not (table.ndim == 2 and len(table) >= 2):
        raise StatisticsError(f"A study's variance needs two cells or more over the same seeds; the shape is {table.shape}.")
    squares, freedom = _of_cells(table)
    if not freedom.sum() > 0:
        raise StatisticsError("A study's variance needs a second seed in some cell; no degree of freedom is left.")
    known = freedom > 0
    own = np.maximum(np.divide(squares, freedom, out=np.zeros_like(squares), where=known), least)
    shared = known & ~_noisy(own, freedom, known)
    strength, place = _prior(own[shared], freedom[shared])
    if math.isinf(strength):
        variances, freedoms = np.full(len(table), place), np.full(len(table), freedom[shared].sum())
    else:
        variances = (strength * place + freedom * own) / (strength + freedom)
        freedoms = np.minimum(strength + freedom, freedom.sum())
    apart = known & ~shared
    variances, freedoms = np.where(apart, own, variances), np.where(apart, freedom, freedoms)
    alike = math.isinf(strength) and not bool(apart.any())
    return Moderated(tuple(map(float, variances)), tuple(map(float, freedoms)), alike)


def _noisy(own: Floats, freedom: Floats, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The cells whose variance is larger than the others' distribution foresees, found from the noisiest on."""
    from scipy.special import fdtrc

    found = np.zeros(len(own), dtype=bool)
    for cell in np.argsort(-own):
        others = known & ~found
        others[cell] = False
        if not known[cell] or others.sum() < FEWEST:
            break
        strength, place = _prior(own[others], freedom[others])
        within = min(strength, float(freedom[others].sum()))
        if not (place > 0 and fdtrc(freedom[cell], within, own[cell] / place) < UNLIKELY):
            break
        found[cell] = True
    return found


def _same_shape(cells: Sequence[ArrayLike]) -> bool:
    return len({np.asarray(cell).shape for cell in cells}) == 1


def _of_cells(table: Floats) -> tuple[Floats, Floats]:
    """Each cell's sum of squares around "cell + seed" and its degrees of freedom, the sum of 1 - leverage; NaN is left out."""
    cell, seed = np.nonzero(np.isfinite(table))
    values = table[cell, seed]
    design = np.concatenate([np.eye(table.shape[0])[cell], np.eye(table.shape[1])[seed]], axis=1)
    left = np.eye(len(values)) - design @ np.linalg.pinv(design)
    squares = np.bincount(cell, weights=(left @ values) ** 2, minlength=len(table)).astype(np.float64)
    freedom = np.bincount(cell, weights=np.diag(left), minlength=len(table)).astype(np.float64)
    return squares, np.asarray(np.where(freedom > 1e-9, freedom, 0.0))


def _prior(variances: Floats, freedom: Floats) -> tuple[float, float]:
    """Degrees of freedom and place of the distribution that the cells' variances come from; infinite where they are alike."""
    from scipy.special import digamma, polygamma

    shared = float((variances * freedom).sum() / freedom.sum())
    if len(variances) < FEWEST or not (variances > 0).all():
        return math.inf, shared
    half = freedom / 2
    logs = np.log(variances) - digamma(half) + np.log(half)
    beyond = float(logs.var(ddof=1) - polygamma(1, half).mean())
    if not beyond > 0:
        return math.inf, shared
    strength = 2 * _trigamma_inverse(beyond)
    return strength, math.exp(float(logs.mean()) + float(digamma(strength / 2)) - math.log(strength / 2))


def _trigamma_inverse(value: float) -> float:
    """The x > 0 at which the trigamma function has this value, by Newton's method on its reciprocal (Smyth 2004, appendix)."""
    from scipy.special import polygamma

    x = 0.5 + 1 / value
    for _ in range(50):
        slope = float(polygamma(1, x))
        step = slope * (1 - slope / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


def study_difference(a: ArrayLike, b: ArrayLike, variances: Sequence[float], freedoms: Sequence[float]) -> Estimate:
    """How much larger cell `a` is than cell `b`, paired on seeds and images, with the seeds' variance taken from the study.

    The variance of the mean difference over seeds x images is that of `two_sources`, seeds + images - what both hold of the
    residual, where the seeds' part is not that of these few differences but `(variance of a + variance of b) / seeds`. Its
    degrees of freedom are Satterthwaite's.

    Args:
        a, b: correctness `(seeds, images)`, the same seeds and images in the same order.
        variances: of a single run in each of both cells (`moderated_variances` of the runs' means over images).
        freedoms: degrees of freedom of each of them.

    Raises:
        StatisticsError: shapes that differ, or fewer than two images.

    Source: as `two_sources`; Satterthwaite 1946, "An approximate distribution of estimates of variance components".
    """
    first, second = table_of(a), table_of(b)
    if not first.shape == second.shape:
        raise StatisticsError(f"A paired difference needs equal seeds and images; a is {first.shape}, b is {second.shape}.")
    table = first - second
    seeds, images = table.shape
    columns, mean = table.mean(axis=0), float(table.mean())
    by_images = float(columns.var(ddof=1)) / images
    by_seeds = sum(variances) / seeds
    residual = 0.0
    if seeds > 1:
        left = table - table.mean(axis=1)[:, None] - columns + mean
        residual = float((left**2).sum()) / ((seeds - 1) * (images - 1)) / (seeds * images)
    variance = max(by_seeds + by_images - residual, by_seeds, by_images)
    of_seeds = sum((one / seeds) ** 2 / freedom for one, freedom in zip(variances, freedoms, strict=True))
    squares = of_seeds + by_images**2 / (images - 1)
    return Estimate(mean, math.sqrt(variance), variance**2 / squares if squares > 0 else math.inf, seeds)


def seeds_difference(a: ArrayLike, b: ArrayLike, variances: Sequence[float], freedoms: Sequence[float]) -> Estimate:
    """The same for one value per seed, shapes `(n,)`, in which the images play no part: steps, norms, seconds."""
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if not (first.shape == second.shape and first.ndim == 1 and len(first) and np.isfinite(first - second).all()):
        raise StatisticsError(f"A paired difference needs one finite value a seed in both; got {first.shape}, {second.shape}.")
    total = sum(variances)
    squares = sum(one**2 / freedom for one, freedom in zip(variances, freedoms, strict=True))
    error = math.sqrt(total / len(first))
    return Estimate(float((first - second).mean()), error, total**2 / squares if squares > 0 else math.inf, len(first))
