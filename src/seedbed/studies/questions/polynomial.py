"""Figure 2 of the exercise's section 3: a polynomial fitted to noisy samples of a cubic, with little, some and much penalty."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from seedbed import words
from seedbed.figures.polynomials import Fit, error_parts, fit_panels
from seedbed.groups import Request
from seedbed.groups.statements import Certainty, Statement
from seedbed.statistics import Floats, Interval
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card
from seedbed.studies.context import Steps, StudyContext
from seedbed.studies.edges import beyond, extension_text
from seedbed.studies.polynomials import (
    CUBIC,
    GRID,
    GROUPS,
    PolynomialTask,
    Split,
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
from seedbed.studies.texts import number_text
from seedbed.tables import Column, Table

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

TASK = PolynomialTask(order=9, n=11, noise=0.3)
STRENGTHS = (*(float(f"{digit}e{power}") for power in range(-8, 1) for digit in (1, 3)), 10.0)
SAMPLES, QUICK_SAMPLES = 4_000, 400
"""The samples of each of the two draws: one selects the best strength, the other one measures."""

CHOOSING, MEASURING, SHOWN = 0, 1, 2
"""The draws; the third is the one sample in the figure."""

SOURCES = "Geman, Bienenstock, Doursat 1992; Bishop 2006, section 3.2"

error_text = partial(number_text, digits=4)


def design(_setup: Setup) -> list[Request]:
    """No networks."""
    return []


@dataclass(frozen=True, eq=False)
class Measured:
    """The measurements of a task.

    Attributes:
        choosing: split of each strength, by whose error the best strength was selected.
        splits: the same over as many fresh samples.
        sample: values of one more sample, `(n,)`.
        fits: strength -> values of the fits to the fresh samples over the grid, for the strengths in the figure.
        count: samples per draw.
        caveats: sentences on the end of the sweep.
    """

    task: PolynomialTask
    choosing: list[Split]
    splits: list[Split]
    sample: Floats
    fits: dict[float, Floats]
    count: int
    caveats: list[str]

    @property
    def best(self) -> Split:
        """The selected strength, as measured by the fresh samples."""
        selected = lowest(self.choosing).strength
        return next(split for split in self.splits if split.strength == selected)

    @property
    def shown(self) -> list[Split]:
        """Little, best and much penalty."""
        return list({each.strength: each for each in (self.splits[0], self.best, self.splits[-1])}.values())

    @property
    def undecided(self) -> list[float]:
        """Strengths whose error is not clearly above the lowest."""
        return [split.strength for split in undistinguished(self.choosing)]


def measured(task: PolynomialTask, strengths: Sequence[float], *, count: int, seed: int) -> Measured:
    """Measure the split of every strength, and of one more where the best of them lies at the end.

    Args:
        strengths: strengths greater than 0, from small to large.
        count: samples per draw, a multiple of `GROUPS`.
        seed: seed of all draws.
    """
    draws = [task.draw(count, (seed, which)) for which in (CHOOSING, MEASURING)]
    choosing = [split(task, strength, draws[0]) for strength in strengths]
    best = lowest(choosing).strength
    caveats, more = [], beyond(strengths, best)
    if more is not None:
        more = float(f"{more:.1g}")
        choosing = sorted([*choosing, split(task, more, draws[0])], key=lambda each: each.strength)
        caveats.append(extension_text("The best lambda", best, more, better=lowest(choosing).strength == more))
    splits = [split(task, each.strength, draws[1]) for each in choosing]
    found = Measured(task, choosing, splits, task.draw(1, (seed, SHOWN))[0], {}, count, caveats)
    found.fits.update({each.strength: fitted(task, each.strength, draws[1]) for each in found.shown})
    return found


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    yield from study.trained()
    setup, began = study.setup, time.perf_counter()
    found = measured(TASK, STRENGTHS, count=setup.pick(SAMPLES, QUICK_SAMPLES), seed=setup.seeds[0])
    answers = [replace(_fits(found), card=_card(found)), _split(found)]
    study.seconds += time.perf_counter() - began
    return answers


# At a glance


def _card(found: Measured) -> Card:
    best, errors = found.best, [f"{each.error.mean:.2f}" for each in found.shown]
    others = words.listed([error for each, error in zip(found.shown, errors, strict=True) if each is not best])
    answer = f"Too little follows the noise, too much misses the curve. Lambda {words.value(best.strength)} is best: error "
    answer += f"{best.error.mean:.2f}, against {others}."
    return Card("What does weight decay do to a polynomial?", answer, _certainty(found), _fit_picture(found, size=(84, 110)))


def _certainty(found: Measured) -> Certainty:
    """How sure it is that the best strength is better than little and much."""
    equal = [strength for strength in found.undecided if strength != found.best.strength]
    ends = "the paired 95 % intervals of the error against the least and the most penalty"
    if {found.splits[0].strength, found.splits[-1].strength} & set(equal):
        return Certainty("not shown", f"Over {found.count:,} samples, one of {ends} includes 0.")
    rest = f" Lambda {words.listed([words.value(strength) for strength in equal])} may be as good as the best." if equal else ""
    return Certainty("clear", f"Over {found.count:,} samples, {ends} exclude 0.{rest}")


# Three fits to one sample


def _fits(found: Measured) -> AnswerPart:
    task = found.task
    return AnswerPart(
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
    def distances(at: Floats, values: Floats) -> str:
        fits = [fitted(found.task, each.strength, found.sample, at) for each in found.shown]
        return words.listed([f"{float(np.sqrt(((fit - values) ** 2).mean())):.2f}" for fit in fits])

    strengths = words.listed([words.value(each.strength) for each in found.shown])
    return (
        f"With lambda {strengths}, the fit misses its own sample by {distances(found.task.places, found.sample)}, and the true "
        f"curve by {distances(GRID, cubic(GRID))} (root mean square, one sample; the noise is {found.task.noise:g})."
    )


def _size_sentence(found: Measured) -> str:
    sizes = [f"{np.abs(solver(found.task, each.strength)[1:] @ found.sample).max():.2f}" for each in found.shown]
    true = max(map(abs, CUBIC))
    return f"The largest coefficient without the constant is {words.listed(sizes)} there; that of the true cubic is {true:g}."


def _fit_picture(
    found: Measured, title: str = "", subtitle: Sequence[str] = (), size: tuple[int, int] = (168, 155)
) -> AnyChart:
    names = ["little", "best", "much"] if len(found.shown) == 3 else [""] * len(found.shown)
    fits = []
    for name, one in zip(names, found.shown, strict=True):
        low, high = np.quantile(found.fits[one.strength], [0.025, 0.975], axis=0)
        curves = (GRID, cubic(GRID), fitted(found.task, one.strength, found.sample), low, high)
        fits.append(Fit(f"{name}: lambda {words.value(one.strength)}", *(curve.tolist() for curve in curves)))
    sample = list(zip(found.task.places.tolist(), found.sample.tolist(), strict=True))
    return fit_panels(fits, sample, title, subtitle, size=size)


def _fits_figure(found: Measured) -> Figure:
    said = [
        f"order {found.task.order}; points: one sample, n = {found.task.n}, noise {found.task.noise:g}",
        f"band: 95 % of the fits to {found.count:,} other samples",
    ]
    chart = _fit_picture(found, "One sample of a cubic, fitted with little, the best and much penalty", said)
    caption = "With little penalty the fits differ from sample to sample (variance); with much they are alike and wrong (bias)."
    return Figure("polynomial_fits", chart, caption)


def _coefficients(found: Measured) -> Table[int]:
    fits = {each.strength: solver(found.task, each.strength) @ found.sample for each in found.shown}

    def fitted(strength: float) -> Column[int]:
        return Column(f"lambda {words.value(strength)}", lambda power: fits[strength][power], ".2f")

    columns: list[Column[int]] = [
        Column("power", lambda power: f"x^{power}", align="left"),
        Column("true", lambda power: CUBIC[power] if power < len(CUBIC) else 0.0, "g"),
        *map(fitted, fits),
    ]
    caption = "Coefficients of the fits to the sample in the figure; the constant has no penalty."
    return Table(columns, range(found.task.order + 1), caption)


# Many samples


def _split(found: Measured) -> AnswerPart:
    task = found.task
    return AnswerPart(
        name="bias-variance",
        question="Why is there a best lambda, between little and much?",
        answer=[_best_sentence(found), _certainty_sentence(found), *map(_part_sentence, found.shown), _single_sentence(found)],
        method=(
            f"{found.count:,} samples select the best of {len(found.splits)} strengths, {found.count:,} fresh ones "
            f"measure it; mean over {len(GRID)} places of [-1, 1]; Student's intervals over {GROUPS} groups of samples. "
            f"Test error = bias^2 + variance + noise ({SOURCES})."
        ),
        figures=[_split_figure(found)],
        tables=[_split_table(found)],
        why=[_why(found)],
        finding=Statement(_best_sentence(found, brief=True), _certainty(found), _best_sentence(found)),
        cells=[_cell(found, each) for each in found.splits],
        caveats=found.caveats,
        data={"task": vars(task), "samples": found.count, "best": found.best.strength, "undecided": found.undecided},
    )


def _best_sentence(found: Measured, *, brief: bool = False) -> str:
    errors = [f"{error_text(each.error, brief=brief)} with lambda {words.value(each.strength)}" for each in found.shown]
    return (
        f"Of {len(found.splits)} strengths lambda {words.value(found.best.strength)} is the best: the test error is "
        f"{words.listed(errors)}; the noise alone is {found.task.noise**2:g}."
    )


def _certainty_sentence(found: Measured) -> str:
    best, places = found.best.strength, [each.strength for each in found.splits]
    if others := [words.value(strength) for strength in found.undecided if strength != best]:
        return f"Lambda {words.listed(others)} may be as good (paired 95 % intervals reach 0)."
    at = places.index(best)
    neighbours = words.listed([words.value(strength) for strength in places[max(0, at - 1) : at + 2] if strength != best])
    return (
        f"It is clearly the best of those that were tried: the paired 95 % intervals against its neighbours {neighbours}, and "
        "all others, exclude 0."
    )


def _part_sentence(split: Split) -> str:
    share = split.variance.mean / (split.variance.mean + max(split.bias2.mean, 0.0))
    return (
        f"With lambda {words.value(split.strength)}, bias^2 is {error_text(split.bias2)} and the variance "
        f"{error_text(split.variance)}, which is {words.percent(share, 0)} of the two."
    )


def _single_sentence(found: Measured) -> str:
    each = best_for_each(found.splits)
    low, high = (words.value(float(end)) for end in np.quantile(each, [0.1, 0.9], method="closest_observation"))
    best = words.value(found.best.strength)
    return (
        f"A single sample does not show this: the lambda with the lowest error for one sample is between {low} and {high} in "
        f"80 % of them, and {best} in {words.percent(float((each == found.best.strength).mean()), 0)}."
    )


def _why(found: Measured) -> str:
    left = [f"{freedom(found.task, each.strength):.1f} at {words.value(each.strength)}" for each in found.shown]
    return (
        f"The penalty reduces the effective number of coefficients: of {found.task.order + 1} it leaves {words.listed(left)}. "
        "Fewer coefficients follow the noise less, which lowers the variance; too few cannot follow the cubic, which is bias."
    )


def _split_figure(found: Measured) -> Figure:
    noise = Interval(found.task.noise**2, found.task.noise**2, found.task.noise**2, found.count)
    lines = {
        "test error": [(each.strength, each.error) for each in found.splits],
        "bias^2": [(each.strength, each.bias2) for each in found.splits],
        "variance": [(each.strength, each.variance) for each in found.splits],
        "noise": [(each.strength, noise) for each in found.splits],
    }
    said = [
        f"order {found.task.order}, {found.task.n} values per sample, noise {found.task.noise:g}; n = {found.count:,} samples",
        f"bars: 95 % intervals (Student t over {GROUPS} groups of samples)",
    ]
    chart = error_parts(
        lines,
        "Test error, split into bias, variance and noise",
        said,
        best=found.best.strength,
        undecided=(min(found.undecided), max(found.undecided)),
        y="mean square",
    )
    return Figure("polynomial_bias_variance", chart, "With less penalty than the best the variance grows, with more the bias.")


def _split_table(found: Measured) -> Table[Split]:
    columns: list[Column[Split]] = [
        Column("lambda", lambda each: each.strength, words.value),
        Column("effective coefficients", lambda each: freedom(found.task, each.strength), ".1f"),
        Column("test error", lambda each: each.error, error_text),
        Column("bias^2", lambda each: each.bias2, error_text),
        Column("variance", lambda each: each.variance, error_text),
        Column("exact bias^2", lambda each: expected(found.task, each.strength)[0], ".4f"),
        Column("exact variance", lambda each: expected(found.task, each.strength)[1], ".4f"),
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
