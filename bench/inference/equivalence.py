"""How often two settings are called equivalent that are not, and how often two that are equal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from bench.inference.simulation import IMAGES, SEEDS
from bench.inference.worlds import DIFFERENT, EQUAL, World
from seedbed.statistics import accuracy_difference

REPEATS, ANSWERS = 1_000, 8_000_000
MARGIN = 0.01
"""Margin for equal settings: one point, as commands take it unless another is asked for."""

LEVEL = 0.05

Shares = dict[str, dict[tuple[int, int], float]]
"""World -> (seeds, images) -> share of tables that are called equivalent."""


def equivalences(seeds: Sequence[int] = SEEDS, images: Sequence[int] = IMAGES, *, seed: int = 0) -> tuple[Shares, Shares]:
    """Shares called equivalent: at a margin that is exactly the true difference (all false), and of equal settings."""
    false = {world.name: _shares(world, seeds, images, seed, exact=True) for world in DIFFERENT}
    true = {world.name: _shares(world, seeds, images, seed, exact=False) for world in EQUAL}
    return false, true


def _shares(
    world: World, seeds: Sequence[int], images: Sequence[int], seed: int, *, exact: bool
) -> dict[tuple[int, int], float]:
    shares = {}
    for place in product(seeds, images):
        random = np.random.default_rng([seed, *world.name.encode(), *place])
        most = REPEATS if exact else REPEATS // 4
        repeats = max(most // 2, min(most, ANSWERS // (place[0] * place[1])))
        margin = abs(world.truth(place[1])) if exact else MARGIN
        called = 0
        for _ in range(repeats):
            table = world.draw(random, *place)
            called += accuracy_difference(table, np.zeros_like(table)).equivalence_p(margin) < LEVEL
        shares[place] = called / repeats
    return shares
