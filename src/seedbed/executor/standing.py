"""Workers that stay from one call to the next: what they have loaded and compiled serves the following calls too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from seedbed.devices import WorkerKind
from seedbed.executor.engine import Engine
from seedbed.executor.protocol import Executor


@contextmanager
def standing(engine: Engine) -> Iterator[Engine]:
    """The same engine, whose workers live until the context ends; an engine that is standing already stays as it is."""
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

    @contextmanager
    def lent(self, engine: Engine, kinds: Sequence[WorkerKind]) -> Iterator[Executor]:
        """The workers that are there, if they are of these kinds; else others, in their place.

        They end with the call only if they were stopped, or something went wrong.
        """
        if self._executor is None or self._kinds != list(kinds):
            self.dismiss()
            self._kinds, self._executor = list(kinds), engine.executor(kinds).__enter__()
        executor = self._executor
        try:
            yield executor
        except BaseException:
            self.dismiss()
            raise
        if executor.stopped:
            self.dismiss()

    def dismiss(self) -> None:
        """End the workers."""
        if self._executor is not None:
            self._executor.__exit__(None, None, None)
        self._executor = None


@dataclass(frozen=True)
class _Standing(Engine):
    crew: _Crew = field(default_factory=_Crew, init=False, repr=False, compare=False)

    def executor(self, kinds: Sequence[WorkerKind]) -> AbstractContextManager[Executor]:
        return self.crew.lent(Engine(self.name, self.address), kinds)
