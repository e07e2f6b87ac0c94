"""The second half of section 2: the fewest parameters with more than 95 % and 97 %, within two layers and freely."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seedbed import figures
from seedbed.figures import Sized, words
from seedbed.groups import Request
from seedbed.records import finite
from seedbed.statistics import Interval
from seedbed.studies.answers import Figure, Part, share_text
from seedbed.studies.context import Steps, StudyContext
from seedbed.studies.fewest import Fewest, Size, fewest, fresh_seeds
from seedbed.studies.setup import Setup
from seedbed.studies.tables import interval_text, yes_text
from seedbed.tables import Column, Table
from seedbed.training.events import Event, Note, OnEvent, StageStarted

if TYPE_CHECKING:
    from seedbed.sizing import Smallest
    from seedbed.sizing.attempts import Attempt

TARGETS = (0.95, 0.97)

WIDTHS = (128, 100, 80, 64, 50, 40, 32, 25, 20, 16, 13, 10, 8)
QUICK_WIDTHS = (64, 32, 16)
WIDER = 3
"""The second layer's width over the first's: behind wide images a unit of the second layer costs little."""

BETWEEN = 4

FREE_EPOCHS = 20
"""Of a whole training of the free search: a third of what `seedbed smallest` takes, and about a third of its time."""

FREE_MINUTES = 3.0
"""Where one search of the two ends at the latest; the page says so where one did."""

PUBLISHED = {0.95: 17_150, 0.97: 34_327}
"""Parameters of student nets: single runs, handout protocol."""


@dataclass(frozen=True)
class Ladder:
    """What is tested within the two-layer nets.

    Attributes:
        widths: of the first layer, from wide to narrow.
        make: the network of a width.
    """

    widths: tuple[int, ...]
    make: Callable[[int], Request]

    @property
    def requests(self) -> list[Request]:
        return [self.make(width) for width in self.widths]


def planned(setup: Setup, net: Callable[[tuple[int, int]], Request]) -> Ladder:
    """The sizes that are tested first.

    Args:
        net: a network of two layers, and how it is trained.
    """
    return Ladder(setup.pick(WIDTHS, QUICK_WIDTHS), lambda width: net((width, WIDER * width)))


def part(study: StudyContext, made: Ladder) -> Steps[Part]:
    setup = study.setup
    within, tested = yield from fewest(study, made.widths, TARGETS, made.make, between=setup.pick(BETWEEN, 0))
    free = {}
    for target in () if setup.quick else TARGETS:
        free[target] = yield from freely(study, target)
    n = len(fresh_seeds(setup))
    return Part(
        name="fewest-parameters",
        question="How few parameters are enough for more than 95 % and 97 % of the validation images?",
        answer=[
            _short(within, free),
            *(_tested_sentence(found) for found in within),
            *(f"Freely: {said}" for found in free.values() for said in found.sentences()),
            *_published_sentences(setup, within, free),
        ],
        method=(
            f"A net counts when the lower end of the 95 % interval over {n} fresh seeds and the images, at the last epoch, is "
            f"above the target; sizes are tested from large to small, up to the first that fails. Within two layers: ReLU, the "
            f"second {WIDER} times as wide as the first, trained as above."
            + (f" Freely: one to three layers, all retuned for each size, {FREE_EPOCHS} epochs at most." if free else "")
        ),
        figures=_figures(setup, within, tested, free),
        tables=[_table(tested, free)],
        cells=[one.group.as_json(last_epoch_over_images=one.accuracy) for one in tested],
        marks=_marks(within, free),
        published=[
            f"Student reports: {PUBLISHED[target]:,} parameters for more than {words.percent(target, 0)} (single runs, handout "
            "protocol, MNIST)."
            for target in TARGETS
        ],
        data={f"{target:g}": _json(found, free.get(target)) for target, found in zip(TARGETS, within, strict=True)},
    )


def freely(study: StudyContext, target: float) -> Steps[Smallest]:
    """The smallest dense network of one to three layers, with how it is trained tuned for each size."""
    from seedbed.sizing import search

    trainer = study.trainer

    def searched() -> Smallest:
        execution = replace(trainer.execution, on_event=_notes_only(trainer.execution.on_event, target))
        seeds = len(fresh_seeds(study.setup))
        return search(target, study.setup.data, execution, seeds=seeds, epochs=FREE_EPOCHS, minutes=FREE_MINUTES)

    found = yield from study.do(("smallest", target), searched)
    groups = {one.group for one in found.tried} | {claim.group for claim in found.claims}
    study.others += [result for result in study.home.results() if result.group in groups]
    return found


def _notes_only(on_event: OnEvent, target: float) -> OnEvent:
    """Passes on the stages of a search, but not its progress: its number of runs is not known beforehand."""

    def notes(event: Event) -> None:
        if isinstance(event, StageStarted):
            on_event(Note(f"The smallest net above {words.percent(target, 0)}, {event.text}"))
        elif isinstance(event, Note):
            on_event(event)

    return notes


# In words


def _short(within: Sequence[Fewest], free: Mapping[float, Smallest]) -> str:
    said = "; ".join(_short_of(found, free.get(found.target)) for found in within)
    return f"{said[0].upper()}{said[1:]}."


def _short_of(found: Fewest, free: Smallest | None) -> str:
    one, target = found.smallest, words.percent(found.target, 0)
    said = f"{_counted(one)} within two ReLU layers" if one else "shown for no net within two ReLU layers"
    if free is None:
        return f"more than {target}: {said}"
    best = free.confirmed
    freely = (
        f"{words.counted(best.parameters, 'parameter')} ({words.network(best.candidate.model)})" if best else "shown for none"
    )
    return f"more than {target}: {said}, and freely {freely}"


def _counted(one: Size) -> str:
    return f"{words.counted(one.group.parameters, 'parameter')} ({_units(one)}, {share_text(one.accuracy)})"


def _units(one: Size) -> str:
    return f"{one.width}-{WIDER * one.width}"


def _tested_sentence(found: Fewest) -> str:
    target = words.percent(found.target, 0)
    one, last = found.smallest, found.order[-1]
    failed = [each for each in found.order if not each.holds(found.target)]
    if one is None:
        return (
            f"Within two layers, more than {target}: already the first net that was tested, {_units(last)} with "
            f"{_size(last)}, has {_said(last)}, which is not shown to be above."
        )
    smaller = max((each for each in failed), key=lambda each: each.width, default=None)
    if smaller is None:
        return f"Within two layers, more than {target}: all {len(found.order)} nets that were tested are above."
    return (
        f"Within two layers, more than {target}: {_units(one)} with {_size(one)} has {_said(one)}; of the nets below it, "
        f"the first that is not shown to be above is {_units(_below(one, failed))} with {_said(_below(one, failed))}."
    )


def _below(one: Size, failed: Sequence[Size]) -> Size:
    return max((each for each in failed if each.width < one.width), key=lambda each: each.width)


def _size(one: Size) -> str:
    return words.counted(one.group.parameters, "parameter")


def _said(one: Size) -> str:
    if one.accuracy is None:
        return f"{one.group.left_out} of {words.counted(one.group.total, 'run')} that diverged or collapsed"
    return share_text(one.accuracy)


def _published_sentences(setup: Setup, within: Sequence[Fewest], free: Mapping[float, Smallest]) -> list[str]:
    if setup.data.name != "mnist":
        return []
    said = []
    for found in within:
        theirs, told = PUBLISHED[found.target], []
        mine = found.smallest.group.parameters if found.smallest else None
        best = free[found.target].confirmed if found.target in free else None
        for size, where in ((mine, "within two layers"), (best.parameters if best else None, "freely")):
            told += [f"{times(theirs, size)} of the smallest net {where}"] if size else []
        if told:
            target = words.percent(found.target, 0)
            said.append(
                f"The published net for more than {target} has {words.listed(told)}; it is a single run on the official test "
                "images, so it has no interval."
            )
    return said


def times(one: int, other: int) -> str:
    """How many times as many, as a number, with both counts.

    >>> times(178_110, 7_240)
    '24.6 times the parameters (178,110 / 7,240)'
    """
    return f"{one / other:.{1 if one >= 10 * other else 2}f} times the parameters ({one:,} / {other:,})"


def _marks(within: Sequence[Fewest], free: Mapping[float, Smallest]) -> list[str]:
    said = [
        f"Even the smallest net within two layers that was tested is above {words.percent(found.target, 0)}, so a smaller one "
        "may be as well."
        for found in within
        if found.all_held
    ]
    if not free:
        said.append("The free search is left out of a preview; `seedbed smallest --target 0.95` does all of it.")
    else:
        said.append(
            f"The free search trains {FREE_EPOCHS} epochs at most, to keep this study short; `seedbed smallest --target 0.95` "
            "takes longer and may find smaller nets."
        )
    return said


# Figure, table, JSON

WITHIN, FREELY = "two ReLU layers, Adam 1e-3", "freely: one to three layers, retuned"


def _figures(setup: Setup, within: Sequence[Fewest], tested: Sequence[Size], free: Mapping[float, Smallest]) -> list[Figure]:
    answers = [found.smallest for found in within]
    networks = [
        Sized(_units(one), WITHIN, one.group.parameters, one.accuracy, named=one in answers) for one in tested if one.accuracy
    ]
    for found in free.values():
        for claim in found.claims:
            if claim.accuracy:
                label = words.network(claim.candidate.model).removeprefix("dense ")
                networks.append(Sized(label, FREELY, claim.parameters, claim.accuracy, named=claim is found.confirmed))
    if not networks:
        return []
    n = len(fresh_seeds(setup))
    said = [
        f"{setup.data.name}; n = {n} fresh seeds a net; last epoch; bars: 95 % intervals (seeds x images)",
        "named: the smallest whose whole bar is above a target",
    ]
    chart = figures.frontier(networks, "How few parameters are enough", said, targets=TARGETS)
    caption = "A net counts when its whole bar is above the line, not when its mean is."
    return [Figure("units_fewest_parameters", chart, caption)]


@dataclass(frozen=True)
class _Net:
    """A network that was tested, in one of the two ways."""

    units: str
    found: str
    parameters: int
    runs: str
    test: Size | Attempt


def _table(tested: Sequence[Size], free: Mapping[float, Smallest]) -> Table[_Net]:
    rows = [_Net(_units(one), "two layers", one.group.parameters, f"{one.group.n} of {one.group.total}", one) for one in tested]
    for claim in (claim for found in free.values() for claim in found.claims):
        units = words.network(claim.candidate.model).removeprefix("dense ")
        runs = f"{len(claim.seeds) - claim.left_out} of {len(claim.seeds)}"
        rows.append(_Net(units, "freely", claim.parameters, runs, claim))

    def above(target: float) -> Column[_Net]:
        return Column(f"interval above {words.percent(target, 0)}", lambda net: net.test.holds(target), yes_text)

    columns: list[Column[_Net]] = [
        Column("hidden units", lambda net: net.units, align="left"),
        Column("found", lambda net: net.found, align="left"),
        Column("parameters", lambda net: net.parameters, ","),
        Column("runs", lambda net: net.runs),
        Column("accuracy, last epoch", lambda net: net.test.accuracy, _accuracy_text, unit="%"),
        *map(above, TARGETS),
    ]
    return Table(columns, rows, "Fresh seeds; in brackets 95 % intervals over seeds and images.")


def _accuracy_text(accuracy: Interval | None) -> str:
    return interval_text(accuracy) if accuracy else "a run failed"


def _json(found: Fewest, free: Smallest | None) -> dict[str, object]:
    one = found.smallest
    within = {
        "hidden": [one.width, WIDER * one.width] if one else None,
        "parameters": one.group.parameters if one else None,
        "accuracy": {"mean": one.accuracy.mean, "interval": one.accuracy.pair()} if one and one.accuracy else None,
        "order": [each.group.parameters for each in found.order],
    }
    plain: dict[str, object] = finite({"two_layers": within, "freely": free.as_json() if free else None})
    return plain
