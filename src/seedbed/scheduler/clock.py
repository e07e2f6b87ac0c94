"""How much of a call's work is done, and how long the rest will take."""

from __future__ import annotations

import time

from seedbed.training.reports import Segment, Task


class Clock:
    """Counts epochs of runs, over all populations of a call."""

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
        """Estimate by the epochs of runs since the first report, which bore the compilation. None means that it is unknown."""
        whole = segment.epoch - 1 + segment.step / segment.steps
        each = task.pruning.work(whole, task.epochs) if task.pruning else whole
        self._done[task.key] = min(len(task.runs) * each, self._work[task.key])
        now, done = time.monotonic(), sum(self._done.values())
        if self._first is None:
            self._first, self._before = now, done
            return None
        if done <= self._before:
            return None
        return (now - self._first) / (done - self._before) * (sum(self._work.values()) - done)
