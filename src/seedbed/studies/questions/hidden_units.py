"""Section 2 of the exercise: how many hidden units, in which layer, and how few parameters are enough?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import Dot, Sized, mean_curve, words
from seedbed.groups import ACCURACY, Contrast, Difference, Frontier, Group, Measure, Request, at_last, best, by, size_frontier
from seedbed.specs import Dense, Plan
from seedbed.statistics import Interval, spearman
from seedbed.studies.answers import Figure, Part, Study, share_text, subtitle
from seedbed.studies.context import Steps, StudyContext, request, requests
from seedbed.studies.fewest import fresh_seeds
from seedbed.studies.questions import fewest_parameters
from seedbed.studies.setup import Setup
from seedbed.studies.tables import BEST, LAST, PARAMETERS, RUNS, interval_text, loss_text, yes_text
from seedbed.studies.trends import Doubling, Slopes, doublings, slopes, widths
from seedbed.studies.why import explained
from seedbed.tables import Column, Table

FIRST, SECOND = (25, 50, 100, 200, 400), (25, 50, 100, 200)
SMALL_IMAGE, QUARTER = 400, 4
"""Images of fewer pixels get a quarter of the exercise's widths, which were made for 28 x 28."""

CONTROL = (200, 10)
STEPS, QUICK_STEPS = 1_500, 600
"""Minibatches that a net sees at least where there are few images; the smallest nets learn slowly."""

GAP = Measure(
    "generalization gap", lambda result: float(result.history["validation_loss"][-1] - result.history["train_loss"][-1]), "nats"
)
TRAIN_LOSS = at_last("training data loss", "train_loss", unit="nats", better="lower")
VALIDATION_LOSS = at_last("validation data loss", "validation_loss", unit="nats", better="lower")

CONTRASTS = (
    "widest against narrowest first layer",
    "widest against narrowest second layer",
    "widest net against half its second layer",
    "200 units in the first layer against 10",
)


@dataclass(frozen=True)
class Plot:
    """The widths that are tried.

    Attributes:
        first, second: of either layer, from narrow to wide.
        middle: of the second layer where the first one is compared, and the reverse.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    middle: tuple[int, int]

    @classmethod
    def of(cls, setup: Setup) -> Plot:
        height, width, _ = setup.facts.image_shape
        part = QUARTER if height * width < SMALL_IMAGE else 1
        first, second = tuple(units // part for units in FIRST), tuple(units // part for units in SECOND)
        if setup.quick:
            return cls(first[::2], (second[0], *second[-2:]), (first[2], second[-2]))
        return cls(first, second, (first[3], second[2]))

    @property
    def all(self) -> list[tuple[int, int]]:
        return [(first, second) for first in self.first for second in self.second]

    @property
    def control(self) -> list[tuple[int, int]]:
        """200 units and 10 in the first layer."""
        return [(first, self.middle[1]) for first in CONTROL]


def epochs(setup: Setup) -> int:
    """The exercise's ten, and more where there are few images."""
    return setup.epochs(setup.pick(STEPS, QUICK_STEPS), setup.facts.train, least=10, most=150)


def nets(setup: Setup, hidden: Sequence[tuple[int, int]]) -> list[Request]:
    """Two ReLU layers, Adam 1e-3."""
    base = setup.run(Dense(hidden=FIRST[:2]), Plan(epochs=epochs(setup)))
    return requests(base, [{"hidden": pair} for pair in hidden])


def design(setup: Setup) -> list[Request]:
    plot = Plot.of(setup)
    return nets(setup, list(dict.fromkeys([*plot.all, *plot.control])))


def parts(study: StudyContext) -> Steps[list[Part]]:
    setup = study.setup
    plot = Plot.of(setup)
    cells = yield from study.train(nets(setup, plot.all))
    control = yield from study.train(nets(setup, plot.control))
    settled = _settled(study, plot, cells, control)
    made = fewest_parameters.planned(setup, lambda pair: nets(setup, [pair])[0])
    top = best(cells)
    again = [request(top.setting, top.run)] if top else []
    confirmed = yield from study.train([*again, *made.requests], fresh_seeds(setup))
    return [
        _widths(setup, cells, settled),
        _frontier(setup, cells, confirmed[0] if top else None),
        (yield from fewest_parameters.part(study, made)),
    ]


def _settled(study: StudyContext, plot: Plot, cells: Sequence[Group], control: Sequence[Group]) -> list[Difference]:
    """The announced comparisons."""
    wide, narrow = control
    across, along = plot.middle
    pairs = [
        (by(cells, hidden=(plot.first[-1], along)), by(cells, hidden=(plot.first[0], along))),
        (by(cells, hidden=(across, plot.second[-1])), by(cells, hidden=(across, plot.second[0]))),
        (by(cells, hidden=(plot.first[-1], plot.second[-1])), by(cells, hidden=(plot.first[-1], plot.second[-2]))),
        (wide, narrow),
    ]
    planned = [Contrast(a, b, named(a), named(b), name=name) for name, (a, b) in zip(CONTRASTS, pairs, strict=True)]
    found = study.decide(planned)
    return [found[name] for name in CONTRASTS]


def named(cell: Group) -> str:
    """Hidden units, and always the parameters beside them.

    >>> named(cell)
    '400-100 (355,110 parameters)'
    """
    return f"{units(cell)} ({words.counted(cell.parameters, 'parameter')})"


def units(cell: Group) -> str:
    return words.value(widths(cell))


# What the widths do


def _widths(setup: Setup, cells: Sequence[Group], contrasts: Sequence[Difference]) -> Part:
    known = [cell for cell in cells if cell.n]
    try:
        trend, steps = slopes(known), doublings(known)
        answer = [_trend_sentence(setup, trend), _layers_sentence(trend), *_step_sentences(steps)]
    except StatisticsError as missing:
        answer, steps = [f"What more units gain cannot be said: {missing}"], []
    return Part(
        name="widths",
        question="What do more hidden units gain, in the first layer and in the second?",
        answer=[*answer, *(contrast.sentence for contrast in contrasts)],
        method=(
            f"Two ReLU layers, {words.listed([*map(str, _of(cells, 0))])} units in the first x "
            f"{words.listed([*map(str, _of(cells, 1))])} in the second, Adam 1e-3, {epochs(setup)} epochs, "
            f"{words.counted(len(setup.seeds), 'seed')} a net; accuracy at the best epoch."
        ),
        figures=_width_figures(setup, known),
        tables=[_table(cells), *([_doubling_table(steps)] if steps else [])],
        why=_why(known),
        cells=[_json(cell) for cell in cells],
        contrasts=contrasts,
        data={"doublings": [_doubling_json(step) for step in steps]},
    )


def _of(cells: Sequence[Group], layer: int) -> list[int]:
    return sorted({widths(cell)[layer] for cell in cells})


def _points(found: Interval) -> str:
    known = found.low == found.low
    return f"{100 * found.mean:.2f} points" + (f" ({100 * found.low:.2f} to {100 * found.high:.2f})" if known else "")


def _trend_sentence(setup: Setup, trend: Slopes) -> str:
    return (
        f"Over all {trend.cells} nets, a doubling of the first layer goes with {_points(trend.first)} of validation accuracy, "
        f"and one of the second with {_points(trend.second)} (least squares over both logarithms; 95 % intervals, "
        f"{setup.chance})."
    )


def _layers_sentence(trend: Slopes) -> str:
    undecided = "" if trend.difference.excludes(0.0) else ", so which of them gains more is not decided"
    return f"The first layer's gain a doubling minus the second's is {_points(trend.difference)}{undecided}."


def _step_sentences(steps: Sequence[Doubling]) -> list[str]:
    said = []
    for layer, name in ((1, "first"), (2, "second")):
        mine = [step for step in steps if step.layer == layer]
        gains = [f"{_points(step.gain)} from {step.narrow} to {step.wide}" for step in mine]
        costs = f"{mine[0].parameters:,.0f} parameters at the first of these steps and {mine[-1].parameters:,.0f} at the last"
        said.append(f"Step by step, the {name} layer gains {words.listed(gains)}; that takes {costs}.")
    return said


def _width_figures(setup: Setup, cells: Sequence[Group]) -> list[Figure]:
    if not cells:
        return []
    return [_loss_curves(setup, cells), _accuracy_curves(setup, cells), _measures(setup, cells)]


def _loss_curves(setup: Setup, cells: Sequence[Group]) -> Figure:
    columns = {"training": "train_loss", "validation": "validation_loss"}
    curves = [
        mean_curve(cell.results, column, panel=f"{units(cell)} ({cell.parameters:,})", line=line)
        for cell in cells
        for line, column in columns.items()
    ]
    said = subtitle(setup, cells, "mean with 95 % interval (Student t)")
    chart = figures.curve_panels(
        curves,
        "Data loss over epochs",
        [*said, "above each panel: units in both layers (parameters)"],
        y="nats",
        logarithmic=True,
        columns=len(_of(cells, 1)),
        size=(112, 96),
    )
    return Figure(
        "units_learning_curves", chart, "Where the validation loss leaves the training loss, the net has begun to overfit."
    )


def _accuracy_curves(setup: Setup, cells: Sequence[Group]) -> Figure:
    curves = [
        mean_curve(cell.results, "validation_accuracy", panel=f"{widths(cell)[0]} in the first", line=str(widths(cell)[1]))
        for cell in cells
    ]
    said = subtitle(setup, cells, "mean with 95 % interval (Student t)")
    chart = figures.curve_panels(
        curves, "Validation accuracy over epochs", said, y="validation accuracy", line="in the second", share=True, columns=3
    )
    return Figure("units_accuracy_curves", chart, "Panels differ in the first layer, colours in the second.")


ACCURACY_PANEL, LAST_PANEL, GAP_PANEL = "accuracy, best epoch", "accuracy, last epoch", "gap of the losses (nats)"


def _measures(setup: Setup, cells: Sequence[Group]) -> Figure:
    measured = [(cell, {ACCURACY_PANEL: cell.accuracy, LAST_PANEL: cell.last, GAP_PANEL: cell.measured(GAP)}) for cell in cells]
    points = [
        Dot(panel, widths(cell)[0], str(widths(cell)[1]), measures[panel])
        for panel in (ACCURACY_PANEL, LAST_PANEL, GAP_PANEL)
        for cell, measures in sorted(measured, key=lambda pair: widths(pair[0])[1])
    ]
    said = subtitle(setup, cells, f"bars: 95 % intervals (best epoch: {setup.chance}; else Student t over seeds)")
    chart = figures.measures_over(
        points,
        "units in the first layer",
        "Accuracy and overfitting over the width of the first layer",
        said,
        group="in the second",
        shares=(ACCURACY_PANEL, LAST_PANEL),
        size=(180, 170),
    )
    return Figure(
        "units_widths", chart, "What width gains on images that were held back, and how far the training loss runs ahead."
    )


def _table(cells: Sequence[Group]) -> Table[Group]:
    columns: list[Column[Group]] = [
        Column("hidden units", units, align="left"),
        Column("in all", lambda cell: sum(widths(cell))),
        PARAMETERS,
        RUNS,
        BEST,
        LAST,
        Column("training loss", lambda cell: cell.measured(TRAIN_LOSS), loss_text),
        Column("gap", lambda cell: cell.measured(GAP), loss_text),
    ]
    caption = "Losses in nats, at the last epoch; gap: validation minus training loss; in brackets 95 % intervals."
    return Table(columns, cells, caption)


def _doubling_table(steps: Sequence[Doubling]) -> Table[Doubling]:
    columns: list[Column[Doubling]] = [
        Column("layer", lambda step: "first" if step.layer == 1 else "second", align="left"),
        Column("units", lambda step: f"{step.narrow} to {step.wide}"),
        Column("gain", lambda step: step.gain, interval_text, unit="points"),
        Column("parameters added", lambda step: step.parameters, ",.0f"),
        Column("points for 10,000 parameters", lambda step: 100 * step.gain.mean / step.parameters * 10_000, ".2f"),
    ]
    return Table(columns, steps, "Mean over the widths of the other layer; in brackets 95 % intervals.")


def _doubling_json(step: Doubling) -> dict[str, object]:
    gain = {"mean": step.gain.mean, "interval": step.gain.pair(), "n": step.gain.n}
    return {"layer": step.layer, "from": step.narrow, "to": step.wide, "gain": gain, "parameters": step.parameters}


def _json(cell: Group) -> dict[str, object]:
    measures = (GAP, TRAIN_LOSS, VALIDATION_LOSS)
    return cell.as_json(**{measure.name.replace(" ", "_"): cell.measured(measure) for measure in measures})


def _why(cells: Sequence[Group]) -> list[str]:
    if not cells:
        return []
    small, large = (choose(cells, key=lambda cell: cell.parameters) for choose in (min, max))
    said = [_losses(cell) for cell in dict.fromkeys([small, large])]
    ranks = _rank_sentence(cells)
    return [*said, *([ranks] if ranks else []), *explained(small), *(explained(large) if large is not small else [])]


def _losses(cell: Group) -> str:
    train, validation, gap = (
        interval_text(cell.measured(measure), digits=3, factor=1) for measure in (TRAIN_LOSS, VALIDATION_LOSS, GAP)
    )
    return (
        f"At the last epoch {named(cell)} has a training loss of {train}, a validation loss of {validation} and a gap of {gap} "
        "nats."
    )


def _rank_sentence(cells: Sequence[Group]) -> str:
    parameters = [float(cell.parameters) for cell in cells]
    told = []
    for name, measure in (("mean accuracy", ACCURACY), ("generalization gap", GAP)):
        means = [found.mean if (found := cell.measured(measure)) else np.nan for cell in cells]
        try:
            found = spearman(parameters, means)
        except StatisticsError:
            return ""
        told.append(f"{name} {found.mean:.2f} ({found.low:.2f} to {found.high:.2f})")
    return f"Rank correlation of the {len(cells)} nets' parameters (Spearman, 95 % interval): with {words.listed(told)}."


# Which sizes are worth their parameters


def _frontier(setup: Setup, cells: Sequence[Group], confirmed: Group | None) -> Part:
    question = "Which of these sizes are worth their parameters?"
    method = (
        "A net is on the frontier of the means if no smaller one has as high a mean. A step of the frontier that the intervals "
        "carry is the smallest net that is shown to be above the step before: all pairs compared on the same seeds and images, "
        "with Holm's correction over all pairs."
    )
    try:
        found = size_frontier(cells)
    except StatisticsError as missing:
        return Part("frontier", question, [str(missing)], method)
    return Part(
        name="frontier",
        question=question,
        answer=[_steps_sentence(found), _ratio_sentence(found), *_top_sentences(found, confirmed)],
        method=method,
        figures=[_frontier_figure(setup, found)] if len(found.groups) > 1 else [],
        tables=[_frontier_table(found)],
        data={
            "pairs": found.pairs,
            "on_means": [units(cell) for cell in found.on_means],
            "steps": [units(cell) for cell in found.steps],
            "beaten": [units(cell) for cell in found.beaten],
        },
    )


def _steps_sentence(found: Frontier) -> str:
    told = words.listed([f"{named(cell)} with {share_text(cell.accuracy)}" for cell in found.steps])
    on_means = words.counted(len(found.on_means), "net")
    means = f"The means put {on_means} of {len(found.groups)} on the frontier of accuracy over parameters"
    if len(found.steps) == 1:
        return f"{means}; the intervals carry no step above the smallest net, {told}."
    return f"{means}; the intervals carry {words.counted(len(found.steps), 'step')}: {told}."


def _ratio_sentence(found: Frontier) -> str:
    first, last, largest = found.steps[0], found.steps[-1], found.groups[-1]
    beaten = len(found.beaten)
    told = f"{words.counted(beaten, 'net')} {'is' if beaten == 1 else 'are'} shown to be below one that is not larger"
    compared = [] if last is first else [f"the last step has {ratio(last, first)} as many parameters as the first"]
    if last is not largest:
        than = "that" if last is first else "the last step"
        compared.append(f"the largest net has {ratio(largest, last)} as many as {than}, with {share_text(largest.accuracy)}")
    whole = "; ".join([*compared, told])
    return f"{whole[0].upper()}{whole[1:]}."


def ratio(large: Group, small: Group) -> str:
    """How many times as many parameters, as a number, with both counts.

    >>> ratio(cell_of_178_110, cell_of_7_240)
    '24.6 times (178,110 / 7,240)'
    """
    return f"{large.parameters / small.parameters:.1f} times ({large.parameters:,} / {small.parameters:,})"


def _top_sentences(found: Frontier, confirmed: Group | None) -> list[str]:
    top = best(found.groups)
    if top is None or confirmed is None:
        return []
    return [
        f"The highest mean of all has {named(top)}: {share_text(top.accuracy)}; chosen for that, it flatters itself. With "
        f"{words.counted(confirmed.total, 'fresh seed')} the same net has {share_text(confirmed.accuracy)}."
    ]


def _frontier_figure(setup: Setup, found: Frontier) -> Figure:
    networks = [
        Sized(units(one), str(widths(one)[0]), one.parameters, one.accuracy, one in found.on_means, one in found.steps)
        for one in found.groups
        if one.accuracy
    ]
    said = subtitle(setup, found.groups, f"best epoch; bars: 95 % intervals ({setup.chance})")
    lines = "dashed: the frontier of the means; drawn through, with names: the steps that the intervals carry"
    chart = figures.frontier(
        sorted(networks, key=lambda one: int(one.group)),
        "Validation accuracy over parameters",
        [*said, lines],
        group="units in the first layer",
    )
    return Figure("units_frontier", chart, "Steps that are dashed only may be chance: a frontier of means flatters.")


def _frontier_table(found: Frontier) -> Table[Group]:
    smallest = found.groups[0]
    columns: list[Column[Group]] = [
        Column("hidden units", units, align="left"),
        PARAMETERS,
        Column("times the smallest", lambda one: one.parameters / smallest.parameters, ".1f"),
        RUNS,
        BEST,
        Column("frontier of means", lambda one: one in found.on_means, yes_text),
        Column("step that intervals carry", lambda one: one in found.steps, yes_text),
        Column("below one not larger", lambda one: one in found.beaten, yes_text),
    ]
    return Table(columns, found.groups, "From the smallest net on; in brackets 95 % intervals.")


STUDY = Study(
    name="hidden-units",
    title="Hidden units",
    question="How many hidden units, in which layer, and how few parameters are enough?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
