"""Which sizes are worth their parameters: the frontier of means, and the steps of it that the intervals carry.

The highest mean among the smaller networks is a maximum of noisy values, so a frontier of means has more steps than the
networks have differences. So every pair is compared on the same seeds and images, with the variance of all cells and Holm's
correction over all pairs; a step counts where its corrected interval excludes 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.statistics import Claim, Corrected, Discordance, Moderated, corrected, moderated_variances, study_difference
from seedbed.studies.cells import ACCURACY, Cell


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a network stands among those that were tried.

    Attributes:
        on_means: no smaller network, and none as large, has as high a mean.
        step: the intervals carry it: it is the smallest one that is shown to be above the step before; the smallest network
            of all is the first step.
        beaten: a network that is not larger is shown to be above it.
    """

    cell: Cell
    on_means: bool
    step: bool
    beaten: bool


@dataclass(frozen=True, eq=False)
class Frontier:
    """All networks from the smallest on.

    Attributes:
        pairs: how many comparisons the correction went over.
    """

    standings: list[Standing]
    pairs: int

    @property
    def on_means(self) -> list[Cell]:
        return [one.cell for one in self.standings if one.on_means]

    @property
    def steps(self) -> list[Cell]:
        return [one.cell for one in self.standings if one.step]

    @property
    def beaten(self) -> list[Cell]:
        return [one.cell for one in self.standings if one.beaten]


def frontier(cells: Sequence[Cell]) -> Frontier:
    """The standing of each cell that has runs in its mean, from the smallest on.

    Raises:
        StatisticsError: none has.
    """
    known = sorted((cell for cell in cells if cell.accuracy), key=lambda cell: (cell.parameters, -_mean(cell)))
    if not known:
        raise StatisticsError("No setting has a run in its mean, so there is no frontier.")
    shown = _shown(known)
    steps = [0]
    for place in range(1, len(known)):
        if (steps[-1], place) in shown and shown[steps[-1], place] > 0:
            steps.append(place)
    standings, best = [], -math.inf
    for place, cell in enumerate(known):
        beaten = any(shown.get((smaller, place), 0.0) < 0 for smaller in range(place))
        standings.append(Standing(cell, _mean(cell) > best, place in steps, beaten))
        best = max(best, _mean(cell))
    return Frontier(standings, len(known) * (len(known) - 1) // 2)


def _mean(cell: Cell) -> float:
    return cell.accuracy.mean if cell.accuracy else -math.inf


def _shown(cells: Sequence[Cell]) -> dict[tuple[int, int], float]:
    """Places of two cells -> how much the second is above the first, of the pairs whose corrected interval excludes 0."""
    claims = {pair: claim for pair, claim in _claims(cells).items() if claim is not None}
    verdicts: list[Corrected] = corrected(list(claims.values()))
    return {pair: one.interval.mean for pair, one in zip(claims, verdicts, strict=True) if one.shown}


def _claims(cells: Sequence[Cell]) -> dict[tuple[int, int], Claim | None]:
    """The second of each pair minus the first."""
    seeds = sorted({seed for cell in cells for seed in cell.judged.correct})
    values = [cell.values(ACCURACY) for cell in cells]
    pairs = combinations(range(len(cells)), 2)
    if max(len(found) for found in values) < 2 or len(cells) < 2:
        return {pair: _one_each(cells[pair[1]], cells[pair[0]]) for pair in pairs}
    images = len(next(iter(cells[0].judged.correct.values())))
    rows = [[found.get(seed, math.nan) for seed in seeds] for found in values]
    pool = moderated_variances(rows, least=1 / (12 * images**2))
    return {(a, b): _paired(cells[b], cells[a], pool, (b, a)) for a, b in pairs}


def _paired(one: Cell, other: Cell, pool: Moderated, places: tuple[int, int]) -> Claim | None:
    seeds = sorted(one.judged.correct.keys() & other.judged.correct.keys())
    if not seeds:
        return None
    a, b = (np.stack([cell.judged.correct[seed] for seed in seeds]) for cell in (one, other))
    variances, freedoms = ([values[place] for place in places] for values in (pool.variances, pool.freedoms))
    return study_difference(a, b, variances, freedoms)


def _one_each(one: Cell, other: Cell) -> Claim | None:
    seeds = sorted(one.judged.correct.keys() & other.judged.correct.keys())
    return Discordance.of(one.judged.correct[seeds[0]], other.judged.correct[seeds[0]]) if seeds else None
