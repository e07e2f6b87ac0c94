"""The trainer: `python -m seedbed.playground.trainer HOME`. It trains by the scheduler, as all commands do.

Its workers stay from one training to the next: one worker for a single setting, two for two settings, which then train at the
same time. When the server ends, the trainer finishes the training that goes on, and ends too: a stopped page leaves it alone.
"""

from __future__ import annotations

import queue
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from seedbed.errors import Interrupted, SeedbedError
from seedbed.executor.channel import Channel, of_standard_streams
from seedbed.playground.messages import PrepareRuns, StopTraining, TrainEntries, TrainerReady, TrainingEnded
from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import RunSpec

SNAPSHOTS = 0.2
"""Seconds between pictures of the weights while a training goes on."""


class Trainer:
    """Trains what it is asked for, one request after the other.

    Args:
        home: home of the runs.
        channel: the way to the server.
    """

    def __init__(self, home: RunStore, channel: Channel) -> None:
        self._home = home
        self._channel = channel
        self._requests: queue.Queue[PrepareRuns | TrainEntries | None] = queue.Queue()
        self._stop = threading.Event()
        self._executions: dict[int, Execution] = {}
        self._prepared: PrepareRuns | None = None

    def run(self) -> None:
        """Serve until the server ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        with ExitStack() as standing, tempfile.TemporaryDirectory() as scratch:
            self._scratch = RunStore(Path(scratch))
            self._standing = standing
            while (request := self._requests.get()) is not None:
                if isinstance(request, TrainEntries):
                    self._train(request)
                elif self._requests.empty():  # a later request makes this one idle
                    self._prepare(request)
                if self._requests.empty():
                    self._send(TrainerReady())

    def _listen(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except (EOFError, OSError):
                self._requests.put(None)
                return
            if isinstance(message, StopTraining):
                self._stop.set()
                continue
            if isinstance(message, TrainEntries):
                self._stop.clear()
            self._requests.put(message)

    def _train(self, request: TrainEntries) -> None:
        names = tuple(entry.name for entry in request.entries)
        execution = replace(self._workers(request.entries), resume=request.resume, on_event=self._send, snapshots=SNAPSHOTS)
        try:
            train_runs(request.entries, execution, until=self._stop.is_set)
        except Interrupted as stopped:
            self._send(TrainingEnded(names, "interrupted", str(stopped)))
            if self._prepared:  # the stopped workers have ended: others load meanwhile
                self._requests.put(self._prepared)
        except SeedbedError as error:
            self._send(TrainingEnded(names, "failed", str(error)))
        else:
            self._send(TrainingEnded(names, "finished"))

    def _prepare(self, request: PrepareRuns) -> None:
        """Train each run for an epoch, and keep nothing: this loads workers and data, and compiles the very programs."""
        self._prepared = request
        entries = [NamedRun(f"warm-{number}", f"warm-{number}", _short(run)) for number, run in enumerate(request.runs)]
        execution = replace(self._workers(entries), home=self._scratch, replace=True, snapshots=SNAPSHOTS)
        with suppress(SeedbedError):  # the training itself will say it
            train_runs(entries, execution, metrics_only=True)

    def _workers(self, entries: Any) -> Execution:
        """The standing workers for these runs: one for each setting, up to two."""
        number = min(2, len({entry.run.setting for entry in entries}))
        if number not in self._executions:
            made = Execution(self._home, workers=number)
            self._executions[number] = self._standing.enter_context(made.standing())
        return self._executions[number]

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # the server has ended; the training goes on
            self._channel.send(message)


def _short(run: RunSpec) -> RunSpec:
    return run.changed(plan=run.plan.changed(epochs=1, patience=0, keep_epochs=()))


def main() -> None:
    """Serve the server that started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    Trainer(RunStore(Path(sys.argv[1])), of_standard_streams()).run()


if __name__ == "__main__":
    main()
