"""Selection among groups: sizes that are worth their parameters, and tests in an order fixed beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeVar

from seedbed.errors import StatisticsError
from seedbed.groups.differences import Contrast, differences
from seedbed.groups.group import Group
from seedbed.statistics import frontier

T = TypeVar("T")


def fixed_sequence(items: Iterable[T], holds: Callable[[T], bool]) -> Iterator[T]:
    """Test one item after the other, up to the first that fails, that one included.

    The order is fixed before any of them is made, and each is made at the full confidence. A false claim needs the first item
    that does not truly hold to pass, so the choice of the last item that held costs no correction.

    Source: Maurer, Hothorn, Lehmacher 1995, "Multiple comparisons in drug clinical trials and preclinical assays: a-priori
    ordered hypotheses".
    """
    for item in items:
        yield item
        if not holds(item):
            return


@dataclass(frozen=True, eq=False)
class Frontier:
    """The sizes that are worth their parameters.

    The highest mean among the smaller networks is a maximum of noisy values, so a frontier of means has more steps than the
    networks have differences. So every pair is compared, with Holm's correction over all pairs.

    Attributes:
        groups: groups that have a run left, from the smallest network on.
        on_means: networks whose mean no network of at most their size reaches.
        steps: the smallest network, then each time the smallest that is shown to be above the step before.
        beaten: networks that one of at most their size is shown to be above.
        pairs: number of comparisons that the correction is over.
    """

    groups: list[Group]
    on_means: list[Group]
    steps: list[Group]
    beaten: list[Group]
    pairs: int


def size_frontier(groups: Sequence[Group]) -> Frontier:
    """Find the frontier of accuracy over parameters, of means and of shown differences.

    Raises:
        StatisticsError: no group has a run left.
    """
    known = sorted((group for group in groups if group.accuracy), key=lambda group: (group.parameters, -group.mean))
    if not known:
        raise StatisticsError("No setting has a run in its mean, so there is no frontier.")
    above = _shown_above(known)
    steps = [0]
    for place in range(1, len(known)):
        if (place, steps[-1]) in above:
            steps.append(place)
    beaten = [place for place in range(len(known)) if any((smaller, place) in above for smaller in range(place))]
    on_means = frontier([group.parameters for group in known], [group.mean for group in known])
    at_means, at_steps, at_beaten = ([known[place] for place in places] for places in (on_means, steps, beaten))
    return Frontier(known, at_means, at_steps, at_beaten, len(known) * (len(known) - 1) // 2)


def _shown_above(groups: Sequence[Group]) -> set[tuple[int, int]]:
    """Return the pairs of places of which the first group is shown to be above the second."""
    pairs = [(a, b) for a, b in combinations(range(len(groups)), 2) if groups[a].included.keys() & groups[b].included.keys()]
    decided = differences([Contrast(groups[a], groups[b]) for a, b in pairs])
    shown = [(pair, difference.higher) for pair, difference in zip(pairs, decided, strict=True) if difference.higher]
    return {(a, b) if higher is groups[a] else (b, a) for (a, b), higher in shown}
