"""From accuracies over sizes to the sizes that are worth a closer look. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

from seedbed.sizing.attempts import Attempt
from seedbed.statistics import frontier

Point = tuple[int, float]
"""Parameters, and the share of mistakes."""

SEEDS_SHARE = 0.75
"""Of the images' number, what is left as the effective one where five seeds differ as those of small networks do."""

Z = 1.96

SLOPES = (-1.5, -0.2)
"""Between which the mistakes fall with the parameters, both as logarithms; beyond them the measurement is not believed."""


def needed(target: float, images: int) -> float:
    """The accuracy at which Wilson's interval over so many images, and some seeds, just lies above the target."""
    return min(target + Z * math.sqrt(target * (1 - target) / (SEEDS_SHARE * images)), (1 + target) / 2)


def deviation(target: float, images: Sequence[int]) -> float:
    """The standard deviation of the difference between a network's accuracies on two sets of images."""
    return math.sqrt(target * (1 - target) * sum(1 / n for n in images))


def best_by_size(tried: Sequence[Attempt]) -> list[Attempt]:
    """From the smallest network on, those that no smaller one equals."""
    return [tried[place] for place in frontier([one.parameters for one in tried], [one.score for one in tried])]


def best_of_each(tried: Sequence[Attempt], kind: Callable[[Attempt], Hashable]) -> list[Attempt]:
    """The best of each kind, the best kind first; of equals the smaller, then the earlier."""
    found: dict[Hashable, Attempt] = {}
    for one in sorted(tried, key=lambda one: (-one.score, one.parameters)):
        if one.score > -math.inf:
            found.setdefault(kind(one), one)
    return list(found.values())


def points(tried: Sequence[Attempt], images: int) -> list[Point]:
    """The mistakes of those that no smaller one equals; at least half a mistake, so that there are logarithms."""
    return [(one.parameters, max(1 - one.score, 0.5 / images)) for one in best_by_size(tried)]


def crossing(found: Sequence[Point], error: float) -> float | None:
    """About how many parameters bring the mistakes down to this share; None where the largest makes more.

    Args:
        found: from the smallest on, each with fewer mistakes than the one before.
    """
    if not found or found[-1][1] > error:
        return None
    if found[0][1] <= error:
        return float(found[0][0])
    (small, many), (large, few) = next((a, b) for a, b in pairwise(found) if b[1] <= error)
    share = math.log(many / error) / math.log(many / few)
    return small * math.exp(share * math.log(large / small))


def slope(found: Sequence[Point]) -> float:
    """How the mistakes fall with the parameters, both as logarithms, over the last three points."""
    last = found[-3:]
    if len(last) < 2:
        return sum(SLOPES) / 2
    steep = math.log(last[-1][1] / last[0][1]) / math.log(last[-1][0] / last[0][0])
    return min(max(steep, SLOPES[0]), SLOPES[1])


def moved(parameters: int, error: float, wanted: float, steep: float) -> float:
    """How many parameters would make `wanted` mistakes where so many make `error`, at this slope."""
    return parameters * math.exp(math.log(wanted / error) / steep)
