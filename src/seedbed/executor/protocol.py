"""The protocols of executors and workers, and the messages that they add to a job's reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from seedbed.errors import SeedbedError
from seedbed.training.reports import JobReport, Task


@dataclass(frozen=True)
class Lost:
    """A worker died; its task goes on from its last checkpoint in another.

    Attributes:
        how: "exit code 1", "its machine was lost": what is known of the death.
    """

    number: int
    how: str


@dataclass(frozen=True)
class Slow:
    """For so many seconds nothing could be trained: a worker sets its task up, or no worker has come up at all."""

    seconds: float
    waits_for: Literal["segment", "worker"] = "segment"


Message = JobReport | Lost | Slow | None
"""What `run` yields with its task; None when the task is done."""


class Executor(Protocol):
    """Dispatches tasks to workers and yields what they report. A context manager: leaving it ends the workers.

    Attributes:
        stopped: whether `stop` was called.
    """

    stopped: bool

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def stop(self) -> None:
        """Every job in hand ends after its segment, with a checkpoint and `Stopped`; no other begins.

        A job that has not trained a segment yet has nothing to save and ends at once. May be called in a signal handler.
        """

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        """Train the tasks; yield each report with its task, and None when the task is done.

        A task whose worker died three times ends with `Failed`, and the others go on.
        """


# Between an executor and its workers


@dataclass(frozen=True)
class Ready:
    """Posted by a worker that has come up and may be given a task."""


@dataclass(frozen=True)
class Gone:
    """Posted for a worker that died: nothing follows it."""


@dataclass(frozen=True)
class Death:
    """How a worker ended.

    Attributes:
        how: as in `Lost`.
        short_of_memory: it got no memory, or the system took it for its memory.
        error: why no other worker would fare better; None where one may.
    """

    how: str
    short_of_memory: bool = False
    error: SeedbedError | None = None


Post = Callable[[Any], None]
"""Passes a worker's message to its executor; blocks while the executor has too many of them."""


class Worker(Protocol):
    """A worker in an executor's hands. It posts `Ready` once, then each task's reports and None; `Gone` when it died."""

    def give(self, task: Task) -> None:
        """The worker's next task; one that is gone is noticed by its `Gone`."""

    def stop(self) -> None:
        """The job in hand ends after its segment."""

    def kill(self) -> None:
        """The worker ends, whatever it is doing."""

    def end(self) -> Death:
        """Clear away a worker that is gone or was killed, and return how it ended."""
