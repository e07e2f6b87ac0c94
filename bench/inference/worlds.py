"""Worlds: what two settings have right of the same images, made up so that their true difference is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Table = NDArray[np.int8]
"""Differences of right and wrong, -1, 0 or 1, `(seeds, images)`: the first setting's minus the second's."""


@dataclass(frozen=True)
class World:
    """A way to draw what two settings have right.

    Attributes:
        name: says what is special in it.
        draw: `(random, seeds, images)` -> a table.
        truth: `images` -> the true difference.
    """

    name: str
    draw: Callable[[np.random.Generator, int, int], Table]
    truth: Callable[[int], float] = field(default=lambda _: 0.0)


def trained(name: str, mistakes: tuple[float, float] = (0.03, 0.03), **spreads: float) -> World:
    """Two settings whose networks err where a sum of normal deviates is large.

    Args:
        mistakes: share of wrong answers of either setting, over all seeds and images.
        spreads: standard deviations beside that of a single answer, which is 1: `images` of how hard an image is for both,
            `likings` of how much harder it is for one setting than for the other, `seeds` of how good a run is,
            `first_seeds` in its place where only the first setting's runs differ, `folds` of how good the network of a seed and
            a fifth of the images is. `twins` is the correlation of both settings' single answers.
    """
    images, likings, twins, folds = (spreads.get(key, 0.0) for key in ("images", "likings", "twins", "folds"))
    runs = [spreads.get("seeds", spreads.get("first_seeds", 0.0)), spreads.get("seeds", 0.0)]

    def draw(random: np.random.Generator, seeds: int, count: int) -> Table:
        def normal(*shape: int) -> NDArray[np.float32]:
            return random.standard_normal(shape, dtype=np.float32)

        hard = images * normal(1, count)
        common = math.sqrt(twins) * normal(seeds, count) if twins else 0.0
        right = []
        for share, run in zip(mistakes, runs, strict=True):
            level = hard + common + math.sqrt(1 - twins) * normal(seeds, count)
            level += likings * normal(1, count) + run * normal(seeds, 1)
            if folds:
                level += np.repeat(folds * normal(seeds, 5), -(-count // 5), axis=1)[:, :count]
            total = math.sqrt(1 + images**2 + likings**2 + run**2 + folds**2)
            right.append(level < -ndtri(share) * total)
        table: Table = right[0].astype(np.int8) - right[1].astype(np.int8)
        return table

    return World(name, draw, lambda _: mistakes[1] - mistakes[0])


def few_answers(expected: float) -> World:
    """Equal settings that differ in a few single answers."""

    def draw(random: np.random.Generator, seeds: int, images: int) -> Table:
        table = np.zeros((seeds, images), np.int8)
        for _ in range(random.poisson(expected)):
            table[random.integers(seeds), random.integers(images)] = random.choice((-1, 1))
        return table

    return World(f"{expected:g} answers differ", draw)


def few_images(better: float, worse: float, *, coins: bool = False, single: bool = False) -> World:
    """Settings that differ on a few images, with all of their seeds.

    Args:
        better, worse: images, on average, on which only the first or only the second setting is right.
        coins: on these images both settings toss a coin with every seed.
        single: these many answers per seed differ, each on an image of its own.
    """

    def draw(random: np.random.Generator, seeds: int, images: int) -> Table:
        table = np.zeros((seeds, images), np.int8)
        for sign, mean in ((1, better), (-1, worse)):
            for _ in range(random.poisson(mean * (seeds if single else 1))):
                place = random.integers(images)
                if single:
                    table[random.integers(seeds), place] = sign
                else:
                    table[:, place] = random.integers(0, 2, seeds) - random.integers(0, 2, seeds) if coins else sign
        return table

    kind = "coins on" if coins else "answers per seed, on" if single else "the same"
    truth = 0.0 if coins else better - worse
    return World(f"{kind} {better:g} and {worse:g} images", draw, lambda images: truth / images)


def odd_seed(answers: float) -> World:
    """Equal settings; all of the few answers that differ are those of one seed, and have one sign."""

    def draw(random: np.random.Generator, seeds: int, images: int) -> Table:
        table = np.zeros((seeds, images), np.int8)
        places = random.integers(images, size=random.poisson(answers))
        table[random.integers(seeds), places] = random.choice((-1, 1))
        return table

    return World(f"one seed with {answers:g} answers", draw)


EQUAL = (
    few_answers(1),
    few_answers(3),
    few_answers(10),
    few_images(1.5, 1.5),
    few_images(5, 5),
    few_images(3, 3, coins=True),
    few_images(10, 10, coins=True),
    odd_seed(3),
    odd_seed(10),
    trained("3 % wrong"),
    trained("near twins, 3 % wrong", twins=0.99),
    trained("images of unequal difficulty", images=2.0),
    trained("each setting likes other images", images=1.0, likings=1.0),
    trained("seeds vary a little", images=1.0, seeds=0.1),
    trained("seeds vary much", images=1.0, seeds=0.3),
    trained("only one setting's seeds vary", images=1.0, first_seeds=0.3),
    trained("seeds and likings", images=1.0, likings=0.5, seeds=0.2),
    trained("20 % wrong, seeds vary", (0.2, 0.2), images=1.0, seeds=0.1),
    trained("half wrong", (0.5, 0.5)),
    trained("five folds", images=1.0, folds=0.2),
)
"""Worlds without a true difference."""

DIFFERENT = (
    few_images(1, 0),
    few_images(2, 0),
    few_images(3, 0),
    few_images(5, 1),
    few_images(8, 2),
    few_images(1, 0, single=True),
    few_images(3, 1, single=True),
    trained("0.5 and 0.8 % wrong", (0.005, 0.008), images=1.0, twins=0.5),
    trained("1 and 2 % wrong, seeds vary", (0.01, 0.02), images=1.0, seeds=0.2),
    trained("3 and 4 % wrong", (0.03, 0.04), images=1.0),
    trained("2 and 5 % wrong, seeds vary", (0.02, 0.05), images=1.0, likings=0.3, seeds=0.1),
    trained("10 and 30 % wrong, seeds vary", (0.1, 0.3), images=1.0, likings=0.3, seeds=0.2),
)
"""Worlds with one."""
