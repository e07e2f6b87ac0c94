"""What the pool makes of workers that come up late, never, or only to die; the workers here are made up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor import pool
from seedbed.executor.pool import ATTEMPTS, Pool
from seedbed.executor.protocol import Death, Gone, Post, Ready, Slow
from seedbed.specs import Dense, RunSpec
from seedbed.training.reports import Begun, Failed, Segment, Task


class Actor:
    """A worker of a made-up life: `born` says what it posts by itself, and each task is done at once."""

    def __init__(self, post: Post, born: Callable[[Post], None], death: Death) -> None:
        self._post = post
        self._death = death
        threading.Thread(target=born, args=(post,), daemon=True).start()

    def give(self, task: Task) -> None:
        threading.Thread(target=lambda: [self._post(each) for each in (Begun("made up", 1, 1), None)], daemon=True).start()

    def stop(self) -> None:
        """Nothing takes long enough."""

    def kill(self) -> None:
        """There is no process."""

    def end(self) -> Death:
        return self._death


class MadeUp(Pool):
    """Hires actors by a list of their births; the last one is repeated."""

    def __init__(self, workers: int, *births: Callable[[Post], None], death: Death = Death("a made-up cause")) -> None:  # noqa: B008
        super().__init__([WorkerKind()] * workers)
        self._births = births
        self._death = death

    def _start_worker(self, kind: WorkerKind, number: int, post: Post) -> Actor:
        return Actor(post, self._births[min(number, len(self._births)) - 1], self._death)


def comes_up(post: Post) -> None:
    post(Ready())


def never(post: Post) -> None:
    """Its machine has no place for it."""


def dies(post: Post) -> None:
    post(Gone())


def late(post: Post) -> None:
    time.sleep(0.3)
    post(Ready())


def tasks(number: int) -> list[Task]:
    return [Task(f"t-{n}", ((RunSpec(seed=n),),)) for n in range(number)]


def reports(executor: Pool, wanted: list[Task]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {task.key: [] for task in wanted}
    with executor:
        for task, report in executor.run(wanted):
            found[task.key].append(report)
    return found


def test_a_worker_that_never_comes_up_leaves_all_tasks_to_the_others() -> None:
    found = reports(MadeUp(2, never, comes_up), tasks(5))
    assert all(each[-1] is None and len(each) == 2 for each in found.values())


def test_a_worker_that_dies_before_its_first_task_is_replaced_and_costs_no_task_a_try() -> None:
    executor = MadeUp(1, dies, dies, comes_up)
    found = reports(executor, tasks(1))
    assert [type(report) for report in found["t-0"]] == [Begun, type(None)]
    assert executor._started == 3


def test_where_no_worker_comes_up_the_tasks_fail_with_the_reason() -> None:
    executor = MadeUp(2, dies)
    for [failure] in reports(executor, tasks(3)).values():
        assert isinstance(failure, Failed)
        assert isinstance(failure.error, WorkerError)
        assert "No worker starts" in str(failure.error)
        assert "a made-up cause" in str(failure.error)
    assert 2 * ATTEMPTS <= executor._started <= 2 * ATTEMPTS + 2


def test_a_cause_that_others_would_share_fails_the_tasks_at_once() -> None:
    executor = MadeUp(1, dies, death=Death("no cluster", error=DeviceError("There is no cluster.")))
    found = reports(executor, tasks(2))
    assert [str(failure.error) for [failure] in found.values()] == ["There is no cluster."] * 2
    assert executor._started == 1


def test_that_no_worker_has_come_up_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SLOW_SECONDS", 0.05)
    found = reports(MadeUp(2, late), tasks(1))
    assert [report for report in found["t-0"] if isinstance(report, Slow)] == [Slow(0.05, "worker")]


def test_workers_begin_with_programs_that_no_other_has_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[int, list[str]] = {}

    def give(actor: Actor, task: Task) -> None:
        given.setdefault(id(actor), []).append(task.program)
        Actor.done_at_once(actor, task)

    monkeypatch.setattr(Actor, "done_at_once", Actor.give, raising=False)
    monkeypatch.setattr(Actor, "give", give)
    two = [
        Task(f"{units}-{seed}", ((RunSpec(model=Dense(hidden=(units,)), seed=seed),),)) for units in (8, 16) for seed in (0, 1)
    ]
    reports(MadeUp(2, comes_up), two)
    assert len({programs[0] for programs in given.values()}) == len(given)


@pytest.mark.parametrize("shared", [True, False])
def test_who_finds_what_others_compile_waits_for_it(monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    """Two workers, two tasks of one program: the first trains when the second has a task too, or 0.3 s later."""
    given: list[str] = []
    both = threading.Event()

    def give(actor: Actor, task: Task) -> None:
        given.append(task.key)
        if len(given) == 2:
            both.set()

        def work() -> None:
            alone = not both.wait(0.3)
            actor._post(Begun(f"alone {alone}", 1, 1))
            actor._post(Segment(1, 1, 1, {}))
            actor._post(None)

        threading.Thread(target=work, daemon=True).start()

    monkeypatch.setattr(Actor, "give", give)
    monkeypatch.setattr(MadeUp, "shares_programs", shared)
    found = reports(MadeUp(2, comes_up), tasks(2))
    assert given == ["t-0", "t-1"]
    assert found["t-0"][0].device == f"alone {shared}"
