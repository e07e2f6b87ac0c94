"""What every executor promises: the local one and Ray's pass the same tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import seedbed
from seedbed import data
from seedbed.devices import WorkerKind
from seedbed.errors import SeedbedError, WorkerError
from seedbed.executor import LocalExecutor, Lost, pool
from seedbed.executor.pool import Pool
from seedbed.models import trust
from seedbed.populations import key_of
from seedbed.specs import DataSpec, Dense, Keras, Plan, RunSpec
from seedbed.training.reports import Begun, Checkpoint, Failed, Outcome, Segment, Stopped, Task

HAS_RAY = find_spec("ray") is not None
EXECUTORS: dict[str, type[Pool]] = {"local": LocalExecutor}
WITHOUT_RAY = "ray has no wheel for this Python and system"
if HAS_RAY:
    from seedbed.executor.ray import RayExecutor

    EXECUTORS["ray"] = RayExecutor
NAMES = [pytest.param(n, marks=[] if n in EXECUTORS else pytest.mark.skip(WITHOUT_RAY)) for n in ("local", "ray")]
LONG = 100_000
"""Epochs that no test waits for."""


def made(name: str, workers: int) -> Any:
    return EXECUTORS[name]([WorkerKind()] * workers)


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def executor_of(name: str) -> Callable[[int], Any]:
    return partial(made, name)


@pytest.fixture(scope="module")
def shared(name: str) -> Iterator[Any]:
    """One worker at a time: coming up is what takes long, so whichever lives on serves the next test."""
    with made(name, 1) as executor:
        yield executor


@dataclass(frozen=True)
class Stopping:
    """What a worker reported of a task without end and of the one after it, and how many reports came after a pause."""

    endless: list[Any]
    other: list[Any]
    after: int


@pytest.fixture(scope="module")
def stopping(name: str) -> Stopping:
    """Whoever stores the reports pauses after the first segment, and then stops."""
    tasks = [task(LONG), task(1, seed=1)]
    found: dict[str, list[Any]] = {each.key: [] for each in tasks}
    after = 0
    with made(name, 1) as executor:
        for which, report in executor.run(tasks):
            found[which.key].append(report)
            after += bool(after)
            if isinstance(report, Segment) and not after:
                after = 1
                time.sleep(2.0)
                executor.stop()
    return Stopping(*found.values(), after)


def digits() -> DataSpec:
    return data.resolve(DataSpec(name="digits", first=100))


def of_a_user(path: Path) -> Task:
    """A task with the network `build` of a file that this user named, as `grow` remembers it."""
    model = Keras.of(f"{path}:build")
    trust.remember(model)
    run = RunSpec(model=model, plan=Plan(epochs=1), data=digits())
    return Task(key_of([run]), ((run,),), save_every=None)


def task(*epochs: int, seed: int = 0, save_every: float | None = None, **settings: Any) -> Task:
    model = Dense(hidden=(4,))
    plans = [Plan(batch_size=32, l2=n / 100, epochs=each, **settings) for n, each in enumerate(epochs)]
    block = tuple(RunSpec(model=model, plan=plan, data=digits(), seed=seed) for plan in plans)
    return Task(key_of(block), (block,), save_every=save_every)


def collected(executor: Any, tasks: Sequence[Task]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {each.key: [] for each in tasks}
    for which, report in executor.run(tasks):
        found[which.key].append(report)
    return found


def weights(reports: list[Any]) -> list[dict[str, Any]]:
    outcomes = sorted((report for report in reports if isinstance(report, Outcome)), key=lambda outcome: outcome.member)
    assert len({outcome.member for outcome in outcomes}) == len(outcomes)
    return [outcome.last for outcome in outcomes]


def same(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> bool:
    return len(one) == len(other) and all(
        np.array_equal(mine[name], theirs[name]) for mine, theirs in zip(one, other, strict=True) for name in mine | theirs
    )


def processes(executor: Any) -> list[psutil.Process]:
    """Those of the workers that have come up."""
    workers = [worker for _, worker in executor._workers]
    if isinstance(executor, LocalExecutor):
        return [psutil.Process(worker.process.pid) for worker in workers]
    return [psutil.Process(worker.facts.process) for worker in workers if worker.facts]


def test_all_reports_arrive_in_order_and_none_is_the_last(executor_of: Callable[[int], Any]) -> None:
    tasks = [task(2, 3, seed=seed) for seed in range(3)]
    with executor_of(2) as executor:
        found = collected(executor, tasks)
    for reports in found.values():
        assert isinstance(reports[0], Begun)
        assert [report.epoch for report in reports if isinstance(report, Segment) and report.rows] == [1, 2, 3]
        assert len(weights(reports)) == 2
        assert reports.count(None) == 1
        assert reports[-1] is None


def test_an_executor_with_no_task_has_nothing_to_say(shared: Any) -> None:
    assert list(shared.run([])) == []


def test_a_killed_workers_task_goes_on_from_its_last_checkpoint_in_another(shared: Any) -> None:
    work = task(40, 40, save_every=0.0)
    undisturbed = weights(collected(shared, [work])[work.key])
    reports, saved = [], 0
    for _, report in shared.run([work]):
        reports.append(report)
        saved += isinstance(report, Checkpoint)
        if saved == 5 and isinstance(report, Checkpoint):
            processes(shared)[0].kill()
    lost = next(at for at, report in enumerate(reports) if isinstance(report, Lost))
    last = next(report for report in reversed(reports[:lost]) if isinstance(report, Checkpoint))
    first = next(report for report in reports[lost:] if isinstance(report, Segment))
    place = (last.state.epoch + 1, last.state.step)
    assert (first.epoch, first.step) > place
    assert first.epoch <= place[0] + 1
    assert same(weights(reports), undisturbed)


def test_a_worker_that_dies_again_and_again_fails_its_task_and_the_others_go_on(
    name: str, shared: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "ray":  # whose workers take longest to come up, and whose deaths the same code counts
        monkeypatch.setattr(pool, "ATTEMPTS", 2)
    deadly, harmless = task(LONG), task(2, seed=1)
    found: dict[str, list[Any]] = {deadly.key: [], harmless.key: []}
    for which, report in shared.run([deadly, harmless]):
        found[which.key].append(report)
        if which.key == deadly.key and isinstance(report, Begun):
            os.kill(processes(shared)[0].pid, signal.SIGSEGV)
    assert sum(isinstance(report, Lost) for report in found[deadly.key]) == pool.ATTEMPTS - 1
    failure = found[deadly.key][-1]
    assert isinstance(failure, Failed)
    assert isinstance(failure.error, WorkerError)
    assert f"died {pool.ATTEMPTS} times" in str(failure.error)
    assert len(weights(found[harmless.key])) == 1


def test_stop_ends_the_task_in_hand_with_a_checkpoint_and_no_other_begins(stopping: Stopping) -> None:
    assert [type(report) for report in stopping.endless[-3:]] == [Checkpoint, Stopped, type(None)]
    assert stopping.other == []


def test_an_error_in_a_worker_becomes_one_line_and_the_worker_lives_on(shared: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def build():\n    raise ValueError('no layers\\nat all')\n")
    before = shared._started
    broken = of_a_user(path)
    (failure,) = collected(shared, [broken])[broken.key]
    assert isinstance(failure, Failed)
    assert isinstance(failure.error, SeedbedError)
    assert "raised ValueError: no layers" in str(failure.error)
    assert "\n" not in str(failure.error)
    after = task(1, seed=9)
    assert len(weights(collected(shared, [after])[after.key])) == 1
    assert shared._started == before


def test_what_a_users_file_prints_does_not_disturb_the_reports(shared: Any, tmp_path: Path) -> None:
    path = tmp_path / "talks.py"
    path.write_text(
        "import keras, os, sys\n"
        "def build():\n"
        "    print('hello', flush=True)\n"
        "    os.write(1, b'and again')\n"
        "    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])\n"
    )
    work = of_a_user(path)
    assert len(weights(collected(shared, [work])[work.key])) == 1


def test_a_worker_does_not_run_ahead_of_whoever_stores_its_reports(stopping: Stopping) -> None:
    assert 0 < stopping.after < 400  # without a bound it is some thousand: an epoch takes about half a millisecond


def test_closing_ends_the_workers_whatever_they_do(shared: Any) -> None:
    next(iter(shared.run([task(LONG)])))
    alive = processes(shared)
    assert len(alive) == 1
    shared.__exit__()
    assert psutil.wait_procs(alive, timeout=20)[1] == []


DRIVER = """
import sys
from executor.test_contract import LONG, made, processes, task
from seedbed.training.reports import Segment
executor = made(sys.argv[1], 1)
for _, report in executor.run([task(LONG)]):
    if isinstance(report, Segment):
        print(*(process.pid for process in processes(executor)), flush=True)
        while True:
            sys.stdin.read()
"""


def test_no_worker_outlives_a_driver_that_was_killed(name: str) -> None:
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", DRIVER, name]
    paths = os.pathsep.join([str(root), str(Path(seedbed.__file__).parents[1])])
    with subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": paths}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout is not None
        workers = [psutil.Process(int(pid)) for pid in driver.stdout.readline().split()]
        assert len(workers) == 1
        assert workers[0].is_running()
        driver.kill()
        assert psutil.wait_procs(workers, timeout=20)[1] == []
