"""The second half of section 2: the fewest parameters for more than 95 % and 97 %, within two layers and freely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seedbed import figures, words
from seedbed.figures import Sized
from seedbed.groups import Request
from seedbed.groups.caveats import excluded
from seedbed.groups.statements import Certainty
from seedbed.records import finite
from seedbed.studies.answers import AnswerPart, Figure
from seedbed.studies.cards import PICTURE_SIZE, Card
from seedbed.studies.context import Steps, StudyContext
from seedbed.studies.fewest import Fewest, Size, fewest, fresh_seeds
from seedbed.studies.setup import Setup
from seedbed.studies.tables import yes_text
from seedbed.studies.texts import interval_text, share_text, sized
from seedbed.tables import Column, Table
from seedbed.training.events import Event, Note, OnEvent, StageStarted

if TYPE_CHECKING:
    from seedbed.scheduler import Execution
    from seedbed.sizing import SizingTerms, Smallest
    from seedbed.sizing.attempts import Attempt

TARGETS = (0.95, 0.97)

WIDTHS = (128, 100, 80, 64, 50, 40, 32, 25, 20, 16, 13, 10, 8)
QUICK_WIDTHS = (64, 32, 16)
WIDER = 3
"""The second layer's width over the first's: a unit of the second layer costs few parameters."""

BETWEEN = 4

FREE_EPOCHS = 20
"""Epochs of the free search: a third of those of `seedbed smallest`, and about a third of its time."""

FREE_MINUTES = 3.0
"""The time limit of each of the two searches; the page says where one reached it."""

PUBLISHED = {0.95: 17_150, 0.97: 34_327}
"""Parameters of student nets: single runs, handout protocol."""


WITHIN, FREELY = "two ReLU layers, Adam 1e-3", "freely: one to three layers, retuned"


def ladder(setup: Setup) -> list[tuple[int, int]]:
    """The widths of the nets that are tested first, from large to small."""
    return [_widths(width) for width in setup.pick(WIDTHS, QUICK_WIDTHS)]


def _widths(first: int) -> tuple[int, int]:
    return first, WIDER * first


def part(study: StudyContext, net: Callable[[tuple[int, int]], Request]) -> Steps[AnswerPart]:
    """Answer how few parameters are enough.

    Args:
        net: function from two widths to the request of their network.
    """
    setup = study.setup
    widths, between = setup.pick(WIDTHS, QUICK_WIDTHS), setup.pick(BETWEEN, 0)
    within, tested = yield from fewest(study, widths, TARGETS, lambda width: net(_widths(width)), between=between)
    free: dict[float, Smallest] = {}
    for target in () if setup.quick else TARGETS:
        free[target] = yield from freely(study, target)
    yield from study.trained()
    answers: list[Size | Attempt | None] = [
        *(found.smallest for found in within),
        *(found.confirmed for found in free.values()),
    ]
    nets = [_Net(_units(size), WITHIN, size.group.parameters, size.group.n, size.group.total, size) for size in tested]
    nets += [_free_net(claim) for found in free.values() for claim in found.claims]
    n, marked = len(fresh_seeds(setup)), [(net, net.test in answers) for net in nets]
    return AnswerPart(
        name="fewest-parameters",
        question="How few parameters are enough for more than 95 % and 97 % of the validation images?",
        answer=[
            words.capital("; ".join(_short(found, free.get(found.target)) for found in within)) + ".",
            *map(_tested_sentence, within),
            *(f"Freely: {sentence}" for found in free.values() for sentence in found.sentences()),
            *(_published_sentences(within, free) if setup.data.name == "mnist" else []),
        ],
        method=(
            f"A net counts when the lower end of the 95 % interval over {n} fresh seeds and the images, at the last epoch, is "
            f"above the target; sizes are tested from large to small, up to the first that fails. Within two layers: ReLU, the "
            f"second {WIDER} times as wide as the first, trained as above."
            + (f" Freely: one to three layers, all retuned for each size, {FREE_EPOCHS} epochs at most." if free else "")
        ),
        figures=_figures(setup, marked),
        tables=[_table(nets)],
        cells=[size.group.as_json(last_epoch_over_images=size.accuracy) for size in tested],
        caveats=_caveats(within, bool(free)),
        published=[
            f"Student reports: {PUBLISHED[target]:,} parameters for more than {words.percent(target, 0)} (single runs, handout "
            "protocol, MNIST)."
            for target in TARGETS
        ],
        data={f"{target:g}": _json(found, free.get(target)) for target, found in zip(TARGETS, within, strict=True)},
        card=_card(within, free, marked, n),
    )


def freely(study: StudyContext, target: float) -> Steps[Smallest]:
    """Search the smallest dense network of one to three layers, with its training tuned for each size."""
    from seedbed.sizing import run

    trainer = study.trainer

    def searched() -> Smallest:
        execution = replace(trainer.execution, on_event=_notes_only(trainer.execution.on_event, target))
        return run(_terms(study.setup, target), execution, minutes=FREE_MINUTES)

    smallest = yield from study.do(("smallest", target), searched)
    groups = {attempt.group for attempt in smallest.everything}
    there = study.home.results(lambda damage: trainer.execution.on_event(Note(damage)))
    study.others += [result for result in there if result.group in groups]
    return smallest


def searching(setup: Setup, execution: Execution) -> float:
    """Forecast of the free searches (s): their time limits, where even their first rounds are not there."""
    from seedbed.sizing import forecast_scouts

    wanted = [] if setup.quick else [_terms(setup, target) for target in TARGETS]
    return sum(60 * FREE_MINUTES for terms in wanted if forecast_scouts(terms, execution).left)


def _terms(setup: Setup, target: float) -> SizingTerms:
    from seedbed.sizing import terms_for

    return terms_for(target, setup.data, seeds=len(fresh_seeds(setup)), epochs=FREE_EPOCHS)


def _notes_only(on_event: OnEvent, target: float) -> OnEvent:
    """Pass on the stages of a search, but not its progress: its number of runs is unknown beforehand."""

    def notes(event: Event) -> None:
        if isinstance(event, StageStarted):
            on_event(Note(f"The smallest net above {words.percent(target, 0)}, {event.text}"))
        elif isinstance(event, Note):
            on_event(event)

    return notes


def _card(within: Sequence[Fewest], free: Mapping[float, Smallest], nets: Sequence[tuple[_Net, bool]], seeds: int) -> Card:
    fewest_of = {found.target: _fewest_of(found, free.get(found.target)) for found in within}
    known = {target: parameters for target, parameters in fewest_of.items() if parameters is not None}
    enough = [f"{parameters:,} parameters are enough for {words.percent(target, 0)}" for target, parameters in known.items()]
    missing = [words.percent(target, 0) for target in fewest_of if target not in known]
    none = [f"for {words.listed(missing)} no tested net is surely enough"] if missing else []
    rule = f"The whole 95 % interval over {seeds} fresh seeds and the images lies above the target"
    certainties = {
        0: Certainty("not shown", f"{rule} for no net."),
        1: Certainty("likely", f"{rule}; this holds for {words.listed([words.percent(target, 0) for target in known])} alone."),
        2: Certainty("clear", f"{rule}."),
    }
    networks = _sized([(net, False) for net, _ in nets], {WITHIN: "two ReLU layers", FREELY: "freely"})
    picture = figures.frontier(networks, "", [], targets=TARGETS, size=PICTURE_SIZE) if networks else None
    question = "How few parameters are enough for more than 95 % and 97 %?"
    answer = words.capital("; ".join(enough + none)) + "."
    return Card(question, answer, certainties[len(known)], picture)


def _fewest_of(found: Fewest, free: Smallest | None) -> int | None:
    """The fewest parameters that are clearly enough, within two layers or freely."""
    sizes = [found.smallest.group.parameters] if found.smallest else []
    sizes += [free.confirmed.parameters] if free and free.confirmed else []
    return min(sizes, default=None)


# Sentences


def _units(size: Size) -> str:
    return words.value(_widths(size.width))


def _short(found: Fewest, free: Smallest | None) -> str:
    size, best = found.smallest, free.confirmed if free else None
    within = f"{sized(_units(size), size.group.parameters)} with {share_text(size.accuracy)}" if size else "no tested net"
    freely = sized(best.candidate.model.title, best.parameters) if best else "no tested net"
    short = f"clearly above {words.percent(found.target, 0)} within two ReLU layers: {within}"
    return f"{short}, and freely: {freely}" if free else short


def _tested_sentence(found: Fewest) -> str:
    within, size = f"Within two layers, more than {words.percent(found.target, 0)}", found.smallest
    failed = [each for each in found.order if not each.holds(found.target)]
    if size is None:
        return f"{within}: already the first net that was tested, {_with_accuracy(found.order[-1])}, is not clearly above."
    if not failed:
        return f"{within}: every tested net ({len(found.order)} in all) is clearly above."
    below = max((each for each in failed if each.width < size.width), key=lambda each: each.width)
    return f"{within}: {_with_accuracy(size)} is clearly above; the first net below it that is not is {_with_accuracy(below)}."


def _with_accuracy(size: Size) -> str:
    accuracy = share_text(size.accuracy) if size.accuracy else excluded([size.group])
    return f"{sized(_units(size), size.group.parameters)} with {accuracy}"


def _published_sentences(within: Sequence[Fewest], free: Mapping[float, Smallest]) -> list[str]:
    sentences = []
    for found in within:
        ours = {"within two layers": found.smallest.group.parameters} if found.smallest else {}
        if found.target in free and (best := free[found.target].confirmed):
            ours["freely"] = best.parameters
        ratios = [f"{times(PUBLISHED[found.target], size)} of the smallest net {where}" for where, size in ours.items()]
        if ratios:
            sentences.append(
                f"The published net for more than {words.percent(found.target, 0)} has {words.listed(ratios)}; it is a single "
                "run on the official test images, so it has no interval."
            )
    return sentences


def times(large: int, small: int) -> str:
    """How many times as many, as a number, with both counts.

    >>> times(178_110, 7_240)
    '24.6 times the parameters (178,110 / 7,240)'
    """
    return f"{large / small:.{1 if large >= 10 * small else 2}f} times the parameters ({large:,} / {small:,})"


def _caveats(within: Sequence[Fewest], free: bool) -> list[str]:
    command = "`seedbed smallest --target 0.95`"
    return [
        *(
            f"Even the smallest tested net within two layers is above {words.percent(found.target, 0)}, so a smaller one may "
            "be as well."
            for found in within
            if found.all_held
        ),
        f"The free search trains {FREE_EPOCHS} epochs at most, to keep this study short; {command} takes longer and may find "
        "smaller nets."
        if free
        else f"A preview omits the free search; {command} does all of it.",
    ]


# Figure, table, JSON


@dataclass(frozen=True)
class _Net:
    """A network that was tested, in one of the two ways."""

    units: str
    way: str
    parameters: int
    n: int
    total: int
    test: Size | Attempt


def _free_net(claim: Attempt) -> _Net:
    units, total = claim.candidate.model.title.removeprefix("dense "), len(claim.seeds)
    return _Net(units, FREELY, claim.parameters, total - claim.left_out, total, claim)


def _sized(nets: Sequence[tuple[_Net, bool]], ways: Mapping[str, str]) -> list[Sized]:
    """The nets with a known accuracy, under other names for the two ways; the answers have their own names."""
    return [
        Sized(net.units, ways.get(net.way, net.way), net.parameters, net.test.accuracy, named=is_answer)
        for net, is_answer in nets
        if net.test.accuracy
    ]


def _figures(setup: Setup, nets: Sequence[tuple[_Net, bool]]) -> list[Figure]:
    networks = _sized(nets, {})
    if not networks:
        return []
    said = [
        f"{setup.data.name}; n = {len(fresh_seeds(setup))} fresh seeds per net; last epoch",
        "bars: 95 % intervals (seeds x images)",
        "named: the smallest whose whole bar is above a target",
    ]
    chart = figures.frontier(networks, "How few parameters are enough", said, targets=TARGETS)
    caption = "A net counts when its whole bar is above the line, not when its mean is."
    return [Figure("units_fewest_parameters", chart, caption)]


def _table(nets: Sequence[_Net]) -> Table[_Net]:
    def above(target: float) -> Column[_Net]:
        return Column(f"interval above {words.percent(target, 0)}", lambda net: net.test.holds(target), yes_text)

    columns: list[Column[_Net]] = [
        Column("hidden units", lambda net: net.units, align="left"),
        Column("layers and training", lambda net: net.way, align="left"),
        Column("parameters", lambda net: net.parameters, ","),
        Column("runs", lambda net: f"{net.n} of {net.total}"),
        Column("accuracy, last epoch", lambda net: net.test.accuracy, interval_text, unit="%"),
        *map(above, TARGETS),
    ]
    return Table(columns, nets, "Fresh seeds; in brackets 95 % intervals over seeds and images. Not known: a run is excluded.")


def _json(found: Fewest, free: Smallest | None) -> dict[str, object]:
    size = found.smallest
    within = {
        "hidden": _widths(size.width) if size else None,
        "parameters": size.group.parameters if size else None,
        "accuracy": {"mean": size.accuracy.mean, "interval": size.accuracy.pair()} if size and size.accuracy else None,
        "order": [each.group.parameters for each in found.order],
    }
    plain: dict[str, object] = finite({"two_layers": within, "freely": free.as_json() if free else None})
    return plain
