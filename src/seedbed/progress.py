"""Progress of training in words: lines that stay, and the share of the work that is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from seedbed.notebook import Place, in_notebook
from seedbed.training.events import Done, Event, Finding, Note, OnEvent, Progress, StageStarted, Started, ignore
from seedbed.words import capital, counted, duration, percent

LINES = 20
"""How many lines stay: every epoch of 20, every fifth of 100; of several runs together, one for each 5 % of the work."""


class Watcher:
    """Turns events into lines, and into a share of the work that is done.

    Args:
        runs: number of runs to train.
        line: prints a line that stays.
        state: shows the share of the work that is done, and the time left.

    Attributes:
        trained: whether anything had to be trained at all.
    """

    def __init__(self, runs: int, line: Callable[[str], None], state: Callable[[float, str], None]) -> None:
        self.trained = False
        self._runs, self._line, self._state = runs, line, state
        self._shares: dict[str, float] = {}
        self._printed = 0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.trained = True
                steps = counted(event.steps_per_epoch, "step")
                self._line(f"Training {_called(event.names)} on {event.device}: {steps} per epoch.")
            case Progress():
                self._progress(event)
            case Done():
                self._shares[event.name] = 1.0
            case Note():
                self._line(f"note: {event.text}")
            case Finding():
                self._line(f"  {event.text}")
            case StageStarted():
                self._line(capital(event.text))
                if event.runs:
                    self._runs, self._shares, self._printed = event.runs, {}, 0

    def _progress(self, event: Progress) -> None:
        share = (event.epoch - 1 + event.step / event.steps) / event.epochs
        self._shares |= {name: share for name in event.names if self._shares.get(name) != 1.0}
        done = sum(self._shares.values()) / max(self._runs, len(self._shares))  # studies train more than they begin with
        left = "" if event.seconds_left is None else f"{duration(event.seconds_left)} left"
        if event.rows:
            self._print(event, done, left)
        self._state(done, left)

    def _print(self, event: Progress, done: float, left: str) -> None:
        """Print a line, where it is time for one."""
        metrics = epoch_line(event.epoch, event.epochs, event.rows)
        if self._runs == 1:
            if event.epoch % math.ceil(event.epochs / LINES) == 0 or event.epoch in (1, event.epochs):
                self._line(metrics)
        elif int(done * LINES) > self._printed:
            self._printed = int(done * LINES)
            parts = (f"{100 * done:3.0f} % done", left, f"{_called(tuple(event.rows))}: {metrics}")
            self._line("   ".join(part for part in parts if part))


def epoch_line(epoch: int, epochs: int, rows: Mapping[str, Mapping[str, float]]) -> str:
    """Format an epoch's metrics, of one run or the mean of several.

    >>> row = {"train_loss": 0.1, "train_accuracy": 0.97, "validation_loss": 0.2, "validation_accuracy": 0.95}
    >>> epoch_line(3, 10, {"a": row})
    'epoch  3/10   training loss 0.1000, 97.0 %   validation loss 0.2000, 95.0 %'
    """

    def mean(metric: str) -> float:
        return math.fsum(row[metric] for row in rows.values()) / len(rows)

    parts = [
        f"{called} loss {mean(f'{part}_loss'):.4f}, {percent(mean(f'{part}_accuracy'))}"
        for part, called in (("train", "training"), ("validation", "validation"))
    ]
    return "   ".join([f"epoch {epoch:>{len(str(epochs))}}/{epochs}", *parts])


def _called(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} runs together ({names[0]} ... {names[-1]})"


def shown_in_notebook(on_event: OnEvent, label: str = "", runs: int = 1) -> OnEvent:
    """The callback itself; in a notebook without one, a watcher that shows the progress below the cell.

    Args:
        on_event: callback of the user.
        label: what is trained.
        runs: number of runs to train.
    """
    if on_event is not ignore or not in_notebook():
        return on_event
    place = Place(f"{label}: " if label else "")
    return Watcher(max(1, runs), place.line, place.state)
