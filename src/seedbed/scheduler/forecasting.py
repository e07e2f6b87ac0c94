"""Forecast of a call: what is there, what will be trained, and about how long that takes on this machine.

A model of few terms: workers start, each program is compiled once, and a step of a population takes a share of this core's
speed of matrix products, the optimizer's passes over the weights, and a fixed time. docs/log.md has how it was calibrated.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from seedbed import models, populations
from seedbed.devices import WorkerKind
from seedbed.models import FAMILIES
from seedbed.records import DataFacts
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import planning
from seedbed.scheduler.execution import Execution
from seedbed.training.reports import Task
from seedbed.words import counted, duration

if TYPE_CHECKING:
    from seedbed.data import Dataset
    from seedbed.specs import DataSpec

START = 6.0
"""Start of the workers, and the tables and pictures afterwards (s)."""


STEP = 1e-4
"""Fixed time of a population's step (s)."""

PARAMETER = 0.65e-9
"""The optimizer's time per weight and step (s)."""


THREADS = 0.6
"""Exponent of a worker's threads: two are about 1.5 times as fast as one."""


@dataclass(frozen=True)
class Forecast:
    """What a call will do.

    Attributes:
        runs: number of runs that were asked for.
        there: number of these that are finished in the home.
        seconds: estimated time until all are there (s). None where there is no estimate, as on a GPU.
        at_most: whether runs may stop before their last epoch, so that it may take less.
        missing: the runs that are not there, where they are known.
        searching: estimated time of the searches that follow them, as in studies (s).
    """

    runs: int
    there: int
    seconds: float | None
    at_most: bool = False
    missing: Sequence[NamedRun] = ()
    searching: float = 0.0

    @property
    def left(self) -> int:
        """Number of runs to train."""
        return self.runs - self.there

    @property
    def sentence(self) -> str:
        """The forecast in one line."""
        runs, searching = counted(self.runs, "run"), rounded(self.searching) if self.searching else 0.0
        known = f", {self.there} are there" if 0 < self.there < self.runs else ""
        then = f"; then searches, about {duration(searching)}" if searching else ""
        if not self.left:
            return f"{runs}, all there" + (then or ": nothing to train")
        if self.seconds is None:
            return f"{runs}{known}{then}"
        about = "at most about" if self.at_most else "about"
        return f"{runs}{known}; {about} {duration(rounded(self.seconds))}{then}"

    def as_json(self) -> dict[str, int | float | None]:
        searching = {"searching": self.searching} if self.searching else {}
        return {"runs": self.runs, "there": self.there, "seconds": self.seconds, **searching}


def forecast(entries: Sequence[NamedRun], execution: Execution) -> Forecast:
    """Forecast a call of `train_runs`: nothing is trained, claimed or written.

    Raises:
        DataError, DeviceError, SpecError: as `train_runs` raises them.
    """
    once = {entry.name: entry for entry in entries}
    finished = set() if execution.replace else finished_names(execution.home)
    missing = [entry for name, entry in once.items() if name not in finished]
    seconds = training_seconds(missing, execution) if missing else 0.0
    at_most = any(entry.run.plan.patience for entry in missing)
    return Forecast(len(once), len(once) - len(missing), seconds, at_most, missing)


def finished_names(home: RunStore) -> set[str]:
    """Names of the finished runs in the home."""
    return {listed.name for listed in home.listing() if listed.status == "finished"}


def training_seconds(entries: Sequence[NamedRun], execution: Execution) -> float | None:
    """Estimate the time to train these runs on this machine's processor (s); None on GPUs and on other machines.

    Raises:
        DataError, DeviceError, SpecError: as `train_runs` raises them.
    """
    wanted, datasets = planning.resolved(entries)
    kinds = execution.kinds(len(wanted))
    on_this_cpu = kinds[0].device == "cpu" and execution.engine.name == "local"
    return _seconds(wanted, datasets, kinds) if on_this_cpu else None


def _seconds(entries: Sequence[NamedRun], datasets: dict[DataSpec, Dataset], kinds: Sequence[WorkerKind]) -> float:
    tasks: list[tuple[Task, DataFacts]] = []
    for spec in dict.fromkeys(entry.run.data for entry in entries):
        runs, facts = [entry.run for entry in entries if entry.run.data == spec], datasets[spec].facts()
        planned = populations.plan(runs, facts, limits=populations.ON_CPU, workers=len(kinds))
        tasks += [(task, facts) for task in planned]
    speed = core_speed() * kinds[0].threads ** THREADS
    programs = {task.program: _compilation(task) for task, _ in tasks}
    trained = [_training(task, facts, speed) for task, facts in tasks]
    return START + max((sum(trained) + sum(programs.values())) / len(kinds), *trained)


def _compilation(task: Task) -> float:
    pace = FAMILIES[task.blocks[0][0].model.family].pace
    return pace.compilation + pace.member * len(task.blocks[0])


def _training(task: Task, data: DataFacts, speed: float) -> float:
    """Time of a population without compilation (s); an evaluation is a forward pass, a third of the operations."""
    runs = [run for _, run in task.runs]
    family, plan = FAMILIES[runs[0].model.family], task.plan
    described = [models.facts(run.model, data.image_shape, len(data.classes)) for run in runs]
    operations = [
        family.training_operations(run.model, facts, data.image_shape, len(data.classes))
        for run, facts in zip(runs, described, strict=True)
    ]
    steps = -(-data.train // plan.batch_size)
    images = data.train + (data.validation + min(data.validation, data.train)) / 3
    rate = family.pace.share * speed
    epoch = sum(operations) * images / rate + steps * (STEP + PARAMETER * sum(facts.parameters for facts in described))
    return task.epochs * epoch


@cache
def core_speed() -> float:
    """Operations per second of a core on products of square float32 matrices, measured in about 0.1 s."""
    from threadpoolctl import threadpool_limits

    side = 1024
    matrix = np.ones((side, side), np.float32)
    times = []
    with threadpool_limits(1):
        for _ in range(4):
            began = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - began)
    return float(2 * side**3 / min(times))


def rounded(seconds: float) -> float:
    """A time as precise as it is known: 1 or 2 digits."""
    if seconds < 10:
        return max(1.0, round(seconds))
    for step, below in ((5, 60), (10, 300), (60, 3600)):
        if seconds < below:
            return float(step * round(seconds / step))
    return float(600 * round(seconds / 600))
