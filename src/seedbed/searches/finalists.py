"""The best trials of a search, trained again with fresh seeds, and ranked by the lower ends of their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.groups import Group
from seedbed.searches.latency import Latency
from seedbed.searches.trial import Trial
from seedbed.statistics import Interval


@dataclass(frozen=True, eq=False)
class Finalist:
    """A trial that was among the best, and its setting's runs with fresh seeds.

    Attributes:
        trial: the trial that found the setting.
        group: its runs, for each fresh seed one per fold.
        latency: latency of its network. None means not measured.
    """

    trial: Trial
    group: Group
    latency: Latency | None = None

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def accuracy(self) -> Interval | None:
        """Mean validation accuracy over fresh seeds and images; None where every seed is excluded."""
        return self.group.accuracy

    @property
    def score(self) -> Interval | None:
        """The same of the metric that the search goes by, which ranks: usually the accuracy."""
        return self.group.score

    def cost(self, cost: str) -> float | None:
        """Return the network's cost; None where its latency was not measured."""
        if cost == "latency":
            return self.latency.single if self.latency else None
        return float(getattr(self.trial.model, cost))

    def cost_range(self, cost: str) -> tuple[float, float] | None:
        """Return the ends of a cost: "parameters" and "operations" are exact, a "latency" has quartiles."""
        if cost == "latency":
            return self.latency.single_quartiles if self.latency else None
        exact = float(getattr(self.trial.model, cost))
        return exact, exact

    def as_json(self) -> dict[str, Any]:
        """Return the finalist as JSON values (NaN is null)."""
        group = self.group.as_json()
        return {
            "name": self.name,
            "model": {**self.trial.run.model.plain(), **vars(self.trial.model)},
            "plan": self.trial.run.plan.plain(),
            "validation": {key: group[key] for key in ("mean", "interval", "n")},
            "left_out": self.group.left_out,
            "seeds": list(self.group.by_seed),
            "trial": {"number": self.trial.number, "accuracy": self.trial.accuracy},
            "latency": self.latency.as_json() if self.latency else None,
        }


def ranked(finalists: Sequence[Finalist]) -> list[Finalist]:
    """Sort finalists by the lower end of their intervals, the highest first."""

    def lower_end(each: Finalist) -> float:
        return each.score.low if each.score and math.isfinite(each.score.low) else -math.inf

    return sorted(finalists, key=lambda each: (-lower_end(each), each.trial.number))
