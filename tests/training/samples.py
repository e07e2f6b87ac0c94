"""Small jobs on digits, run in this process, and what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from compiling import AS_WORKERS, optimize
from seedbed import data
from seedbed.data import Dataset
from seedbed.specs import DataSpec, Dense, ModelSpec, Plan, RunSpec
from seedbed.training.job import Job
from seedbed.training.members import Member
from seedbed.training.programs import Programs
from seedbed.training.reports import Checkpoint, JobReport, Outcome, Task

PROGRAMS = Programs()
"""Compiled programs, shared by all jobs of this process as by those of one worker."""

AS_BY_WORKERS = Programs()
"""Those that are optimized as a worker's are."""

IMAGES = 90
PLAN = Plan(epochs=3, batch_size=16, l2=1e-4)
"""Six steps an epoch; the last minibatch holds 10 images."""


@lru_cache
def digits(first: int = IMAGES) -> Dataset:
    return data.load(data.resolve(DataSpec(name="digits", first=first)))


def task(models: Sequence[ModelSpec], plans: Sequence[Plan] | Plan = PLAN, seeds: Sequence[int] = (0,), **more: Any) -> Task:
    """One block a seed, one run a model; `more` goes to the task."""
    plans = [plans] * len(models) if isinstance(plans, Plan) else plans
    settings = list(zip(models, plans, strict=True))
    blocks = [tuple(RunSpec(model=m, plan=p, data=digits().spec, seed=seed) for m, p in settings) for seed in seeds]
    return Task("t", tuple(blocks), **{"save_every": None, **more})


PAIR = (Dense(hidden=(8,)), Dense(hidden=(6, 5), activation="tanh", dropout=0.3))


@dataclass
class Ran:
    """All reports of a job."""

    reports: list[JobReport]

    @property
    def outcomes(self) -> dict[Member, Outcome]:
        found = [report for report in self.reports if isinstance(report, Outcome)]
        assert len({report.member for report in found}) == len(found)
        return {report.member: report for report in found}

    @property
    def checkpoints(self) -> list[Checkpoint]:
        return [report for report in self.reports if isinstance(report, Checkpoint)]


def ran(work: Task, dataset: Dataset | None = None, stop: Callable[[], bool] = lambda: False, pace: float = 0.0) -> Ran:
    """Runs a job to its end; with `pace`, as if a step took so many seconds."""
    job = Job(work, dataset or digits(), PROGRAMS, stop)
    job._pace = pace
    return Ran(list(job.reports()))


@contextmanager
def compiled_as_by_workers() -> Iterator[None]:
    """For what different programs promise to the last bit: that hangs on what the compiler makes of them."""
    with pytest.MonkeyPatch.context() as patch:
        optimize(patch, AS_WORKERS)
        patch.setitem(globals(), "PROGRAMS", AS_BY_WORKERS)
        yield


def at_every_step(work: Task) -> Task:
    """The same with a checkpoint after every segment."""
    return replace(work, save_every=0.0)


def same_bits(one: Outcome, other: Outcome) -> None:
    """All that a run leaves behind, but for the seconds that it took."""
    for mine, theirs in ((one.best, other.best), (one.last, other.last)):
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert np.array_equal(mine[name], theirs[name], equal_nan=True), name
    assert np.array_equal(one.probabilities, other.probabilities, equal_nan=True)
    assert one.history.columns.keys() == other.history.columns.keys()
    for name, column in one.history.columns.items():
        if name != "seconds":
            assert np.array_equal(column, other.history[name], equal_nan=True), name


def all_same_bits(one: Ran, other: Ran) -> None:
    assert one.outcomes.keys() == other.outcomes.keys()
    for place, outcome in one.outcomes.items():
        same_bits(outcome, other.outcomes[place])
