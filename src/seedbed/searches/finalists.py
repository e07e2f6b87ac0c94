"""The best of a search, trained again with fresh seeds, and ranked by what may be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed.comparison import candidate
from seedbed.records import Result, finite
from seedbed.runs import RunStore
from seedbed.searches.latency import Latency
from seedbed.searches.trial import Trial
from seedbed.statistics import Bootstrap, Interval, accuracy_interval, bootstrap_difference


@dataclass(frozen=True, eq=False)
class Finalist:
    """A setting that was among the best as a trial, and what it did with fresh seeds.

    Attributes:
        name: the group of its runs.
        trial: as which it was found.
        results: of each fresh seed one a fold; a seed of which one diverged or collapsed is `left_out`.
        correct: seed -> `(n,)`, whether each validation image was right at the best epoch; of folds, all their images.
        accuracy: mean validation accuracy with both sources of chance; None where no seed is left.
    """

    name: str
    trial: Trial
    results: list[list[Result]]
    correct: dict[int, NDArray[np.bool_]]
    accuracy: Interval | None
    latency: Latency | None = None

    @property
    def left_out(self) -> int:
        return len(self.results) - len(self.correct)

    @property
    def runs(self) -> list[Result]:
        return [result for seed in self.results for result in seed]

    def as_json(self) -> dict[str, Any]:
        """The contract's `best`, and more beside."""
        found = self.accuracy
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "model": {**self.trial.run.model.plain(), **vars(self.trial.model)},
                "plan": self.trial.run.plan.plain(),
                "validation": {
                    "mean": found.mean if found else None,
                    "interval": found.pair() if found else None,
                    "n": found.n if found else 0,
                },
                "left_out": self.left_out,
                "seeds": [seed[0].run.seed for seed in self.results],
                "trial": {"number": self.trial.number, "accuracy": self.trial.accuracy},
                "latency": self.latency.as_json() if self.latency else None,
            }
        )
        return plain


def judged(home: RunStore, trial: Trial, name: str, results: list[list[Result]]) -> Finalist:
    """A setting with the runs of its fresh seeds.

    Raises:
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """
    correct: dict[int, NDArray[np.bool_]] = {}
    for folds in results:
        parts = [candidate(home, result.name, [result]).correct for result in folds]
        if all(parts):
            correct[folds[0].run.seed] = np.concatenate([part[folds[0].run.seed] for part in parts])
    accuracy = accuracy_interval(np.stack(list(correct.values()))) if correct else None
    return Finalist(name, trial, results, correct, accuracy)


def ranked(finalists: Sequence[Finalist]) -> list[Finalist]:
    """By the lower end of their intervals, the highest first."""
    return sorted(finalists, key=lambda one: (-one.accuracy.low if one.accuracy else np.inf, one.trial.number))


def difference(a: Finalist, b: Finalist) -> Bootstrap | None:
    """How much more accurate one is than another, paired by seed and image; None where too few seeds are in common."""
    seeds = sorted(a.correct.keys() & b.correct.keys())
    if len(seeds) < 2:
        return None
    return bootstrap_difference(np.stack([a.correct[seed] for seed in seeds]), np.stack([b.correct[seed] for seed in seeds]))
