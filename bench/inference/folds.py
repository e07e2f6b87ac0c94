"""Counts how often intervals of cross-validated settings are wrong, with real learners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from bench.inference.learners import PAIRS, Judged, cross_validated
from bench.inference.methods import Judgement, judgement
from seedbed.statistics import accuracy_difference, mean_estimate, mean_interval

REPEATS = {150: 300, 600: 100, 2_000: 30}
"""Images -> repetitions in each design; a third of them, and no more than 600 images, for nets."""

DESIGNS = ((3, 1), (3, 2), (5, 1), (10, 1), (5, 3))
"""Folds, and how often each of them validates."""

SLOW_IMAGES, SLOW_DESIGNS = 600, 3
"""Images and designs up to which nets are simulated."""


def seedbed(judged: Judged, folds: int) -> Judgement:
    """`statistics.accuracy_difference`, as every command calls it."""
    return judgement(accuracy_difference(judged.table, np.zeros_like(judged.table), folds=folds).interval())


def over_networks(judged: Judged, _: int) -> Judgement:
    """Student's t over the networks' means, as if they were independent."""
    return judgement(mean_interval(np.nanmean(judged.table, axis=1)))


def corrected(judged: Judged, folds: int) -> Judgement:
    """The corrected resampled t-test of Nadeau and Bengio (2003)."""
    return judgement(mean_estimate(np.nanmean(judged.table, axis=1), folds=folds).interval())


def over_images(judged: Judged, _: int) -> Judgement:
    """The normal interval over images, as if the networks were given."""
    images = np.nanmean(judged.table, axis=0)
    reach = 1.96 * float(images.std(ddof=1)) / np.sqrt(len(images))
    mean = float(images.mean())
    return Judgement(abs(mean) > reach, mean - reach, mean + reach)


METHODS: dict[str, Callable[[Judged, int], Judgement]] = {
    "seedbed": seedbed,
    "t over networks": over_networks,
    "corrected t": corrected,
    "images alone": over_images,
}


@dataclass(frozen=True)
class FoldCount:
    """How the methods did with one pair of settings in one design, as shares of the repetitions.

    Attributes:
        shown, covered, width: method -> share with a shown difference, share that covers the true one, mean width.
        norms: share of the intervals of a value per run (`mean_estimate`) that cover its true mean; `plain` without correction.
    """

    pair: str
    equal: bool
    images: int
    folds: int
    turns: int
    repeats: int
    shown: dict[str, float]
    covered: dict[str, float]
    width: dict[str, float]
    norms: float
    plain: float


def simulate_folds(*, workers: int = 2, seed: int = 0) -> list[FoldCount]:
    """All pairs in all designs; the same seed gives the same counts."""
    places = [
        (number, images, *design, seed)
        for number, images, design in product(range(len(PAIRS)), REPEATS, DESIGNS)
        if not PAIRS[number].slow or (images <= SLOW_IMAGES and design in DESIGNS[:SLOW_DESIGNS])
    ]
    with ProcessPoolExecutor(workers) as pool:
        return list(pool.map(_count, *zip(*places, strict=True)))


def _count(number: int, images: int, folds: int, turns: int, seed: int) -> FoldCount:
    pair = PAIRS[number]
    random = np.random.default_rng([seed, number, images, folds, turns])
    repeats = REPEATS[images] // 3 if pair.slow else REPEATS[images]
    drawn = [cross_validated(pair, images, folds, turns, random) for _ in range(repeats)]
    truth = float(np.mean([each.truth for each in drawn]))
    rows = {name: [method(each, folds) for each in drawn] for name, method in METHODS.items()}
    norm = float(np.mean([each.norms.mean() for each in drawn]))
    covering = [[mean_estimate(each.norms, folds=parts).interval() for each in drawn] for parts in (folds, 1)]
    norms, plain = (float(np.mean([each.low <= norm <= each.high for each in intervals])) for intervals in covering)
    return FoldCount(
        pair=pair.name,
        equal=pair.equal,
        images=images,
        folds=folds,
        turns=turns,
        repeats=repeats,
        shown={name: float(np.mean([row.shown for row in of])) for name, of in rows.items()},
        covered={name: _share(of, lambda row: row.covers(truth)) for name, of in rows.items()},
        width={name: float(np.mean([row.high - row.low for row in of])) for name, of in rows.items()},
        norms=norms,
        plain=plain,
    )


def _share(rows: Sequence[Judgement], holds: Callable[[Judgement], bool]) -> float:
    return float(np.mean([holds(row) for row in rows]))
