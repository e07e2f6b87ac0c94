"""Estimate of the time left in a call."""

from __future__ import annotations

import time

from seedbed.training.reports import Segment, Task


class Clock:
    """A count of the runs' epochs, over all populations of a call."""

    def __init__(self) -> None:
        self._work: dict[str, float] = {}
        self._done: dict[str, float] = {}
        self._first: float | None = None
        self._before = 0.0

    def plan(self, task: Task) -> None:
        """Add a task's work."""
        self._work[task.key] = float(sum(run.plan.epochs for _, run in task.runs))
        if task.pruning:
            self._work[task.key] = len(task.runs) * task.pruning.work(task.epochs, task.epochs)

    def seconds_left(self, task: Task, segment: Segment) -> float | None:
        """Estimate from the pace since the first report, which includes compilation (s). None means no estimate yet."""
        epochs = segment.epoch - 1 + segment.step / segment.steps
        per_run = task.pruning.work(epochs, task.epochs) if task.pruning else epochs
        self._done[task.key] = min(len(task.runs) * per_run, self._work[task.key])
        now, done = time.monotonic(), sum(self._done.values())
        if self._first is None:
            self._first, self._before = now, done
            return None
        if done <= self._before:
            return None
        return (now - self._first) / (done - self._before) * (sum(self._work.values()) - done)
