"""What each rule loses: validation parts are drawn from the pool, and the rest of the pool is the test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.epochs.rules import CHOOSING, PATIENCES, WATCHED, seedbed, stopped
from bench.epochs.trainings import Training

IMAGES = (100, 270, 1_000, 5_000)
"""Sizes of the validation part."""

LENGTHS = (20, 60, 1_000)
"""Lengths of a training; a shorter one is taken whole. With a constant rate, a short one is the beginning of a long one."""

DRAWS = 10
"""Validation parts drawn for each training."""

STOPPING_IMAGES = 270


@dataclass(frozen=True)
class Choice:
    """What a rule chose in one training.

    Attributes:
        lost: test accuracy at the best epoch for the test, less that at the chosen epoch.
        optimism: validation accuracy less test accuracy, at the chosen epoch.
        deviation: standard error of that validation accuracy.
        epochs: length of the training.
    """

    case: str
    images: int
    rule: str
    lost: float
    optimism: float
    deviation: float
    epochs: int


@dataclass(frozen=True)
class Drawn:
    """Curves of a training on a validation part and on the rest of the pool, `(epochs,)` each."""

    accuracies: NDArray[np.float64]
    losses: NDArray[np.float64]
    tests: NDArray[np.float64]


def drawn(training: Training, images: int) -> Iterator[Drawn]:
    """Draw validation parts of this size; none if the rest of the pool would be smaller."""
    pool = training.correct.shape[1]
    random = np.random.default_rng([images, pool, round(1e6 * float(training.train_losses[0]))])
    for _ in range(DRAWS if 2 * images <= pool else 0):
        chosen = np.zeros(pool, bool)
        chosen[random.permutation(pool)[:images]] = True
        held, rest = training.correct[:, chosen], training.correct[:, ~chosen]
        losses = training.losses[:, chosen].mean(axis=1, dtype=np.float64)
        yield Drawn(held.mean(axis=1), losses, rest.mean(axis=1))


def choices(trainings: Iterable[Training]) -> list[Choice]:
    """What each rule chooses, for each size of the validation part and each length."""
    return [
        _choice(training.case, images, name, CHOOSING[name](curves.accuracies[:length], curves.losses[:length]), curves, length)
        for training in trainings
        for images in IMAGES
        for curves in drawn(training, images)
        for length in sorted({min(length, len(training.correct)) for length in LENGTHS})
        for name in CHOOSING
    ]


def stops(trainings: Iterable[Training]) -> list[Choice]:
    """Where each way to stop ends a training, and what is lost against the whole of it; the epoch is chosen by `smoothed`."""
    found = []
    for training in trainings:
        for curves in drawn(training, STOPPING_IMAGES):
            for name, watched in WATCHED.items():
                values = watched(curves.accuracies, curves.losses)
                for patience in PATIENCES:
                    length = stopped(values, patience)
                    at = seedbed("smoothed", curves.accuracies[:length], curves.losses[:length])
                    found.append(_choice(training.case, STOPPING_IMAGES, f"{name} {patience}", at, curves, len(curves.tests)))
                    found[-1] = _ended(found[-1], length)
    return found


def _ended(choice: Choice, epochs: int) -> Choice:
    return Choice(choice.case, choice.images, choice.rule, choice.lost, choice.optimism, choice.deviation, epochs)


def _choice(case: str, images: int, rule: str, at: int, curves: Drawn, length: int) -> Choice:
    accuracy, test = float(curves.accuracies[at]), float(curves.tests[at])
    deviation = float(np.sqrt(test * (1 - test) / images))
    return Choice(case, images, rule, float(curves.tests[:length].max()) - test, accuracy - test, deviation, length)


def mean(choices: Sequence[Choice], what: str) -> float:
    """The mean of an attribute; each case counts alike."""
    by_case: dict[str, list[float]] = {}
    for choice in choices:
        by_case.setdefault(choice.case, []).append(getattr(choice, what))
    return float(np.mean([np.mean(values) for values in by_case.values()]))
