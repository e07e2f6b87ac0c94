"""How few parameters reach a target within one family: sizes tested from large to small, on fresh seeds.

The order of the tests, from large to small, is fixed before anything is trained, and each is made at the full confidence up to
the first that fails; so the choice of the smallest costs no correction (a fixed-sequence test). Then the sizes between the last
that held and the first that failed are tested in the same way: a second chance for a false claim, 5 % at most in all.

Judged is the network of the last epoch, which no image had a say in choosing.

Source: Maurer, Hothorn, Lehmacher 1995, "Multiple comparisons in drug clinical trials and preclinical assays: a-priori ordered
hypotheses".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.statistics import Interval, accuracy_interval
from seedbed.studies.bench import Bench
from seedbed.studies.cells import Cell, Wanted
from seedbed.studies.setup import Setup

LEAST_SEEDS = 5
"""Fresh ones of a claim; fewer would say little of other seeds."""

PREDICTIONS, LABELS = "last_validation_probabilities", "validation_labels"


@dataclass(frozen=True, eq=False)
class Rung:
    """A size that was tested.

    Attributes:
        width: of the first hidden layer.
        accuracy: validation accuracy at the last epoch, over fresh seeds and images; None where a run diverged or collapsed.
    """

    width: int
    cell: Cell
    accuracy: Interval | None

    def holds(self, target: float) -> bool:
        """Whether the whole interval lies above the target."""
        return self.accuracy is not None and self.accuracy.low > target


@dataclass(frozen=True, eq=False)
class Fewest:
    """The answer for one target.

    Attributes:
        order: the sizes in the order of their tests, up to the first that failed, and those between, up to theirs.
        all_held: even the smallest size that was tried held, so a smaller one may too.
    """

    target: float
    order: list[Rung]
    all_held: bool

    @property
    def smallest(self) -> Rung | None:
        """The smallest network whose interval lies above the target."""
        held = [one for one in self.order if one.holds(self.target)]
        return min(held, key=lambda one: one.cell.parameters, default=None)


def fresh_seeds(setup: Setup) -> tuple[int, ...]:
    """As many as the study has, `LEAST_SEEDS` at least."""
    first = max(setup.seeds) + 1
    return tuple(range(first, first + max(LEAST_SEEDS, len(setup.seeds))))


def fewest(
    bench: Bench, widths: Sequence[int], targets: Sequence[float], make: Callable[[int], Wanted], *, between: int
) -> tuple[list[Fewest], list[Rung]]:
    """The smallest network of a family above each target, and all that were trained for it, from the largest on.

    Args:
        widths: of the family's first layer, that are tested first.
        targets: accuracies in (0, 1).
        make: the network of a width, and how it is trained.
        between: so many widths between the last that held and the first that failed are tested then.
    """
    coarse = tested(bench, sorted(widths, reverse=True), make)
    gaps = {target: _gap(in_order(coarse, target), target, between) for target in targets}
    finer = tested(bench, sorted({width for gap in gaps.values() for width in gap}, reverse=True), make)
    found = []
    for target in targets:
        first = in_order(coarse, target)
        second = in_order([one for one in finer if one.width in gaps[target]], target)
        found.append(Fewest(target, [*first, *second], all(one.holds(target) for one in first)))
    return found, sorted([*coarse, *finer], key=lambda one: -one.width)


def tested(bench: Bench, widths: Sequence[int], make: Callable[[int], Wanted]) -> list[Rung]:
    """Networks trained with fresh seeds, in the order of the widths."""
    if not widths:
        return []
    cells = bench.train([make(width) for width in widths], fresh_seeds(bench.setup))
    return [Rung(width, cell, last_accuracy(bench.home, cell)) for width, cell in zip(widths, cells, strict=True)]


def in_order(sizes: Sequence[Rung], target: float) -> list[Rung]:
    """The tests that are made: up to the first that fails."""
    for place, one in enumerate(sizes):
        if not one.holds(target):
            return list(sizes[: place + 1])
    return list(sizes)


def _gap(sizes: Sequence[Rung], target: float, count: int) -> list[int]:
    """Widths between the last that held and the first that failed, evenly spread; none where there is no such place."""
    if len(sizes) < 2 or sizes[-1].holds(target):
        return []
    wide, narrow = sizes[-2].width, sizes[-1].width
    steps = min(count, wide - narrow - 1)
    return sorted({round(narrow + (wide - narrow) * step / (steps + 1)) for step in range(1, steps + 1)}, reverse=True)


def last_accuracy(home: RunStore, cell: Cell) -> Interval | None:
    """Validation accuracy at the last epoch over seeds and images; None where a run diverged or collapsed."""
    if cell.left_out:
        return None
    return accuracy_interval(np.stack([_right(home, result) for result in cell.results]))


def _right(home: RunStore, result: Result) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    kept = home.predictions(result.name)
    return np.asarray(kept[PREDICTIONS].argmax(axis=1) == kept[LABELS])
