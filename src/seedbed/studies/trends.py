"""Accuracy over the widths of two layers: weighted sums of a grid's groups, with both sources of chance.

A least-squares slope over a grid is a weighted sum of the groups' accuracies. So it can be taken for every seed and image, and
its interval has both sources of chance and is paired on both, like that of a difference of two groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.groups import Group
from seedbed.statistics import Floats, Interval, two_sources

Widths = tuple[int, int]


@dataclass(frozen=True)
class Doubling:
    """The gain of a step from one width of a layer to the next, mean over the widths of the other layer.

    Attributes:
        layer: 1 or 2.
        gain: gain in accuracy, a share.
        parameters: parameters that the step added, mean over the widths of the other layer.
    """

    layer: int
    narrow: int
    wide: int
    gain: Interval
    parameters: float


@dataclass(frozen=True)
class Slopes:
    """Accuracy over the base-2 logarithms of both widths, by least squares over all groups: gains per doubling, as shares."""

    first: Interval
    second: Interval
    difference: Interval
    cells: int


def widths(cell: Group) -> Widths:
    """The widths of a network with two hidden layers."""
    first, second = cell.run.model.hidden
    return first, second


def slopes(cells: Sequence[Group]) -> Slopes:
    """The gain per doubling of the first layer, of the second one, and the first's minus the second's.

    Raises:
        StatisticsError: fewer than two widths of a layer have runs, or no seed is in all cells.
    """
    known = [cell for cell in cells if cell.n]
    if any(len({widths(cell)[layer] for cell in known}) < 2 for layer in (0, 1)):
        raise StatisticsError("A trend needs two widths of each layer at least.")
    columns = [[1.0, *np.log2(widths(cell))] for cell in known]
    _, first, second = np.linalg.pinv(np.array(columns))
    by_first, by_second, difference = (weighted(known, weights) for weights in (first, second, first - second))
    return Slopes(by_first, by_second, difference, len(known))


def doublings(cells: Sequence[Group]) -> list[Doubling]:
    """Each step from one width to the next, layer by layer, over groups that have runs on both sides."""
    known = {widths(cell): cell for cell in cells if cell.n}
    steps = []
    for layer in (0, 1):
        sizes = sorted({pair[layer] for pair in known})
        for narrow, wide in pairwise(sizes):
            pairs = [(cell, known.get(_with(pair, layer, wide))) for pair, cell in known.items() if pair[layer] == narrow]
            both = [(low, high) for low, high in pairs if high is not None]
            if both:
                steps.append(_doubling(layer + 1, narrow, wide, both))
    return steps


def _with(pair: Widths, layer: int, width: int) -> Widths:
    return (width, pair[1]) if layer == 0 else (pair[0], width)


def _doubling(layer: int, narrow: int, wide: int, both: Sequence[tuple[Group, Group]]) -> Doubling:
    cells = [cell for pair in both for cell in pair]
    gain = weighted(cells, np.tile([-1.0, 1.0], len(both)) / len(both))
    return Doubling(layer, narrow, wide, gain, float(np.mean([high.parameters - low.parameters for low, high in both])))


def weighted(cells: Sequence[Group], weights: Sequence[float] | Floats) -> Interval:
    """A weighted sum of accuracies over seeds x images, with Student's interval, over the seeds that all groups have.

    Raises:
        StatisticsError: there is no such seed.
    """
    seeds = sorted(set.intersection(*(set(cell.correct) for cell in cells)))
    if not seeds:
        raise StatisticsError("The settings have no seed in common, so they cannot be summed seed by seed.")
    table = sum(weight * cell.table(cell.correct, seeds) for cell, weight in zip(cells, weights, strict=True))
    reach = float(np.abs(weights).sum())
    return two_sources(table, folds=cells[0].folds).estimate.interval().within(-reach, reach)
