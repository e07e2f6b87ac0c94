"""Trains what a search asks for, in a home, and remembers all of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import RunError
from seedbed.figures.words import counted
from seedbed.records import Result
from seedbed.runs import NamedRun
from seedbed.sizing.records import Claim, Setting, Stage, Tried
from seedbed.sizing.sentences import best_so_far, claimed
from seedbed.specs import DataSpec, RunSpec
from seedbed.statistics import accuracy_interval
from seedbed.training.events import Finding, StageStarted

if TYPE_CHECKING:
    from seedbed.scheduler import Execution

FRESH = 1000
"""The first seed of claims; those of choosing count from 0."""

DIGITS = 10
"""Of a setting's hash, in the names of its runs."""

STAGES: dict[Stage, str] = {"scout": "scouting", "tune": "tuning", "size": "sizes"}

PREDICTIONS, LABELS = "last_validation_probabilities", "validation_labels"


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
    tried: list[Tried] = field(default_factory=list)

    @property
    def fresh_seeds(self) -> tuple[int, ...]:
        return tuple(range(FRESH, FRESH + self.fresh))

    def train(self, stage: Stage, settings: Sequence[Setting], seeds: Sequence[int]) -> list[Tried]:
        """Trains settings with these seeds on the inner split; one answer for each different setting."""
        inner = self.data.changed(inner=True)
        found = [
            Tried(
                setting, stage, group, _parameters(results), tuple(seeds), _last(results), _left_out(results), _spent(results)
            )
            for group, (setting, results) in self._grown(STAGES[stage], settings, seeds, inner).items()
        ]
        self.tried += found
        self.execution.on_event(Finding(best_so_far(found)))
        return found

    def test(self, chosen: Sequence[Tried]) -> list[Claim]:
        """Trains settings with fresh seeds on the data of the claim, and judges them by their last epoch."""
        seeds = self.fresh_seeds
        grown = self._grown("claims", [one.setting for one in chosen], seeds, self.data)
        claims = [self._claim(group, setting, results) for group, (setting, results) in grown.items()]
        for claim in claims:
            self.execution.on_event(Finding(claimed(claim)))
        return claims

    def _claim(self, group: str, setting: Setting, results: list[Result]) -> Claim:
        out = _left_out(results)
        accuracy = None if out else accuracy_interval(np.stack([self._correct(result) for result in results]))
        return Claim(setting, group, _parameters(results), self.fresh_seeds, accuracy, out, _spent(results))

    def _correct(self, result: Result) -> NDArray[np.bool_]:
        kept = self.execution.home.predictions(result.name)
        if PREDICTIONS not in kept:
            raise RunError(
                f"Run {result.name!r} kept no predictions of its last epoch; an older seedbed trained it. "
                f"Remove it with `seedbed runs remove {result.name}`, and it is trained anew."
            )
        return np.asarray(kept[PREDICTIONS].argmax(axis=1) == kept[LABELS])

    def _grown(
        self, doing: str, settings: Sequence[Setting], seeds: Sequence[int], data: DataSpec
    ) -> dict[str, tuple[Setting, list[Result]]]:
        """Group -> setting and results, seed by seed; equal settings once. Of what only helps to choose no weights are kept."""
        from seedbed.scheduler import train_runs

        runs = {self._group(run): run for run in (RunSpec(model=s.model, plan=s.plan, data=data) for s in settings)}
        entries = [NamedRun(f"{group}.{seed}", group, run.changed(seed=seed)) for group, run in runs.items() for seed in seeds]
        what = f"{doing}: {counted(len(runs), 'setting')} x {counted(len(seeds), 'seed')}"
        self.execution.on_event(StageStarted(what, len(entries)))
        results = train_runs(entries, self.execution, metrics_only=data.inner, until=self.until)
        parts = {group: results[n * len(seeds) : (n + 1) * len(seeds)] for n, group in enumerate(runs)}
        return {group: (Setting(run.model, run.plan), parts[group]) for group, run in runs.items()}  # type: ignore[arg-type]

    def _group(self, run: RunSpec) -> str:
        return f"{self.name}-{run.setting[:DIGITS]}"


def _parameters(results: Sequence[Result]) -> int:
    return results[0].model.parameters


def _ranked(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.verdict.ranked]


def _left_out(results: Sequence[Result]) -> int:
    return len(results) - len(_ranked(results))


def _last(results: Sequence[Result]) -> float | None:
    """Mean accuracy at the last epoch of those that neither diverged nor collapsed."""
    values = [float(result.history["validation_accuracy"][-1]) for result in _ranked(results)]
    return math.fsum(values) / len(values) if values else None


def _spent(results: Sequence[Result]) -> float:
    return math.fsum(result.seconds.total for result in results)
