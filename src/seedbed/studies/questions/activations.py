"""Section 4 of the exercise: which activation trains how well, at which depth, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seedbed import figures
from seedbed.figures import Dot, mean_curve, words
from seedbed.groups import Contrast, Difference, Group, Request, best, by
from seedbed.groups.fields import Setting
from seedbed.records import Result
from seedbed.specs import Dense, Plan
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure, Part, Study, share_text, subtitle
from seedbed.studies.causes import MEASURES, activation_of, depth_of, name_of, part
from seedbed.studies.context import Steps, StudyContext, request
from seedbed.studies.edges import beyond
from seedbed.studies.setup import Setup
from seedbed.studies.tables import BEST, LAST, PARAMETERS, RUNS
from seedbed.tables import Column, Table

NET = (200, 100)
SWAPPED: tuple[str, ...] = ("relu", "tanh", "sigmoid")
ACTIVATIONS: tuple[str, ...] = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu")
QUICK_ACTIVATIONS = SWAPPED

WIDTH = 64
"""Units of every hidden layer of the nets of several depths: narrow enough for eight layers of seven activations."""

DEPTHS, QUICK_DEPTHS = (1, 2, 4, 8), (1, 3)
RATES, QUICK_RATES = (1e-3, 3e-3, 1e-2), (1e-3, 5e-3, 2.5e-2)
TUNED_FOR = 0.4
"""The share of the epochs for which a learning rate is tried."""

LEVELS = (0.90, 0.95, 0.97)
STEPS = 400
"""Minibatches that the 200-100 net sees at least, where there are few images; it is trained as in the regularization study."""

DEEP_STEPS = 3_000
"""Minibatches that the nets of several depths see, or so."""

CONTRASTS = (
    "sigmoid against relu, 200-100 net",
    "tanh against relu, 200-100 net",
    "sigmoid against relu, rates tuned, one layer",
    "sigmoid against relu, rates tuned, deepest",
    "tanh against relu, rates tuned, deepest",
)


def epochs(setup: Setup) -> int:
    return setup.epochs(STEPS, setup.facts.train, least=10, most=60)


def deep_epochs(setup: Setup) -> int:
    return setup.epochs(setup.pick(DEEP_STEPS, STEPS), setup.facts.train, least=5, most=60)


def swapped(setup: Setup) -> list[Request]:
    """The 200-100 net with each activation, and nothing else changed."""
    plan = Plan(epochs=epochs(setup))
    return [
        request({"hidden": NET, "activation": name}, setup.run(Dense(hidden=NET, activation=name), plan)) for name in SWAPPED
    ]


def deep(setup: Setup, activation: str, depth: int, rate: float, length: int) -> Request:
    """A net of equal layers; its depth is said by `hidden`."""
    hidden = (WIDTH,) * depth
    setting: Setting = {"hidden": hidden, "activation": activation, "learning_rate": rate, "epochs": length}
    return request(setting, setup.run(Dense(hidden=hidden, activation=activation), Plan(epochs=length, learning_rate=rate)))


def design(setup: Setup) -> list[Request]:
    return swapped(setup)


# Tuning


@dataclass(frozen=True, eq=False)
class Tuned:
    """The learning rate of one activation at one depth.

    Attributes:
        tried: how many rates.
        edge: "largest" or "smallest" where it lies at the end of all that were tried; else empty.
        trained: whether any rate gave a net that neither diverged nor collapsed.
    """

    activation: str
    depth: int
    rate: float
    tried: int
    edge: str
    trained: bool


def tuned(study: StudyContext) -> Steps[list[Tuned]]:
    """A rate for each activation and depth, by the best epoch of one seed that no claim uses.

    Where the best rate is the largest or smallest of the grid, one more is tried, for all such nets in one call.
    """
    setup = study.setup
    seed, length = setup.fresh[:1], max(2, round(TUNED_FOR * deep_epochs(setup)))
    names, depths, grid = _names(setup), setup.pick(DEPTHS, QUICK_DEPTHS), setup.pick(RATES, QUICK_RATES)
    nets = [(name, depth) for depth in depths for name in names]
    asked = [deep(setup, name, depth, rate, length) for name, depth in nets for rate in grid]
    cells = yield from study.train(asked, seed)
    found = {net: cells[place * len(grid) : (place + 1) * len(grid)] for place, net in enumerate(nets)}
    more = {net: rate for net, tried in found.items() if not setup.quick and (rate := _further(tried)) is not None}
    added = yield from study.train([deep(setup, *net, rate, length) for net, rate in more.items()], seed)
    for net, cell in zip(more, added, strict=True):
        found[net] = [*found[net], cell]
    return [_tuned(*net, tried) for net, tried in found.items()]


def _names(setup: Setup) -> tuple[str, ...]:
    return setup.pick(ACTIVATIONS, QUICK_ACTIVATIONS)


def rate_of(cell: Group) -> float:
    return cell.run.plan.learning_rate


def _further(tried: Sequence[Group]) -> float | None:
    top = best(tried)
    return beyond([rate_of(cell) for cell in tried], rate_of(top)) if top else None


def _tuned(activation: str, depth: int, tried: Sequence[Group]) -> Tuned:
    rates = sorted(rate_of(cell) for cell in tried)
    top = best(tried)
    rate = rate_of(top) if top else rates[len(rates) // 2]
    edge = "" if not top else "smallest" if rate == rates[0] else "largest" if rate == rates[-1] else ""
    return Tuned(activation, depth, rate, len(tried), edge, top is not None)


def _marks(found: Sequence[Tuned], setup: Setup) -> list[str]:
    said = []
    for edge in ("smallest", "largest"):
        nets = [f"{_said(one)} ({words.value(one.rate)})" for one in found if one.edge == edge]
        tried = "the grid is not extended in a preview" if setup.quick else "one more was tried beyond the grid"
        beyond_it = f"The best rate is the {edge} that was tried, so a better one may lie beyond ({tried})"
        said += [f"{beyond_it}: {', '.join(nets)}."] * bool(nets)
    lost = [f"{_said(one)} ({words.value(one.rate)})" for one in found if not one.trained]
    said += [f"Every rate diverged or collapsed within the tuning, so the middle one was taken: {', '.join(lost)}."] * bool(
        lost
    )
    return said


def _said(one: Tuned) -> str:
    return f"{name_of(one.activation)} at depth {one.depth}"


# Steps to a level


@dataclass(frozen=True)
class StepsToLevel:
    """How many minibatches a setting's runs took to a validation accuracy, as seen at the ends of epochs.

    Attributes:
        level: the accuracy, in [0, 1].
        reached: of the runs that got there, ascending.
        total: all runs; those that never got there count as later than all others, and have no number.
    """

    level: float
    reached: tuple[int, ...]
    total: int

    @classmethod
    def of(cls, results: Sequence[Result], level: float) -> StepsToLevel:
        found = [steps for result in results if (steps := _first(result, level)) is not None]
        return cls(level, tuple(sorted(found)), len(results))

    @property
    def never(self) -> int:
        return self.total - len(self.reached)

    @property
    def median(self) -> float | None:
        """Over all runs; None where so many never got there that it has no number."""
        values = [*map(float, self.reached), *[math.inf] * self.never]
        middle = float(np.median(values)) if values else math.inf
        return middle if math.isfinite(middle) else None

    @property
    def text(self) -> str:
        median = "-" if self.median is None else f"{self.median:,.0f}"
        return median + (f" ({self.never} of {self.total} never)" if self.never else "")

    @property
    def interval(self) -> Interval | None:
        """The median from the earliest to the latest run that got there."""
        known = self.median is not None
        return Interval(float(self.median or 0), float(self.reached[0]), float(self.reached[-1]), self.total) if known else None

    def as_json(self) -> dict[str, object]:
        return {"level": self.level, "median": self.median, "reached": list(self.reached), "never": self.never}


def _first(result: Result, level: float) -> int | None:
    there = np.flatnonzero(result.history["validation_accuracy"] >= level)
    return (int(there[0]) + 1) * steps_an_epoch(result) if len(there) else None


def steps_an_epoch(result: Result) -> int:
    return -(-result.data.train // result.run.plan.batch_size)


# The answers


def parts(study: StudyContext) -> Steps[list[Part]]:
    setup = study.setup
    plain = yield from study.train(swapped(setup))
    rates = yield from tuned(study)
    cells = yield from study.train([deep(setup, one.activation, one.depth, one.rate, deep_epochs(setup)) for one in rates])
    found = _settled(study, plain, cells)
    return [
        _swap(setup, plain, [found[name] for name in CONTRASTS[:2] if name in found]),
        _depths(setup, cells, rates, [found[name] for name in CONTRASTS[2:] if name in found]),
        part(setup, cells),
    ]


def _settled(study: StudyContext, plain: Sequence[Group], cells: Sequence[Group]) -> dict[str, Difference]:
    shallow, deepest = (pick([depth_of(cell) for cell in cells]) for pick in (min, max))
    at = {depth: (WIDTH,) * depth for depth in (shallow, deepest)}
    asked = [
        (CONTRASTS[0], plain, NET, "sigmoid", f"{words.value(NET)} net, Adam 1e-3"),
        (CONTRASTS[1], plain, NET, "tanh", f"{words.value(NET)} net, Adam 1e-3"),
        (CONTRASTS[2], cells, at[shallow], "sigmoid", f"depth {shallow}, rates tuned"),
        (CONTRASTS[3], cells, at[deepest], "sigmoid", f"depth {deepest}, rates tuned"),
        (CONTRASTS[4], cells, at[deepest], "tanh", f"depth {deepest}, rates tuned"),
    ]
    return study.decide(
        [
            Contrast(
                by(of, hidden=net, activation=one), by(of, hidden=net, activation="relu"), one, "relu", where=where, name=name
            )
            for name, of, net, one, where in asked
        ]
    )


def _swap(setup: Setup, cells: Sequence[Group], contrasts: list[Difference]) -> Part:
    curves = [
        mean_curve(cell.results, f"{line}_accuracy", panel=activation_of(cell), line=called)
        for cell in cells
        for called, line in (("training", "train"), ("validation", "validation"))
    ]
    chart = figures.curve_panels(
        curves,
        f"ReLU, tanh and sigmoid in the {words.value(NET)} net",
        subtitle(setup, cells, "mean with 95 % interval (Student t)"),
        y="accuracy",
        share=True,
        size=(165, 140),
    )
    return Part(
        name="swap",
        question=f"ReLU, tanh or sigmoid in the {words.value(NET)} net, nothing else changed?",
        answer=[*(one.sentence for one in contrasts), *_speed(cells, f"In the {words.value(NET)} net")],
        method=(
            f"The {words.value(NET)} net ({cells[0].parameters:,} parameters), Adam 1e-3, batch 128, {epochs(setup)} epochs, "
            f"{words.counted(len(setup.seeds), 'seed')} each; the rate is ReLU's, and no activation's own."
        ),
        figures=[Figure("act_swap", chart, "Training and validation accuracy over epochs.")],
        tables=[_table(cells)],
        cells=[_json(cell) for cell in cells],
        contrasts=contrasts,
    )


def _speed(cells: Sequence[Group], where: str) -> list[str]:
    """How soon each level was reached; a description, and only of levels that not every run reached at once."""
    said = []
    for level in LEVELS:
        found = {activation_of(cell): StepsToLevel.of(cell.results, level) for cell in cells}
        if any(one.reached for one in found.values()):
            took = words.listed([f"{name} {_took(one)}" for name, one in found.items()])
            said.append(f"{where} the steps to {words.percent(level, 0)} (median over seeds) are: {took}.")
    return said


def _took(steps: StepsToLevel) -> str:
    return f"{steps.total - steps.never} of {steps.total} got there" if steps.median is None else steps.text


def _depths(setup: Setup, cells: Sequence[Group], rates: Sequence[Tuned], contrasts: list[Difference]) -> Part:
    depths = sorted({depth_of(cell) for cell in cells})
    deepest = [cell for cell in cells if depth_of(cell) == depths[-1]]
    sizes = "; ".join(f"depth {d}: {next(c.parameters for c in cells if depth_of(c) == d):,} parameters" for d in depths)
    grid = setup.pick(RATES, QUICK_RATES)
    tried = max(2, round(TUNED_FOR * deep_epochs(setup)))
    order = [contrasts[place] for place in (1, 2, 0) if place < len(contrasts)]
    return Part(
        name="depths",
        question="Which activation trains how well at which depth, with the learning rate tuned for each?",
        answer=[
            *(one.sentence for one in order),
            *(said for depth in depths if (said := _spread([cell for cell in cells if depth_of(cell) == depth], depth))),
            *_speed(deepest, f"At depth {depths[-1]}"),
        ],
        method=(
            f"Layers of {WIDTH} units ({sizes}), Adam; for each activation and depth the rate out of "
            f"{words.listed([words.value(rate) for rate in grid])} with the highest accuracy within {tried} epochs of seed "
            f"{setup.fresh[0]}; then {deep_epochs(setup)} epochs of {words.counted(len(setup.seeds), 'other seed')}."
        ),
        figures=[_accuracies(setup, cells), *_steps_figure(setup, cells), _curves(setup, cells)],
        tables=[_table(cells)],
        cells=[_json(cell) for cell in cells],
        contrasts=contrasts,
        marks=_marks(rates, setup),
        data={"tuning": [vars(one) for one in rates]},
    )


def _spread(cells: Sequence[Group], depth: int) -> str:
    known = sorted((cell for cell in cells if cell.accuracy), key=lambda cell: cell.accuracy.mean if cell.accuracy else 0.0)
    if len(known) < 2:
        return ""
    ends = [f"{share_text(cell.accuracy)} ({activation_of(cell)})" for cell in (known[0], known[-1])]
    return f"At depth {depth} the mean accuracies of {len(known)} activations reach from {ends[0]} to {ends[1]}."


def _left_out(cell: Group) -> str:
    return f"{cell.left_out} of {cell.total} left out" if cell.left_out else ""


def _accuracies(setup: Setup, cells: Sequence[Group]) -> Figure:
    dots = [
        Dot(f"depth {depth_of(cell)}", activation_of(cell), "", cell.accuracy, _left_out(cell))
        for cell in sorted(cells, key=depth_of)
    ]
    said = subtitle(setup, cells, f"best epoch; bars: 95 % intervals ({setup.chance})")
    chart = figures.dot_panels(dots, "Accuracy with tuned learning rates", said, x="validation accuracy", share=True)
    return Figure("act_accuracy", chart, "Runs that diverged or collapsed are counted at the right, and in no mean.")


def _steps_figure(setup: Setup, cells: Sequence[Group]) -> list[Figure]:
    dots = []
    for cell in sorted(cells, key=depth_of):
        for level in LEVELS:
            steps = StepsToLevel.of(cell.results, level)
            note = f"{steps.never} of {steps.total} never" if steps.never else ""
            dots.append(Dot(f"depth {depth_of(cell)}", activation_of(cell), words.percent(level, 0), steps.interval, note))
    if not any(dot.mean for dot in dots):
        return []
    n = max(cell.total for cell in cells)
    covered = words.percent(1 - 2 * 0.5**n, 0)
    said = [
        f"{setup.data.name}; n = {words.counted(n, 'seed')} a setting; dots: medians, seen at the ends of epochs only",
        f"bars: from the first seed to the last that got there ({covered} interval of the median where all did)",
    ]
    chart = figures.dot_panels(
        dots, "Steps to a validation accuracy", said, x="minibatches", group="validation accuracy", from_zero=True
    )
    return [Figure("act_steps", chart, "Runs that never got there are counted at the right; the median ranks them last.")]


def _curves(setup: Setup, cells: Sequence[Group]) -> Figure:
    curves = [
        mean_curve(cell.results, "validation_accuracy", panel=f"depth {depth_of(cell)}", line=activation_of(cell))
        for cell in sorted(cells, key=depth_of)
        if cell.n
    ]
    chart = figures.curve_panels(
        curves,
        "Validation accuracy over epochs, rates tuned",
        subtitle(setup, cells, "mean with 95 % interval (Student t)"),
        y="validation accuracy",
        share=True,
        columns=2,
        size=(290, 180),
    )
    return Figure("act_curves", chart, "All panels have one scale.")


def _table(cells: Sequence[Group]) -> Table[Group]:
    def steps(level: float) -> Column[Group]:
        return Column(f"steps to {words.percent(level, 0)}", lambda cell: StepsToLevel.of(cell.results, level).text)

    columns: list[Column[Group]] = [
        Column("hidden", lambda cell: cell.setting["hidden"], words.value, align="left"),
        Column("activation", activation_of, align="left"),
        PARAMETERS,
        Column("learning rate", rate_of, words.value),
        RUNS,
        BEST,
        LAST,
        *map(steps, LEVELS),
    ]
    an_epoch = steps_an_epoch(cells[0].results[0])
    caption = (
        f"In brackets 95 % intervals. Steps: minibatches, median over all runs, seen at the ends of epochs ({an_epoch} steps "
        "each), - where half of them or more never got there."
    )
    return Table(columns, cells, caption)


def _json(cell: Group) -> Mapping[str, object]:
    measured = {name: cell.measured(measure) for name, measure in MEASURES.items()}
    steps = [StepsToLevel.of(cell.results, level).as_json() for level in LEVELS]
    return {**cell.as_json(**measured), "steps": steps}


STUDY = Study(
    name="activations",
    title="Activations",
    question="Which activation trains how well, at which depth, and why?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
