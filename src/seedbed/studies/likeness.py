"""The reference setting that another setting behaves like, and in how many seeds it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.groups import Group
from seedbed.statistics import Floats

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
        seeds: number of seeds that were compared.
        shares: share of the seeds whose networks, by themselves, have each reference as the nearest, in [0, 1].
        agreeing: number of seeds whose nearest is that of the means.
    """

    cell: Group
    nearest: Group
    distance: float
    seeds: int
    shares: tuple[float, ...]
    agreeing: int

    @property
    def agreement(self) -> str:
        """In how many seeds the nearest is the nearest of the means, in words."""
        return f"{self.agreeing} of {words.counted(self.seeds, 'seed')}"

    @property
    def is_like(self) -> bool:
        return self.distance <= ALIKE


def likeness(cells: Sequence[Group], references: Sequence[Group]) -> list[Likeness]:
    """The nearest reference of each cell by validation accuracy, generalization gap and learning curves.

    Three distances are averaged, each in units of its range among the references: the validation accuracy at the last
    epoch, the gap there (validation minus training data loss), and the curves of both data losses (root mean square
    difference of their logarithms) over the epochs. The nearest is that of the means over the seeds. In how many seeds
    the networks of this very seed agree is counted: a few seeds do not show how probable the answer is, only whether it is the
    same in each of them.

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
        raise StatisticsError("The settings have no seed in common, so they cannot be compared seed by seed.")
    weights = np.concatenate([np.full((1, len(seeds)), 1 / len(seeds)), np.eye(len(seeds))])
    theirs = [_behaviour(cell, seeds, weights) for cell in known]
    return [_nearest(cell, _behaviour(cell, seeds, weights), known, theirs) for cell in asked]


def _behaviour(cell: Group, seeds: Sequence[int], weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Accuracy `(1 + seeds,)`, gap likewise and log losses `(1 + seeds, epochs x 2)`: of the mean, and of each seed."""
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
    agreeing = int((nearest == first).sum())
    return Likeness(cell, known[first], float(distances[first, 0]), len(nearest), tuple(map(float, shares)), agreeing)


def _distances(mine: Floats, theirs: Sequence[Floats]) -> Floats:
    """`(references, 1 + seeds)`, in units of the largest distance between two references in the plain means."""
    widest = max(_apart(a[:1], b[:1])[0] for a in theirs for b in theirs)
    return np.stack([_apart(mine, each) for each in theirs]) / max(float(widest), 1e-12)


def _apart(a: Floats, b: Floats) -> Floats:
    if a.ndim == 1:
        return np.abs(a - b)
    shared = min(a.shape[1], b.shape[1])
    return np.asarray(np.sqrt(((a[:, :shared] - b[:, :shared]) ** 2).mean(axis=1)))
