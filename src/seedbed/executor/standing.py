"""Workers that stay from one call to the next: what they have loaded and compiled serves the following calls too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

from seedbed.devices import WorkerKind
from seedbed.executor.engine import Engine
from seedbed.executor.protocol import Executor, Message
from seedbed.training.reports import Task


@contextmanager
def standing(engine: Engine) -> Iterator[Engine]:
    """The same engine, whose workers live until this is left; one that is standing already stays with whoever made it so."""
    if isinstance(engine, _Standing):
        yield engine
        return
    made = _Standing(engine.name, engine.address)
    try:
        yield made
    finally:
        made.crew.dismiss()


class _Crew:
    """The workers that are there, if any are."""

    def __init__(self) -> None:
        self._kinds: list[WorkerKind] = []
        self._executor: Executor | None = None

    def lent(self, engine: Engine, kinds: Sequence[WorkerKind]) -> Executor:
        """Those that are there, where they are of these kinds; else others, in their place."""
        if self._executor is None or self._kinds != list(kinds):
            self.dismiss()
            self._kinds, self._executor = list(kinds), engine.executor(kinds).__enter__()
        return _Lent(self, self._executor)

    def dismiss(self) -> None:
        """Ends the workers."""
        if self._executor is not None:
            self._executor.__exit__(None, None, None)
        self._executor = None


@dataclass(frozen=True)
class _Standing(Engine):
    crew: _Crew = field(default_factory=_Crew, init=False, repr=False, compare=False)

    def executor(self, kinds: Sequence[WorkerKind]) -> Executor:
        return self.crew.lent(Engine(self.name, self.address), kinds)


class _Lent:
    """An executor for one call. Leaving it ends the workers only where they were stopped, or something went wrong."""

    def __init__(self, crew: _Crew, executor: Executor) -> None:
        self._crew = crew
        self._executor = executor
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._stopped or any(error):
            self._crew.dismiss()

    def stop(self) -> None:
        self._stopped = True
        self._executor.stop()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Message]]:
        yield from self._executor.run(tasks)
