"""From accuracies over sizes to the sizes to try next. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

from seedbed.sizing.attempts import Attempt
from seedbed.statistics import frontier

SizeError = tuple[int, float]
"""Number of parameters, and the share of mistakes at that size."""

SEEDS_SHARE = 0.75
"""Effective number of images over their number, where five seeds differ as those of small networks do."""

Z = 1.96

SLOPES = (-1.5, -0.2)
"""Bounds of the slope of mistakes over parameters, both as logarithms; measured slopes are clipped to them."""


def needed(target: float, images: int) -> float:
    """Return the accuracy at which Wilson's interval over some images and seeds is just above the target."""
    return min(target + Z * math.sqrt(target * (1 - target) / (SEEDS_SHARE * images)), (1 + target) / 2)


def deviation(target: float, images: Sequence[int]) -> float:
    """Return the standard deviation of the difference between a network's accuracies on two sets of images."""
    return math.sqrt(target * (1 - target) * sum(1 / n for n in images))


def best_by_size(tried: Sequence[Attempt]) -> list[Attempt]:
    """List the attempts that no smaller one equals, from the smallest network on."""
    return [tried[place] for place in frontier([attempt.parameters for attempt in tried], [attempt.score for attempt in tried])]


def best_of_each(tried: Sequence[Attempt], kind: Callable[[Attempt], Hashable]) -> list[Attempt]:
    """List the best of each kind, the best kind first; of equals the smaller, then the earlier."""
    best: dict[Hashable, Attempt] = {}
    for attempt in sorted(tried, key=lambda attempt: (-attempt.score, attempt.parameters)):
        if attempt.score > -math.inf:
            best.setdefault(kind(attempt), attempt)
    return list(best.values())


def points(tried: Sequence[Attempt], images: int) -> list[SizeError]:
    """List size and mistakes of the attempts that no smaller one equals; at least half a mistake, so that logarithms exist."""
    return [(attempt.parameters, max(1 - attempt.score, 0.5 / images)) for attempt in best_by_size(tried)]


def crossing(sizes: Sequence[SizeError], error: float) -> float | None:
    """Estimate how many parameters bring the mistakes down to `error`; None where the largest network makes more.

    Args:
        sizes: sizes from the smallest on, each with fewer mistakes than the one before.
    """
    if not sizes or sizes[-1][1] > error:
        return None
    if sizes[0][1] <= error:
        return float(sizes[0][0])
    (small, many), (large, few) = next((a, b) for a, b in pairwise(sizes) if b[1] <= error)
    share = math.log(many / error) / math.log(many / few)
    return small * math.exp(share * math.log(large / small))


def slope(sizes: Sequence[SizeError]) -> float:
    """Estimate the slope of mistakes over parameters, both as logarithms, over the last three sizes."""
    last = sizes[-3:]
    if len(last) < 2:
        return sum(SLOPES) / 2
    steep = math.log(last[-1][1] / last[0][1]) / math.log(last[-1][0] / last[0][0])
    return min(max(steep, SLOPES[0]), SLOPES[1])


def moved(parameters: int, error: float, wanted: float, steep: float) -> float:
    """Return how many parameters would make `wanted` mistakes where `parameters` make `error`, at this slope."""
    return parameters * math.exp(math.log(wanted / error) / steep)
