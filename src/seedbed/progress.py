"""Progress of training in words: lines that stay, and the share of the work that is done."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed.notebook import Place, in_notebook
from seedbed.training.events import (
    Copied,
    Done,
    Event,
    FigureDrawn,
    Finding,
    Note,
    OnEvent,
    Progress,
    StageStarted,
    Started,
    ignore,
)
from seedbed.words import capital, counted, duration, percent

if TYPE_CHECKING:
    from seedbed.runs import NamedRun

LINES = 20
"""How many lines stay: every epoch of 20, every fifth of 100; of several runs together, one for each 5 % of the work."""

NAME_SHOWN = 40
"""Letters of a run's name in a line of progress; longer ones lose their middle."""

LastRow = tuple[int, int, Mapping[str, float]]
"""Epoch, number of epochs, and the metrics of that epoch."""

FAMILIAR = re.compile(r"(-fold-\d+)?\.\d+$")
"""What distinguishes the runs of one setting: fold and seed."""


@dataclass(frozen=True)
class Ahead:
    """Forecast of the time that each part of some work takes (s): training, the searches that follow, and drawing figures."""

    training: float = 1.0
    searching: float = 0.0
    drawing: float = 0.0

    def share(self, trained: float, searched: float, drawn: float) -> float:
        """The share of the whole work that is done, from the shares of its parts.

        >>> Ahead(training=60.0, searching=30.0, drawing=10.0).share(1.0, 0.5, 0.0)
        0.75
        """
        parts = ((self.training, trained), (self.searching, searched), (self.drawing, drawn))
        return sum(seconds * share for seconds, share in parts) / sum(seconds for seconds, _ in parts)


TRAINING_ALONE = Ahead()
"""Of work that only trains, the share is known without its time."""


class Watcher:
    """Turns events into lines, and into a share of the work that is done.

    One run has a line for each epoch. Of several, a setting has a line when the last of its runs is done; where there are more
    settings than `LINES`, or where they are not known beforehand, a line says how far all of them are. No line is a mean over
    different networks.

    Args:
        runs: the runs to train, or their number.
        line: prints a line that stays.
        state: shows the share of the work that is done, and what is going on.
        ahead: forecasts of the time of all the work. How long searches take is fixed beforehand, what they train is not; so
            their share is that of their time.
        rounds: whether the runs are asked for in rounds, as a search does, so that workers do not know of all of them.

    Attributes:
        trained: whether anything had to be trained at all.
        copies: name of a run -> run of the same settings that it is a copy of.
    """

    def __init__(
        self,
        runs: int | Sequence[NamedRun],
        line: Callable[[str], None],
        state: Callable[[float, str], None],
        *,
        ahead: Ahead = TRAINING_ALONE,
        rounds: bool = False,
    ) -> None:
        self.trained = False
        self.copies: dict[str, str] = {}
        names = [] if isinstance(runs, int) else [entry.name for entry in runs]
        self._runs = runs if isinstance(runs, int) else max(1, len(names))
        self._left = Counter(map(_setting, names))
        self._by_setting = 1 < len(self._left) <= LINES
        self._line, self._state = line, state
        self._ahead, self._drawn = ahead, 0.0
        self._rounds, self._began = rounds, time.monotonic()
        self._searching_since = None if ahead.training or not ahead.searching else time.monotonic()
        self._shares: dict[str, float] = {}
        self._rows: dict[str, LastRow] = {}
        self._finished: set[str] = set()
        self._printed = 0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._start(event)
            case Progress():
                self._progress(event)
            case Done():
                self._done(event.name)
            case Copied():
                self.copies[event.name] = event.source
            case Note():
                self._line(f"note: {event.text}")
            case Finding():
                self._line(f"  {event.text}")
            case StageStarted():
                self._stage(event)
            case FigureDrawn():
                self._drawn = event.done / event.total
                left = f"{duration((1 - self._drawn) * self._ahead.drawing)} left   " if self._drawn < 1 else ""
                self._state(self._share(), f"{left}figure {event.done} of {event.total}")

    def _start(self, event: Started) -> None:
        if self._runs == 1:
            self._line(f"Training {event.names[0]} on {event.device}: {counted(event.steps_per_epoch, 'step')} per epoch.")
        elif not self.trained:
            self._line(f"Training {counted(self._runs, 'run')} on {event.device}.")
        self.trained = True
        self._state(self._share(), "compiling")

    def _stage(self, event: StageStarted) -> None:
        self._line(capital(event.text))
        if event.runs and not self._ahead.searching:
            self._runs, self._shares, self._printed = event.runs, {}, 0
            self._finished.clear()
        self._state(self._share(), event.text if not event.runs else "starting")

    def _share(self) -> float:
        if self._drawn:
            return self._ahead.share(1.0, 1.0, self._drawn)
        if self._searching_since is not None:
            return self._ahead.share(1.0, min(1.0, self._searched() / self._ahead.searching), 0.0)
        return self._ahead.share(self._trained_share(), 0.0, 0.0)

    def _searched(self) -> float:
        """Time since the searches began (s)."""
        return 0.0 if self._searching_since is None else time.monotonic() - self._searching_since

    def _time_left(self, training: float | None) -> str:
        """The time left for all the work, or nothing where it is not known.

        Args:
            training: time left for what is being trained (s).
        """
        searching = self._ahead.searching - self._searched()
        share = self._share()
        if training is None or searching < 0 or share >= 1:
            return ""
        if self._rounds:
            training = max(training, (time.monotonic() - self._began) * (1 - share) / max(share, 0.01))
        own = 0.0 if self._searching_since is not None else training
        return f"{duration(own + searching + self._ahead.drawing)} left"

    def _trained_share(self) -> float:
        return sum(self._shares.values()) / max(self._runs, len(self._shares))  # studies train more than they begin with

    def _progress(self, event: Progress) -> None:
        share = (event.epoch - 1 + event.step / event.steps) / event.epochs
        self._shares |= {name: share for name in event.names if self._shares.get(name) != 1.0}
        self._rows |= {name: (event.epoch, event.epochs, row) for name, row in event.rows.items()}
        if self._ahead.searching and self._searching_since is None and self._trained_share() >= 1:
            self._searching_since = time.monotonic()
        left = self._time_left(event.seconds_left)
        if event.rows and self._runs == 1:
            if event.epoch % math.ceil(event.epochs / LINES) == 0 or event.epoch in (1, event.epochs):
                self._line(epoch_line(event.epoch, event.epochs, event.rows))
        elif event.rows and not self._by_setting:
            self._print_share(event, left)
        at = "" if self._runs > 1 or event.step == event.steps else f"epoch {event.epoch}, step {event.step}/{event.steps}"
        self._state(self._share(), "   ".join(part for part in (left, at, self._last_seen(event)) if part))

    def _last_seen(self, event: Progress) -> str:
        """How well one run does: within a long epoch on some images, else the validation accuracy after its last epoch."""
        if self._runs == 1 and event.glance:
            loss, accuracy = event.glance["train_loss"], event.glance["validation_accuracy"]
            return f"loss {loss:.4f}, validation about {percent(accuracy)}"
        if self._runs > 1 or event.names[0] not in self._rows:
            return ""
        return f"validation {percent(self._rows[event.names[0]][2]['validation_accuracy'])}"

    def _print_share(self, event: Progress, left: str) -> None:
        """Print how far all runs are, where it is time for a line."""
        done = self._trained_share()
        if int(done * LINES) <= self._printed:
            return
        self._printed = int(done * LINES)
        [name, *others] = event.rows
        if others:
            what = f"{len(self._finished)} of {max(self._runs, len(self._shares))} runs finished"
        else:
            accuracy = percent(event.rows[name]["validation_accuracy"])
            what = f"{_shortened(name)}: epoch {event.epoch}/{event.epochs}, validation {accuracy}"
        self._line("   ".join(part for part in (f"{100 * self._share():3.0f} % done", left, what) if part))

    def _done(self, name: str) -> None:
        self._shares[name] = 1.0
        self._finished.add(name)
        setting = _setting(name)
        self._left[setting] -= 1
        if self._by_setting and not self._left[setting]:
            own = [row for run, row in self._rows.items() if _setting(run) == setting and run in self._finished]
            if own:
                self._line(f"{_shortened(setting)}: {setting_line(own)}")


def _setting(name: str) -> str:
    """The setting to which a run belongs, by its name."""
    return FAMILIAR.sub("", name)


def _shortened(name: str) -> str:
    """A name of at most `NAME_SHOWN` letters."""
    half = (NAME_SHOWN - 4) // 2
    return name if len(name) <= NAME_SHOWN else f"{name[:half]} .. {name[-half:]}"


def setting_line(rows: Sequence[LastRow]) -> str:
    """Format the last epochs of a setting's runs.

    >>> row = {"validation_loss": 0.2, "validation_accuracy": 0.95}
    >>> setting_line([(9, 10, row), (10, 10, {"validation_loss": 0.4, "validation_accuracy": 0.97})])
    'validation 96.0 % (95.0 to 97.0), loss 0.3000; 2 runs, epochs 9 to 10'
    """
    epochs = sorted(epoch for epoch, _, _ in rows)
    last = f"epoch {epochs[0]}" if epochs[0] == epochs[-1] else f"epochs {epochs[0]} to {epochs[-1]}"
    shares = [row["validation_accuracy"] for _, _, row in rows]
    loss = math.fsum(row["validation_loss"] for _, _, row in rows) / len(rows)
    reach = f" ({100 * min(shares):.1f} to {100 * max(shares):.1f})" if len(rows) > 1 else ""
    accuracy = percent(math.fsum(shares) / len(shares))
    return f"validation {accuracy}{reach}, loss {loss:.4f}; {counted(len(rows), 'run')}, {last}"


def copies_sentence(copies: Mapping[str, str]) -> str:
    """Say which runs are copies of others.

    >>> copies_sentence({"ctrl": "d1"})
    'the same network was trained before as d1; ctrl is a copy.'
    """
    name, source = next(iter(copies.items()))
    if len(copies) == 1:
        return f"the same network was trained before as {source}; {name} is a copy."
    return f"{len(copies)} of the runs were trained before under other names, {name} as {source}; these are copies."


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


def notebook_watcher(label: str, runs: int | Sequence[NamedRun] = 1) -> Watcher:
    """A watcher that shows lines and state in one place below the cell of a notebook."""
    place = Place(f"{label}: " if label else "")
    return Watcher(runs, place.line, place.state)


def shown_in_notebook(on_event: OnEvent, label: str = "", runs: int | Sequence[NamedRun] = 1) -> OnEvent:
    """The callback itself; in a notebook without one, a watcher that shows the progress below the cell.

    Args:
        on_event: callback of the user.
        label: what is trained.
        runs: the runs to train, or their number.
    """
    if on_event is not ignore or not in_notebook():
        return on_event
    return notebook_watcher(label, runs)
