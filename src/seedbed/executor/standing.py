"""Workers that stay from one call to the next, with the data they have loaded and the programs they have compiled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from seedbed.devices import WorkerKind
from seedbed.executor.engine import Engine
from seedbed.executor.protocol import Executor


@contextmanager
def standing(engine: Engine) -> Iterator[Engine]:
    """Yield the same engine with workers that live until the context ends; a standing engine is yielded unchanged."""
    if isinstance(engine, _Standing):
        yield engine
        return
    made = _Standing(engine.name, engine.address)
    try:
        yield made
    finally:
        made.crew.dismiss()


class _Crew:
    """The current workers of a standing engine, if there are any."""

    def __init__(self) -> None:
        self._kinds: list[WorkerKind] = []
        self._executor: Executor | None = None

    @contextmanager
    def lent(self, engine: Engine, kinds: Sequence[WorkerKind]) -> Iterator[Executor]:
        """Yield the current workers if they have these kinds; otherwise new ones, in their place.

        The workers end with the call only if they were stopped, or an error occurred.
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
