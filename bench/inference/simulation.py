"""Counts how often a method is wrong, over worlds, numbers of seeds and numbers of images."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bench.inference.methods import METHODS
from bench.inference.worlds import DIFFERENT, EQUAL, World

SEEDS = (2, 3, 5, 10, 20)
IMAGES = (100, 300, 1_000, 10_000)
REPEATS, ANSWERS = 1_000, 20_000_000
"""Tables drawn at each place of the plane: as many as hold this number of answers, `REPEATS` at most and a quarter at least."""

CLOSE = 0.045
"""Share of wrong intervals of ours from which on a place is simulated `MORE` times as long: it may be above what is allowed."""

MORE = 8


@dataclass(frozen=True)
class Count:
    """How a method did at one place of the plane, as shares of the tables.

    Attributes:
        shown: a difference is shown; in a world without one these are the false alarms.
        covered: the true difference lies within the interval.
        width: of the interval, on average.
    """

    world: str
    seeds: int
    images: int
    method: str
    equal: bool
    shown: float
    covered: float
    width: float
    repeats: int


def simulate(seeds: Sequence[int] = SEEDS, images: Sequence[int] = IMAGES, *, workers: int = 2, seed: int = 0) -> list[Count]:
    """All worlds at all places of the plane.

    Args:
        workers: processes.
        seed: of the random numbers; the same one gives the same counts.
    """
    worlds = [*EQUAL, *DIFFERENT]
    places = list(product(range(len(worlds)), seeds, images))
    with ProcessPoolExecutor(workers) as pool:
        found = pool.map(_counts, *zip(*((*place, seed) for place in places), strict=True), chunksize=4)
        return [count for counts in found for count in counts]


def _counts(number: int, seeds: int, images: int, seed: int) -> list[Count]:
    world: World = [*EQUAL, *DIFFERENT][number]
    repeats = max(REPEATS // 4, min(REPEATS, ANSWERS // (seeds * images)))
    random = np.random.default_rng([seed, number, seeds, images])
    rows = _judged(world, seeds, images, repeats, random)
    if 1 - rows[0, :, 1].mean() > CLOSE:
        rows = np.concatenate([rows, _judged(world, seeds, images, (MORE - 1) * repeats, random)], axis=1)
    found = []
    for name, of in zip(METHODS, rows, strict=True):
        shown, covered, width = map(float, of.mean(axis=0))
        found.append(Count(world.name, seeds, images, name, world in EQUAL, shown, covered, width, rows.shape[1]))
    return found


def _judged(world: World, seeds: int, images: int, repeats: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Shown, covered and width, `(methods, repeats, 3)`."""
    truth = world.truth(images)
    rows = np.empty((len(METHODS), repeats, 3))
    for repeat in range(repeats):
        table = world.draw(random, seeds, images)
        for place, method in enumerate(METHODS.values()):
            judged = method(table)
            rows[place, repeat] = judged.shown, judged.covers(truth), judged.high - judged.low
    return rows
