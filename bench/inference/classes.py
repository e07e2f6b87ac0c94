"""How often intervals of balanced accuracy and macro F1 cover the truth, and differences are shown where there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from seedbed.specs import Metric
from seedbed.statistics import MetricTable, macro_f1, metric_difference

HEADING = "## Uneven classes"

METRICS: tuple[Metric, Metric] = ("balanced", "f1")
SEEDS = (1, 3, 5)
REPEATS = 1_000

Answers = NDArray[np.int64]


@dataclass(frozen=True)
class ClassWorld:
    """Classes of some sizes, with a probability of being right for each.

    Attributes:
        sizes, recalls: number of images and true recall of each class.
        images, seeds: shares of the variance of an answer that the image and the seed (for each class of its own) bring.
    """

    name: str
    sizes: tuple[int, ...]
    recalls: tuple[float, ...]
    images: float = 0.5
    seeds: float = 0.05

    @property
    def labels(self) -> Answers:
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def truth(self, metric: Metric) -> float:
        """The metric of infinitely many images in these proportions."""
        if metric == "balanced":
            return float(np.mean(self.recalls))
        hits = np.array(self.sizes) * self.recalls
        called = hits + (np.array(self.sizes) - hits) @ self._wrong()
        return float(macro_f1(hits, called, self.sizes))

    def answers(self, random: np.random.Generator, seeds: int, difficulty: NDArray[np.float64]) -> Answers:
        """Predicted classes, `(seeds, images)`, for images of this difficulty."""
        labels, wrong = self.labels, self._wrong().cumsum(axis=1)
        of_seeds = self.seeds if seeds > 1 else 0.0  # a single network is judged for itself
        own = np.sqrt(1 - self.images - of_seeds) * random.standard_normal((seeds, len(labels)))
        shift = np.sqrt(of_seeds) * random.standard_normal((seeds, len(self.sizes)))[:, labels]
        right = own + shift + np.sqrt(self.images) * difficulty < ndtri(np.array(self.recalls))[labels]
        other = (random.random((seeds, len(labels), 1)) > wrong[labels]).sum(axis=2)
        return np.where(right, labels, np.minimum(other, len(self.sizes) - 1))

    def difficulty(self, random: np.random.Generator) -> NDArray[np.float64]:
        return random.standard_normal(sum(self.sizes))

    def _wrong(self) -> NDArray[np.float64]:
        """Probability of each wrong class, by true class: in proportion to the sizes."""
        table = np.tile(np.array(self.sizes, float), (len(self.sizes), 1))
        np.fill_diagonal(table, 0)
        shares: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
        return shares


WORLDS = (
    ClassWorld("300 and 3 images, 95 and 70 % right", (300, 3), (0.95, 0.7)),
    ClassWorld("300 and 5 images, 98 and 60 % right", (300, 5), (0.98, 0.6)),
    ClassWorld("300 and 5 images, 99 and 99 % right", (300, 5), (0.99, 0.99)),
    ClassWorld("1,000 and 20 images, 99 and 50 % right", (1000, 20), (0.99, 0.5)),
    ClassWorld("500, 50 and 5 images, 90 % right each", (500, 50, 5), (0.9, 0.9, 0.9)),
    ClassWorld("10 classes of 5 to 200 images, 80 % right each", (200, 150, 100, 80, 60, 40, 30, 20, 10, 5), (0.8,) * 10),
    ClassWorld("100 and 100 images, 90 and 90 % right", (100, 100), (0.9, 0.9)),
    ClassWorld("300 and 30 images, seeds vary much", (300, 30), (0.9, 0.7), images=0.3, seeds=0.4),
)


@dataclass(frozen=True)
class ClassCount:
    """Shares of repetitions, at one place.

    Attributes:
        covered: the truth lies in the interval.
        shown: a difference between two equal settings is shown.
        width: mean width of the interval.
    """

    world: str
    metric: Metric
    seeds: int
    covered: float
    shown: float
    width: float


def simulate_classes(repeats: int = REPEATS, *, workers: int = 2, seed: int = 0) -> list[ClassCount]:
    """All worlds, with all numbers of seeds."""
    places = list(product(range(len(WORLDS)), SEEDS, (repeats,), (seed,)))
    with ProcessPoolExecutor(workers) as pool:
        return [count for counts in pool.map(_counts, *zip(*places, strict=True)) for count in counts]


def _counts(number: int, seeds: int, repeats: int, seed: int) -> list[ClassCount]:
    world, random = WORLDS[number], np.random.default_rng([seed, number, seeds])
    rows = np.array([list(_judged(world, random, seeds)) for _ in range(repeats)])
    return [
        ClassCount(world.name, metric, seeds, *map(float, of_metric))
        for metric, of_metric in zip(METRICS, rows.mean(axis=0), strict=True)
    ]


def _judged(world: ClassWorld, random: np.random.Generator, seeds: int) -> Iterator[tuple[bool, bool, float]]:
    """Covered, shown and width of each metric, for one draw of two equal settings."""
    difficulty = world.difficulty(random)
    one, other = (world.answers(random, seeds, difficulty) for _ in range(2))
    for metric in METRICS:
        a, b = (MetricTable.of(metric, world.labels, answers, len(world.sizes)) for answers in (one, other))
        interval, difference = a.interval(), metric_difference(a, b).interval()
        covered = interval.low <= world.truth(metric) <= interval.high
        yield covered, difference.excludes(), interval.high - interval.low


ABOUT = """
Balanced accuracy and macro F1 count all classes alike, so that a class of five images decides as much as one of five hundred.
`seedbed.statistics.MetricTable` gives each image its influence on the metric (Efron 1982), and the methods above take these
values in place of right and wrong. Half an image that is right and half of one that is wrong are added in each class, and the
interval is Wilson's at the effective number of images. The least width of a difference is that of three images per class: with
classes of 300 and 5 images no difference in balanced accuracy below 25 points is ever shown, because half of it rests on five.

Coverage of the 95 % interval, and false alarms between two equal settings (nominal 5 %), 1 / 3 / 5 seeds; with one seed the
interval speaks of that network.
"""


def classes_section(counts: Sequence[ClassCount]) -> str:
    """The section of docs/benchmarks/comparisons.md."""
    known = {(count.world, count.metric, count.seeds): count for count in counts}
    lines = [
        "| classes | coverage, balanced | coverage, F1 | false alarms, balanced | false alarms, F1 |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for world in WORLDS:
        cells = [
            " / ".join(f"{100 * getattr(known[world.name, metric, seeds], name):.1f}" for seeds in SEEDS)
            for name in ("covered", "shown")
            for metric in METRICS
        ]
        lines.append(f"| {world.name} | {' | '.join(cells)} |")
    return "\n".join([f"\n{HEADING}", ABOUT, *lines]) + "\n"
