"""Figure 2 of the exercise's section 3: a polynomial fitted to noisy samples of a cubic, with little, some and much penalty."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.figures import words
from seedbed.figures.polynomials import Fit, error_parts, fit_panels
from seedbed.groups import Request
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure, Part, Study
from seedbed.studies.context import StudyContext
from seedbed.studies.edges import beyond
from seedbed.studies.polynomials import (
    CUBIC,
    GRID,
    GROUPS,
    Floats,
    Split,
    Task,
    above,
    best_for_each,
    cubic,
    expected,
    fitted,
    freedom,
    lowest,
    solver,
    split,
    undistinguished,
)
from seedbed.studies.setup import Setup
from seedbed.tables import Column, Table

TASK = Task(order=9, n=11, noise=0.3)
STRENGTHS = (*(float(f"{digit}e{power}") for power in range(-8, 1) for digit in (1, 3)), 10.0)
SAMPLES, QUICK_SAMPLES = 4_000, 400
"""Of each of the two draws: one chooses the best strength, the other one measures."""

CHOOSING, MEASURING, SHOWN = 0, 1, 2
"""Which draw: the third is the one sample that is drawn."""

SOURCES = "Geman, Bienenstock, Doursat 1992; Bishop 2006, section 3.2"


def design(_setup: Setup) -> list[Request]:
    """No networks."""
    return []


@dataclass(frozen=True, eq=False)
class Measured:
    """All that was measured of a task.

    Attributes:
        choosing: one split a strength, by whose error the best strength was chosen.
        splits: the same over as many fresh samples.
        sample: the values of one more sample, `(n,)`.
        fits: strength -> values of the fits to the fresh samples over the grid, of the strengths that are drawn.
        count: of samples in each draw.
        marks: what is to be said of the ends of the sweep.
    """

    task: Task
    choosing: list[Split]
    splits: list[Split]
    sample: Floats
    fits: dict[float, Floats]
    count: int
    marks: list[str]

    @property
    def best(self) -> Split:
        """The strength that was chosen, as the fresh samples measured it."""
        chosen = lowest(self.choosing).strength
        return next(one for one in self.splits if one.strength == chosen)

    @property
    def shown(self) -> list[Split]:
        """Little, best and much penalty."""
        known = {one.strength: one for one in (self.splits[0], self.best, self.splits[-1])}
        return list(known.values())


def measured(task: Task, strengths: Sequence[float], *, count: int, seed: int) -> Measured:
    """Splits of every strength, and of one more where the best of them lies at the end.

    Args:
        strengths: greater than 0, from small to large.
        count: samples of each draw, a multiple of `GROUPS`.
        seed: of all draws.
    """
    draws = [task.draw(count, (seed, which)) for which in (CHOOSING, MEASURING)]
    choosing = [split(task, strength, draws[0]) for strength in strengths]
    marks, more = [], beyond(strengths, lowest(choosing).strength)
    if more is not None:
        was, more = lowest(choosing).strength, float(f"{more:.1g}")
        choosing = sorted([*choosing, split(task, more, draws[0])], key=lambda one: one.strength)
        marks.append(_end(was, more, lowest(choosing).strength == more))
    splits = [split(task, one.strength, draws[1]) for one in choosing]
    found = Measured(task, choosing, splits, task.draw(1, (seed, SHOWN))[0], {}, count, marks)
    found.fits.update({one.strength: fitted(task, one.strength, draws[1]) for one in found.shown})
    return found


def _end(was: float, more: float, better: bool) -> str:
    said = f"The best lambda, {words.value(was)}, was at the end of those that were tried, so {words.value(more)} was tried too"
    return f"{said}; it is lower still, so the best may lie beyond." if better else f"{said}; it is not lower."


def parts(study: StudyContext) -> list[Part]:
    setup, began = study.setup, time.perf_counter()
    found = measured(TASK, STRENGTHS, count=setup.pick(SAMPLES, QUICK_SAMPLES), seed=setup.seeds[0])
    answers = [_fits(found), _split(found)]
    study.seconds += time.perf_counter() - began
    return answers


# Three fits to one sample


def _fits(found: Measured) -> Part:
    task = found.task
    return Part(
        name="fits",
        question=f"What does the penalty do to a polynomial of order {task.order}, fitted to {task.n} values of a cubic?",
        answer=[_fits_sentence(found), _size_sentence(found)],
        method=(
            f"{task.n} values of 4x^3 - 3x at equally spaced x, with normal noise of standard deviation {task.noise:g}; least "
            "squares with lambda x (sum of squared coefficients but the constant), solved in closed form in float64."
        ),
        figures=[_fits_figure(found)],
        tables=[_coefficients(found)],
    )


def _fits_sentence(found: Measured) -> str:
    strengths, own, true = ([] for _ in range(3))
    for one in found.shown:
        strengths.append(words.value(one.strength))
        own.append(f"{_apart(found, one, found.task.places, found.sample):.2f}")
        true.append(f"{_apart(found, one, GRID, cubic(GRID)):.2f}")
    return (
        f"With lambda {words.listed(strengths)}, the fit misses the values it was made from by {words.listed(own)}, and the "
        f"true curve by {words.listed(true)} (root mean square, one sample; the noise is {found.task.noise:g})."
    )


def _apart(found: Measured, one: Split, at: Floats, values: Floats) -> float:
    """Root mean square distance of the fit to the sample that is shown."""
    return float(np.sqrt(((fitted(found.task, one.strength, found.sample, at) - values) ** 2).mean()))


def _size_sentence(found: Measured) -> str:
    sizes = [f"{np.abs(solver(found.task, one.strength)[1:] @ found.sample).max():.2f}" for one in found.shown]
    true = max(map(abs, CUBIC))
    return f"The largest coefficient, the constant aside, is {words.listed(sizes)} there; of the true cubic it is {true:g}."


def _fits_figure(found: Measured) -> Figure:
    names = ["little", "best", "much"] if len(found.shown) == 3 else [""] * len(found.shown)
    fits = []
    for name, one in zip(names, found.shown, strict=True):
        low, high = np.quantile(found.fits[one.strength], [0.025, 0.975], axis=0)
        curves = (GRID, cubic(GRID), fitted(found.task, one.strength, found.sample), low, high)
        fits.append(Fit(f"{name}: lambda {words.value(one.strength)}", *(curve.tolist() for curve in curves)))
    sample = list(zip(found.task.places.tolist(), found.sample.tolist(), strict=True))
    said = [
        f"order {found.task.order}; points: one sample, n = {found.task.n}, noise {found.task.noise:g}",
        f"band: between its ends lie 95 % of the fits to {found.count:,} other samples",
    ]
    chart = fit_panels(fits, sample, "One sample of a cubic, fitted with little, the best and much penalty", said)
    caption = (
        "With little penalty the fits differ from sample to sample (variance); with much they agree, and are wrong (bias)."
    )
    return Figure("polynomial_fits", chart, caption)


def _coefficients(found: Measured) -> Table[int]:
    fits = {one.strength: solver(found.task, one.strength) @ found.sample for one in found.shown}

    def fitted(strength: float) -> Column[int]:
        return Column(f"lambda {words.value(strength)}", lambda power: fits[strength][power], ".2f")

    columns: list[Column[int]] = [
        Column("power", lambda power: f"x^{power}", align="left"),
        Column("true", lambda power: CUBIC[power] if power < len(CUBIC) else 0.0, "g"),
        *map(fitted, fits),
    ]
    caption = "Coefficients of the fits to the sample that is drawn; the constant has no penalty."
    return Table(columns, range(found.task.order + 1), caption)


# Many samples


def _split(found: Measured) -> Part:
    task = found.task
    return Part(
        name="bias-variance",
        question="Why is there a best lambda, between little and much?",
        answer=[_best_sentence(found), _sure_sentence(found), *map(_part_sentence, found.shown), _single_sentence(found)],
        method=(
            f"{found.count:,} samples choose the best of {len(found.splits)} strengths, {found.count:,} fresh ones "
            f"measure; mean over {len(GRID)} places of [-1, 1]; Student's intervals over {GROUPS} groups of samples. "
            f"Test error = bias^2 + variance + noise ({SOURCES})."
        ),
        figures=[_split_figure(found)],
        tables=[_split_table(found)],
        why=[_why(found)],
        cells=[_cell(found, one) for one in found.splits],
        marks=found.marks,
        data={"task": vars(task), "samples": found.count, "best": found.best.strength, "undecided": _undecided(found)},
    )


def _best_sentence(found: Measured) -> str:
    small, large = found.splits[0], found.splits[-1]
    return (
        f"Test error is {_plain(small.error)} with lambda {words.value(small.strength)}, {_plain(found.best.error)} with "
        f"{words.value(found.best.strength)}, which had the lowest mean of {len(found.splits)}, and {_plain(large.error)} with "
        f"{words.value(large.strength)}; the noise alone is {found.task.noise**2:g}."
    )


def _plain(found: Interval) -> str:
    mean, low, high = (_rounded(value) for value in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})"


def _rounded(value: float) -> str:
    """Without the sign of a 0 that rounding made of a small negative number.

    >>> _rounded(-0.00001), _rounded(-0.1)
    ('0.0000', '-0.1000')
    """
    return f"{round(value, 4) + 0.0:.4f}"


def _undecided(found: Measured) -> list[float]:
    return [one.strength for one in undistinguished(found.choosing)]


def _sure_sentence(found: Measured) -> str:
    known, best = _undecided(found), found.best.strength
    others = [words.value(strength) for strength in known if strength != best]
    places = [one.strength for one in found.splits]
    at = places.index(best)
    beside = " and ".join(words.value(one) for one in places[max(0, at - 1) : at + 2] if one != best)
    if others:
        return f"The samples do not tell the best from lambda {words.listed(others)} (paired 95 % intervals reach 0)."
    return (
        f"That it is the best of those that were tried is sure to the step of the sweep: the paired 95 % intervals against "
        f"{beside}, and all others, exclude 0."
    )


def _part_sentence(one: Split) -> str:
    return (
        f"With lambda {words.value(one.strength)}, bias^2 is {_plain(one.bias2)} and the variance {_plain(one.variance)}; the "
        f"variance has {words.percent(_share(one), 0)} of the two."
    )


def _share(one: Split) -> float:
    return one.variance.mean / (one.variance.mean + max(one.bias2.mean, 0.0))


def _single_sentence(found: Measured) -> str:
    each = best_for_each(found.splits)
    low, high = np.quantile(each, [0.1, 0.9], method="closest_observation")
    return (
        f"One sample does not know this: the lambda that would have been best for a single sample lies between "
        f"{words.value(float(low))} and {words.value(float(high))} for 80 % of them, and is {words.value(found.best.strength)} "
        f"for {words.percent(float((each == found.best.strength).mean()), 0)}."
    )


def _why(found: Measured) -> str:
    told = [f"{freedom(found.task, one.strength):.1f} at {words.value(one.strength)}" for one in found.shown]
    return (
        f"The penalty takes freedom from the fit: of {found.task.order + 1} coefficients it leaves {words.listed(told)} "
        "effective ones. Fewer follow the noise less, which is the variance; too few cannot follow the "
        "cubic, which is the bias."
    )


def _split_figure(found: Measured) -> Figure:
    noise = Interval(found.task.noise**2, found.task.noise**2, found.task.noise**2, found.count)
    lines = {
        "test error": [(one.strength, one.error) for one in found.splits],
        "bias^2": [(one.strength, one.bias2) for one in found.splits],
        "variance": [(one.strength, one.variance) for one in found.splits],
        "noise": [(one.strength, noise) for one in found.splits],
    }
    known = _undecided(found)
    said = [
        f"order {found.task.order}, {found.task.n} values a sample, noise {found.task.noise:g}; n = {found.count:,} samples",
        f"bars: 95 % intervals (Student t over {GROUPS} groups of samples)",
    ]
    chart = error_parts(
        lines,
        "Test error, split into bias, variance and noise",
        said,
        best=found.best.strength,
        undecided=(min(known), max(known)),
        y="mean square",
    )
    return Figure("polynomial_bias_variance", chart, "With less penalty than the best the variance grows, with more the bias.")


def _split_table(found: Measured) -> Table[Split]:
    columns: list[Column[Split]] = [
        Column("lambda", lambda one: one.strength, words.value),
        Column("effective coefficients", lambda one: freedom(found.task, one.strength), ".1f"),
        Column("test error", lambda one: one.error, _plain),
        Column("bias^2", lambda one: one.bias2, _plain),
        Column("variance", lambda one: one.variance, _plain),
        Column("exact bias^2", lambda one: expected(found.task, one.strength)[0], ".4f"),
        Column("exact variance", lambda one: expected(found.task, one.strength)[1], ".4f"),
    ]
    caption = f"Noise is {found.task.noise**2:g} in each test error; in brackets 95 % intervals. Exact: known for a linear fit."
    return Table(columns, found.splits, caption)


def _cell(found: Measured, one: Split) -> dict[str, object]:
    bias2, variance = expected(found.task, one.strength)
    parts = {"bias2": one.bias2, "variance": one.variance}
    return {
        "setting": {"lambda": one.strength, **vars(found.task)},
        "label": f"lambda {words.value(one.strength)}",
        "parameters": found.task.order + 1,
        "n": found.count,
        "mean": one.error.mean,
        "interval": one.error.pair(),
        "measures": {name: {"mean": part.mean, "interval": part.pair(), "n": part.n} for name, part in parts.items()},
        "exact": {"bias2": bias2, "variance": variance, "noise": one.noise, "effective": freedom(found.task, one.strength)},
        "above_the_best": above(one, found.best).pair() if one is not found.best else None,
    }


STUDY = Study(
    name="polynomial",
    title="Bias and variance of a polynomial",
    question="What does a penalty do where all of it can be computed, and why is there a best one?",
    contrasts=(),
    design=design,
    parts=parts,
)
