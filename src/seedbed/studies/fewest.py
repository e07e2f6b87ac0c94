"""How few parameters reach a target within one family: sizes tested from large to small, on fresh seeds.

The order of the tests, from large to small, is fixed before anything is trained, and each is made at the full confidence up to
the first that fails; so the choice of the smallest costs no correction (a fixed-sequence test). Then the sizes between the last
that held and the first that failed are tested in the same way: a second chance for a false claim, 5 % at most in all.

The tests use the network of the last epoch, which no image selected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seedbed.groups import Group, Request, fixed_sequence
from seedbed.groups.folds import whole_turns
from seedbed.statistics import Interval
from seedbed.studies.context import Steps, StudyContext
from seedbed.studies.setup import Setup

LEAST_SEEDS = 5
"""The least number of fresh seeds of a claim; fewer would show little about other seeds."""


@dataclass(frozen=True, eq=False)
class Size:
    """A size that was tested.

    Attributes:
        width: units in the first hidden layer.
        accuracy: validation accuracy at the last epoch, over fresh seeds and images; None where a run is excluded.
    """

    width: int
    group: Group
    accuracy: Interval | None

    def holds(self, target: float) -> bool:
        """Whether the whole interval lies above the target."""
        return self.accuracy is not None and self.accuracy.low > target


@dataclass(frozen=True, eq=False)
class Fewest:
    """The answer for one target.

    Attributes:
        order: sizes in the order of their tests, up to the first that failed, and those between, up to theirs.
        all_held: whether even the smallest size that was tried held, so a smaller one may too.
    """

    target: float
    order: list[Size]
    all_held: bool

    @property
    def smallest(self) -> Size | None:
        """The smallest network whose interval lies above the target."""
        held = [size for size in self.order if size.holds(self.target)]
        return min(held, key=lambda size: size.group.parameters, default=None)


def fresh_seeds(setup: Setup) -> tuple[int, ...]:
    """Seeds that no setting was selected by: as many as the study has, `LEAST_SEEDS` at least."""
    first = setup.fresh[0]
    return tuple(range(first, first + whole_turns(max(LEAST_SEEDS, len(setup.seeds)), setup.folds)))


def fewest(
    study: StudyContext, widths: Sequence[int], targets: Sequence[float], make: Callable[[int], Request], *, between: int
) -> Steps[tuple[list[Fewest], list[Size]]]:
    """The smallest network of a family above each target, and all that were trained for it, from the largest on.

    Args:
        widths: widths of the first layer that are tested first.
        targets: accuracies in (0, 1).
        make: function from a width to the request of its network.
        between: number of widths to test next, between the last that held and the first that failed.
    """
    coarse = yield from tested(study, sorted(widths, reverse=True), make)
    gaps = {target: _gap(in_order(coarse, target), target, between) for target in targets}
    finer = yield from tested(study, sorted({width for gap in gaps.values() for width in gap}, reverse=True), make)
    smallest = []
    for target in targets:
        first = in_order(coarse, target)
        second = in_order([size for size in finer if size.width in gaps[target]], target)
        smallest.append(Fewest(target, [*first, *second], all(size.holds(target) for size in first)))
    return smallest, sorted([*coarse, *finer], key=lambda size: -size.width)


def tested(study: StudyContext, widths: Sequence[int], make: Callable[[int], Request]) -> Steps[list[Size]]:
    """Networks trained with fresh seeds, in the order of the widths."""
    groups = yield from study.train([make(width) for width in widths], fresh_seeds(study.setup))
    return [Size(width, group, group.claimed()) for width, group in zip(widths, groups, strict=True)]


def in_order(sizes: Sequence[Size], target: float) -> list[Size]:
    """The sizes that are tested: up to the first that fails."""
    return list(fixed_sequence(sizes, lambda size: size.holds(target)))


def _gap(sizes: Sequence[Size], target: float, count: int) -> list[int]:
    """Widths between the last that held and the first that failed, evenly spread; none where there is no such place."""
    if len(sizes) < 2 or sizes[-1].holds(target):
        return []
    wide, narrow = sizes[-2].width, sizes[-1].width
    steps = min(count, wide - narrow - 1)
    return sorted({round(narrow + (wide - narrow) * step / (steps + 1)) for step in range(1, steps + 1)}, reverse=True)
