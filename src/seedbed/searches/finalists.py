"""The best of a search, trained again with fresh seeds, and ranked by what may be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.groups import Group
from seedbed.records import finite
from seedbed.searches.latency import Latency
from seedbed.searches.trial import Trial
from seedbed.statistics import Interval


@dataclass(frozen=True, eq=False)
class Finalist:
    """A trial that was among the best, and its setting's runs with fresh seeds.

    Attributes:
        trial: as which the setting was found.
        group: its runs, of each fresh seed one per fold.
        latency: of its network, where it was measured.
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

    def cost_range(self, cost: str) -> tuple[float, float] | None:
        """Within what the cost lies: "parameters", "operations", or the quartiles of a measured "latency"."""
        if cost == "latency":
            return self.latency.single_quartiles if self.latency else None
        exact = float(getattr(self.trial.model, cost))
        return exact, exact

    def cost(self, cost: str) -> float | None:
        """What the network costs; None where its latency was not measured."""
        if cost == "latency":
            return self.latency.single if self.latency else None
        return float(getattr(self.trial.model, cost))

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
                "left_out": self.group.left_out,
                "seeds": list(self.group.by_seed),
                "trial": {"number": self.trial.number, "accuracy": self.trial.accuracy},
                "latency": self.latency.as_json() if self.latency else None,
            }
        )
        return plain


def ranked(finalists: Sequence[Finalist]) -> list[Finalist]:
    """By the lower end of their intervals, the highest first."""
    return sorted(finalists, key=lambda one: (-one.accuracy.low if one.accuracy else float("inf"), one.trial.number))
