"""Choosing among values that have a cost."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence


def frontier(costs: Sequence[float], scores: Sequence[float], least_costs: Sequence[float] | None = None) -> list[int]:
    """The Pareto frontier: the places of the items that no other one equals or exceeds at a cost that is not higher.

    Args:
        costs: one per item.
        scores: one per item, the higher the better; minus infinity is never on the frontier.
        least_costs: where costs are known within a range only, its lower ends; `costs` are then the upper ones, and an item
            counts as no more expensive than another where its lower end is not above the other's upper end.

    Returns:
        Places, the cheapest first; of items with the same cost and score the first.
    """
    lows = costs if least_costs is None else least_costs
    order = sorted(range(len(costs)), key=lambda place: (lows[place], -scores[place], costs[place], place))
    ahead = [lows[place] for place in order]
    found, highest = [], -math.inf
    for rank, place in enumerate(order, start=1):
        overlapping = order[rank : bisect_right(ahead, costs[place])]
        if scores[place] > max([highest, *(math.nextafter(scores[other], -math.inf) for other in overlapping)]):
            found.append(place)
        highest = max(highest, scores[place])
    return found
