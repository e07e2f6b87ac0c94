"""How every worker serves a task: it trains it, and puts an error into one line."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seedbed.data import Dataset
from seedbed.errors import DeviceError, SeedbedError, WorkerError
from seedbed.specs import DataSpec
from seedbed.training.reports import Failed, JobReport, Task


class Server:
    """Keeps data, and the compiled programs that were used last, from one task to the next.

    Args:
        load: finds a data spec's images.
        stop: asked between segments; True ends the job in hand after a checkpoint.
        folder: where compiled programs are kept for other processes; None keeps none.
    """

    def __init__(self, load: Callable[[DataSpec], Dataset], stop: Callable[[], bool], folder: Path | None = None) -> None:
        warnings.filterwarnings(
            "ignore", message=".*persistent compilation cache"
        )  # without it, compiling takes longer: no more
        self._load = load
        self._stop = stop
        self._datasets: dict[str, Dataset] = {}
        self._folder = folder
        self._programs: Any = None

    def reports(self, task: Task) -> Iterator[JobReport | None]:
        """Train the task's population; yield its reports, and None or `Failed` at its end."""
        try:
            yield from self._trained(task)
        except SeedbedError as error:
            yield Failed(error)
        except MemoryError:
            yield Failed(_too_large(task))
        except Exception as error:  # the driver shows it, and goes on with other tasks
            kind = type(error).__name__
            known = "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)
            failure = _too_large(task) if known else WorkerError(f"A worker stopped with {kind}: {_first_line(error)}")
            yield Failed(failure, traceback.format_exc())

    def _trained(self, task: Task) -> Iterator[JobReport | None]:
        from seedbed.training.job import Job
        from seedbed.training.programs import Programs

        spec = task.blocks[0][0].data
        if spec.identity not in self._datasets:
            self._datasets = {spec.identity: self._load(spec)}
        self._programs = self._programs or Programs(self._folder)
        yield from Job(task, self._datasets[spec.identity], self._programs, self._stop).reports()
        self._programs.forget()
        yield None


def _too_large(task: Task) -> DeviceError:
    runs = sum(len(block) for block in task.blocks)
    if runs > 1:
        return DeviceError(f"Out of memory: the device's memory is too small for {runs} runs together.")
    return DeviceError(
        "Out of memory: the device's memory is too small for this network alone. Use a smaller network, a smaller "
        "--batch-size, or another --device."
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
