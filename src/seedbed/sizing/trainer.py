"""Trains the candidates that a search asks for, in a home, and remembers all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seedbed.figures.words import counted
from seedbed.groups import Request, train_groups
from seedbed.sizing.attempts import Attempt, Candidate, Stage, best_so_far, claimed
from seedbed.specs import DataSpec, RunSpec
from seedbed.training.events import Finding, StageStarted

if TYPE_CHECKING:
    from seedbed.scheduler import Execution

FRESH = 1000
"""The first seed of claims; those of choosing count from 0."""

DIGITS = 10
"""Of a setting's hash, in the names of its runs."""

STAGES: dict[Stage, str] = {"scout": "scouting", "tune": "tuning", "size": "sizes", "claim": "claims"}


@dataclass
class Trainer:
    """The two things that a hunt asks for, `train` and `test`; see `hunt.Train` and `claims.Test`.

    Attributes:
        name: stands before the names of all runs.
        execution: how they are trained, and where they live.
        until: when training stops; see `train_runs`.
        data: of the claim, resolved; choosing uses its inner split.
        fresh: how many seeds a claim has.
        tried: what was trained while choosing, in order.
    """

    name: str
    execution: Execution
    until: Callable[[], bool]
    data: DataSpec
    fresh: int
    tried: list[Attempt] = field(default_factory=list)

    def train(self, stage: Stage, candidates: Sequence[Candidate], seeds: Sequence[int]) -> list[Attempt]:
        """Train candidates with these seeds on the inner split; one attempt for each different candidate."""
        found = self._attempts(stage, candidates, tuple(seeds), self.data.changed(inner=True))
        self.tried += found
        self.execution.on_event(Finding(best_so_far(found)))
        return found

    def test(self, chosen: Sequence[Attempt]) -> list[Attempt]:
        """Train candidates with fresh seeds on the data of the claim, and judge them by their last epoch."""
        seeds = tuple(range(FRESH, FRESH + self.fresh))
        claims = self._attempts("claim", [one.candidate for one in chosen], seeds, self.data)
        for claim in claims:
            self.execution.on_event(Finding(claimed(claim)))
        return claims

    def _attempts(self, stage: Stage, candidates: Sequence[Candidate], seeds: tuple[int, ...], data: DataSpec) -> list[Attempt]:
        """Equal candidates once. Of what only helps to choose no weights are kept."""
        runs = {RunSpec(model=each.model, plan=each.plan, data=data): each for each in candidates}
        asked = {f"{self.name}-{run.setting[:DIGITS]}": (run, each) for run, each in runs.items()}
        requests = [Request(name, run, seeds) for name, (run, _) in asked.items()]
        what = f"{STAGES[stage]}: {counted(len(requests), 'setting')} x {counted(len(seeds), 'seed')}"
        self.execution.on_event(StageStarted(what, len(requests) * len(seeds)))
        groups = train_groups(requests, self.execution, metrics_only=data.inner, until=self.until)
        return [Attempt.of(each, stage, group) for (_, each), group in zip(asked.values(), groups, strict=True)]
