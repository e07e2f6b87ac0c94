"""The base of all executors: dispatching tasks, receiving reports, retrying the tasks of dead workers, and stopping."""

from __future__ import annotations

import queue
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, SeedbedError, WorkerError
from seedbed.executor.protocol import Death, Gone, Lost, Message, Post, Ready, Slow, Worker
from seedbed.training.reports import Checkpoint, Failed, Segment, Task

ATTEMPTS = 3
"""Number of attempts at a task whose worker dies."""

AHEAD = 8
"""Largest number of a worker's messages that wait to be stored: a worker faster than the disk waits, and memory is bounded."""

UNREAD = 1_000
"""More messages than a worker can have in transit when it is closed."""

SLOW_SECONDS = 60.0
"""Time without a first segment after which a `Slow` is reported (s)."""

UNHEARD = (0.2,) if sys.platform == "win32" else ()
"""Longest wait for a message where a wait hears no Ctrl-C, as on Windows (s)."""

_STOP = "stop"


@dataclass
class WorkerState:
    """A worker's state, as its executor knows it.

    Attributes:
        number: number of the worker, from 1.
        kind: device and threads.
        slots: free places for messages that wait to be stored.
        ready: whether it can take tasks.
        task: its current task.
        since: time of its start, or of the task's (s, monotonic).
        training: whether a segment of the task was trained.
        reported_slow: whether it was reported as slow.
        gone: whether it has died.
        programs: keys of the programs that it has compiled.
    """

    number: int
    kind: WorkerKind
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AHEAD))
    ready: bool = False
    task: Task | None = None
    since: float = 0.0
    training: bool = False
    reported_slow: bool = False
    gone: bool = False
    programs: set[str] = field(default_factory=set)


class Pool(ABC):
    """An executor; subclasses define how a worker is started. See `Executor` for the interface.

    Args:
        kinds: the workers; each lives until the executor is closed, so that programs are compiled once.

    Attributes:
        shares_programs: whether a worker finds in its cache what another has compiled.
    """

    shares_programs = True

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self._kinds = list(kinds)
        self._workers: list[tuple[WorkerState, Worker]] = []
        self._messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()  # its `put` is safe in a signal handler
        self._tries: dict[str, int] = {}
        self._failed_starts = 0
        self.stopped = False
        self._started = 0

    @abstractmethod
    def _start_worker(self, kind: WorkerKind, number: int, post: Post) -> Worker:
        """Start a worker, which need not be ready yet."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the workers that do not run yet; they load while the driver plans."""
        while len(self._workers) < len(self._kinds):
            self._workers.append(self._new_worker(self._kinds[len(self._workers)]))

    def __exit__(self, *error: object) -> None:
        """End the workers at once."""
        for _, worker in self._workers:
            worker.kill()
        for state, worker in self._workers:
            state.slots.release(UNREAD)  # its remaining messages are dropped
            worker.end()
        self._workers = []

    def stop(self) -> None:
        """See `Executor.stop`."""
        self.stopped = True
        self._messages.put((0, _STOP))

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        """See `Executor.run`."""
        waiting = list(tasks)
        self.start()
        while True:
            self._dispatch(waiting)
            if not (self._busy() or (waiting and not self.stopped)):
                return
            try:
                number, message = self._messages.get(timeout=self._patience())
            except queue.Empty:
                yield from self._slow(waiting)
                continue
            if message == _STOP:
                self._stop_workers()
                continue
            for state, worker in self._workers:
                if state.number == number:
                    yield from self._handle(state, worker, message, waiting)
                    state.slots.release()

    def _busy(self) -> bool:
        return any(state.task for state, _ in self._workers)

    def _handle(self, state: WorkerState, worker: Worker, message: Any, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        if isinstance(message, Gone):
            yield from self._died(state, worker.end(), waiting)
            return
        if isinstance(message, Ready):
            state.ready, self._failed_starts = True, 0
            return
        task = state.task
        if task is None:  # in transit when the worker was stopped
            return
        if isinstance(message, Checkpoint):
            state.task = replace(task, resume=message)
        state.training = state.training or isinstance(message, Segment)
        if message is None or isinstance(message, Failed):
            state.task = None
        yield task, message

    # Deaths

    def _died(self, state: WorkerState, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        task, state.task, state.gone = state.task, None, True
        if task is not None:
            yield from self._retry(state.number, task, death, waiting)
        elif not state.ready:
            yield from self._did_not_start(death, waiting)

    def _retry(self, number: int, task: Task, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        """Retry the task of a dead worker, up to `ATTEMPTS` attempts."""
        if self.stopped:
            return
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        if self._tries[task.key] < ATTEMPTS:
            waiting.insert(0, task)
            yield task, Lost(number, death.how)
        else:
            yield task, Failed(_given_up(task, death))

    def _did_not_start(self, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        """Handle a worker that died before its first task: if others would too, all waiting tasks have failed."""
        self._failed_starts += 1
        if death.error is None and self._failed_starts < ATTEMPTS * len(self._kinds):
            return
        error = death.error or WorkerError(f"No worker starts: {self._failed_starts} died in a row (the last: {death.how}).")
        failed = list(waiting)
        waiting.clear()
        for task in failed:
            yield task, Failed(error)

    # Dispatching and stopping

    def _dispatch(self, waiting: list[Task]) -> None:
        """Give tasks to idle workers."""
        if not waiting or self.stopped:
            return
        self._workers = [self._new_worker(state.kind) if state.gone else (state, worker) for state, worker in self._workers]
        for state, worker in self._workers:
            if state.ready and state.task is None and (task := self._next(state, waiting)):
                waiting.remove(task)
                state.task, state.since, state.training, state.reported_slow = task, time.monotonic(), False, False
                state.programs.add(task.program)
                worker.give(task)

    def _next(self, state: WorkerState, waiting: Sequence[Task]) -> Task | None:
        """Next task of a worker: first one whose program it has compiled, then one whose program no worker has compiled.

        Each program is compiled once, by one worker, and found in the cache by the others. They wait for a program that is
        being compiled: compiling it too would take as long, and longer where two workers share a core.
        """
        others = [other for other, _ in self._workers if other is not state]
        compiled = {program for other in others for program in other.programs}
        compiling = {other.task.program for other in others if other.task and not other.training}

        def foreign(task: Task) -> int:
            return 0 if task.program in state.programs else 1 + (task.program in compiled)

        free = [task for task in waiting if not self.shares_programs or task.program not in compiling - state.programs]
        return min(free, key=foreign, default=None)

    def _new_worker(self, kind: WorkerKind) -> tuple[WorkerState, Worker]:
        self._started += 1
        state = WorkerState(self._started, kind, since=time.monotonic())

        def post(message: Any) -> None:
            state.slots.acquire()
            self._messages.put((state.number, message))

        return state, self._start_worker(kind, state.number, post)

    def _stop_workers(self) -> None:
        for state, worker in self._workers:
            if state.task is not None and state.training:
                worker.stop()
            elif state.task is not None:
                state.task = None
                worker.kill()

    # Slow workers

    def _patience(self) -> float | None:
        """Time until the next worker counts as slow (s), or Ctrl-C must be heard; None if nothing limits it."""
        now = time.monotonic()
        waits = [max(0.0, state.since + SLOW_SECONDS - now) for state in self._setting_up()]
        return min([*waits, *UNHEARD], default=None)

    def _slow(self, waiting: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        slow = [state for state in self._setting_up() if time.monotonic() - state.since >= SLOW_SECONDS]
        for state in slow:
            state.reported_slow = True
            if state.task is not None:
                yield state.task, Slow(SLOW_SECONDS)
        if slow and waiting and not any(state.ready for state, _ in self._workers):
            for state, _ in self._workers:
                state.reported_slow = True
            yield waiting[0], Slow(SLOW_SECONDS, "worker")

    def _setting_up(self) -> list[WorkerState]:
        """Workers that are starting, or have trained no segment of their task, and were not reported as slow."""
        return [
            state
            for state, _ in self._workers
            if not (state.reported_slow or state.gone or state.training) and (state.task is not None or not state.ready)
        ]


def _given_up(task: Task, death: Death) -> SeedbedError:
    """The error of a task whose workers died; one that is short of memory may be retried in halves."""
    died = f"A worker died {ATTEMPTS} times over the same population (last {death.how})"
    if death.short_of_memory:
        return DeviceError(
            f"Out of memory: {died}, which happens when there is too little memory for {len(task.runs)} runs. "
            f"Use --workers 1, or a smaller network."
        )
    return WorkerError(f"{died}. Saved epochs are kept; continue with --resume.")
