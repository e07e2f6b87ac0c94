"""Section 2 of the exercise: how many hidden units, in which layer, and how few parameters are enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seedbed import figures, words
from seedbed.errors import StatisticsError
from seedbed.figures import Dot, Sized, mean_curve
from seedbed.groups import ACCURACY, Contrast, Difference, Frontier, Group, Request, best, by, differences, size_frontier
from seedbed.groups.statements import Certainty, Statement
from seedbed.specs import Dense
from seedbed.statistics import spearman
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card, curves_picture
from seedbed.studies.context import Steps, StudyContext, request, requests
from seedbed.studies.fewest import fresh_seeds
from seedbed.studies.questions import fewest_parameters
from seedbed.studies.setup import Setup
from seedbed.studies.tables import (
    BEST,
    GAP,
    GAP_COLUMN,
    GROUP_COLUMNS,
    LOSSES,
    PARAMETERS,
    RUNS,
    TRAIN_LOSS_COLUMN,
    measured,
    yes_text,
)
from seedbed.studies.texts import BANDS, best_epoch, interval_text, loss_text, points_text, share_text, sized, subtitle
from seedbed.studies.trends import Doubling, Slopes, doublings, slopes, widths
from seedbed.studies.why import explained
from seedbed.tables import Column, Table

FIRST, SECOND = (25, 50, 100, 200, 400), (25, 50, 100, 200)
SMALL_IMAGE, QUARTER = 400, 4
"""Images of fewer pixels get a quarter of the exercise's widths, which suit 28 x 28."""

CONTROL = (200, 10)
STEPS, QUICK_STEPS = 1_500, 600
"""The least minibatches of a net where there are few images; the smallest nets learn slowly."""

CONTRASTS = (
    "widest against narrowest first layer",
    "widest against narrowest second layer",
    "widest net against half its second layer",
    "200 units in the first layer against 10",
)


@dataclass(frozen=True)
class Plot:
    """The grid of widths.

    Attributes:
        first, second: widths of either layer, from narrow to wide.
        middle: widths of the first and of the second layer at which the other one is compared.
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
    """The exercise's ten epochs, and more where there are few images."""
    return setup.epochs(setup.pick(STEPS, QUICK_STEPS), setup.facts.train, least=10, most=150)


def nets(setup: Setup, hidden: Sequence[tuple[int, int]]) -> list[Request]:
    """Two ReLU layers, Adam 1e-3."""
    base = setup.run(Dense(hidden=FIRST[:2]), setup.lasting(epochs(setup)))
    return requests(base, [{"hidden": pair} for pair in hidden])


def design(setup: Setup) -> list[Request]:
    plot = Plot.of(setup)
    return nets(setup, list(dict.fromkeys([*plot.all, *plot.control])))


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    setup = study.setup
    plot = Plot.of(setup)
    cells = yield from study.train(nets(setup, plot.all))
    control = yield from study.train(nets(setup, plot.control))
    ladder = nets(setup, fewest_parameters.ladder(setup))
    top = best(cells)
    again = [request(top.setting, top.run)] if top else []
    confirmed = yield from study.train([*again, *ladder], fresh_seeds(setup))
    fewest = yield from fewest_parameters.part(study, lambda hidden: nets(setup, [hidden])[0])
    contrasts = _decided(study, plot, cells, control)
    return [
        replace(_widths(setup, cells, contrasts), card=_card(cells, contrasts)),
        _frontier(setup, cells, confirmed[0] if top else None),
        fewest,
    ]


def _decided(study: StudyContext, plot: Plot, cells: Sequence[Group], control: Sequence[Group]) -> list[Difference]:
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
    return study.decide(planned)


def named(cell: Group) -> str:
    """Hidden units, always with the parameters."""
    return sized(units(cell), cell.parameters)


def units(cell: Group) -> str:
    return words.value(widths(cell))


# At a glance


def _card(cells: Sequence[Group], contrasts: Sequence[Difference]) -> Card:
    question = "What do more hidden units do to the learning curve?"
    known = [cell for cell in cells if cell.n]
    if len(known) < 2:
        return Card(question, "Too few of these nets learned anything.", Certainty("not shown", "There is nothing to compare."))
    found = size_frontier(cells)
    first, last, largest = found.steps[0], found.steps[-1], found.groups[-1]
    smallest, *_, widest = sorted(known, key=lambda cell: cell.parameters)
    if last is first and contrasts[0].shown:
        answer, certainty = _ends_compared(contrasts[0], contrasts[2]), contrasts[0].certainty()
    elif last is first:
        answer = "Larger nets did better on average, but no step up in size is beyond chance."
        rule = f"No net is better than the smallest by a 95 % test with correction for all {found.pairs} pairs of nets."
        certainty = Certainty("not shown", rule)
    else:
        reached = f"{units(last)} units ({words.percent(last.mean)} right)"
        answer = f"More units make the curve rise faster and end higher, clearly up to {reached}; {_beyond(last, largest)}."
        rule = (
            f"Each step up is better than the one before by a 95 % test, with correction for all {found.pairs} pairs of nets."
        )
        certainty = Certainty("clear", rule)
    shown = list(dict.fromkeys([smallest, *([last] if last.n else []), widest]))
    return Card(question, answer, certainty, curves_picture([(f"{units(cell)} units", cell) for cell in shown], "accuracy"))


def _beyond(last: Group, largest: Group) -> str:
    """What the largest net gains over the last clear step."""
    if last is largest:
        return "the largest that was tried"
    [further] = differences([Contrast(largest, last, units(largest), units(last))])
    if further.decision is None or further.decision.interval.low <= 0:
        return "beyond that, no clear gain"
    return f"{units(largest)} units reach {words.percent(largest.mean)}"


def _ends_compared(ends: Difference, doubling: Difference) -> str:
    """The widest first layer against the narrowest, and what the last doubling of the second layer changed."""
    gain, last = (100 * each.decision.interval.mean if each.decision else 0.0 for each in (ends, doubling))
    wide, narrow = units(ends.contrast.a), units(ends.contrast.b)
    more = f" The last doubling of the second layer changed it by {last:+.1f} points." if doubling.decision else ""
    return f"{wide} units are {abs(gain):.1f} points {'better' if gain > 0 else 'worse'} than {narrow}.{more}"


# What the widths do


def _widths(setup: Setup, cells: Sequence[Group], contrasts: Sequence[Difference]) -> AnswerPart:
    known = [cell for cell in cells if cell.n]
    try:
        trend, steps = slopes(known), doublings(known)
        answer = [*_trend_sentences(trend), *_step_sentences(steps)]
    except StatisticsError as missing:
        answer, steps = [f"The gain of more units cannot be estimated: {missing}"], []
    return AnswerPart(
        name="widths",
        question="What do more hidden units gain, in the first layer and in the second?",
        answer=[*answer, *(contrast.sentence for contrast in contrasts)],
        method=(
            f"Two ReLU layers, {words.listed([*map(str, _of(cells, 0))])} units in the first x "
            f"{words.listed([*map(str, _of(cells, 1))])} in the second, Adam 1e-3, {setup.length(cells[0].run.plan)}, "
            f"{words.counted(len(setup.seeds), 'seed')} per net; accuracy at the best epoch. Gain per doubling: least squares "
            f"over the logarithms of both widths, 95 % intervals ({setup.chance})."
        ),
        figures=[draw(setup, known) for draw in (_loss_curves, _accuracy_curves, _measures) if known],
        tables=[_table(cells), *([_doubling_table(steps)] if steps else [])],
        why=_why(known) if known else [],
        reason=" ".join(_losses(cell, brief=True) for cell in _ends(known)),
        cells=[cell.as_json(**measured(cell, LOSSES)) for cell in cells],
        contrasts=contrasts,
        data={
            "doublings": [
                {
                    "layer": step.layer,
                    "from": step.narrow,
                    "to": step.wide,
                    "gain": {"mean": step.gain.mean, "interval": step.gain.pair(), "n": step.gain.n},
                    "parameters": step.parameters,
                }
                for step in steps
            ]
        },
    )


def _of(cells: Sequence[Group], layer: int) -> list[int]:
    return sorted({widths(cell)[layer] for cell in cells})


def _trend_sentences(trend: Slopes) -> list[str]:
    undecided = "" if trend.difference.excludes(0.0) else ", so which layer gains more is undecided"
    return [
        f"Over {trend.cells} nets, doubling the first layer raised validation accuracy by {points_text(trend.first)}, doubling "
        f"the second by {points_text(trend.second)}.",
        f"The first layer's gain minus the second's is {points_text(trend.difference)}{undecided}.",
    ]


def _step_sentences(steps: Sequence[Doubling]) -> list[str]:
    sentences = []
    for layer, name in ((1, "first"), (2, "second")):
        mine = [step for step in steps if step.layer == layer]
        gains = words.listed([f"{points_text(step.gain)} from {step.narrow} to {step.wide}" for step in mine])
        costs = f"{mine[0].parameters:,.0f} parameters for the first of these steps and {mine[-1].parameters:,.0f} for the last"
        sentences.append(f"Step by step, the {name} layer gains {gains}, at the cost of {costs}.")
    return sentences


def _loss_curves(setup: Setup, cells: Sequence[Group]) -> Figure:
    curves = [
        mean_curve(cell.results, f"{part}_loss", panel=f"{units(cell)} ({cell.parameters:,})", line=line)
        for cell in cells
        for line, part in (("training", "train"), ("validation", "validation"))
    ]
    chart = figures.curve_panels(
        curves,
        "Data loss over epochs",
        subtitle(setup, cells, BANDS, "above each panel: units in both layers (parameters)"),
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
    said = subtitle(setup, cells, BANDS)
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
        "units_widths", chart, "The gain of width on held-out images, and the gap between training and validation loss."
    )


def _table(cells: Sequence[Group]) -> Table[Group]:
    columns: list[Column[Group]] = [
        Column("hidden units", units, align="left"),
        Column("units in all", lambda cell: sum(widths(cell))),
        *GROUP_COLUMNS,
        TRAIN_LOSS_COLUMN,
        GAP_COLUMN,
    ]
    caption = "Losses at the last epoch; gap: validation minus training loss; in brackets 95 % intervals."
    return Table(columns, cells, caption)


def _doubling_table(steps: Sequence[Doubling]) -> Table[Doubling]:
    columns: list[Column[Doubling]] = [
        Column("layer", lambda step: "first" if step.layer == 1 else "second", align="left"),
        Column("units", lambda step: f"{step.narrow} to {step.wide}"),
        Column("gain", lambda step: step.gain, interval_text, unit="points"),
        Column("parameters added", lambda step: step.parameters, ",.0f"),
        Column("points per 10,000 parameters", lambda step: 100 * step.gain.mean / step.parameters * 10_000, ".2f"),
    ]
    return Table(columns, steps, "Mean over the widths of the other layer; in brackets 95 % intervals.")


def _why(cells: Sequence[Group]) -> list[str]:
    ends = _ends(cells)
    return [*map(_losses, ends), *_rank_sentence(cells), *(sentence for cell in ends for sentence in explained(cell))]


def _ends(cells: Sequence[Group]) -> list[Group]:
    """The smallest and the largest network."""
    ascending = sorted(cells, key=lambda cell: cell.parameters)
    return list(dict.fromkeys([*ascending[:1], *ascending[-1:]]))


def _losses(cell: Group, *, brief: bool = False) -> str:
    gap, train, validation = (loss_text(loss, brief=brief) for loss in measured(cell, LOSSES).values())
    return (
        f"At the last epoch {named(cell)} has a training loss of {train}, a validation loss of {validation} and a gap of {gap}."
    )


def _rank_sentence(cells: Sequence[Group]) -> list[str]:
    parameters, correlations = [float(cell.parameters) for cell in cells], []
    for name, measure in (("mean accuracy", ACCURACY), ("generalization gap", GAP)):
        means = [mean.mean if (mean := cell.measured(measure)) else np.nan for cell in cells]
        try:
            correlations.append(f"{name} {interval_text(spearman(parameters, means), factor=1)}")
        except StatisticsError:
            return []
    return [f"Rank correlation of parameters over {len(cells)} nets, Spearman's: with {words.listed(correlations)}."]


# Which sizes are worth their parameters


def _frontier(setup: Setup, cells: Sequence[Group], confirmed: Group | None) -> AnswerPart:
    question = "Which of these sizes are worth their parameters?"
    method = (
        "A net is on the frontier of the means if no smaller one has as high a mean. A clear step of the frontier is the "
        "smallest net that is shown to be above the step before: all pairs compared on the same seeds and images, with Holm's "
        "correction over all pairs."
    )
    try:
        found = size_frontier(cells)
    except StatisticsError as missing:
        return AnswerPart("frontier", question, [str(missing)], method)
    return AnswerPart(
        name="frontier",
        question=question,
        answer=[_steps_sentence(found), _ratio_sentence(found), *_top_sentences(found, confirmed)],
        method=method,
        figures=[_frontier_figure(setup, found)] if len(found.groups) > 1 else [],
        tables=[_frontier_table(found)],
        finding=Statement(_steps_sentence(found, brief=True), _certainty(found), _steps_sentence(found)),
        data={
            "pairs": found.pairs,
            **{name: [units(cell) for cell in getattr(found, name)] for name in ("on_means", "steps", "beaten")},
        },
    )


def _certainty(found: Frontier) -> Certainty:
    among = f"after correction for {words.counted(found.pairs, 'comparison')}, all pairs of sizes"
    if len(found.steps) == 1:
        return Certainty("not shown", f"No size is shown to be above the smallest, {among}.")
    return Certainty("clear", f"The 95 % interval of each step's difference to the step before excludes 0, also {among}.")


def _steps_sentence(found: Frontier, *, brief: bool = False) -> str:
    steps = words.listed([f"{named(cell)} with {share_text(cell.accuracy, brief=brief)}" for cell in found.steps])
    nets = words.counted(len(found.on_means), "net")
    on_means = "" if brief else f"; by their means {nets} of {len(found.groups)} are on the frontier"
    if len(found.steps) == 1:
        return f"No net is clearly better than the smallest, {steps}{on_means}."
    return f"Of these sizes {words.counted(len(found.steps), 'step')} are clear: {steps}{on_means}."


def _ratio_sentence(found: Frontier) -> str:
    first, last, largest = found.steps[0], found.steps[-1], found.groups[-1]
    compared = [] if last is first else [f"the last step has {ratio(last, first)} as many parameters as the first"]
    if last is not largest:
        than = "that" if last is first else "the last step"
        compared.append(f"the largest net has {ratio(largest, last)} as many as {than}, with {share_text(largest.accuracy)}")
    compared.append(f"{words.counted(len(found.beaten), 'net is', 'nets are')} clearly below a net that is not larger")
    return f"{words.capital('; '.join(compared))}."


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
        f"The highest mean is {share_text(top.accuracy)} with {named(top)}; selected for that, it is optimistic. With "
        f"{words.counted(confirmed.total, 'fresh seed')} the same net has {share_text(confirmed.accuracy)}."
    ]


def _frontier_figure(setup: Setup, found: Frontier) -> Figure:
    networks = [
        Sized(units(one), str(widths(one)[0]), one.parameters, one.accuracy, one in found.on_means, one in found.steps)
        for one in found.groups
        if one.accuracy
    ]
    lines = "dashed: the frontier of the means; solid, with names: clear steps"
    chart = figures.frontier(
        sorted(networks, key=lambda one: int(one.group)),
        "Validation accuracy over parameters",
        subtitle(setup, found.groups, best_epoch(setup), lines),
        group="units in the first layer",
    )
    return Figure("units_frontier", chart, "Steps that are only dashed may be chance: a frontier of means is optimistic.")


def _frontier_table(found: Frontier) -> Table[Group]:
    smallest = found.groups[0]
    columns: list[Column[Group]] = [
        Column("hidden units", units, align="left"),
        PARAMETERS,
        Column("times the smallest", lambda cell: cell.parameters / smallest.parameters, ".1f"),
        RUNS,
        BEST,
        Column("frontier of means", lambda cell: cell in found.on_means, yes_text),
        Column("clear step", lambda cell: cell in found.steps, yes_text),
        Column("below one not larger", lambda cell: cell in found.beaten, yes_text),
    ]
    return Table(columns, found.groups, "From the smallest net on; in brackets 95 % intervals.")


STUDY = Study(
    name="hidden-units",
    title="Hidden units",
    question="How many hidden units, in which layer, and how few parameters are enough?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
    searching=fewest_parameters.searching,
)
