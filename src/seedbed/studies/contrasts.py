"""Contrasts: the few comparisons that a study names before it has seen anything, and what their figures show.

At most five carry verdicts. The variance between seeds comes from all cells of the study (`statistics.moderated_variances`),
the images' from the two networks at hand, and Holm's correction goes over all of a study's contrasts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.figures import words
from seedbed.records import finite
from seedbed.statistics import (
    Claim,
    Corrected,
    Discordance,
    Moderated,
    corrected,
    moderated_variances,
    seeds_difference,
    study_difference,
)
from seedbed.studies.cells import ACCURACY, Cell, Measure

MOST = 5
CONFIDENCE = 0.95


@dataclass(frozen=True, eq=False)
class Planned:
    """A comparison that a study named beforehand.

    Attributes:
        name: one of the study's `contrasts`.
        a, b: the cells, on the same images; differences are the first's minus the second's.
        said_a, said_b: what sentences call them.
        measure: what is compared.
        where: on which images, for the sentence; may be empty.
    """

    name: str
    a: Cell
    b: Cell
    said_a: str
    said_b: str
    measure: Measure = ACCURACY
    where: str = ""


@dataclass(frozen=True, eq=False)
class Contrast:
    """What came of one.

    Attributes:
        seeds: those that both cells have.
        method: where the chance comes from; or why nothing is compared.
        verdict: the difference with its interval after Holm's correction over the study's contrasts; None where one of the
            cells has no run left.
        p: of "there is no difference", before the correction.
    """

    planned: Planned
    seeds: tuple[int, ...]
    method: str
    claim: Claim | None
    verdict: Corrected | None

    @property
    def name(self) -> str:
        return self.planned.name

    @property
    def shown(self) -> bool:
        return bool(self.verdict and self.verdict.shown)

    @property
    def sentence(self) -> str:
        """The verdict in words, bounded by the corrected interval."""
        one, measure, verdict = self.planned, self.planned.measure, self.verdict
        where = f"{one.where}: " if one.where else ""
        if verdict is None:
            return _capital(f"{where}{one.said_a} and {one.said_b} cannot be compared: {self.method}.")
        mean, low, high = (measure.factor * value for value in (verdict.interval.mean, *verdict.interval.pair()))
        basis = f"{100 * verdict.confidence:.4g} % interval; {self.method}"
        of = f"{measure.unit} {'of' if measure.both else 'in'} {measure.name}".strip()
        digits = measure.digits
        if not verdict.shown:
            reach = f"the interval reaches from {low:+.{digits}f} to {high:+.{digits}f} {of}"
            return _capital(f"{where}between {one.said_a} and {one.said_b} no difference shown; {reach} ({basis}).")
        first, second = one.said_a, one.said_b
        if mean < 0:
            first, second, mean, low, high = second, first, -mean, -high, -low
        reach = f"{low:.{digits}f} to {high:.{digits}f}, {basis}"
        if measure.both:
            said = f"{first} is better than {second} by {mean:.{digits}f} {of}"
        else:
            said = f"in {measure.name} {first} lies above {second} by {mean:.{digits}f} {measure.unit}".rstrip()
        single = "" if len(self.seeds) > 1 else " This is about these two networks; it says nothing of other seeds."
        return _capital(f"{where}{said} ({reach}).{single}")

    def as_json(self) -> dict[str, Any]:
        """What results.json says of it; differences in the measure's own units, shares in [0, 1]."""
        one, verdict = self.planned, self.verdict
        plain = self.claim.interval(CONFIDENCE) if self.claim else None
        found: dict[str, Any] = finite(
            {
                "name": one.name,
                "measure": one.measure.name,
                "a": {"group": one.a.group, "label": one.said_a},
                "b": {"group": one.b.group, "label": one.said_b},
                "n": len(self.seeds),
                "seeds": self.seeds,
                "method": self.method,
                "difference": verdict.interval.mean if verdict else None,
                "interval": plain.pair() if plain else None,
                "p": self.claim.p if self.claim else None,
                "corrected_interval": verdict.interval.pair() if verdict else None,
                "corrected_confidence": verdict.confidence if verdict else None,
                "corrected_p": verdict.p if verdict else None,
                "verdict": self.outcome,
                "sentence": self.sentence,
            }
        )
        return found

    @property
    def outcome(self) -> str:
        """The verdict in a few words."""
        if self.verdict is None:
            return "not compared"
        if not self.verdict.shown:
            return "no difference shown"
        higher = self.planned.said_a if self.verdict.interval.mean > 0 else self.planned.said_b
        return f"{higher} is better" if self.planned.measure.both else f"{higher} is higher"


def settled(planned: Sequence[Planned], cells: Sequence[Cell]) -> list[Contrast]:
    """The verdicts of a study's contrasts, all at once.

    Args:
        planned: at most five, named beforehand.
        cells: of the whole study; the variance between seeds is taken from all of them.

    Raises:
        StatisticsError: more than five, or a name twice.
    """
    if len(planned) > MOST or len({one.name for one in planned}) < len(planned):
        raise StatisticsError(f"A study names at most {MOST} different contrasts beforehand; these are {len(planned)}.")
    met = [_meet(one, cells) for one in planned]
    verdicts = iter(corrected([claim for _, _, claim in met if claim is not None], confidence=CONFIDENCE))
    return [
        Contrast(one, seeds, method, claim, next(verdicts) if claim is not None else None)
        for one, (seeds, method, claim) in zip(planned, met, strict=True)
    ]


def _meet(one: Planned, cells: Sequence[Cell]) -> tuple[tuple[int, ...], str, Claim | None]:
    for cell, said in ((one.a, one.said_a), (one.b, one.said_b)):
        if not cell.n:
            return (), f"no run of {said} is left, {cell.total} of {cell.total} diverged or collapsed", None
    values = [cell.values(one.measure) for cell in (one.a, one.b)]
    shared = values[0].keys() & values[1].keys()
    if one.measure.both:
        shared &= one.a.right(one.measure.epoch).keys() & one.b.right(one.measure.epoch).keys()
    seeds = tuple(sorted(seed for seed in shared if _finite(values, seed)))
    if not seeds:
        return (), f"no seed has a {one.measure.name} in both", None
    pool = _pool(list({_key(cell): cell for cell in (one.a, one.b, *cells)}.values()), one.measure)
    if one.measure.both:
        return seeds, *_of_images(one, seeds, pool)
    if pool is None:
        return seeds, f"one run each has no interval for its {one.measure.name}", None
    a, b = ([found[seed] for seed in seeds] for found in values)
    return seeds, f"{_seeds(seeds)}, paired, {_shared(pool)}", seeds_difference(a, b, pool.variances[:2], pool.freedoms[:2])


def _key(cell: Cell) -> tuple[str, ...]:
    return tuple(result.run.identity for result in cell.results)


def _finite(values: Sequence[dict[int, float]], seed: int) -> bool:
    return all(math.isfinite(found[seed]) for found in values)


def _of_images(one: Planned, seeds: tuple[int, ...], pool: Moderated | None) -> tuple[str, Claim]:
    a, b = (np.stack([cell.right(one.measure.epoch)[seed] for seed in seeds]) for cell in (one.a, one.b))
    if pool is None:
        alone = Discordance.of(a[0], b[0])
        return f"one network each on {a.shape[1]:,} images, {alone.method}", alone
    said = f"{_seeds(seeds)} x {a.shape[1]:,} images, paired on both, {_shared(pool)}"
    return said, study_difference(a, b, pool.variances[:2], pool.freedoms[:2])


def _seeds(seeds: Sequence[int]) -> str:
    return words.counted(len(seeds), "seed")


def _shared(pool: Moderated) -> str:
    return f"variance {'pooled' if pool.alike else 'moderated'} over {len(pool.variances)} cells"


def _pool(cells: Sequence[Cell], measure: Measure) -> Moderated | None:
    """The variance of a single run in each cell, the two of the contrast first; None where there is one seed only."""
    found = [cell.values(measure) for cell in cells]
    seeds = sorted({seed for values in found for seed in values})
    rows = [[values.get(seed, math.nan) for seed in seeds] for values in found if values]
    if max((sum(map(math.isfinite, row)) for row in rows), default=0) < 2:
        return None
    images = max((len(right) for cell in cells for right in cell.judged.correct.values()), default=1)
    least = 1 / (12 * images**2) if measure.both else 0.0
    return moderated_variances(rows, least=least)


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
