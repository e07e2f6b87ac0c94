"""Worker processes on this machine."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from seedbed.devices import WorkerKind, worker_environment
from seedbed.errors import WorkerError
from seedbed.executor.channel import STOP, Channel
from seedbed.training.reports import Checkpoint, Failed, Report, Task

ATTEMPTS = 3
"""How often a task is tried when its worker dies under it."""


@dataclass
class _Worker:
    """A worker process, and the task in its hands."""

    number: int
    kind: WorkerKind
    process: subprocess.Popen[bytes]
    channel: Channel
    task: Task | None = None
    programs: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Lost:
    """A worker died; its task goes on from its last checkpoint in another."""

    number: int
    exit_code: int


class LocalExecutor:
    """Deals tasks out to worker processes and yields what they report. A context manager: leaving it ends the workers.

    Args:
        kinds: the workers; each lives until the executor is closed, so that programs are compiled once.
    """

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self._kinds = list(kinds)
        self._workers: list[_Worker] = []
        self._messages: queue.Queue[tuple[int, Any]] = queue.Queue()
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
            worker.process.wait()
            for pipe in (worker.process.stdin, worker.process.stdout):
                if pipe is not None:
                    _close(pipe)
        self._workers = []

    def stop(self) -> None:
        """Every job in hand ends after its segment, with a checkpoint and `Stopped`; no other begins."""
        self._stopping = True
        for worker in self._workers:
            if worker.task is not None:
                _try_to_send(worker.channel, STOP)

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Report | Lost | None]]:
        """Trains the tasks; yields each report with its task, and None when the task is done.

        Raises:
            WorkerError: a task's worker died three times.
        """
        waiting = list(tasks)
        self.start()
        while True:
            self._deal(waiting)
            if not any(worker.task for worker in self._workers):
                return
            number, message = self._messages.get()
            worker = next((worker for worker in self._workers if worker.number == number), None)
            if worker is None or worker.task is None:
                continue
            yield from self._taken(worker, message, waiting)

    def _taken(self, worker: _Worker, message: Any, waiting: list[Task]) -> Iterator[tuple[Task, Report | Lost | None]]:
        task = worker.task
        assert task is not None
        if isinstance(message, EOFError):
            yield task, Lost(worker.number, worker.process.wait())
            waiting.insert(0, self._again(worker, task))
            return
        if isinstance(message, Checkpoint):
            worker.task = replace(task, resume=message)
        if message is None or isinstance(message, Failed):
            worker.task = None
        yield task, message

    def _deal(self, waiting: list[Task]) -> None:
        """Gives idle workers tasks, if possible ones whose programs they have compiled already."""
        for worker in self._workers:
            if worker.task is None and waiting and not self._stopping:
                known = next((task for task in waiting if task.program in worker.programs), waiting[0])
                waiting.remove(known)
                worker.task = known
                worker.programs.add(known.program)
                _try_to_send(worker.channel, known)

    def _again(self, worker: _Worker, task: Task) -> Task:
        """A new worker in the dead one's place; the task as it goes on."""
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        if self._tries[task.key] >= ATTEMPTS:
            raise WorkerError(
                f"A worker died {ATTEMPTS} times over the same population (last exit code {worker.process.returncode}). "
                f"If memory is short, try --workers 1; what was saved is kept, and --resume goes on."
            )
        self._workers[self._workers.index(worker)] = self._new_worker(worker.kind)
        return task

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
        threading.Thread(target=self._listen, args=(worker.number, worker.channel), daemon=True).start()
        return worker

    def _listen(self, number: int, channel: Channel) -> None:
        while True:
            try:
                self._messages.put((number, channel.receive()))
            except (EOFError, OSError, ValueError):
                self._messages.put((number, EOFError()))
                return


_OWN_GROUP: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
"""Ctrl-C in a terminal reaches the driver alone; it tells the workers."""


def _try_to_send(channel: Channel, message: Any) -> None:
    """A worker that is gone is noticed by whoever listens to it."""
    try:
        channel.send(message)
    except OSError:
        return


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        return
