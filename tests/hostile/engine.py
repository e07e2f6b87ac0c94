"""`train_runs` with its engine in this process, so that a fault can be put anywhere; and what must hold of a home after it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import jax
import numpy as np
import pytest

from seedbed import baselines, data, storage
from seedbed.baselines import Baseline
from seedbed.data import Dataset
from seedbed.devices import WorkerKind
from seedbed.runs import NamedRun, RunStore
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.training.programs import Programs
from seedbed.training.reports import Task

ENGINE = import_module("seedbed.executor.engine")


class InProcess:
    """Stands for `LocalExecutor`: jobs run here, one after the other, in programs that are compiled once."""

    programs: ClassVar = Programs()

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def stop(self) -> None:
        self.stopped = True

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        from seedbed.training.job import Job

        for task in tasks:
            if self.stopped:
                return
            job = Job(task, _load(task.blocks[0][0].data), self.programs, lambda: self.stopped)
            for report in job.reports():
                yield task, report
            yield task, None


def recorded(entry: NamedRun) -> list[Any]:
    """The reports of a run that trains alone."""
    run = entry.run.changed(data=_resolve(entry.run.data))
    return [report for _, report in InProcess([]).run([Task("recorded", ((run,),), save_every=0.0)])]


_load, _resolve = cache(data.load), cache(data.resolve)


_fit, _fitted = baselines.computed, dict[DataSpec, list[Baseline]]()


def _computed(dataset: Dataset, threads: int = 0) -> list[Baseline]:
    if dataset.spec not in _fitted:
        _fitted[dataset.spec] = _fit(dataset, threads)
    return _fitted[dataset.spec]


def install(patch: pytest.MonkeyPatch, executor: type[InProcess] = InProcess) -> None:
    """Puts the engine in this process; images are read once, baselines fitted once, and the disk need not be waited for."""
    patch.setattr(ENGINE, "LocalExecutor", executor)
    patch.setattr(baselines, "computed", _computed)
    patch.setattr(data, "load", _load)
    patch.setattr(data, "resolve", _resolve)
    patch.setattr(os, "fsync", lambda handle: None)


@contextmanager
def here(executor: type[InProcess] = InProcess) -> Iterator[pytest.MonkeyPatch]:
    """The engine in this process, as strict about types as its own tests are."""
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("strict"):
        install(patch, executor)
        yield patch


def entries(*models: Dense, epochs: int = 3, group: str = "r", **plan: Any) -> list[NamedRun]:
    """Runs r-0, r-1, ... on the digits, of one population where their programs allow."""
    whole = Plan(epochs=epochs, batch_size=256, **plan)
    runs = [RunSpec(model=model, plan=whole, data=DataSpec(name="digits")) for model in models]
    return [NamedRun(f"{group}-{number}", f"{group}-{number}", run) for number, run in enumerate(runs)]


def outcome(root: Path, names: Sequence[str]) -> dict[str, Any]:
    """All that training decided, bit by bit; times are left out. Runs that only served to choose kept no weights."""
    home = RunStore(root)
    records = {each.name: each.record for each in home.listing()}
    found: dict[str, Any] = {}
    for name in names:
        record, arrays = records[name], {}
        assert record is not None
        if record.files:
            arrays = {"best": home.weights(name, "best"), "last": home.weights(name, "last"), "on": home.predictions(name)}
        bits = {f"{kind}/{key}": array.tobytes() for kind, parts in arrays.items() for key, array in parts.items()}
        result = record.result(home.folder(name))
        curve = {key: column.tobytes() for key, column in result.history.columns.items() if key != "seconds"}
        found[name] = (bits, curve, result.verdict)
    return found


def check_sound(root: Path) -> None:
    """Whatever happened: every run can be read, has each epoch once, and what is finished is whole."""
    home = RunStore(root)
    for listed in home.listing():
        assert listed.status != "damaged", listed
        rows = storage.read_lines(root / listed.name / "metrics.jsonl")
        assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1)), listed
        if listed.status == "finished" and listed.record and listed.record.files:
            assert np.isfinite(home.predictions(listed.name)["validation_probabilities"]).all()
            assert home.weights(listed.name, "best").keys() == home.weights(listed.name, "last").keys()


def leftovers(root: Path) -> list[str]:
    """What a killed process left half-written, and saves that nobody needs any more."""
    marks = (storage.TEMPORARY, storage.GONE)
    found = [str(path) for path in root.rglob("*") if path.name.startswith(marks)]
    return found + [str(path) for path in (root / ".populations").glob("*")]
