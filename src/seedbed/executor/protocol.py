"""The interfaces of executors and workers, and the messages that they add to a job's reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from seedbed.errors import SeedbedError
from seedbed.training.reports import JobReport, Task


@dataclass(frozen=True)
class Lost:
    """A worker died; another one continues its task from the last checkpoint.

    Attributes:
        number: number of the worker.
        how: cause of death as far as it is known, such as "exit code 1" or "its machine was lost".
    """

    number: int
    how: str


@dataclass(frozen=True)
class Slow:
    """Nothing was trained for this time.

    Attributes:
        seconds: length of the wait (s).
        waits_for: "segment" if a worker is setting up its task, "worker" if no worker is ready.
    """

    seconds: float
    waits_for: Literal["segment", "worker"] = "segment"


Message = JobReport | Lost | Slow | None
"""Message that `Executor.run` yields with its task; None when the task is done."""


class Executor(Protocol):
    """An executor: it dispatches tasks to workers and yields their reports. A context manager: leaving it ends the workers.

    Attributes:
        stopped: whether `stop` was called.
    """

    stopped: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def stop(self) -> None:
        """End each running job after its segment, with a checkpoint and `Stopped`, and start no other.

        A job that has trained no segment has nothing to save, and ends at once. May be called in a signal handler.
        """

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        """Train the tasks; yield each report with its task, and None when the task is done.

        A task whose worker died three times ends with `Failed`; the others continue.
        """


# Between an executor and its workers


@dataclass(frozen=True)
class Ready:
    """Posted by a worker that can take a task."""


@dataclass(frozen=True)
class Gone:
    """Posted for a worker that died; its last message."""


@dataclass(frozen=True)
class Death:
    """How a worker ended.

    Attributes:
        how: cause of death, as in `Lost`.
        short_of_memory: whether an allocation failed, or the operating system killed it for its memory.
        error: the error if every other worker would die of the same cause; None if another may work.
    """

    how: str
    short_of_memory: bool = False
    error: SeedbedError | None = None


Post = Callable[[Any], None]
"""Function that passes a worker's message to its executor; it blocks while too many messages wait."""


class Worker(Protocol):
    """A worker of an executor. It posts `Ready` once, then each task's reports and None, and `Gone` when it dies."""

    def give(self, task: Task) -> None:
        """Give the worker its next task; a worker that has died posts `Gone` instead."""

    def stop(self) -> None:
        """End the job after its segment."""

    def kill(self) -> None:
        """End the worker at once."""

    def end(self) -> Death:
        """Clean up after a worker that died or was killed, and return how it ended."""
