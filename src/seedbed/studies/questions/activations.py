"""Section 4 of the exercise: which activation trains how well, at which depth, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seedbed import figures, words
from seedbed.figures import Dot, mean_curve
from seedbed.groups import Contrast, Difference, Group, Measure, Request, best, by, differences
from seedbed.groups.caveats import excluded
from seedbed.groups.speed import LEVELS, TimesToLevel, common_level, speed_ratios, steps_per_epoch
from seedbed.groups.statements import Certainty, Mark
from seedbed.records import limits
from seedbed.runs import RunStore
from seedbed.specs import Dense, Plan
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card, curves_picture
from seedbed.studies.causes import IMBALANCE, MEASURES, activation_of, depth_of, name_of, part
from seedbed.studies.charts import compared
from seedbed.studies.context import Steps, StudyContext, request
from seedbed.studies.edges import beyond
from seedbed.studies.setup import Setup
from seedbed.studies.slopes import mean_slopes, slope_sentence, slopes_figure
from seedbed.studies.tables import GROUP_COLUMNS, measured
from seedbed.studies.texts import BANDS, best_epoch, share_text, sized, subtitle
from seedbed.tables import Column, Table

NET = (200, 100)
SWAPPED: tuple[str, ...] = ("relu", "tanh", "sigmoid")
ACTIVATIONS: tuple[str, ...] = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "gelu", "silu")

WIDTH = 64
"""Units of every hidden layer of the nets of several depths: narrow enough for eight layers of seven activations."""

DEPTHS, QUICK_DEPTHS = (1, 2, 4, 8), (1, 3)
RATES, QUICK_RATES = (1e-3, 3e-3, 1e-2), (1e-3, 5e-3, 2.5e-2)
TUNED_FOR = 0.4
"""The share of the epochs for which learning rates are tried."""

EARLY = Measure(
    "validation loss after one epoch",
    lambda result: float(result.history["validation_loss"][0]),
    better="lower",
    limits=limits("validation_loss"),
)

ABOUT_STEPS = "ReLU against tanh, steps"
"""What the card compares, for its mark."""

VERDICTS: dict[Mark, tuple[str, str]] = {
    "clear": ("No", "Yes"),
    "likely": ("Probably not", "Probably"),
    "not shown": ("Not clearly", "Not clearly"),
}
"""How sure it is -> the answer where ReLU is not faster, and where it is."""

SHRUNK = 0.3
"""A first layer's gradient below this share of the output layer's explains slow learning."""

STEPS = 400
"""The least minibatches of the 200-100 net, where there are few images; it is trained as in the regularization study."""

DEEP_STEPS = 3_000
"""The approximate minibatches of the nets of several depths."""

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
    plan = setup.lasting(epochs(setup))
    return [
        request({"hidden": NET, "activation": name}, setup.run(Dense(hidden=NET, activation=name), plan)) for name in SWAPPED
    ]


def deep(setup: Setup, activation: str, depth: int, rate: float, length: int) -> Request:
    """Request a net of equal layers; `hidden` gives its depth."""
    hidden = (WIDTH,) * depth
    run = setup.run(Dense(hidden=hidden, activation=activation), Plan(epochs=length, learning_rate=rate))
    return request({"hidden": hidden, "activation": activation, "learning_rate": rate, "epochs": length}, run)


def tuning_epochs(setup: Setup) -> int:
    return max(2, round(TUNED_FOR * deep_epochs(setup)))


# Tuning


@dataclass(frozen=True, eq=False)
class Tuned:
    """The learning rate of one activation at one depth.

    Attributes:
        tried: number of rates that were tried.
        edge: "largest" or "smallest" where the rate lies at the end of all that were tried; else empty.
        trained: whether any rate gave a net that neither diverged nor collapsed.
    """

    activation: str
    depth: int
    rate: float
    tried: int
    edge: str
    trained: bool

    @classmethod
    def of(cls, activation: str, depth: int, tried: Sequence[Group]) -> Tuned:
        """The rate with the highest accuracy; the middle one where no net trained."""
        rates, top = sorted(map(rate_of, tried)), best(tried)
        rate = rate_of(top) if top else rates[len(rates) // 2]
        edge = {rates[-1]: "largest", rates[0]: "smallest"}.get(rate, "") if top else ""
        return cls(activation, depth, rate, len(tried), edge, top is not None)

    def __str__(self) -> str:
        return f"{name_of(self.activation)} at depth {self.depth} ({words.value(self.rate)})"


def tuned(study: StudyContext) -> Steps[list[Tuned]]:
    """Tune the rate for each activation and depth, by the best epoch of one seed that no comparison uses.

    Where the best rate is the largest or smallest of the grid, one more is tried, for all such nets in one call.
    """
    setup = study.setup
    seed, length, grid = setup.fresh[:1], tuning_epochs(setup), setup.pick(RATES, QUICK_RATES)
    names, depths = setup.pick(ACTIVATIONS, SWAPPED), setup.pick(DEPTHS, QUICK_DEPTHS)
    nets = [(name, depth) for depth in depths for name in names]
    cells = yield from study.train([deep(setup, *net, rate, length) for net in nets for rate in grid], seed)
    tried = {net: cells[place * len(grid) : (place + 1) * len(grid)] for place, net in enumerate(nets)}
    tops = {} if setup.quick else {net: top for net, groups in tried.items() if (top := best(groups))}
    further = {net: beyond(grid, rate_of(top)) for net, top in tops.items()}
    more = {net: rate for net, rate in further.items() if rate is not None}
    added = yield from study.train([deep(setup, *net, rate, length) for net, rate in more.items()], seed)
    for net, cell in zip(more, added, strict=True):
        tried[net].append(cell)
    return [Tuned.of(*net, groups) for net, groups in tried.items()]


def rate_of(cell: Group) -> float:
    return cell.run.plan.learning_rate


def _caveats(rates: Sequence[Tuned], setup: Setup) -> list[str]:
    sentences = []
    for edge in ("smallest", "largest"):
        tried = "the grid is not extended in a preview" if setup.quick else "one more was tried beyond the grid"
        begin = f"The best rate is the {edge} that was tried, so a better one may lie beyond ({tried})"
        sentences.append((begin, [str(each) for each in rates if each.edge == edge]))
    begin = "Every rate diverged or collapsed within the tuning, so the middle one was taken"
    sentences.append((begin, [str(each) for each in rates if not each.trained]))
    return [f"{begin}: {', '.join(nets)}." for begin, nets in sentences if nets]


# At a glance


def _card(cells: Sequence[Group], deep: Sequence[Group], early: Difference) -> Card:
    level = common_level(cells) or LEVELS[0]
    steps = {activation_of(cell): TimesToLevel.of(cell, level) for cell in cells}
    [ratio] = speed_ratios([(by(cells, activation="relu"), by(cells, activation="tanh"))], [("ReLU", "tanh")], others=1)
    certainty = ratio.certainty(ABOUT_STEPS) if ratio else Certainty("not shown", f"{ABOUT_STEPS}: no ratio is known.")
    verdict = VERDICTS[certainty.mark][bool(ratio and ratio.ratio.mean < 1)]
    took = words.listed([f"{name} {_median(each)}" for name, each in steps.items()])
    answer = f"{verdict}: the steps to {words.percent(level, 0)} are {took}."
    if certainty.mark != "clear" and early.shown:
        relu, tanh = (_mean_of(cell, EARLY) for cell in (early.contrast.a, early.contrast.b))
        answer = f"At first, {'yes' if relu < tanh else 'no'}: after one epoch its loss is {relu:.2f}, tanh's {tanh:.2f}."
        certainty = early.certainty(f"ReLU against tanh, {EARLY.name}")
    picture = curves_picture([(activation_of(cell), cell) for cell in cells], "loss")
    return Card("Does ReLU learn faster than tanh, and why?", answer + _shrinking(deep), certainty, picture)


def _at_first(cells: Sequence[Group]) -> Difference:
    """ReLU against tanh after one epoch: steps to a level are known to within an epoch, too roughly for large data sets."""
    relu, tanh = by(cells, activation="relu"), by(cells, activation="tanh")
    [early] = differences([Contrast(relu, tanh, "ReLU", "tanh", EARLY)], others=1)
    return early


def _mean_of(cell: Group, measure: Measure) -> float:
    value = cell.measured(measure)
    return value.mean if value else math.nan


def _median(times: TimesToLevel) -> str:
    median = times.median()
    return "unknown" if median is None else f"{median:,.0f}"


def _shrinking(deep: Sequence[Group]) -> str:
    """The measured cause: the activation through which the gradient shrinks most, in the deepest nets."""
    deepest = max(map(depth_of, deep))
    ratios = {cell: ratio.mean for cell in deep if depth_of(cell) == deepest and (ratio := cell.measured(IMBALANCE))}
    weakest = min(ratios, key=ratios.__getitem__, default=None)
    if weakest is None or ratios[weakest] > math.log10(SHRUNK):
        return ""
    share = words.percent(10 ** ratios[weakest], 0)
    return f" {words.capital(activation_of(weakest))}'s gradient shrinks to {share} on its way back."


# The answers


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    setup = study.setup
    plain = yield from study.train(swapped(setup))
    rates = yield from tuned(study)
    cells = yield from study.train([deep(setup, each.activation, each.depth, each.rate, deep_epochs(setup)) for each in rates])
    yield from study.trained()
    decided = _decided(study, plain, cells)
    early = _at_first(plain)
    swap = replace(_swap(setup, study.home, plain, decided[:2], early), card=_card(plain, cells, early))
    return [swap, _depths(setup, cells, rates, decided[2:]), part(setup, cells)]


def _decided(study: StudyContext, plain: Sequence[Group], cells: Sequence[Group]) -> list[Difference]:
    shallow, deepest = (pick(map(depth_of, cells)) for pick in (min, max))
    net = f"{words.value(NET)} net, Adam 1e-3"
    asked = [
        (plain, NET, "sigmoid", net),
        (plain, NET, "tanh", net),
        (cells, (WIDTH,) * shallow, "sigmoid", f"depth {shallow}, rates tuned"),
        (cells, (WIDTH,) * deepest, "sigmoid", f"depth {deepest}, rates tuned"),
        (cells, (WIDTH,) * deepest, "tanh", f"depth {deepest}, rates tuned"),
    ]
    planned = []
    for name, (groups, hidden, activation, where) in zip(CONTRASTS, asked, strict=True):
        a, b = (by(groups, hidden=hidden, activation=each) for each in (activation, "relu"))
        planned.append(Contrast(a, b, name_of(activation), name_of("relu"), where=where, name=name))
    return study.decide(planned)


def _swap(setup: Setup, home: RunStore, cells: Sequence[Group], contrasts: list[Difference], early: Difference) -> AnswerPart:
    title = f"ReLU, tanh and sigmoid in the {words.value(NET)} net"
    curves = compared(cells, activation_of, title, level=common_level(cells))
    slopes = mean_slopes(home, cells)
    return AnswerPart(
        name="swap",
        question=f"ReLU, tanh or sigmoid in the {words.value(NET)} net, nothing else changed?",
        answer=[*(each.sentence for each in contrasts), early.sentence, *_speed(cells, f"In the {words.value(NET)} net")],
        method=(
            f"The {sized(f'{words.value(NET)} net', cells[0].parameters)}, Adam 1e-3, batch 128, "
            f"{setup.length(setup.lasting(epochs(setup)))}, {words.counted(len(setup.seeds), 'seed')} each; "
            "the learning rate suits ReLU and is not tuned. Steps: minibatches, median over seeds."
        ),
        figures=[
            *(Figure("act_swap", chart, "The axis is that of the error, so that 95 and 99 % are apart.") for chart in curves),
            *slopes_figure(setup, home, cells),
        ],
        shown=2,
        why=[slope_sentence(slopes)] if slopes else [],
        reason=slope_sentence(slopes, brief=True) if slopes else "",
        tables=[_table(cells)],
        cells=[_json(cell) for cell in cells],
        contrasts=contrasts,
    )


def _speed(cells: Sequence[Group], where: str) -> list[str]:
    """How soon each level was reached, as a description; only levels that some run reached."""
    sentences = []
    for level in LEVELS:
        steps = {activation_of(cell): TimesToLevel.of(cell, level) for cell in cells}
        if any(each.reached() for each in steps.values()):
            took = words.listed([f"{_took(each)} with {name}" for name, each in steps.items()])
            sentences.append(f"{where} the steps to {words.percent(level, 0)} are {took}.")
    return sentences


def _took(steps: TimesToLevel) -> str:
    return f"unknown ({len(steps.reached())} of {steps.total} got there)" if steps.median is None else steps.text


def _depths(setup: Setup, cells: Sequence[Group], rates: Sequence[Tuned], contrasts: list[Difference]) -> AnswerPart:
    depths = sorted({depth_of(cell) for cell in cells})
    deepest = [cell for cell in cells if depth_of(cell) == depths[-1]]
    sizes = words.listed([sized(f"depth {d}", next(c.parameters for c in cells if depth_of(c) == d)) for d in depths])
    grid = setup.pick(RATES, QUICK_RATES)
    shallow, *deep_ones = contrasts
    return AnswerPart(
        name="depths",
        question="Which activation trains how well at which depth, with the learning rate tuned for each?",
        answer=[
            *(each.sentence for each in (*deep_ones, shallow)),
            *(sentence for depth in depths for sentence in _spread([cell for cell in cells if depth_of(cell) == depth], depth)),
            *_speed(deepest, f"At depth {depths[-1]}"),
        ],
        method=(
            f"Layers of {WIDTH} units: {sizes}. Adam; for each activation and depth the learning rate out of "
            f"{words.listed([words.value(rate) for rate in grid])} with the highest accuracy within "
            f"{setup.length(Plan(epochs=tuning_epochs(setup)))} of seed {setup.fresh[0]}; "
            f"then {setup.length(Plan(epochs=deep_epochs(setup)))} of "
            f"{words.counted(len(setup.seeds), 'other seed')}."
        ),
        figures=[_accuracies(setup, cells), *_steps_figure(setup, cells), _curves(setup, cells)],
        tables=[_table(cells)],
        cells=[_json(cell) for cell in cells],
        contrasts=contrasts,
        caveats=_caveats(rates, setup),
        data={"tuning": [vars(each) for each in rates]},
    )


def _spread(cells: Sequence[Group], depth: int) -> list[str]:
    known = sorted((cell for cell in cells if cell.accuracy), key=lambda cell: cell.mean)
    if len(known) < 2:
        return []
    low, high = (f"{share_text(cell.accuracy)} with {activation_of(cell)}" for cell in (known[0], known[-1]))
    return [f"At depth {depth} the mean accuracies of {len(known)} activations range from {low} to {high}."]


def _accuracies(setup: Setup, cells: Sequence[Group]) -> Figure:
    dots = [
        Dot(f"depth {depth_of(cell)}", activation_of(cell), "", cell.accuracy, excluded([cell]))
        for cell in sorted(cells, key=depth_of)
    ]
    said = subtitle(setup, cells, best_epoch(setup))
    chart = figures.dot_panels(dots, "Accuracy with tuned learning rates", said, x="validation accuracy", share=True)
    return Figure("act_accuracy", chart, "Runs that diverged or collapsed are excluded, and counted at the right.")


def _steps_figure(setup: Setup, cells: Sequence[Group]) -> list[Figure]:
    dots = []
    for cell in sorted(cells, key=depth_of):
        for level in LEVELS:
            steps = TimesToLevel.of(cell, level)
            note = f"{steps.never} of {steps.total} never" if steps.never else ""
            dots.append(Dot(f"depth {depth_of(cell)}", activation_of(cell), words.percent(level, 0), steps.interval, note))
    if not any(dot.mean for dot in dots):
        return []
    n = max(cell.total for cell in cells)
    covered = words.percent(1 - 2 * 0.5**n, 0)
    said = [
        f"{setup.data.name}; n = {words.counted(n, 'seed')} per setting; dots: medians, measured at the ends of epochs only",
        f"bars: from the first seed to the last that got there; {covered} intervals of the median where all did",
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
        subtitle(setup, cells, BANDS),
        y="validation accuracy",
        share=True,
        columns=2,
        size=(290, 180),
    )
    return Figure("act_curves", chart, "All panels have one scale.")


def _table(cells: Sequence[Group]) -> Table[Group]:
    def steps(level: float) -> Column[Group]:
        return Column(f"steps to {words.percent(level, 0)}", lambda cell: TimesToLevel.of(cell, level).text)

    columns: list[Column[Group]] = [
        Column("hidden", lambda cell: cell.setting["hidden"], words.value, align="left"),
        Column("activation", activation_of, align="left"),
        Column("learning rate", rate_of, words.value),
        *GROUP_COLUMNS,
        *map(steps, LEVELS),
    ]
    per_epoch = steps_per_epoch(cells[0].results[0])
    caption = (
        f"In brackets 95 % intervals. Steps: minibatches, median over all runs, measured at the ends of epochs "
        f"({per_epoch} steps each); - where half of them or more never got there."
    )
    return Table(columns, cells, caption)


def _json(cell: Group) -> Mapping[str, object]:
    steps = [TimesToLevel.of(cell, level).as_json() for level in LEVELS]
    return {**cell.as_json(**measured(cell, MEASURES)), "steps": steps}


STUDY = Study(
    name="activations",
    title="Activations",
    question="Which activation trains how well, at which depth, and why?",
    contrasts=CONTRASTS,
    design=swapped,
    parts=parts,
)
