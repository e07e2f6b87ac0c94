"""Overfitting by hand: a polynomial fitted to noisy points, with sliders for its order and its penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from seedbed import words
from seedbed.figures.polynomials import Fit, error_parts, fit_panels
from seedbed.statistics import Floats, Interval
from seedbed.studies.polynomials import GRID, MOST_ORDER, PolynomialTask, cubic, expected, fitted, freedom
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

LOWEST, HIGHEST = -10.0, 2.0
"""Ends of the slider (log10 of lambda)."""

OTHERS = 200
"""Further samples whose fits show how much luck is in one."""


class OverfittingQuery(ViewQuery):
    """The polynomial, its points and its penalty.

    Attributes:
        order: order of the polynomial.
        penalty: log10 of lambda, the factor of the sum of squared coefficients.
        points: points of the sample.
        noise: standard deviation of the noise in each.
        seed: which sample.
    """

    order: Annotated[int, Field(ge=0, le=MOST_ORDER)] = 9
    penalty: Annotated[float, Field(ge=LOWEST, le=HIGHEST)] = -8.0
    points: Annotated[int, Field(ge=2, le=200)] = 11
    noise: Annotated[float, Field(ge=0, le=2)] = 0.3
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    @property
    def task(self) -> PolynomialTask:
        return PolynomialTask(self.order, self.points, self.noise)

    @property
    def strength(self) -> float:
        return float(f"{10**self.penalty:.3g}")


@dataclass(frozen=True, eq=False)
class OverfittingState:
    """What the view shows.

    Attributes:
        sample: values of the points, `(n,)`.
        fit: values of the fit over the grid.
        bias2, variance: parts of the expected squared error of such fits, exact.
    """

    asked: OverfittingQuery
    sample: Floats
    fit: Floats
    bias2: float
    variance: float

    @property
    def missed(self) -> tuple[float, float]:
        """Root mean squares by which the fit misses its points, and the true curve."""
        asked = self.asked
        there = fitted(asked.task, asked.strength, self.sample, asked.task.places)
        return _rms(there - self.sample), _rms(self.fit - cubic(GRID))

    @property
    def sentences(self) -> list[str]:
        asked, (points, truth) = self.asked, self.missed
        noise = asked.noise**2
        total = self.bias2 + self.variance + noise
        free = freedom(asked.task, asked.strength)
        mostly = (
            "More of it is variance: with other points the fit would look different. This is overfitting; a stronger penalty "
            "or a lower order helps."
            if self.variance > self.bias2
            else "More of it is bias: no choice of points brings such a fit near the curve. This is underfitting; a weaker "
            "penalty or a higher order helps."
        )
        return [
            f"The fit misses its own {asked.points} points by {points:.3f}, and the true curve by {truth:.3f} (root mean "
            "square).",
            f"On new points, fits like this have a squared error of {total:.3f} on average: {self.bias2:.3f} bias, "
            f"{self.variance:.3f} variance and {noise:.3f} noise. {mostly}",
            f"Lambda {words.value(asked.strength)} leaves {free:.1f} of the {asked.order + 1} coefficients free.",
        ]

    def as_json(self) -> dict[str, Any]:
        points, truth = self.missed
        return {
            **self.asked.model_dump(exclude={"name"}),
            "lambda": self.asked.strength,
            "sample": self.sample,
            "fit": self.fit,
            "x": GRID,
            "missed": {"points": points, "truth": truth},
            "expected": {"bias2": self.bias2, "variance": self.variance, "noise": self.asked.noise**2},
            "sentences": self.sentences,
        }


def _rms(values: Floats) -> float:
    return math.sqrt(float(np.mean(values**2)))


def state(_site: PageSite, asked: OverfittingQuery) -> OverfittingState:
    sample = asked.task.draw(1, (asked.seed, 0))[0]
    return OverfittingState(asked, sample, fitted(asked.task, asked.strength, sample), *expected(asked.task, asked.strength))


def _fit(site: PageSite, asked: OverfittingQuery) -> AnyChart:
    shown, task = state(site, asked), asked.task
    others = fitted(task, asked.strength, task.draw(OTHERS, (asked.seed, 1)))
    low, high = np.quantile(others, [0.05, 0.95], axis=0)
    name = f"order {asked.order}, lambda {words.value(asked.strength)}"
    curves = [values.tolist() for values in (GRID, cubic(GRID), shown.fit, low, high)]
    sample = list(zip(task.places.tolist(), shown.sample.tolist(), strict=True))
    subtitle = ["circles: the points; band: nine tenths of the fits to other points"]
    return fit_panels([Fit(name, *curves)], sample, "A polynomial and its points", subtitle, size=(420, 280))


def _parts(_site: PageSite, asked: OverfittingQuery) -> AnyChart:
    task, noise = asked.task, asked.noise**2
    strengths = [float(f"{10.0**power:.3g}") for power in np.arange(LOWEST, HIGHEST + 0.25, 0.25)]
    split = [expected(task, strength) for strength in strengths]
    totals = [bias2 + variance + noise for bias2, variance in split]
    columns = {
        "error": totals,
        "squared bias": [bias2 for bias2, _ in split],
        "variance": [variance for _, variance in split],
        "noise": [noise] * len(split),
    }
    parts = {
        name: [(strength, Interval(value, math.nan, math.nan, 1)) for strength, value in zip(strengths, values, strict=True)]
        for name, values in columns.items()
    }
    best = strengths[int(np.argmin(totals))]
    subtitle = [f"order {asked.order}, {asked.points} points, noise {asked.noise:g}; exact, over all samples"]
    title = "Expected squared error on new points"
    return error_parts(parts, title, subtitle, best=best, undecided=(best, best), y="squared error")


VIEW = View("overfitting", "Overfitting", OverfittingQuery, state, key="o", charts={"fit": _fit, "parts": _parts})
