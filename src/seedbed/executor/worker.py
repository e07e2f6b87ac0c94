"""The worker's program: `python -m seedbed.executor.worker`. Takes tasks from its standard input until that ends.

What anybody prints in here (a user's model file, a library) goes to standard error; the real standard output is the channel.
"""

from __future__ import annotations

import importlib
import os
import queue
import signal
import sys
import threading
import traceback
import warnings
from typing import Any

from seedbed.errors import DeviceError, SeedbedError, WorkerError
from seedbed.executor.channel import STOP, Channel
from seedbed.training.reports import Failed, Task


def main() -> None:
    """Serves tasks, one after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.filterwarnings("ignore", message=".*persistent compilation cache")  # without it, compiling takes longer: no more
    channel = _take_over_output()
    tasks: queue.Queue[Task] = queue.Queue()
    stop = threading.Event()
    threading.Thread(target=_listen, args=(channel, tasks, stop), daemon=True).start()
    worker = _Worker(channel, stop)
    importlib.import_module("seedbed.training.job")  # the slow imports, while the driver plans
    while True:
        worker.serve(tasks.get())


def _take_over_output() -> Channel:
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Channel(sys.stdin.buffer, outgoing)


def _listen(channel: Channel, tasks: queue.Queue[Task], stop: threading.Event) -> None:
    """Hands tasks on; ends this process as soon as the driver is gone, whatever it is doing."""
    while True:
        try:
            message = channel.receive()
        except (EOFError, OSError):
            os._exit(0)
        if message == STOP:
            stop.set()
        else:
            tasks.put(message)


class _Worker:
    """Keeps data and compiled programs from one task to the next."""

    def __init__(self, channel: Channel, stop: threading.Event) -> None:
        self._channel = channel
        self._stop = stop
        self._datasets: dict[str, Any] = {}
        self._programs: dict[Any, Any] = {}

    def serve(self, task: Task) -> None:
        """Trains the task's population and sends its reports."""
        try:
            self._train(task)
        except SeedbedError as error:
            self._channel.send(Failed(error))
        except MemoryError:
            self._channel.send(Failed(_too_large(task)))
        except Exception as error:  # the driver shows it, and goes on with other tasks
            kind = type(error).__name__
            known = "RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)
            failure = _too_large(task) if known else WorkerError(f"A worker stopped with {kind}: {_first_line(error)}")
            self._channel.send(Failed(failure, traceback.format_exc()))

    def _train(self, task: Task) -> None:
        from seedbed import data
        from seedbed.training.job import Job

        spec = task.blocks[0][0].data
        if spec.identity not in self._datasets:
            self._datasets = {spec.identity: data.load(spec)}
        job = Job(task, self._datasets[spec.identity], self._programs, self._stop.is_set)
        for report in job.reports():
            self._channel.send(report)
        self._channel.send(None)


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


if __name__ == "__main__":
    main()
