"""What all executors share: dispatching tasks, taking reports, trying again what a dead worker held, and stopping."""

from __future__ import annotations

import queue
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
"""Number of tries of a task whose worker dies."""

AHEAD = 8
"""How many messages of a worker may wait to be stored: one that is faster than the disk waits, and does not fill memory."""

UNREAD = 1_000
"""More messages than a worker can have on its way when it is closed."""

SLOW_SECONDS = 60.0
"""Seconds without a first segment after which a `Slow` says what the worker may be doing."""

_STOP = "stop"


@dataclass
class Hand:
    """A worker, and the task in its hands: since when, and whether a segment of it was trained yet."""

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
    """An executor but for its workers: a subclass says how one is hired. See `Executor` for what it promises.

    Args:
        kinds: the workers; each lives until the executor is closed, so that programs are compiled once.

    Attributes:
        shares_programs: whether a worker finds in its cache what another has compiled.
    """

    shares_programs = True

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self._kinds = list(kinds)
        self._hands: list[tuple[Hand, Worker]] = []
        self._messages: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()  # its `put` is safe in a signal handler
        self._tries: dict[str, int] = {}
        self._stillborn = 0
        self.stopped = False
        self._started = 0

    @abstractmethod
    def _hired(self, kind: WorkerKind, number: int, post: Post) -> Worker:
        """A new worker, which may still be coming up."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the workers that are not running; they load while the driver plans."""
        while len(self._hands) < len(self._kinds):
            self._hands.append(self._new_worker(self._kinds[len(self._hands)]))

    def __exit__(self, *error: object) -> None:
        """End the workers, whatever they are doing."""
        for _, worker in self._hands:
            worker.kill()
        for hand, worker in self._hands:
            hand.slots.release(UNREAD)  # nobody stores what it still has to say
            worker.end()
        self._hands = []

    def stop(self) -> None:
        """As in `Executor`."""
        self.stopped = True
        self._messages.put((0, _STOP))

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        """As in `Executor`."""
        waiting = list(tasks)
        self.start()
        while True:
            self._deal(waiting)
            if not (self._busy() or (waiting and not self.stopped)):
                return
            try:
                number, message = self._messages.get(timeout=self._patience())
            except queue.Empty:
                yield from self._slow(waiting)
                continue
            if message == _STOP:
                self._tell_to_stop()
                continue
            for hand, worker in self._hands:
                if hand.number == number:
                    yield from self._taken(hand, worker, message, waiting)
                    hand.slots.release()

    def _busy(self) -> bool:
        return any(hand.task for hand, _ in self._hands)

    def _taken(self, hand: Hand, worker: Worker, message: Any, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        if isinstance(message, Gone):
            yield from self._buried(hand, worker.end(), waiting)
            return
        if isinstance(message, Ready):
            hand.ready, self._stillborn = True, 0
            return
        task = hand.task
        if task is None:  # what a worker had on its way when it was stopped
            return
        if isinstance(message, Checkpoint):
            hand.task = replace(task, resume=message)
        hand.training = hand.training or isinstance(message, Segment)
        if message is None or isinstance(message, Failed):
            hand.task = None
        yield task, message

    # Deaths

    def _buried(self, hand: Hand, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        task, hand.task, hand.gone = hand.task, None, True
        if task is not None:
            yield from self._lost(hand.number, task, death, waiting)
        elif not hand.ready:
            yield from self._not_come_up(death, waiting)

    def _lost(self, number: int, task: Task, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        """Try the task of a dead worker again, up to `ATTEMPTS` times."""
        if self.stopped:
            return
        self._tries[task.key] = self._tries.get(task.key, 0) + 1
        if self._tries[task.key] < ATTEMPTS:
            waiting.insert(0, task)
            yield task, Lost(number, death.how)
        else:
            yield task, Failed(_given_up(task, death))

    def _not_come_up(self, death: Death, waiting: list[Task]) -> Iterator[tuple[Task, Message]]:
        """A worker that died before it could take a task: where others would too, the tasks that wait have failed."""
        self._stillborn += 1
        if death.error is None and self._stillborn < ATTEMPTS * len(self._kinds):
            return
        error = death.error or WorkerError(f"No worker comes up: {self._stillborn} died in a row (the last: {death.how}).")
        failed = list(waiting)
        waiting.clear()
        for task in failed:
            yield task, Failed(error)

    # Dealing and stopping

    def _deal(self, waiting: list[Task]) -> None:
        """Give idle workers tasks."""
        if not waiting or self.stopped:
            return
        self._hands = [self._new_worker(hand.kind) if hand.gone else (hand, worker) for hand, worker in self._hands]
        for hand, worker in self._hands:
            if hand.ready and hand.task is None and (task := self._next(hand, waiting)):
                waiting.remove(task)
                hand.task, hand.since, hand.training, hand.reported_slow = task, time.monotonic(), False, False
                hand.programs.add(task.program)
                worker.give(task)

    def _next(self, hand: Hand, waiting: Sequence[Task]) -> Task | None:
        """What a worker does next: first what it has compiled, then what nobody has.

        So that each program is compiled once, by one worker, and found in the cache by the others. They wait for one that is
        being compiled: it would take them as long, and where two workers share a core, longer.
        """
        others = [other for other, _ in self._hands if other is not hand]
        compiled = {program for other in others for program in other.programs}
        compiling = {other.task.program for other in others if other.task and not other.training}

        def foreign(task: Task) -> int:
            return 0 if task.program in hand.programs else 1 + (task.program in compiled)

        free = [task for task in waiting if not self.shares_programs or task.program not in compiling - hand.programs]
        return min(free, key=foreign, default=None)

    def _new_worker(self, kind: WorkerKind) -> tuple[Hand, Worker]:
        self._started += 1
        hand = Hand(self._started, kind, since=time.monotonic())

        def post(message: Any) -> None:
            hand.slots.acquire()
            self._messages.put((hand.number, message))

        return hand, self._hired(kind, hand.number, post)

    def _tell_to_stop(self) -> None:
        for hand, worker in self._hands:
            if hand.task is not None and hand.training:
                worker.stop()
            elif hand.task is not None:
                hand.task = None
                worker.kill()

    # What takes long is reported

    def _patience(self) -> float | None:
        """Seconds until the first of the workers that set up is slow; None where none does."""
        waits = [hand.since + SLOW_SECONDS for hand in self._setting_up()]
        return max(0.0, min(waits) - time.monotonic()) if waits else None

    def _slow(self, waiting: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        slow = [hand for hand in self._setting_up() if time.monotonic() - hand.since >= SLOW_SECONDS]
        for hand in slow:
            hand.reported_slow = True
            if hand.task is not None:
                yield hand.task, Slow(SLOW_SECONDS)
        if slow and waiting and not any(hand.ready for hand, _ in self._hands):
            for hand, _ in self._hands:
                hand.reported_slow = True
            yield waiting[0], Slow(SLOW_SECONDS, "worker")

    def _setting_up(self) -> list[Hand]:
        """Workers that come up or have not trained a segment of their task, and were not reported as slow."""
        return [
            hand
            for hand, _ in self._hands
            if not (hand.reported_slow or hand.gone or hand.training) and (hand.task is not None or not hand.ready)
        ]


def _given_up(task: Task, death: Death) -> SeedbedError:
    """The error of a task that killed its workers; one short of memory may be tried in halves."""
    died = f"A worker died {ATTEMPTS} times over the same population (last {death.how})"
    if death.short_of_memory:
        runs = sum(len(block) for block in task.blocks)
        return DeviceError(
            f"Out of memory: {died}, as one does that gets no memory for {runs} runs. Use --workers 1, or a smaller network."
        )
    return WorkerError(f"{died}. What was saved is kept, and --resume goes on.")
