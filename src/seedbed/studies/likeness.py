"""The reference setting that another setting behaves like, and how certain this is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.groups import Group
from seedbed.statistics import Floats

RESAMPLES = 1_000
ALIKE = 0.5
"""A setting that is farther than this from all references, in units of their own range, resembles none of them."""

LEAST_LOSS = 1e-4
"""Smaller losses count as this on the logarithmic scale (nats)."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """One setting compared with the references.

    Attributes:
        cell: setting.
        nearest: reference at the smallest distance.
        distance: distance to it; 1 is the range of the references themselves.
        shares: share of the resamples of the seeds in which each reference was the nearest, in [0, 1].
    """

    cell: Group
    nearest: Group
    distance: float
    shares: tuple[float, ...]

    @property
    def sure(self) -> float:
        """The share of resamples that agree on the nearest."""
        return max(self.shares)

    @property
    def is_like(self) -> bool:
        return self.distance <= ALIKE


def likeness(cells: Sequence[Group], references: Sequence[Group]) -> list[Likeness]:
    """The nearest reference of each cell by validation accuracy, generalization gap and learning curves.

    Three distances are averaged, each in units of its range among the references: the validation accuracy at the last
    epoch, the gap there (validation minus training data loss), and the curves of both data losses (root mean square
    difference of their logarithms) over the epochs. The seeds are resampled `RESAMPLES` times, for all settings the same ones,
    because they are paired; how often each reference is the nearest says how certain the answer is.

    Args:
        cells, references: groups on the same data, trained for as many epochs; those with all runs excluded are ignored.

    Raises:
        StatisticsError: fewer than two references have runs, or no seed is in all of them.
    """
    known = [cell for cell in references if cell.n]
    asked = [cell for cell in cells if cell.n]
    if len(known) < 2:
        raise StatisticsError(f"Two references at least are needed; {len(known)} have runs.")
    seeds = sorted(set.intersection(*(set(cell.runs) for cell in [*known, *asked])))
    if not seeds:
        raise StatisticsError("The settings have no seed in common, so they cannot be resampled together.")
    draws = np.random.default_rng(0).multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=RESAMPLES) / len(seeds)
    weights = np.concatenate([np.full((1, len(seeds)), 1 / len(seeds)), draws])
    theirs = [_behaviour(cell, seeds, weights) for cell in known]
    return [_nearest(cell, _behaviour(cell, seeds, weights), known, theirs) for cell in asked]


def _behaviour(cell: Group, seeds: Sequence[int], weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Accuracy `(draws,)`, gap `(draws,)` and log losses `(draws, epochs x 2)`; the first draw is the plain mean."""
    histories = [cell.runs[seed].history for seed in seeds]
    shared = min(history.epochs for history in histories)
    accuracy = np.array([history["validation_accuracy"][-1] for history in histories])
    train, validation = (np.array([each[name][:shared] for each in histories]) for name in ("train_loss", "validation_loss"))
    gap = np.array([history["validation_loss"][-1] - history["train_loss"][-1] for history in histories])
    losses = np.concatenate([train, validation], axis=1)
    return weights @ accuracy, weights @ gap, np.log(np.maximum(weights @ losses, LEAST_LOSS))


def _nearest(
    cell: Group, mine: tuple[Floats, Floats, Floats], known: Sequence[Group], theirs: Sequence[tuple[Floats, Floats, Floats]]
) -> Likeness:
    distances = np.mean([_distances(mine[at], [each[at] for each in theirs]) for at in range(3)], axis=0)
    nearest = distances[:, 1:].argmin(axis=0)
    shares = np.bincount(nearest, minlength=len(known)) / len(nearest)
    first = int(distances[:, 0].argmin())
    return Likeness(cell, known[first], float(distances[first, 0]), tuple(float(share) for share in shares))


def _distances(mine: Floats, theirs: Sequence[Floats]) -> Floats:
    """`(references, draws)`, in units of the largest distance between two references in the plain means."""
    widest = max(_apart(a[:1], b[:1])[0] for a in theirs for b in theirs)
    return np.stack([_apart(mine, each) for each in theirs]) / max(float(widest), 1e-12)


def _apart(a: Floats, b: Floats) -> Floats:
    if a.ndim == 1:
        return np.abs(a - b)
    shared = min(a.shape[1], b.shape[1])
    return np.asarray(np.sqrt(((a[:, :shared] - b[:, :shared]) ** 2).mean(axis=1)))
