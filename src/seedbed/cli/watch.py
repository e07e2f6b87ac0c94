"""Progress of training: lines that stay, and on a terminal a bar with the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seedbed.cli.screen import console, note
from seedbed.cli.text import escaped
from seedbed.notebook import in_notebook
from seedbed.progress import TRAINING_ALONE, Ahead, Watcher, notebook_watcher

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, TaskID

    from seedbed.data import DownloadProgress, ReadProgress
    from seedbed.runs import NamedRun


SOON = 2.0
"""Seconds of reading before its progress is shown."""


@contextmanager
def watching(
    label: str, runs: int | Sequence[NamedRun] = 1, *, ahead: Ahead = TRAINING_ALONE, rounds: bool = False
) -> Iterator[Watcher]:
    """Yield a callback for `on_event`: metrics on stderr, and a bar with the time left where that is a terminal.

    In a notebook both stand in one place below the cell; `train` and others show them there by themselves.

        with watching("first") as watch:
            train(Dense(), "digits", name="first", on_event=watch)

    Args:
        label: text before the bar.
        runs: the runs to train, or their number.
        ahead: forecasts of the time of all the work.
        rounds: whether the runs are asked for in rounds.
    """
    if in_notebook():
        yield notebook_watcher(label, runs)
        return
    if not sys.stderr.isatty():
        yield Watcher(runs, note, lambda *_: None, ahead=ahead, rounds=rounds)  # a log has no bar
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    who, state = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[text]}", markup=False)
    columns = (who, BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), state)
    with Bar(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task(escaped(label), total=1.0, text="starting")
        yield Watcher(
            runs,
            lambda text: bar.console.print(escaped(text), no_wrap=True, overflow="ellipsis", crop=True),
            lambda done, left: bar.update(task, completed=done, text=left),
            ahead=ahead,
            rounds=rounds,
        )


@contextmanager
def fetching() -> Iterator[Callable[[DownloadProgress | ReadProgress], None]]:
    """Yield a watcher for downloads and for long reading: bars on a terminal, else a line for each."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TransferSpeedColumn

    who = TextColumn("{task.description}", markup=False)
    downloads = _Bar(who, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    pictures, bytes_read = _Bar(who, BarColumn(), MofNCompleteColumn()), _Bar(who, BarColumn(), DownloadColumn())
    began = time.monotonic()

    def show(progress: DownloadProgress | ReadProgress) -> None:
        from seedbed.data import ReadProgress

        if not isinstance(progress, ReadProgress):
            downloads.show(progress.what, progress.done, progress.total, f"Downloading {progress.what} ...")
        elif time.monotonic() - began > SOON:
            bar = pictures if progress.unit == "pictures" else bytes_read
            share = progress.done / max(1, progress.total)
            sentence = f"Reading {progress.what}: {share:.0%} of {progress.total:,} {progress.unit} ..."
            bar.show("reading", progress.done, progress.total, sentence)

    try:
        yield show
    finally:
        for bar in (downloads, pictures, bytes_read):
            bar.stop()


class _Bar:
    """Bars on a terminal, with a line before each."""

    def __init__(self, *columns: ProgressColumn) -> None:
        from rich.progress import Progress

        self._bar = Progress(*columns, console=console(sys.stderr), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def show(self, what: str, done: int, total: int | None, sentence: str) -> None:
        """Move the bar of something; the first time with a sentence."""
        if what not in self._tasks:
            note(sentence)
            self._tasks[what] = self._bar.add_task(escaped(what), total=total)
            if sys.stderr.isatty():
                self._bar.start()
        self._bar.update(self._tasks[what], completed=done, total=total)

    def stop(self) -> None:
        """Remove the bars. (Stopped without a start, a bar writes an empty line.)"""
        if self._bar.live.is_started:
            self._bar.stop()
