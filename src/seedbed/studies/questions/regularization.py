"""Section 3 of the exercise: the effect of an l2 penalty on the 200-100 net, and the smaller net that it then resembles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from seedbed import figures, words
from seedbed.figures import Dot
from seedbed.groups import ACCURACY, LAST_ACCURACY, Contrast, Difference, Group, Request, at_last, best
from seedbed.groups.sentences import margin_text
from seedbed.groups.statements import Certainty
from seedbed.runs import RunStore
from seedbed.specs import Dense, Plan
from seedbed.statistics import SHARE, Interval
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import PICTURE_SIZE, Card, curves_picture
from seedbed.studies.context import Steps, StudyContext, request, requests, side_by_side
from seedbed.studies.edges import swept
from seedbed.studies.likeness import Likeness, likeness
from seedbed.studies.penalties import (
    Condition,
    Penalized,
    curves_figure,
    l2_name,
    measures_figure,
    overfitting_figure,
    penalty_figure,
    strength,
    weights_figure,
)
from seedbed.studies.setup import Setup
from seedbed.studies.tables import GAP, GAP_COLUMN, GROUP_COLUMNS, LOSSES, TRAIN_LOSS_COLUMN, VALIDATION_LOSS, measured
from seedbed.studies.texts import TOO_SMALL, interval_text, loss_text, number_text, share_text, sized, subtitle
from seedbed.studies.why import explained, near_zero, probed
from seedbed.tables import Column, Table

NET = (200, 100)
STRENGTHS = (0.0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
QUICK_STRENGTHS = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
SMALLER = ((100, 50), (50, 25), (25, 12), (12, 6))
QUICK_SMALLER = ((100, 50), (25, 12))

FLIPPED = 0.2
STRONG = 1e-2
FEW_STEPS, QUICK_STEPS = 400, 200
"""The approximate minibatches of a net where there are few images; on all of MNIST there are thousands."""

CLEAR_SEEDS = 5
"""The least seeds that make a likeness clear where all of them agree; of two nets equally near, they do so 1 time in 16."""

LARGE = 10_000
"""Training images from which on an epoch is expensive."""

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
    "a diverged run gets. Here such a run has the verdict diverged and is excluded.",
)


def conditions(setup: Setup) -> list[Condition]:
    """All images; few and fewer of them; and those with a fifth of their labels flipped."""
    steps, most = setup.pick(FEW_STEPS, QUICK_STEPS), 60 if setup.facts.train >= LARGE else 200
    whole = Condition("all images", setup.data, setup.epochs(steps, setup.facts.train, least=10, most=most), CONTRASTS[1])
    amounts = setup.amounts(5_000, 1_000)
    fewer = []
    for noise, contrasts in ((0.0, (None, CONTRASTS[2])), (FLIPPED, (CONTRASTS[4], CONTRASTS[3]))):
        for amount in setup.pick(amounts, amounts[-1:]):
            label = f"{amount:,} images" + (f", {words.percent(noise, 0)} of labels flipped" if noise else "")
            images = setup.data.changed(first=amount, label_noise=noise)
            epochs = setup.epochs(steps, amount, least=20, most=most)
            contrast = contrasts[amount == amounts[-1]]
            fewer.append(Condition(label, images, epochs, contrast, LAST_ACCURACY if noise else ACCURACY))
    return [whole, *fewer]


def penalized(setup: Setup, where: Condition, strength: float) -> Request:
    return _requests(setup, where, [{"hidden": NET, "l2": strength}])[0]


def _requests(setup: Setup, where: Condition, settings: Sequence[Mapping[str, object]]) -> list[Request]:
    base = setup.run(Dense(hidden=NET), Plan(epochs=where.epochs), where.images)
    changed = {name: getattr(where.images, name) for name in ("first", "label_noise") if getattr(where.images, name)}
    return [request({**each.setting, **changed}, each.run) for each in requests(base, settings)]  # type: ignore[arg-type]


def strengths(setup: Setup, where: Condition) -> list[Request]:
    return [penalized(setup, where, strength) for strength in setup.pick(STRENGTHS, QUICK_STRENGTHS)]


def smaller(setup: Setup, where: Condition) -> list[Request]:
    return _requests(setup, where, [{"hidden": hidden, "l2": 0.0} for hidden in setup.pick(SMALLER, QUICK_SMALLER)])


def design(setup: Setup) -> list[Request]:
    return [each for where in conditions(setup) for each in (*strengths(setup, where), *smaller(setup, where))]


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    setup, several = study.setup, []
    sweeps = yield from side_by_side(
        [
            swept(study, "l2", strengths(setup, at), partial(penalized, setup, at), least=0.0, most=1.0, where=f"On {at.label}")
            for at in conditions(setup)
        ]
    )
    decided = yield from _decided(study, {where: sweep.cells for where, sweep in zip(conditions(setup), sweeps, strict=True)})
    nets = yield from side_by_side([study.train(smaller(setup, where)) for where in conditions(setup)])
    yield from study.trained()
    for where, sweep, others in zip(conditions(setup), sweeps, nets, strict=True):
        cells = sweep.cells
        ladder = [cells[0], *others]
        near = {strength(cell): cell.interval([near_zero(study.home, each) for each in cell.kept], SHARE) for cell in cells}
        like = likeness(cells[1:], ladder) if cells[0].n and sum(cell.n > 0 for cell in ladder) > 1 else []
        mine = [each for each in decided if each.contrast.a.run.data == where.images]
        several.append(Penalized(where, cells, ladder, near, like, sweep.caveats, mine))
    return [
        replace(_effect(setup, study.home, several[0], alone=len(several) == 1), card=_use_card(several)),
        _harder(setup, several),
        replace(_smaller_net(setup, several), card=_likeness_card(several[0])),
    ]


def _decided(study: StudyContext, cells: Mapping[Condition, list[Group]]) -> Steps[list[Difference]]:
    """The announced comparisons. A strength that was selected for its mean is compared on fresh seeds."""
    selected = {
        where: top
        for where, groups in cells.items()
        if where.contrast and groups[0].n and (top := best(groups[1:], where.measure))
    }
    asked = [request(cell.setting, cell.run) for where, top in selected.items() for cell in (top, cells[where][0])]
    confirmed = yield from study.confirm(asked)
    planned = [
        Contrast(a, b, f"{l2_name(a)} (the best above 0)", "no penalty", where.measure, f"on {where.label}, fresh seeds", name)
        for where, a, b in zip(selected, confirmed[::2], confirmed[1::2], strict=True)
        if (name := where.contrast)
    ]
    everything, groups = next(iter(cells.items()))
    planned += [
        Contrast(cell, groups[0], l2_name(cell), "no penalty", where=f"on {everything.label}", name=CONTRASTS[0])
        for cell in groups
        if strength(cell) == STRONG
    ]
    return study.decide(planned)


# At a glance


def _use_card(several: Sequence[Penalized]) -> Card:
    """Whether the penalty is useful: on the hardest images, then on all of them."""
    whole, hardest = several[0], several[-1]
    best_against_none = {each.name: each for found in several for each in found.contrasts if each.name != CONTRASTS[0]}
    planned = best_against_none.get(hardest.where.contrast or "")
    on_all = best_against_none.get(CONTRASTS[1])
    sentences = [_gain(each, where) for each, where in ((planned, _hardness(hardest)), (on_all, "all images")) if each]
    answer = " ".join(sentences[: 1 if planned is on_all else 2]) or "No run is left to compare."
    certainty = Certainty("not shown", "Nothing could be compared.")
    if planned:
        certainty = planned.certainty(_hardness(hardest), equality=True)
    points = [
        Dot("", strength(cell), _hardness(found), cell.measured(found.where.measure))
        for found in dict.fromkeys([hardest, whole])
        for cell in found.cells
    ]
    known = any(point.mean for point in points)
    picture = figures.measures_over(points, "lambda", "", [], shares=("",), size=PICTURE_SIZE) if known else None
    return Card("Is weight decay useful?", answer, certainty, picture)


def _hardness(found: Penalized) -> str:
    images = found.where.images
    return "few images with wrong labels" if images.label_noise else "few images" if images.first else "all images"


def _gain(difference: Difference, where: str) -> str:
    """What the best strength gains there, in one short sentence."""
    if difference.decision is None:
        return f"On {where} nothing could be compared."
    best_one, gain = _lambda(difference.contrast.a), 100 * difference.decision.interval.mean
    if difference.equivalence and difference.equivalence.shown and not difference.shown:
        return f"On {where} {best_one} and none are equal within {margin_text(difference.equivalence)}."
    if not difference.decision.interval.excludes():
        return f"On {where} its gain is unclear ({gain:+.1f} points)."
    return f"On {where} {best_one} {'gains' if gain > 0 else 'loses'} {abs(gain):.1f} points."


def _lambda(cell: Group) -> str:
    return f"lambda {words.value(strength(cell))}"


def _likeness_card(found: Penalized) -> Card:
    """The strongest penalty that makes the large net like a smaller one."""
    question = "Can weight decay make a large net behave like a smaller one?"
    smaller = [each for each in found.like if each.is_like and each.nearest is not found.plain]
    if not found.like:
        return Card(question, "Too few runs are left to answer this.", Certainty("not shown", "There is nothing to match."))
    chosen = max(smaller or found.like, key=lambda each: each.agreeing / each.seeds)
    net, lambda_ = _net(found.plain), _lambda(chosen.cell)
    answer = f"In part: with {lambda_} the {net} net comes nearest to a {_net(chosen.nearest)} net without weight decay."
    if not smaller:
        answer = f"No: at every lambda that we tried, the {net} net stays most like itself, or unlike all."
    rule = f"The nearest net is the same in {chosen.agreement}; clear means in all of {CLEAR_SEEDS} or more."
    all_agree, most_agree = chosen.agreeing == chosen.seeds >= CLEAR_SEEDS, chosen.agreeing > chosen.seeds / 2
    certainty = Certainty("clear" if all_agree else "likely" if most_agree else "not shown", rule)
    lines = {
        f"{net}, {lambda_}": chosen.cell,
        _net(chosen.nearest): chosen.nearest,
        net: found.plain,
    }
    return Card(question, answer, certainty, curves_picture(lines.items(), "loss"))


# The first part: what the penalty does


def _effect(setup: Setup, home: RunStore, found: Penalized, *, alone: bool) -> AnswerPart:
    where, plain, top = found.where, found.plain, best(found.cells)
    answer = [contrast.sentence for contrast in found.contrasts]
    if top:
        highest = f"The highest mean of {len(found.cells)} strengths is {share_text(top.accuracy)} at the best epoch,"
        without = f"{l2_name(top)}; without penalty it is {share_text(plain.accuracy)}"
        answer.append(f"{highest} with {'no penalty' if top is plain else without}.")
    return AnswerPart(
        name="effect",
        question=f"What does l2 do to the {words.value(NET)} net, trained on {where.label}?",
        answer=answer,
        method=(
            f"The {sized(f'{words.value(NET)} net', plain.parameters)} with penalty l2 x (sum of squared weights), Adam 1e-3, "
            f"{setup.length(plain.run.plan)}, {words.counted(len(setup.seeds), 'seed')} per strength; a strength that was "
            "selected for its mean is compared on as many fresh seeds."
        ),
        figures=[
            *curves_figure(found),
            *weights_figure(setup, home, found),
            penalty_figure(setup, found),
            *([measures_figure(setup, [found])] if alone else []),
        ],
        shown=2,
        tables=[_table(found)],
        why=_why(found),
        reason=" ".join(_norms(found, brief=True)[:1]),
        cells=[_json(cell, found) for cell in found.cells],
        contrasts=found.contrasts,
        caveats=found.caveats,
        published=PUBLISHED,
    )


def _json(cell: Group, found: Penalized) -> dict[str, object]:
    norms = {f"weight_norm_{layer}": norm for layer, norm in probed(cell, "weights").items()}
    measures = measured(cell, {**LOSSES, "penalty": PENALTY})
    return cell.as_json(**measures, **norms, share_near_zero=found.near_zero.get(strength(cell)))


def _table(found: Penalized) -> Table[Group]:
    columns: list[Column[Group]] = [
        Column("l2", strength, words.value, align="left"),
        *GROUP_COLUMNS[1:],
        TRAIN_LOSS_COLUMN,
        Column("validation loss", lambda cell: cell.measured(VALIDATION_LOSS), loss_text),
        GAP_COLUMN,
        Column("weight norms by layer", lambda cell: probed(cell, "weights").values(), _means_text),
        Column("near 0", lambda cell: found.near_zero[strength(cell)], partial(interval_text, digits=0), unit="%"),
    ]
    caption = f"{words.capital(found.where.label)}. Losses without penalty, at the last epoch; in brackets 95 % intervals."
    return Table(columns, found.cells, caption)


def _means_text(norms: Sequence[Interval | None]) -> str:
    return " / ".join(f"{norm.mean:.2f}" if norm else "" for norm in norms)


def _why(found: Penalized) -> list[str]:
    plain, strong = found.plain, _strongest(found)
    sentences = _norms(found)
    if sentences:
        with_, without = (share_text(found.near_zero[strength(cell)], 0) for cell in (strong, plain))
        sentences.append(f"With {l2_name(strong)} {with_} of the weights lie near 0, without penalty {without}.")
    shown = dict.fromkeys([plain, best(found.cells) or plain, strong])
    return [*sentences, *(sentence for cell in shown for sentence in explained(cell))]


def _strongest(found: Penalized) -> Group:
    """The setting with the greatest strength that has a run left."""
    return max((cell for cell in found.cells if cell.n), key=strength, default=found.plain)


def _norms(found: Penalized, *, brief: bool = False) -> list[str]:
    """The norm of each layer's weights with the most penalty and without, where both have a run left."""
    plain, strong = found.plain, _strongest(found)
    if strong is plain or not plain.n:
        return []
    before, after = (probed(cell, "weights") for cell in (plain, strong))
    text = partial(number_text, brief=brief)
    return [
        f"The norm of {layer}'s weights is {text(after[layer])} with {l2_name(strong)}, and {text(before[layer])} without "
        "penalty."
        for layer in before
    ]


# The second part: harder data


def _harder(setup: Setup, several: Sequence[Penalized]) -> AnswerPart:
    harder = several[1:]
    answer = [contrast.sentence for found in reversed(harder) for contrast in found.contrasts]
    answer += [sentence for found in harder for sentence in _at_end(found)]
    sizes = words.listed([found.where.label for found in harder]) or "no smaller part"
    return AnswerPart(
        name="harder-data",
        question="Does l2 help where there are few images, or wrong labels?",
        answer=answer or [TOO_SMALL],
        method=(
            f"The same sweep on {sizes}, each net for about {setup.pick(FEW_STEPS, QUICK_STEPS)} minibatches; validation "
            "labels are never flipped. The best strength of each is compared with none on fresh seeds; where labels are wrong "
            "at the last epoch, because stopping at the best one regularizes too."
        ),
        figures=[*overfitting_figure(several[-1]), measures_figure(setup, several)] if harder else [],
        shown=2,
        tables=[_table(found) for found in harder],
        cells=[_json(cell, found) for found in harder for cell in found.cells],
        contrasts=[contrast for found in harder for contrast in found.contrasts],
        caveats=[caveat for found in harder for caveat in found.caveats]
        or ([] if harder else ["This data set is too small to take a part of it."]),
    )


def _at_end(found: Penalized) -> list[str]:
    """The accuracy of nets that are trained to the end, and not stopped at their best epoch; a description."""
    top, plain = best(found.cells, LAST_ACCURACY), found.plain
    if not top or not plain.last:
        return []
    return [
        f"On {found.where.label}, at the last epoch, the highest mean is {share_text(top.last)} with {l2_name(top)}; without "
        f"penalty it is {share_text(plain.last)} there and {share_text(plain.accuracy)} at the best epoch."
    ]


# The third part: which smaller net


def _smaller_net(setup: Setup, several: Sequence[Penalized]) -> AnswerPart:
    answer = [f"On {found.where.label}: {'; '.join(map(_likened, found.like))}." for found in several if found.like]
    ladder = words.listed([sized(_net(cell), cell.parameters) for cell in several[0].ladder])
    return AnswerPart(
        name="smaller-net",
        question="Which smaller net without penalty does each strength behave like?",
        answer=answer or ["Too few nets without penalty have runs left, so nothing can be matched."],
        method=(
            "Nearest by the mean of three distances, each in units of the nets' own range: validation accuracy and "
            "generalization gap at the last epoch, and both loss curves (logarithms, root mean square). The nearest is that of "
            "the means over the seeds; counted are the seeds whose own networks have the same nearest one. "
            f"Nets without penalty: {ladder}."
        ),
        figures=_nearest(setup, several),
        tables=[_ladder_table(found) for found in several],
        cells=[cell.as_json(generalization_gap=cell.measured(GAP)) for found in several for cell in found.ladder[1:]],
        data={
            found.where.label: [
                {
                    "l2": strength(each.cell),
                    "nearest": _net(each.nearest),
                    "parameters": each.nearest.parameters,
                    "distance": each.distance,
                    "like": each.is_like,
                    "shares": list(each.shares),
                    "agreeing": each.agreeing,
                    "seeds": each.seeds,
                }
                for each in found.like
            ]
            for found in several
        },
    )


def _likened(like: Likeness) -> str:
    if not like.is_like:
        return f"{l2_name(like.cell)} behaves like none of them"
    nearest = sized(_net(like.nearest), like.nearest.parameters)
    return f"{l2_name(like.cell)} behaves like {nearest}, in {like.agreement}"


def _nearest(setup: Setup, several: Sequence[Penalized]) -> list[Figure]:
    shares = [(found.where.label, *row) for found in several for row in _nearest_shares(found)]
    if not shares:
        return []
    cells = [cell for found in several for cell in (*found.cells, *found.ladder)]
    share = "share of the seeds in which a net is the nearest"
    said = subtitle(setup, cells, "nets without penalty", share)
    chart = figures.share_table(shares, "Which net without penalty is nearest?", said, rows="", columns="hidden units")
    return [Figure("l2_smaller_net", chart, "Dark: the seeds agree. A row spread over several nets is not decided.")]


def _nearest_shares(found: Penalized) -> Iterator[tuple[str, str, float]]:
    """Strength, net and share; a strength that is far from all nets counts for none of them."""
    nets = [_net(cell) for cell in found.ladder if cell.n]
    for like in found.like:
        shares = [*like.shares, 0.0] if like.is_like else [*(0.0 for _ in like.shares), 1.0]
        for net, share in zip([*nets, "none"], shares, strict=True):
            yield l2_name(like.cell), net, share


def _net(cell: Group) -> str:
    return words.value(cell.run.model.hidden) if isinstance(cell.run.model, Dense) else cell.label


def _ladder_table(found: Penalized) -> Table[Group]:
    columns = [Column("hidden units", _net, align="left"), *GROUP_COLUMNS, GAP_COLUMN]
    return Table(columns, found.ladder, f"Nets without penalty on {found.where.label}; in brackets 95 % intervals.")


STUDY = Study(
    name="regularization",
    title="Regularization",
    question="What does an l2 penalty do, when does it help, and which smaller net does it make of a large one?",
    contrasts=CONTRASTS,
    design=design,
    parts=parts,
)
