"""Section 3 of the exercise: what does an l2 penalty do to the 200-100 net, and which smaller net does it make of it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from seedbed import figures
from seedbed.figures import Dot, mean_curve, words
from seedbed.groups import ACCURACY, LAST_ACCURACY, Contrast, Difference, Group, Measure, Request, at_last, best
from seedbed.specs import DataSpec, Dense, Plan
from seedbed.statistics import Interval, interval_of
from seedbed.studies.answers import Figure, Part, Study, share_text, subtitle
from seedbed.studies.context import Steps, StudyContext, request, requests, side_by_side
from seedbed.studies.edges import Swept, swept
from seedbed.studies.likeness import Likeness, likeness
from seedbed.studies.setup import Setup
from seedbed.studies.tables import BEST, LAST, PARAMETERS, RUNS, interval_text, loss_text
from seedbed.studies.why import NEAR_ZERO, explained, near_zero, probed
from seedbed.tables import Column, Table

NET = (200, 100)
STRENGTHS = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
QUICK_STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
SMALLER = ((100, 50), (50, 25), (25, 12), (12, 6))
QUICK_SMALLER = ((100, 50), (25, 12))

FLIPPED = 0.2
STRONG = 1e-2
FEW_STEPS, QUICK_STEPS = 400, 200
"""Minibatches that a net sees, or so, where there are few images; on all of MNIST it sees thousands."""

LARGE = 10_000
"""Training images from which on an epoch is dear."""

GAP = Measure(
    "generalization gap", lambda result: float(result.history["validation_loss"][-1] - result.history["train_loss"][-1]), "nats"
)
TRAIN_LOSS = at_last("training data loss", "train_loss", unit="nats", better="lower")
VALIDATION_LOSS = at_last("validation data loss", "validation_loss", unit="nats", better="lower")
PENALTY = at_last("penalty", "train_penalty", unit="nats")

CONTRASTS = (
    "l2 0.01 against none, all images",
    "best l2 against none, all images",
    "best l2 against none, few images",
    "best l2 against none, few images with flipped labels",
    "best l2 against none, more images with flipped labels",
)


PUBLISHED = (
    "A student report called l2 = 1e-3 bad for an accuracy of 9.80 %: the share of one digit among MNIST's test images, which "
    "a run gets that diverged. Here such a run is told by its verdict and is in no mean.",
)


@dataclass(frozen=True)
class Condition:
    """Images on which the net is trained.

    Attributes:
        contrast: the announced comparison of the best l2 with none, if there is one.
        measure: by which the best is found and compared. Where labels are wrong that is the accuracy at the last epoch: to stop
            at the best one is a regularization of its own.
    """

    label: str
    images: DataSpec
    epochs: int
    contrast: str | None
    measure: Measure = ACCURACY


def conditions(setup: Setup) -> list[Condition]:
    """All images; few and fewer of them; and those with a fifth of their labels flipped."""
    steps, most = setup.pick(FEW_STEPS, QUICK_STEPS), 60 if setup.facts.train >= LARGE else 200
    found = [Condition("all images", setup.data, setup.epochs(steps, setup.facts.train, least=10, most=most), CONTRASTS[1])]
    amounts = setup.amounts(5_000, 1_000)
    for noise in (0.0, FLIPPED):
        for amount in setup.pick(amounts, amounts[-1:]):
            few = amount == amounts[-1]
            contrast = (CONTRASTS[3] if few else CONTRASTS[4]) if noise else (CONTRASTS[2] if few else None)
            said = f"{amount:,} images" + (f", {words.percent(noise, 0)} of labels flipped" if noise else "")
            images = setup.data.changed(first=amount, label_noise=noise)
            found.append(
                Condition(
                    said,
                    images,
                    setup.epochs(steps, amount, least=20, most=most),
                    contrast,
                    LAST_ACCURACY if noise else ACCURACY,
                )
            )
    return found


def penalized(setup: Setup, where: Condition, strength: float) -> Request:
    return _requests(setup, where, [{"hidden": NET, "l2": strength}])[0]


def _requests(setup: Setup, where: Condition, settings: Sequence[Mapping[str, object]]) -> list[Request]:
    base = setup.run(Dense(hidden=NET), Plan(epochs=where.epochs), where.images)
    changed = {name: getattr(where.images, name) for name in ("first", "label_noise") if getattr(where.images, name)}
    return [request({**one.setting, **changed}, one.run) for one in requests(base, settings)]  # type: ignore[arg-type]


def strengths(setup: Setup, where: Condition) -> list[Request]:
    return [penalized(setup, where, strength) for strength in setup.pick(STRENGTHS, QUICK_STRENGTHS)]


def smaller(setup: Setup, where: Condition) -> list[Request]:
    return _requests(setup, where, [{"hidden": hidden, "l2": 0.0} for hidden in setup.pick(SMALLER, QUICK_SMALLER)])


def design(setup: Setup) -> list[Request]:
    return [one for where in conditions(setup) for one in (*strengths(setup, where), *smaller(setup, where))]


# What came of a condition


@dataclass(frozen=True, eq=False)
class Found:
    """What came of one condition.

    Attributes:
        cells: over l2, none first.
        ladder: the nets without penalty, the largest first.
        near_zero: l2 -> share of the weights near 0 at the last epoch.
        like: of each l2 above 0, the net without penalty that it behaves like.
        contrasts: that were announced for these images.
    """

    where: Condition
    cells: list[Group]
    ladder: list[Group]
    near_zero: dict[float, Interval | None]
    like: list[Likeness]
    marks: list[str]
    contrasts: list[Difference]

    @property
    def plain(self) -> Group:
        return self.cells[0]

    @property
    def best(self) -> Group | None:
        return best(self.cells)


def parts(study: StudyContext) -> Steps[list[Part]]:
    setup, found = study.setup, []
    sweeps = yield from side_by_side([_swept(study, where) for where in conditions(setup)])
    decided = yield from _decided(study, dict(zip(conditions(setup), (one.cells for one in sweeps), strict=True)))
    for where, one in zip(conditions(setup), sweeps, strict=True):
        ladder = [one.cells[0], *(yield from study.train(smaller(setup, where)))]
        near = {_strength(cell): interval_of([near_zero(study.home, each) for each in cell.kept]) for cell in one.cells}
        like = likeness(one.cells[1:], ladder) if one.cells[0].n and sum(cell.n > 0 for cell in ladder) > 1 else []
        mine = [decided[name] for name in (where.contrast, CONTRASTS[0]) if name in decided and _is_of(decided[name], where)]
        found.append(Found(where, one.cells, ladder, near, like, one.marks, mine))
    return [_effect(setup, found[0]), _harder(setup, found), _smaller_net(setup, found)]


def _swept(study: StudyContext, where: Condition) -> Steps[Swept]:
    asked = strengths(study.setup, where)
    return swept(
        study,
        "l2",
        asked,
        lambda strength: penalized(study.setup, where, strength),
        least=0.0,
        most=1.0,
        where=where.label,
    )


def _is_of(difference: Difference, where: Condition) -> bool:
    return difference.contrast.a.run.data == where.images


def _strength(cell: Group) -> float:
    return cell.run.plan.l2


def _decided(study: StudyContext, cells: Mapping[Condition, list[Group]]) -> Steps[dict[str, Difference]]:
    """The announced comparisons. What was chosen for its mean is compared on fresh seeds."""
    chosen = {
        where: one
        for where, swept in cells.items()
        if where.contrast and (one := _top(swept[1:], where.measure)) and swept[0].n
    }
    asked = [request(cell.setting, cell.run) for where, one in chosen.items() for cell in (one, cells[where][0])]
    confirmed = yield from study.confirm(asked)
    planned = []
    for place, (where, one) in enumerate(chosen.items()):
        a, b = confirmed[2 * place : 2 * place + 2]
        said = f"l2 {words.value(_strength(one))} (the best above 0)"
        on = f"on {where.label}, fresh seeds"
        planned.append(Contrast(a, b, said, "no penalty", where.measure, on, str(where.contrast)))
    everything = next(iter(cells))
    strong = [cell for cell in cells[everything] if _strength(cell) == STRONG]
    if strong:
        said = f"l2 {words.value(STRONG)}"
        on = f"on {everything.label}"
        planned.insert(0, Contrast(strong[0], cells[everything][0], said, "no penalty", where=on, name=CONTRASTS[0]))
    return study.decide(planned)


def _top(cells: Sequence[Group], measure: Measure) -> Group | None:
    """The cell with the highest mean of a measure."""
    known = [(mean.mean, -place) for place, cell in enumerate(cells) if (mean := cell.measured(measure))]
    return cells[-max(known)[1]] if known else None


# The first part: what the penalty does


def _effect(setup: Setup, found: Found) -> Part:
    where = found.where
    answer = [contrast.sentence for contrast in found.contrasts]
    if found.best:
        has = "no penalty" if found.best is found.plain else f"l2 {words.value(_strength(found.best))}"
        beside = "" if found.best is found.plain else f"; without penalty it is {share_text(found.plain.accuracy)}"
        strengths = f"of {len(found.cells)} strengths"
        answer.append(f"The highest mean {strengths}, {share_text(found.best.accuracy)} at the best epoch, has {has}{beside}.")
    return Part(
        name="effect",
        question=f"What does l2 do to the {words.value(NET)} net, trained on {where.label}?",
        answer=answer,
        method=(
            f"The {words.value(NET)} net ({found.plain.parameters:,} parameters) with penalty l2 x (sum of squared weights), "
            f"Adam 1e-3, {where.epochs} epochs, {words.counted(len(setup.seeds), 'seed')} a strength; what was chosen for its "
            "mean is compared on as many fresh seeds."
        ),
        figures=[
            _curves(setup, found),
            _penalties(setup, found),
            _measures(setup, [found], "l2_effect", "What the penalty does"),
        ],
        tables=[_table(found)],
        why=_why(found),
        cells=[_json(cell, found) for cell in found.cells],
        contrasts=found.contrasts,
        marks=found.marks,
        published=PUBLISHED,
    )


def _json(cell: Group, found: Found) -> dict[str, object]:
    measured = {
        measure.name.replace(" ", "_"): cell.measured(measure) for measure in (GAP, TRAIN_LOSS, VALIDATION_LOSS, PENALTY)
    }
    norms = {f"weight_norm_{layer}": norm for layer, norm in probed(cell, "weights").items()}
    return cell.as_json(**measured, **norms, share_near_zero=found.near_zero.get(_strength(cell)))


def _curves(setup: Setup, found: Found) -> Figure:
    columns = {"training": "train_loss", "validation": "validation_loss"}
    curves = [
        mean_curve(cell.results, column, panel=f"l2 {words.value(_strength(cell))}", line=line)
        for cell in found.cells
        for line, column in columns.items()
    ]
    said = subtitle(setup, found.cells, f"{found.where.label}; mean with 95 % interval (Student t)")
    chart = figures.curve_panels(curves, "Data loss over epochs", said, y="cross-entropy (nats)", logarithmic=True)
    return Figure("l2_learning_curves", chart, "Data loss without the penalty, so that the panels compare across strengths.")


def _penalties(setup: Setup, found: Found) -> Figure:
    curves = [
        mean_curve(cell.results, "train_penalty", panel="", line=f"l2 {words.value(_strength(cell))}")
        for cell in found.cells
        if _strength(cell) > 0
    ]
    said = subtitle(setup, found.cells, f"{found.where.label}; mean with 95 % interval (Student t)")
    chart = figures.curve_panels(curves, "Penalty over epochs", said, y="penalty (nats)", logarithmic=True, size=(420, 220))
    return Figure("l2_penalty", chart, "The penalty alone: what the optimizer minimizes is this plus the training data loss.")


ACCURACY_PANEL, LAST_PANEL, NEAR_PANEL = (
    "validation accuracy, best epoch",
    "validation accuracy, last epoch",
    "share of weights near 0",
)


def _measures(setup: Setup, several: Sequence[Found], name: str, title: str) -> Figure:
    points = [point for found in several for cell in found.cells for point in _points(found, cell)]
    order = list(dict.fromkeys(point.panel for point in points))
    points.sort(key=lambda point: order.index(point.panel))
    cells = [cell for found in several for cell in found.cells]
    said = subtitle(setup, cells, f"bars: 95 % intervals (accuracies: {setup.chance}; else Student t over seeds)")
    shares = (ACCURACY_PANEL, LAST_PANEL, NEAR_PANEL)
    chart = figures.measures_over(points, "l2", title, said, group="trained on" if len(several) > 1 else "", shares=shares)
    caption = f"A weight is near 0 below {words.percent(NEAR_ZERO, 0)} of the range in which it was drawn at first."
    return Figure(name, chart, caption)


def _points(found: Found, cell: Group) -> list[Dot]:
    strength, label = _strength(cell), found.where.label
    panels = {
        ACCURACY_PANEL: cell.measured(ACCURACY),
        LAST_PANEL: cell.last,
        "gap: validation - training loss (nats)": cell.measured(GAP),
        **{f"norm of {layer}'s weights": norm for layer, norm in _norms(cell).items()},
        NEAR_PANEL: found.near_zero[strength],
    }
    return [Dot(panel, strength, label, mean) for panel, mean in panels.items()]


def _norms(cell: Group) -> dict[str, Interval | None]:
    norms = probed(cell, "weights")
    return {layer: norms[layer] for layer in sorted(norms)}


def _table(found: Found) -> Table[Group]:
    columns: list[Column[Group]] = [
        Column("l2", _strength, words.value, align="left"),
        RUNS,
        BEST,
        LAST,
        Column("training loss", lambda cell: cell.measured(TRAIN_LOSS), loss_text),
        Column("validation loss", lambda cell: cell.measured(VALIDATION_LOSS), loss_text),
        Column("gap", lambda cell: cell.measured(GAP), loss_text),
        Column("weight norms by layer", _norms_text),
        Column("near 0", lambda cell: found.near_zero[_strength(cell)], partial(interval_text, digits=0), unit="%"),
    ]
    caption = (
        f"{found.where.label.capitalize()}. Losses without penalty, in nats, at the last epoch; in brackets 95 % intervals."
    )
    return Table(columns, found.cells, caption)


def _norms_text(cell: Group) -> str:
    return " / ".join("" if norm is None else f"{norm.mean:.2f}" for norm in _norms(cell).values())


def _why(found: Found) -> list[str]:
    strong = max((cell for cell in found.cells if cell.n), key=_strength, default=None)
    said = []
    if strong is not None and strong is not found.plain and found.plain.n:
        before, after = _norms(found.plain), _norms(strong)
        said += [_shrunk(layer, before[layer], after[layer], strong) for layer in before]
        near = [found.near_zero[_strength(cell)] for cell in (found.plain, strong)]
        if near[0] and near[1]:
            said.append(
                f"With l2 {words.value(_strength(strong))} {share_text(near[1], 0)} of the weights lie near 0, without penalty "
                f"{share_text(near[0], 0)}."
            )
    for cell in dict.fromkeys([found.plain, *([found.best] if found.best else []), *([strong] if strong else [])]):
        said += explained(cell)
    return said


def _shrunk(layer: str, before: Interval | None, after: Interval | None, strong: Group) -> str:
    one, other = (interval_text(norm, factor=1) for norm in (before, after))
    return f"The norm of {layer}'s weights is {other} with l2 {words.value(_strength(strong))}, and {one} without penalty."


# The second part: harder data


def _harder(setup: Setup, several: Sequence[Found]) -> Part:
    harder = several[1:]
    answer = [contrast.sentence for found in reversed(harder) for contrast in found.contrasts]
    answer += [said for found in harder if (said := _at_end(found))]
    sizes = words.listed([found.where.label for found in harder]) or "no smaller part"
    marks = [] if harder else ["This data set is too small to take a part of it."]
    return Part(
        name="harder-data",
        question="Does l2 help where there are few images, or wrong labels?",
        answer=answer or ["This data set is too small to take a part of it, so this was not tried."],
        method=(
            f"The same sweep on {sizes}, for so many epochs that each net sees {setup.pick(FEW_STEPS, QUICK_STEPS)} "
            "minibatches or so; validation labels are never flipped. The best strength of each is compared with none on "
            "fresh seeds; where labels are wrong at the last epoch, because to stop at the best one regularizes too."
        ),
        figures=[_measures(setup, several, "l2_harder_data", "What the penalty does on harder data")] if harder else [],
        tables=[_table(found) for found in harder],
        cells=[_json(cell, found) for found in harder for cell in found.cells],
        contrasts=[contrast for found in harder for contrast in found.contrasts],
        marks=[*(mark for found in harder for mark in found.marks), *marks],
    )


def _at_end(found: Found) -> str:
    """What a net that is trained to the end, and not stopped at its best epoch, keeps; a description."""
    known = [cell for cell in found.cells if cell.last]
    if not known or not found.plain.last:
        return ""
    top = max(known, key=lambda cell: cell.last.mean if cell.last else 0.0)
    return (
        f"On {found.where.label}, at the last epoch, the highest mean is {share_text(top.last)} with l2 "
        f"{words.value(_strength(top))}; without penalty it is {share_text(found.plain.last)} there and "
        f"{share_text(found.plain.accuracy)} at the best epoch."
    )


# The third part: which smaller net


def _smaller_net(setup: Setup, several: Sequence[Found]) -> Part:
    answer = [_likened(found) for found in several if found.like]
    ladder = "; ".join(f"{_net(cell)} ({cell.parameters:,} parameters)" for cell in several[0].ladder)
    return Part(
        name="smaller-net",
        question="Which smaller net without penalty does each strength behave like?",
        answer=answer or ["Too few nets without penalty have runs in their means, so nothing can be matched."],
        method=(
            "Nearest by the mean of three distances, each in units of the nets' own range: validation accuracy and "
            "generalization gap at the last epoch, and both loss curves (logarithms, root mean square); how sure: the share of "
            f"1,000 resamples of the seeds that agree. Nets without penalty: {ladder}."
        ),
        figures=_nearest(setup, several),
        tables=[_ladder_table(found) for found in several],
        cells=[cell.as_json(generalization_gap=cell.measured(GAP)) for found in several for cell in found.ladder[1:]],
        data={found.where.label: [_like_json(one) for one in found.like] for found in several},
    )


def _nearest(setup: Setup, several: Sequence[Found]) -> list[Figure]:
    shares = [(found.where.label, *one) for found in several for one in _nearest_shares(found)]
    if not shares:
        return []
    said = subtitle(setup, [cell for found in several for cell in (*found.cells, *found.ladder)], "nets without penalty")
    said.append("share of the resamples of the seeds in which a net is the nearest")
    chart = figures.share_table(shares, "Which net without penalty is nearest?", said, rows="", columns="hidden units")
    return [Figure("l2_smaller_net", chart, "Dark: the seeds agree. A row spread over several nets is not decided.")]


def _nearest_shares(found: Found) -> Iterator[tuple[str, str, float]]:
    """Strength, net and share; the shares of a strength that is far from all nets count for none of them."""
    nets = [_net(cell) for cell in found.ladder if cell.n]
    for one in found.like:
        shares = [*one.shares, 0.0] if one.is_like else [*(0.0 for _ in one.shares), 1.0]
        for net, share in zip([*nets, "none"], shares, strict=True):
            yield f"l2 {words.value(_strength(one.cell))}", net, share


def _net(cell: Group) -> str:
    return words.value(cell.run.model.hidden) if isinstance(cell.run.model, Dense) else cell.label


def _likened(found: Found) -> str:
    said = []
    for one in found.like:
        name = f"l2 {words.value(_strength(one.cell))}"
        if not one.is_like:
            said.append(f"{name} behaves like none of them")
        else:
            nearest = f"{_net(one.nearest)} ({one.nearest.parameters:,} parameters; {words.percent(one.sure, 0)} sure)"
            said.append(f"{name} behaves like {nearest}")
    return f"On {found.where.label}: {'; '.join(said)}."


def _like_json(one: Likeness) -> dict[str, object]:
    return {
        "l2": _strength(one.cell),
        "nearest": _net(one.nearest),
        "parameters": one.nearest.parameters,
        "distance": one.distance,
        "like": one.is_like,
        "shares": list(one.shares),
    }


def _ladder_table(found: Found) -> Table[Group]:
    gap: Column[Group] = Column("gap", lambda cell: cell.measured(GAP), loss_text, unit="nats")
    columns = [Column("hidden units", _net, align="left"), PARAMETERS, RUNS, BEST, LAST, gap]
    return Table(columns, found.ladder, f"Nets without penalty on {found.where.label}; in brackets 95 % intervals.")


STUDY = Study(
    name="regularization",
    title="Regularization",
    question="What does an l2 penalty do, when does it help, and which smaller net does it make of a large one?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
