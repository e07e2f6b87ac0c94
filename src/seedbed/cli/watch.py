"""Training, as it is watched: a line now and then that stays, and on a terminal a bar with the time left."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from seedbed.cli.screen import console, note
from seedbed.cli.text import duration, escaped
from seedbed.figures.words import percent
from seedbed.training.events import Done, Event, Note, Progress, Started

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

LINES = 20
"""Epochs that get a line of their own: all of 20, every fifth of 100."""


class Out(Protocol):
    """Where the lines and the state of the bar go."""

    def line(self, text: str) -> None: ...

    def state(self, done: float, left: float | None) -> None: ...


class Plain:
    """Lines on stderr, for logs and pipes."""

    def line(self, text: str) -> None:
        note(text)

    def state(self, done: float, left: float | None) -> None:
        """A log has no bar."""


class Live:
    """Lines above a bar, on a terminal."""

    def __init__(self, bar: Bar, label: str) -> None:
        self._bar = bar
        self._task = bar.add_task(escaped(label), total=1.0, left="")

    def line(self, text: str) -> None:
        self._bar.console.print(escaped(text), highlight=False)

    def state(self, done: float, left: float | None) -> None:
        self._bar.update(self._task, completed=done, left="" if left is None else f"{duration(left)} left")


class Watcher:
    """What `grow` tells, turned into lines and a share of the work that is done.

    Args:
        runs: how many runs were asked for.
        epochs: of each.
        out: where to show it.

    Attributes:
        trained: whether anything had to be done at all.
    """

    def __init__(self, runs: int, epochs: int, out: Out) -> None:
        self.trained = False
        self._runs = runs
        self._every = math.ceil(epochs / LINES)
        self._out = out
        self._done: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.trained = True
                self._out.line(f"Training {_called(event.names)} on {event.device}: {event.steps_per_epoch:,} steps an epoch.")
            case Progress():
                self._progress(event)
            case Done():
                self.trained = True
                self._done[event.name] = 1.0
                self._show(None)
            case Note():
                self._out.line(f"note: {event.text}")

    def _progress(self, event: Progress) -> None:
        share = (event.epoch - 1 + event.step / event.steps) / event.epochs
        for name in event.names:
            if self._done.get(name) != 1.0:
                self._done[name] = share
        if event.rows and (event.epoch % self._every == 0 or event.epoch in (1, event.epochs)):
            self._out.line(epoch_line(event.epoch, event.epochs, event.rows))
        self._show(event.seconds_left)

    def _show(self, left: float | None) -> None:
        self._out.state(sum(self._done.values()) / self._runs, left)


def epoch_line(epoch: int, epochs: int, rows: Mapping[str, Mapping[str, float]]) -> str:
    """An epoch's figures, of one run or the mean of several.

    >>> row = {"train_loss": 0.1, "train_accuracy": 0.97, "validation_loss": 0.2, "validation_accuracy": 0.95}
    >>> epoch_line(3, 10, {"a": row})
    'epoch  3/10   training loss 0.1000, 97.0 %   validation loss 0.2000, 95.0 %'
    """

    def mean(figure: str) -> float:
        return math.fsum(row[figure] for row in rows.values()) / len(rows)

    parts = [
        f"{called} loss {mean(f'{part}_loss'):.4f}, {percent(mean(f'{part}_accuracy'))}"
        for part, called in (("train", "training"), ("validation", "validation"))
    ]
    of = [f"(mean of {len(rows)} runs)"] if len(rows) > 1 else []
    return "   ".join([f"epoch {epoch:>{len(str(epochs))}}/{epochs}", *parts, *of])


def _called(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} runs together ({names[0]} ... {names[-1]})"


@contextmanager
def watching(label: str, runs: int, epochs: int) -> Iterator[Watcher]:
    """A watcher for `grow`, with a bar where stderr is a terminal."""
    if not sys.stderr.isatty():
        yield Watcher(runs, epochs, Plain())
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    left = TextColumn("{task.fields[left]}", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), left)
    with Bar(*columns, console=console(sys.stderr), transient=True) as bar:
        yield Watcher(runs, epochs, Live(bar, label))
