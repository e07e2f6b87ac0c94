"""Contenders in turns: everyone once on few images, then the fastest again and again on all of them.

Which peers go into the rounds is decided by their screening: the shell-to-shell seconds that they would need for the whole
job, from what their start, their warm-up and their epochs took.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from bench import contenders, sgemm
from bench.contenders import OURS, OURS_COLD, PEERS, Contender, Trial
from bench.job import CLASSES, Job, prepare
from bench.sitting import Table
from bench.summary import Summary, ratios, summarize

STACKS = frozenset(peer.name for peer in PEERS if peer.alike)


@dataclass
class Race:
    """What came of one.

    Attributes:
        job: the whole one.
        screened: contender -> its one trial on few images.
        skipped: name -> why it did not take part.
        rounds: contender -> its trials, as many for each but for those that failed.
        rates: sgemm, before and after, in 10**9 operations a second.
    """

    job: Job
    screening: Job
    screened: dict[str, Trial] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[Trial]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    @property
    def peers(self) -> list[str]:
        """Finalists that came to the end of every round, the fastest first."""
        ran = [name for name in self.rounds if name not in (OURS.name, OURS_COLD.name) and all_ran(self.rounds[name])]
        return sorted(ran, key=lambda name: summarize(seconds(self.rounds[name])).median)

    def operations(self) -> float:
        """Of one epoch of all networks; see `operations_per_image`."""
        return images(self.job) * sum(operations_per_image(self.job, number) for number in range(len(self.job.nets)))


def run(
    job: Job,
    scratch: Path,
    *,
    rounds: int,
    most: int = 2,
    always: str = "",
    by_epoch: bool = True,
    few: int = 5_000,
    without: Mapping[str, str] | None = None,
    asked: Sequence[str] = (),
    ours: Sequence[Contender] = (OURS_COLD, OURS),
) -> Race:
    """Screens every contender, then races ours and the best peers.

    Args:
        most: how many peers go into the rounds for their shell-to-shell seconds; see `by_epoch`.
        always: how the names of peers begin of whom the best one comes too.
        by_epoch: whether the one with the fastest epochs comes too.
        few: images of the screening, of two epochs.
        without: the part of a peer's name that leaves it out -> why.
        asked: the names of the only peers that take part; empty leaves none out.
    """
    fewer = min(few, job.first or few)
    race = Race(prepare(job, scratch), prepare(job.changed(first=fewer, epochs=2), scratch))
    race.rates = sgemm.rates(job.device)
    fitting = [peer for peer in PEERS if peer.fits(job)]
    for peer in fitting:
        why = peer.missing() or next((why for part, why in (without or {}).items() if part in peer.name), None)
        if not why and asked and peer.name not in asked:
            why = "not asked for"
        if why:
            race.skipped[peer.name] = why
    racing = [peer for peer in fitting if peer.name not in race.skipped]
    _warm(ours, race.screening, scratch)
    for contender in [*ours, *racing]:
        _screen(race, contender, scratch)
    there = [peer for peer in racing if peer.name in race.screened]
    longer = images(race.job) / images(race.screening)
    best = finalists(race, there, most=most, always=always, by_epoch=by_epoch, longer=longer)
    _warm(ours, race.job, scratch)
    for _ in range(rounds):
        for contender in [*ours, *best]:
            race.rounds.setdefault(contender.name, []).append(contenders.run(contender, race.job, scratch))
    for name, rate in sgemm.rates(job.device).items():
        race.rates[name] = max(rate, race.rates.get(name, 0.0))
    return race


def _warm(mine: Sequence[Contender], job: Job, scratch: Path) -> None:
    """The whole job once, untimed, by whoever is to find its compiled programs from before."""
    for contender in mine:
        if not contender.cold:
            contenders.run(contender, job, scratch)


def _screen(race: Race, contender: Contender, scratch: Path) -> None:
    trial = contenders.run(contender, race.screening, scratch)
    if trial.answer is None:
        race.skipped[contender.name] = trial.error
    else:
        race.screened[contender.name] = trial


def finalists(
    race: Race, peers: Sequence[Contender], *, most: int, always: str, by_epoch: bool, longer: float
) -> list[Contender]:
    """The peers that are worth the rounds, the fastest to the end first. Stacks made by hand come only where they are named.

    Args:
        most, always, by_epoch: see `run`.
        longer: how many times as many images the whole job has as the screening.
    """
    by_seconds = sorted(peers, key=lambda peer: _needed(race, peer, longer))
    ready_made = [peer for peer in by_seconds if not peer.alike]
    quickest = sorted(ready_made, key=lambda peer: epochs([race.screened[peer.name]])[0])
    named = [peer for peer in by_seconds if always and peer.name.startswith(always)]
    chosen = {peer.name for peer in [*ready_made[:most], *(quickest[:1] if by_epoch else []), *named[:1]]}
    return [peer for peer in by_seconds if peer.name in chosen]


def _needed(race: Race, peer: Contender, longer: float) -> float:
    """The seconds that the whole job would take, going by the screening."""
    trial = race.screened[peer.name]
    assert trial.answer is not None
    epoch = trial.answer.epoch
    return trial.seconds - race.screening.epochs * epoch + race.job.epochs * epoch * longer


def all_ran(trials: Sequence[Trial]) -> bool:
    return all(trial.answer is not None for trial in trials)


def seconds(trials: Sequence[Trial]) -> list[float]:
    """Shell to shell."""
    return [trial.seconds for trial in trials]


def epochs(trials: Sequence[Trial]) -> list[float]:
    """Of an epoch of all networks."""
    return [trial.answer.epoch for trial in trials if trial.answer is not None]


def images(job: Job) -> int:
    """How many a network trains on in an epoch."""
    import numpy as np

    return len(np.load(Path(job.arrays) / "train_labels.npy", mmap_mode="r"))


def operations_per_image(job: Job, number: int) -> int:
    """Of one training step: forward and the weights' gradient of the first layer, and of the later ones also their inputs'.

    For a dense network that is `4 * inputs * h1 + 6 * (later kernels)`.
    """
    import numpy as np

    from bench.contenders.ours import spec
    from seedbed.models import describe

    shape = np.load(Path(job.arrays) / "validation_images.npy", mmap_mode="r").shape[1:]
    first, *later = [
        layer.operations for layer in describe(spec(job.nets[number], job).model, shape, CLASSES) if layer.operations
    ]
    return 2 * first + 3 * sum(later)


# What a race says


def screening_table(race: Race) -> Table:
    """Everyone's one trial on few images, and who was not there."""
    job = race.screening
    rows = [
        [name, f"{trial.seconds:.1f}", f"{trial.answer.warm:.1f}", f"{trial.answer.epoch:.3f}", _accuracy(trial)]
        for name, trial in race.screened.items()
        if trial.answer is not None
    ]
    title = f"Everyone once: {images(job):,} images, {job.epochs} epochs"
    return Table(
        title, ["", "shell to shell, s", "compile and warm-up, s", "an epoch, s", "mean accuracy"], rows, _absent(race)
    )


def _absent(race: Race) -> str:
    """Who did not take part, by reason."""
    reasons = dict.fromkeys(race.skipped.values())
    of = {why: ", ".join(name for name, its in race.skipped.items() if its == why) for why in reasons}
    return " ".join(f"Not run: {names} ({why})." for why, names in of.items())


def final_table(race: Race) -> Table:
    """The rounds."""
    peak = sgemm.best(race.rates)
    rows = []
    for name, trials in race.rounds.items():
        if not all_ran(trials):
            rows.append([name, *["failed"] * 5, next(trial.error for trial in trials if trial.error)])
            continue
        shell, epoch = summarize(seconds(trials)), summarize(epochs(trials))
        warm = summarize([trial.answer.warm for trial in trials if trial.answer is not None])
        rate = race.operations() / epoch.median / 1e9
        speed = [f"{rate:,.0f}", f"{rate / peak:.0%}"]
        rows.append([name, shell.text(1), warm.text(1), epoch.text(3), *speed, _accuracy(trials[-1])])
    title = (
        f"In turns: {images(race.job):,} images, {race.job.epochs} epochs, {len(next(iter(race.rounds.values()), []))} rounds"
    )
    columns = ["", "shell to shell, s", "compile and warm-up, s", "an epoch, s", "GFLOP/s", "of sgemm", "mean accuracy"]
    return Table(title, columns, rows, sgemm_text(race.rates))


def _accuracy(trial: Trial) -> str:
    assert trial.answer is not None
    return f"{sum(trial.answer.accuracies) / len(trial.answer.accuracies):.2%}"


def sgemm_text(rates: dict[str, float]) -> str:
    """The rates in one sentence."""
    return "sgemm: " + ", ".join(f"{name} {rate:,.0f} GFLOP/s" for name, rate in rates.items()) + "."


def share(race: Race) -> Summary | None:
    """Percent of the sgemm rate that an epoch of ours reached; compilation is not part of it."""
    trials = race.rounds.get(OURS.name) or race.rounds.get(OURS_COLD.name, [])
    if not (trials and all_ran(trials)):
        return None
    peak = sgemm.best(race.rates) * 1e9
    return summarize([100 * race.operations() / epoch / peak for epoch in epochs(trials)])


def against(race: Race, whose: str, *, by_epoch: bool, only: str = "", stacks: bool = False) -> tuple[str, Summary] | None:
    """The fastest peer, and how many times as long as ours it took.

    Args:
        whose: the name of our contender.
        by_epoch: compare epochs; else shell to shell.
        only: how the names of the peers that count begin.
        stacks: whether hand-written stacks count, which no framework offers.
    """
    measure = epochs if by_epoch else seconds
    peers = [name for name in race.peers if name.startswith(only) and (stacks or name not in STACKS)]
    mine = race.rounds.get(whose, [])
    if not (peers and mine and all_ran(mine)):
        return None
    fastest = min(peers, key=lambda name: summarize(measure(race.rounds[name])).median)
    return fastest, ratios(measure(mine), measure(race.rounds[fastest]))


def raw(race: Race) -> dict[str, Any]:
    """Every measurement, as JSON values."""
    numbers = count(1)

    def plain(trial: Trial) -> dict[str, Any]:
        found = vars(trial.answer) if trial.answer else None
        clean = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in (found or {}).items()}
        return {"seconds": trial.seconds, "error": trial.error, "answer": clean, "order": next(numbers)}

    return {
        "sgemm": race.rates,
        "skipped": race.skipped,
        "screened": {name: plain(trial) for name, trial in race.screened.items()},
        "rounds": {name: [plain(trial) for trial in trials] for name, trials in race.rounds.items()},
    }
