"""Races over the networks that people train: one alone, many different, many tiny, convolutional ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, product
from typing import Literal

from bench import race
from bench.contenders import OURS, OURS_COLD, Contender
from bench.job import Job, Net
from bench.race import Race
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import summarize

ALONE = (Net(l2=1e-4),)
ACTIVATIONS: tuple[Literal["relu", "tanh", "sigmoid"], ...] = ("relu", "tanh", "sigmoid")
GRID = list(product((25, 50, 100, 200, 400), (25, 50, 100, 200)))
MIXED = tuple(Net(hidden=hidden, activation=named, l2=1e-4) for hidden, named in zip(GRID, cycle(ACTIVATIONS), strict=False))
RATES = (2e-4, 5e-4, 1e-3, 1.5e-3, 2e-3, 3e-3, 5e-3, 1e-2)
PENALTIES = (0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)
TINY = tuple(Net(hidden=(16,), l2=l2, rate=rate) for l2, rate in product(PENALTIES, RATES))
CONV4 = tuple(Net("conv", (), l2=l2) for l2 in (0.0, 1e-5, 1e-4, 1e-3))
MANY = tuple(
    Net(l2=l2, rate=rate) for l2, rate in product([1e-6 * 2**k for k in range(16)], [1e-4 * 1.4**k for k in range(16)])
)

QUICK_IMAGES = 2_000
TOO_MANY_SHAPES = {
    "compiled": f"it would compile anew for each of {len(GRID)} shapes, which takes longer than to train them eagerly"
}
ONE_OF_EACH = dict.fromkeys(
    ("2 processes", "channels first", "compiled", "Keras on TensorFlow", "Keras on PyTorch"), "this is a quick look"
)
WITHOUT_TARGET = {("mixed", True), ("conv", False)}
"""Cases and whether their ratio of an epoch, or else that of shell to shell, has no target."""


@dataclass(frozen=True)
class How:
    """How a race is run: rounds at most, and what `race.run` takes.

    Attributes:
        only: how the names of the peers begin that the case's target speaks of.
    """

    rounds: int = 10**6
    most: int = 2
    always: str = ""
    by_epoch: bool = True
    few: int = 5_000
    without: Mapping[str, str] = field(default_factory=dict)
    ours: tuple[Contender, ...] = (OURS_COLD, OURS)
    only: str = ""


def lone(settings: Settings) -> Outcome:
    """The exercise's dense net."""
    job = _job(settings, ALONE, epochs=10)
    return _race(settings, "lone", "One dense net alone", "784-200-100-10, ReLU, l2 1e-4, Adam, batch 128.", job, How())


def mixed(settings: Settings) -> Outcome:
    """Twenty nets that all differ. A round takes minutes: two rounds, ours with nothing compiled before, one peer."""
    nets = MIXED[::4] if settings.quick else MIXED
    job = _job(settings, nets, epochs=10)
    text = "784-h1-h2-10 with h1 in {25, 50, 100, 200, 400}, h2 in {25, 50, 100, 200}; ReLU, tanh and sigmoid in turn; l2 1e-4."
    how = How(rounds=2, most=1, by_epoch=False, few=2_000, without=TOO_MANY_SHAPES, ours=(OURS_COLD,))
    return _race(settings, "mixed", "Twenty different dense nets", text, job, how)


def tiny(settings: Settings) -> Outcome:
    """Many small nets of one shape."""
    nets = TINY[::8] if settings.quick else TINY
    job = _job(settings, nets, epochs=4)
    text = "784-16-10, ReLU: 8 penalties x 8 learning rates."
    how = How(rounds=2, most=1, few=2_000, always="PyTorch, one hand-written")
    return _race(settings, "tiny", "Sixty-four tiny nets", text, job, how)


def conv(settings: Settings) -> Outcome:
    """The exercise's convolutional net alone."""
    job = _job(settings, CONV4[2:3], epochs=3, first=11_000)
    text = "conv 20@5x5, ReLU, pool 2, conv 10@3x3, ReLU, pool 2, dense 10; l2 1e-4."
    how = How(rounds=2, most=1, few=2_000, always="PyTorch")
    return _race(settings, "conv", "The exercise's conv net alone", text, job, how)


def conv4(settings: Settings) -> Outcome:
    """Four of them."""
    job = _job(settings, CONV4, epochs=3, first=11_000)
    how = How(rounds=2, most=1, few=2_000, always="PyTorch", only="PyTorch")
    return _race(settings, "conv4", "The exercise's conv net, four of them", "The same net with four penalties.", job, how)


def many(settings: Settings) -> Outcome:
    """What a large GPU is for."""
    job = _job(settings, MANY, epochs=10)
    text = "256 nets 784-200-100-10: 16 penalties x 16 learning rates; ours alone."
    run = race.run(job, settings.scratch, rounds=settings.rounds(), most=0, without={"": "it would take hours"})
    shell = {who.name: race.seconds(run.rounds[who.name]) for who in (OURS, OURS_COLD) if race.all_ran(run.rounds[who.name])}
    measured = [Measured("many", name, summarize(seconds)) for name, seconds in shell.items()]
    return Outcome("many", "256 dense nets", text, [race.final_table(run)], measured, raw=race.raw(run))


def _job(settings: Settings, nets: Sequence[Net], *, epochs: int, first: int | None = None) -> Job:
    if settings.quick:
        epochs, first = 2, QUICK_IMAGES
    return Job(tuple(nets), epochs=epochs, first=first, device=settings.device)


def _race(settings: Settings, name: str, title: str, text: str, job: Job, how: How) -> Outcome:
    """A race, and what its target asks of it."""
    if settings.quick:
        how = replace(how, most=1, few=min(how.few, 500), without={**how.without, **ONE_OF_EACH})
    run = race.run(
        job,
        settings.scratch,
        rounds=settings.rounds(how.rounds),
        most=how.most,
        always=how.always,
        by_epoch=how.by_epoch,
        few=how.few,
        without=how.without,
        asked=settings.peers,
        ours=how.ours,
    )
    tables: list[Table] = [race.final_table(run), race.screening_table(run)]
    return Outcome(name, title, text, tables, _measured(name, run, how.only), _notes(run), race.raw(run))


def _measured(name: str, run: Race, only: str) -> list[Measured]:
    found: list[Measured] = []
    share = race.share(run)
    if name in ("mixed", "conv4") and share is not None:
        found.append(Measured(f"{name}-share", "an epoch", share))
    for whose, by_epoch, how in (
        (OURS.name, True, "an epoch"),
        (OURS_COLD.name, False, "shell to shell, nothing compiled before"),
        (OURS.name, False, "shell to shell, our programs kept from before"),
    ):
        ratio = race.against(run, whose, by_epoch=by_epoch, only=only)
        if ratio is not None and (name, by_epoch) not in WITHOUT_TARGET:
            target = "conv4-shell" if name == "conv4" and not by_epoch else name
            found.append(Measured(target, f"{how}, over {ratio[0]}", ratio[1]))
    return found


def _notes(run: Race) -> list[str]:
    """What is said beside the targets: how the strongest conceivable peer did."""
    notes = []
    for by_epoch, whose in ((True, OURS.name), (False, OURS_COLD.name)):
        ratio = race.against(run, whose, by_epoch=by_epoch, stacks=True)
        if ratio is not None and ratio[0] in race.STACKS:
            how = "an epoch" if by_epoch else "shell to shell"
            notes.append(f"{ratio[0]} (for this one shape, by hand) took {ratio[1].text()} times as long as ours, {how}.")
    return notes
