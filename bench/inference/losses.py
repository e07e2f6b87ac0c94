"""How often a difference in loss is shown between settings whose mean loss is the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from seedbed.statistics import loss_difference

SEEDS, IMAGES = (2, 3, 5, 10), (270, 1_000, 5_000)
REPEATS = 2_000
Losses = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int], tuple[Losses, Losses]]

MARGIN, HARD, OWN = 6.0, 4.0, 1.5
"""Logit by which the right class leads: its mean, and the standard deviations over images and over single answers."""


def loss(lead: Losses) -> Losses:
    """Cross-entropy of two classes, of which the right one leads by these logits."""
    found: Losses = np.logaddexp(0, -lead)
    return found


def _leads(random: np.random.Generator, seeds: int, images: int, likings: float = 0.0) -> tuple[Losses, Losses]:
    hard = HARD * random.standard_normal((1, images))
    one, other = (
        MARGIN + hard + likings * random.standard_normal((1, images)) + OWN * random.standard_normal((seeds, images))
        for _ in range(2)
    )
    return one, other


@cache
def _lead_of_the_sure(slope: float) -> float:
    """Mean lead of a setting with steeper logits whose mean loss is that of the plain one."""
    normal: Any = np.random.default_rng(1).standard_normal(2_000_000) * np.hypot(HARD, OWN)
    plain = loss(MARGIN + normal).mean()
    return float(brentq(lambda lead: loss(slope * (lead + normal)).mean() - plain, 0.1, 40.0))


def _equal(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
    one, other = _leads(random, seeds, images)
    return loss(one), loss(other)


def _likings(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
    one, other = _leads(random, seeds, images, likings=1.5)
    return loss(one), loss(other)


def _seeds_vary(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
    one, other = _leads(random, seeds, images)
    steep = 1 + 0.2 * random.standard_normal((2, seeds, 1))
    return loss(steep[0] * one), loss(steep[1] * other)


def _sure(slope: float) -> Draw:
    def draw(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
        one, other = _leads(random, seeds, images)
        return loss(one), loss(slope * (other - MARGIN + _lead_of_the_sure(slope)))

    return draw


def _few_images(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
    one, other = (
        0.01 * random.lognormal(size=(seeds, images)) + 8.0 * (random.random((1, images)) < 1.5 / images) for _ in range(2)
    )
    return one, other


def _against_a_constant(random: np.random.Generator, seeds: int, images: int) -> tuple[Losses, Losses]:
    spread = 1.2 * random.standard_normal((1, images)) + 0.5 * random.standard_normal((seeds, images))
    return np.exp(spread), np.full((seeds, images), np.exp((1.2**2 + 0.5**2) / 2))


WORLDS: dict[str, Draw] = {
    "equal settings": _equal,
    "each setting likes other images": _likings,
    "seeds vary much": _seeds_vary,
    "one is surer, logits x 2": _sure(2.0),
    "one is surer, logits x 4": _sure(4.0),
    "one or two images decide": _few_images,
    "lognormal against a constant": _against_a_constant,
}
"""Worlds whose two settings have the same mean loss; the last one is skewed on one side only."""


def false_alarms(seeds: Sequence[int] = SEEDS, images: Sequence[int] = IMAGES, *, seed: int = 0) -> dict[str, dict[Any, float]]:
    """World -> (seeds, images) -> share of pairs of which a difference in loss is shown; nominal 5 %."""
    found: dict[str, dict[Any, float]] = {}
    for number, (name, draw) in enumerate(WORLDS.items()):
        for place in product(seeds, images):
            random = np.random.default_rng([seed, number, *place])
            repeats = REPEATS if place[1] < IMAGES[-1] else REPEATS // 4
            shown = sum(loss_difference(*draw(random, *place)).interval().excludes() for _ in range(repeats))
            found.setdefault(name, {})[place] = shown / repeats
    return found
