"""The part of a worker that all engines share: training a task, and turning errors into one-line messages."""

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
    """A server of tasks; it keeps the data set and the last used programs from one task to the next.

    Args:
        load: function that loads the images of a data spec.
        stop: called between segments; when it returns True, the job ends after a checkpoint.
        folder: folder of the cache of compiled programs. None means no cache on disk.
    """

    def __init__(self, load: Callable[[DataSpec], Dataset], stop: Callable[[], bool], folder: Path | None = None) -> None:
        warnings.filterwarnings("ignore", message=".*persistent compilation cache")  # without the cache, compiling takes longer
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
        except Exception as error:  # the driver shows it, and continues with other tasks
            kind = type(error).__name__
            known = "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)
            first_line = (str(error).splitlines() or ["no message"])[0]
            failure = _too_large(task) if known else WorkerError(f"A worker stopped with {kind}: {first_line}")
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
    if len(task.runs) > 1:
        return DeviceError(f"Out of memory: the device's memory is too small for {len(task.runs)} runs together.")
    return DeviceError(
        "Out of memory: the device's memory is too small for this network alone. Use a smaller network, a smaller "
        "--batch-size, or another --device."
    )
