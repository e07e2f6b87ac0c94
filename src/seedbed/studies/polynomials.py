"""Polynomials fitted to noisy samples of a cubic, by least squares with a penalty and in closed form; pure functions.

The effect of a penalty on a network can only be observed; here it can be computed, because a fit is linear in the samples. So
the split of the expected test error into bias, variance and noise is both measured over many samples and known exactly.

Source: Geman, Bienenstock, Doursat 1992, "Neural Networks and the Bias/Variance Dilemma", section 3; Bishop 2006, "Pattern
Recognition and Machine Learning", sections 1.1 and 3.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike

from seedbed.errors import SpecError
from seedbed.statistics import Floats, Interval, mean_interval, paired_difference

CUBIC = (0.0, -3.0, 0.0, 4.0)
"""The coefficients of the true curve, 4x^3 - 3x: it reaches -1 and 1 twice each in [-1, 1]."""

MOST_ORDER = 25
"""Beyond, powers of x on [-1, 1] are no longer distinct in float64."""

GRID = np.linspace(-1.0, 1.0, 201)
"""The places where fits are compared with the cubic."""

GROUPS = 20
"""The number of independent groups of samples behind an interval."""


@dataclass(frozen=True)
class PolynomialTask:
    """A polynomial and the samples that it is fitted to.

    Attributes:
        order: order of the polynomial.
        n: values per sample, at equally spaced places of [-1, 1].
        noise: standard deviation of the noise in each value.
    """

    order: int = 9
    n: int = 11
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.order <= MOST_ORDER:
            raise SpecError(f"order = {self.order!r}: it must be a whole number from 0 to {MOST_ORDER}.")
        if not self.n >= 2:
            raise SpecError(f"n = {self.n!r}: a sample needs two values at least.")
        if not 0 <= self.noise < math.inf:
            raise SpecError(f"noise = {self.noise!r}: it must be 0 or greater.")

    @property
    def places(self) -> Floats:
        return np.linspace(-1.0, 1.0, self.n)

    def draw(self, count: int, seed: Sequence[int]) -> Floats:
        """Draw samples, `(count, n)`."""
        return cubic(self.places) + self.noise * np.random.default_rng(seed).standard_normal((count, self.n))


def cubic(x: ArrayLike) -> Floats:
    """The true values."""
    return np.asarray(polynomial.polyval(np.asarray(x, dtype=np.float64), CUBIC), dtype=np.float64)


def solver(task: PolynomialTask, strength: float) -> Floats:
    """The matrix `(order + 1, n)` that makes coefficients, the constant first, of the values of a sample.

    They minimize `mean((fit - y)**2) + strength * sum(w**2)`, the sum over all coefficients but the constant, as the penalty
    of a network leaves out its biases. Solved as one least-squares problem with the penalty as rows of its own, by
    singular values and not by normal equations, whose condition is the square. With strength 0 and fewer values than
    coefficients it is the solution of the smallest norm.

    Raises:
        SpecError: the strength is negative or not finite.
    """
    if not 0 <= strength < math.inf:
        raise SpecError(f"lambda = {strength!r}: it must be 0 or greater.")
    powers = polynomial.polyvander(task.places, task.order) / math.sqrt(task.n)
    penalty = math.sqrt(strength) * np.eye(task.order + 1)[1:]
    values = np.concatenate([np.eye(task.n) / math.sqrt(task.n), np.zeros((task.order, task.n))])
    return np.asarray(np.linalg.lstsq(np.concatenate([powers, penalty]), values, rcond=None)[0])


def fitted(task: PolynomialTask, strength: float, sample: ArrayLike, at: ArrayLike = GRID) -> Floats:
    """Values of the fits to samples `(..., n)` at some places `(m,)`: `(..., m)`."""
    return np.asarray(sample) @ (_basis(task, at) @ solver(task, strength)).T


def freedom(task: PolynomialTask, strength: float) -> float:
    """The effective degrees of freedom: how many coefficients the penalty leaves, the trace of values -> fitted values.

    Source: Hastie, Tibshirani, Friedman 2009, "The Elements of Statistical Learning", equation 3.50.
    """
    return float(np.trace(_basis(task, task.places) @ solver(task, strength)))


def _basis(task: PolynomialTask, at: ArrayLike) -> Floats:
    return np.asarray(polynomial.polyvander(np.asarray(at, dtype=np.float64), task.order), dtype=np.float64)


# Bias and variance


@dataclass(frozen=True, eq=False)
class Split:
    """The expected test error of one strength, in squared units of y, mean over the grid; 95 % intervals over the groups.

    Attributes:
        error: test error of the fits on new, noisy values: bias2 + variance + noise.
        bias2: squared bias of the mean fit; an unbiased estimate, so its interval may reach below 0.
        noise: known variance of the noise.
        errors: error of each sample's fit without the noise, `(samples,)`.
    """

    strength: float
    error: Interval
    bias2: Interval
    variance: Interval
    noise: float
    errors: Floats


def split(task: PolynomialTask, strength: float, samples: Floats) -> Split:
    """Measure the split over samples `(count, n)`; count is a multiple of `GROUPS`."""
    fits = fitted(task, strength, samples)
    size = len(fits) // GROUPS
    grouped = fits.reshape(GROUPS, size, -1)
    variance = grouped.var(axis=1, ddof=1).mean(axis=1)
    apart = ((grouped.mean(axis=1) - cubic(GRID)) ** 2).mean(axis=1)
    bias2 = apart - variance / size  # the mean of a group's fits varies too
    noise = task.noise**2
    total, squared, spread = map(mean_interval, (bias2 + variance + noise, bias2, variance))
    return Split(strength, total, squared, spread, noise, ((fits - cubic(GRID)) ** 2).mean(axis=1))


def expected(task: PolynomialTask, strength: float) -> tuple[float, float]:
    """The exact squared bias and variance, which `split` estimates."""
    smoother = _basis(task, GRID) @ solver(task, strength)
    bias = smoother @ cubic(task.places) - cubic(GRID)
    return float((bias**2).mean()), float(task.noise**2 * (smoother**2).sum(axis=1).mean())


def lowest(splits: Sequence[Split]) -> Split:
    """The split with the lowest mean error."""
    return min(splits, key=lambda split: split.error.mean)


def undistinguished(splits: Sequence[Split]) -> list[Split]:
    """The strengths whose error is not clearly above the lowest: the paired 95 % interval reaches 0."""
    best = lowest(splits)
    return [split for split in splits if split is best or not above(split, best).excludes(0.0)]


def above(one: Split, other: Split) -> Interval:
    """How much larger one strength's error is than another's, paired over the samples."""
    return paired_difference(one.errors, other.errors)


def best_for_each(splits: Sequence[Split]) -> Floats:
    """The strength with the lowest error for each single sample, `(samples,)`."""
    errors = np.stack([split.errors for split in splits])
    return np.asarray(np.array([split.strength for split in splits])[errors.argmin(axis=0)], dtype=np.float64)
