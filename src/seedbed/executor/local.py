"""Worker processes on this machine."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from seedbed.devices import WorkerKind, worker_environment
from seedbed.errors import DeviceError, SeedbedError, WorkerError
from seedbed.executor.channel import STOP, Channel
from seedbed.training.reports import Checkpoint, Failed, Report, Segment, Task

ATTEMPTS = 3
"""How often a task is tried when its worker dies under it."""

AHEAD = 8
"""How many messages of a worker may wait to be stored: one that is faster than the disk waits, and does not fill memory."""

SLOW_SECONDS = 60.0
"""After so long without a first segment, whoever watches is told what the worker may be doing."""

SHORT_OF_MEMORY = frozenset({-getattr(signal, "SIGKILL", 9), -signal.SIGABRT})
"""How a worker ends that the system killed for its memory, or that could not get any."""


@dataclass
class _Worker:
    """A worker process, and the task in its hands: since when, and whether a segment of it was trained yet."""

    number: int
    kind: WorkerKind
    process: subprocess.Popen[bytes]
    channel: Channel
    task: Task | None = None
    since: float = 0.0
    training: bool = False
    told: bool = False
    gone: bool = False
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AHEAD))
    programs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Lost:
    """A worker died; its task goes on from its last checkpoint in another."""

    number: int
    exit_code: int


@dataclass(frozen=True)
class Slow:
    """A worker has had its task for so many seconds, and has not trained a segment of it yet."""

    seconds: float


Message = Report | Lost | Slow | None
"""What `run` yields beside its task; None when the task is done."""


class LocalExecutor:
    """Deals tasks out to worker processes and yields what they report. A context manager: leaving it ends the workers.

    Args:
        kinds: the workers; each lives until the executor is closed, so that programs are compiled once.
    """

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self._kinds = list(kinds)
        self._workers: list[_Worker] = []
        self._messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()  # its `put` is safe in a signal handler
        self._tries: dict[str, int] = {}
        self._stopping = False
        self._started = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Starts the workers that are not running; they load while the driver plans."""
        while len(self._workers) < len(self._kinds):
            self._workers.append(self._new_worker(self._kinds[len(self._workers)]))

    def close(self) -> None:
        """Ends the workers, whatever they are doing."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            _end(worker)
        self._workers = []

    def stop(self) -> None:
        """Every job in hand ends after its segment, with a checkpoint and `Stopped`; no other begins.

        A job that has not trained a segment yet has nothing to save and ends at once. May be called in a signal handler.
        """
        self._stopping = True
        self._messages.put((0, STOP))

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        """Trains the tasks; yields each report with its task, and None when the task is done.

        A task whose worker died three times ends with `Failed`, and the others go on.
        """
        waiting = list(tasks)
        self.start()
        while True:
            self._deal(waiting)
            if not any(worker.task for worker in self._workers):
                return
            try:
                number, message = self._messages.get(timeout=self._patience())
            except queue.Empty:
                yield from self._slow()
                continue
            if message == STOP:
                self._tell_to_stop()
                continue
            worker = next((worker for worker in self._workers if worker.number == number), None)
            if worker is not None:
                yield from self._taken(worker, message, waiting)
                worker.slots.release()

    def _taken(self, worker: _Worker, message: Any, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        task = worker.task
        if isinstance(message, EOFError):
            worker.gone = True
            exit_code = _end(worker)
            if task is not None:
                worker.task = None
                yield from self._lost(task, Lost(worker.number, exit_code), waiting)
            return
        if task is None:  # what a worker had on its way when it was stopped
            return
        if isinstance(message, Checkpoint):
            worker.task = replace(task, resume=message)
        worker.training = worker.training or isinstance(message, Segment)
        if message is None or isinstance(message, Failed):
            worker.task = None
        yield task, message

    def _lost(self, task: Task, lost: Lost, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        """The task of a dead worker, once more or no more."""
        if self._stopping:
            return
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        if self._tries[task.key] < ATTEMPTS:
            waiting.insert(0, task)
            yield task, lost
        else:
            yield task, Failed(_given_up(task, lost.exit_code))

    def _deal(self, waiting: list[Task]) -> None:
        """Gives idle workers tasks, if possible ones whose programs they have compiled already."""
        if waiting and not self._stopping:
            self._workers = [self._new_worker(each.kind) if each.gone else each for each in self._workers]
        for worker in self._workers:
            if worker.task is None and waiting and not self._stopping:
                known = next((task for task in waiting if task.program in worker.programs), waiting[0])
                waiting.remove(known)
                worker.task, worker.since, worker.training, worker.told = known, time.monotonic(), False, False
                worker.programs.add(known.program)
                _try_to_send(worker.channel, known)

    def _tell_to_stop(self) -> None:
        for worker in self._workers:
            if worker.task is not None and worker.training:
                _try_to_send(worker.channel, STOP)
            elif worker.task is not None:
                worker.task = None
                worker.process.kill()

    def _patience(self) -> float | None:
        """Seconds until the first of the workers that set up is slow; None where none does."""
        waits = [worker.since + SLOW_SECONDS for worker in self._setting_up()]
        return max(0.0, min(waits) - time.monotonic()) if waits else None

    def _slow(self) -> Iterator[tuple[Task, Message]]:
        for worker in self._setting_up():
            if worker.task is not None and time.monotonic() - worker.since >= SLOW_SECONDS:
                worker.told = True
                yield worker.task, Slow(SLOW_SECONDS)

    def _setting_up(self) -> list[_Worker]:
        """Workers that have not trained a segment of their task, and of which that was not told."""
        return [each for each in self._workers if each.task is not None and not (each.training or each.told)]

    def _new_worker(self, kind: WorkerKind) -> _Worker:
        self._started += 1
        command = [sys.executable, "-m", "seedbed.executor.worker"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **worker_environment(kind)},
            **_OWN_GROUP,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        worker = _Worker(self._started, kind, process, Channel(process.stdout, process.stdin))  # type: ignore[arg-type]
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: _Worker) -> None:
        while True:
            worker.slots.acquire()
            try:
                self._messages.put((worker.number, worker.channel.receive()))
            except Exception:  # whatever cannot be read, nothing sound follows it
                self._messages.put((worker.number, EOFError()))
                return


_OWN_GROUP: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
"""Ctrl-C in a terminal reaches the driver alone; it tells the workers."""


def _given_up(task: Task, exit_code: int) -> SeedbedError:
    """What is said of a task that killed its workers; one short of memory may be tried in halves."""
    died = f"A worker died {ATTEMPTS} times over the same population (last exit code {exit_code})"
    if exit_code in SHORT_OF_MEMORY:
        runs = sum(len(block) for block in task.blocks)
        return DeviceError(
            f"Out of memory: {died}, as one does that gets no memory for {runs} runs. Use --workers 1, or a smaller network."
        )
    return WorkerError(f"{died}. What was saved is kept, and --resume goes on.")


def _try_to_send(channel: Channel, message: Any) -> None:
    """A worker that is gone is noticed by whoever listens to it."""
    try:
        channel.send(message)
    except OSError:
        return


def _end(worker: _Worker) -> int:
    """Ends a worker that may have closed its output and live on; its exit code."""
    worker.process.kill()
    exit_code = worker.process.wait()
    for pipe in (worker.process.stdin, worker.process.stdout):
        if pipe is not None:
            _close(pipe)
    return exit_code


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return
