"""Networks as users of Keras write them: ours against `keras fit` on its best backend, one seed and five."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench import contenders
from bench.contenders import OURS_COLD, PEERS, Contender, Trial
from bench.job import Job, Net, prepare
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import Summary, ratios, summarize

NETWORKS: Mapping[str, str] = {
    "lenet": "LeNet-5",
    "keras_example": "Keras's example for MNIST",
    "residual": "residual",
    "residual_separable": "residual, separable, batch normalization",
    "depthwise": "depthwise, batch normalization",
    "strided": "strides, layer normalization",
    "transformer": "vision transformer",
    "lstm": "LSTM over rows",
    "mixer": "MLP-Mixer",
    "hourglass": "dilated and transposed convolutions",
}
"""Function in `bench/own_networks.py` -> what it is."""

SEEDS = 5
IMAGES, EPOCHS = 6_000, 3
FITS = tuple(peer for peer in PEERS if peer.name.startswith("Keras") and peer.processes == 1)


@dataclass
class _Rounds:
    """Trials of one job in turns, by contender.

    Attributes:
        failed: contender -> why; it takes no part in later rounds.
    """

    trials: dict[str, list[Trial]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def take(self, settings: Settings, job: Job, who: Sequence[Contender]) -> None:
        """One round."""
        for contender in who:
            if contender.name in self.failed:
                continue
            trial = contenders.run(contender, prepare(job, settings.scratch), settings.scratch)
            if trial.answer is None:
                self.failed[contender.name] = trial.error
                self.trials.pop(contender.name, None)
            else:
                self.trials.setdefault(contender.name, []).append(trial)

    def seconds(self, name: str) -> list[float]:
        """Shell to shell."""
        return [trial.seconds for trial in self.trials.get(name, [])]

    def epochs(self, name: str) -> list[float]:
        """An epoch of all networks."""
        return [trial.answer.epoch for trial in self.trials.get(name, []) if trial.answer is not None]

    def best(self, *, by_epoch: bool = False) -> str | None:
        """The fastest fit of the first round."""
        measure = self.epochs if by_epoch else self.seconds
        fits = [fit.name for fit in FITS if self.trials.get(fit.name)]
        return min(fits, key=lambda name: measure(name)[0], default=None)


def networks(settings: Settings) -> Outcome:
    """All networks, one after the other."""
    names = list(NETWORKS)[:2] if settings.quick else list(NETWORKS)
    fits = [fit for fit in FITS if fit.missing() is None and (not settings.peers or fit.name in settings.peers)]
    found = {name: _raced(settings, name, fits) for name in names}
    ones = [_row(NETWORKS[name], one) for name, (one, _) in found.items()]
    fives = [_row(NETWORKS[name], five) for name, (_, five) in found.items()]
    columns = ["", "`keras fit`", "its s", "our s", "times as fast", "its epoch, s", "our epoch, s", "times as fast"]
    tables = [
        Table("One seed", columns, ones, _absent({name: one for name, (one, _) in found.items()})),
        Table(
            f"{SEEDS} seeds", columns, fives, "Fits run one after the other in one process, on the backend of the first table."
        ),
    ]
    text = (
        f"`bench/own_networks.py` on {IMAGES:,} images of MNIST, {EPOCHS} epochs, batch 128, Adam. Ours with nothing compiled "
        f"before. Each backend of Keras runs once, and those that are fastest, shell to shell and by epoch, in all rounds."
    )
    return Outcome("keras", "Users' own Keras networks", text, tables, _measured(found), raw=_raw(found))


def _raced(settings: Settings, name: str, fits: Sequence[Contender]) -> tuple[_Rounds, _Rounds]:
    one, five = _Rounds(), _Rounds()
    job, jobs = _job(settings, name, 1), _job(settings, name, 2 if settings.quick else SEEDS)
    one.take(settings, job, [OURS_COLD, *fits])
    best = {one.best(), one.best(by_epoch=True)}
    again = [OURS_COLD, *(fit for fit in fits if fit.name in best)]
    for _ in range(settings.rounds() - 1):
        one.take(settings, job, again)
    for _ in range(settings.rounds(1)):
        five.take(settings, jobs, again)
    return one, five


def _job(settings: Settings, name: str, seeds: int) -> Job:
    nets = tuple(Net("keras", (), seed=seed, own=name) for seed in range(seeds))
    first, epochs = (1_000, 2) if settings.quick else (IMAGES, EPOCHS)
    return Job(nets, epochs=epochs, first=first, device=settings.device)


def _ratio(rounds: _Rounds, *, by_epoch: bool = False) -> Summary | None:
    """How many times as long the best fit took."""
    best = rounds.best(by_epoch=by_epoch)
    measure = rounds.epochs if by_epoch else rounds.seconds
    if best is None or not measure(OURS_COLD.name):
        return None
    return ratios(measure(OURS_COLD.name), measure(best))


def _row(title: str, rounds: _Rounds) -> list[str]:
    whole, epoch = _ratio(rounds), _ratio(rounds, by_epoch=True)
    best, quickest = rounds.best(), rounds.best(by_epoch=True)
    if whole is None or epoch is None or best is None or quickest is None:
        return [title, rounds.failed.get(OURS_COLD.name, "no backend of Keras ran"), *[""] * 6]
    backends = " / ".join(dict.fromkeys(name.removeprefix("Keras on ") for name in (best, quickest)))
    shell = [summarize(rounds.seconds(name)).text(1) for name in (best, OURS_COLD.name)]
    epochs = [summarize(rounds.epochs(name)).text(2) for name in (quickest, OURS_COLD.name)]
    return [title, backends, *shell, whole.text(), *epochs, epoch.text()]


def _absent(rounds: Mapping[str, _Rounds]) -> str:
    """What failed, by network."""
    return " ".join(f"{name}, {who}: {why}." for name, each in rounds.items() for who, why in each.failed.items())


def _measured(found: Mapping[str, tuple[_Rounds, _Rounds]]) -> list[Measured]:
    """The least ratio of each kind: the network for which Keras comes closest, or is faster."""
    kinds = {
        "keras": {name: _ratio(one) for name, (one, _) in found.items()},
        "keras-epoch": {name: _ratio(one, by_epoch=True) for name, (one, _) in found.items()},
        "keras-five": {name: _ratio(five) for name, (_, five) in found.items()},
    }
    measured = []
    for target, every in kinds.items():
        known = {name: ratio for name, ratio in every.items() if ratio is not None}
        if known:
            least = min(known, key=lambda name: known[name].median)
            measured.append(Measured(target, f"the least of {len(known)}: {NETWORKS[least]}", known[least]))
    return measured


def _raw(found: Mapping[str, tuple[_Rounds, _Rounds]]) -> dict[str, Any]:
    def plain(trial: Trial) -> dict[str, Any]:
        facts = vars(trial.answer) if trial.answer else {}
        clean = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in facts.items()}
        return {"seconds": trial.seconds, "answer": clean}

    return {
        name: {
            kind: {who: list(map(plain, trials)) for who, trials in rounds.trials.items()}
            for kind, rounds in (("one", one), ("five", five))
        }
        for name, (one, five) in found.items()
    }
