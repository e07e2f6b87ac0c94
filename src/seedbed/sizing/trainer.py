"""Training of the candidates that a search asks for, with a memory of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seedbed.groups import Request, train_groups
from seedbed.sizing.attempts import Attempt, Candidate, Stage, best_so_far, claimed
from seedbed.specs import DataSpec, RunSpec
from seedbed.training.events import Finding, StageStarted
from seedbed.words import counted

if TYPE_CHECKING:
    from seedbed.scheduler import Execution

FRESH = 1000
"""First seed of claims; those of choosing count from 0."""

DIGITS = 10
"""Digits of a setting's hash in the names of its runs."""

STAGES: dict[Stage, str] = {"scout": "scouting", "tune": "tuning", "size": "sizes", "claim": "claims"}


@dataclass
class AttemptTrainer:
    """The two functions that the stages call, `train` and `test`; see `stages.Train` and `claims.Test`.

    Attributes:
        name: prefix of the names of all runs.
        execution: how they are trained, and where they live.
        until: function that returns True when training is to stop; see `train_runs`.
        data: data of the claim, resolved; choosing uses its inner split.
        fresh: number of seeds of a claim.
        tried: attempts while choosing, in order.
    """

    name: str
    execution: Execution
    until: Callable[[], bool]
    data: DataSpec
    fresh: int
    tried: list[Attempt] = field(default_factory=list)

    def train(self, stage: Stage, candidates: Sequence[Candidate], seeds: Sequence[int]) -> list[Attempt]:
        """Train candidates with these seeds on the inner split; one attempt for each different candidate."""
        attempts = self._attempts(stage, candidates, tuple(seeds), self.data.changed(inner=True))
        self.tried += attempts
        self.execution.on_event(Finding(best_so_far(attempts)))
        return attempts

    def test(self, chosen: Sequence[Attempt]) -> list[Attempt]:
        """Train candidates with fresh seeds on the data of the claim, and evaluate them at their last epoch."""
        seeds = tuple(range(FRESH, FRESH + self.fresh))
        claims = self._attempts("claim", [attempt.candidate for attempt in chosen], seeds, self.data)
        for claim in claims:
            self.execution.on_event(Finding(claimed(claim)))
        return claims

    def _attempts(self, stage: Stage, candidates: Sequence[Candidate], seeds: tuple[int, ...], data: DataSpec) -> list[Attempt]:
        """Train each different candidate once; without weights where it only helps to choose."""
        runs = runs_of(candidates, data)
        requests = requests_of(self.name, runs, seeds)
        what = f"{STAGES[stage]}: {counted(len(requests), 'setting')} x {counted(len(seeds), 'seed')}"
        self.execution.on_event(StageStarted(what, len(requests) * len(seeds)))
        groups = train_groups(requests, self.execution, metrics_only=data.inner, until=self.until)
        return [Attempt.of(each, stage, group) for each, group in zip(runs.values(), groups, strict=True)]


def runs_of(candidates: Sequence[Candidate], data: DataSpec) -> dict[RunSpec, Candidate]:
    """The run of each different candidate."""
    return {RunSpec(model=each.model, plan=each.plan, data=data): each for each in candidates}


def requests_of(name: str, runs: Iterable[RunSpec], seeds: tuple[int, ...]) -> list[Request]:
    """Requests of a search's runs, named by their settings."""
    return [Request(f"{name}-{run.setting[:DIGITS]}", run, seeds) for run in runs]
