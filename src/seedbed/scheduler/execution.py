"""`Execution`: how runs are trained and where they are stored, in one object."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self, TypedDict, Unpack

from seedbed.devices import EngineName, WorkerKind
from seedbed.executor import LOCAL, Engine, standing
from seedbed.runs import RunStore
from seedbed.training.events import OnEvent, ignore


class WorkerOptions(TypedDict, total=False):
    """Keyword arguments of the public functions that train; see `Execution.of`."""

    home: str | os.PathLike[str] | None
    device: str
    workers: int | None
    engine: EngineName
    address: str | None
    on_event: OnEvent
    snapshots: float | None


class ExecutionOptions(WorkerOptions, total=False):
    """Keyword arguments of functions that can also continue or replace runs."""

    resume: bool
    replace: bool


@dataclass(frozen=True)
class Execution:
    """How runs are trained, and where they are stored.

    Args:
        home: the run store.
        device: "auto", "cpu" or "gpu".
        workers: number of worker processes. None means one per core or GPU.
        engine: engine that starts the workers.
        resume: whether to continue half-done runs; otherwise they are an error.
        replace: whether to train runs again whose names are taken; otherwise other settings under a name are an error.
        on_event: called with each event, in the calling thread.
        snapshots: time between `Snapshot` events of a population (s). None sends none.
    """

    home: RunStore
    device: str = "auto"
    workers: int | None = None
    engine: Engine = LOCAL
    resume: bool = False
    replace: bool = False
    on_event: OnEvent = ignore
    snapshots: float | None = None

    @classmethod
    def of(cls, **options: Unpack[ExecutionOptions]) -> Self:
        """Make an execution from plain values.

        Args:
            options: as in `Execution`, except: `home`, folder of the run store, where None means `SEEDBED_HOME`, or `./runs`;
                `engine`, "local" for worker processes on this machine or "ray" for a Ray cluster; `address`, `HOST:PORT` of
                that cluster's head, or "auto", where None starts Ray on this machine alone.

        Raises:
            SpecError: the engine is unknown, or the address is not valid.
        """
        home, engine = options.get("home"), Engine(options.get("engine", "local"), options.get("address"))
        rest: Any = {name: value for name, value in options.items() if name not in ("home", "engine", "address")}
        return cls(RunStore.at(home), engine=engine, **rest)

    def check(self, runs: int) -> None:
        """See `Engine.check`."""
        self.engine.check(self.device, self.workers, runs)

    def kinds(self, runs: int) -> list[WorkerKind]:
        """The workers for this number of runs; see `Engine.kinds`."""
        return self.engine.kinds(self.device, self.workers, runs)

    @contextmanager
    def standing(self) -> Iterator[Self]:
        """Yield the same execution with workers that stay from one call to the next until the context ends."""
        with standing(self.engine) as engine:
            yield replace(self, engine=engine)
