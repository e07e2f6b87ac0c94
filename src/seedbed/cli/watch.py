"""Progress of training: lines that stay, and on a terminal a bar with the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from seedbed.cli.screen import console, note
from seedbed.cli.text import escaped
from seedbed.notebook import in_notebook
from seedbed.progress import Watcher, notebook_watcher

if TYPE_CHECKING:
    from rich.progress import TaskID

    from seedbed.data import DownloadProgress
    from seedbed.runs import NamedRun


@contextmanager
def watching(label: str, runs: int | Sequence[NamedRun] = 1) -> Iterator[Watcher]:
    """Yield a callback for `on_event`: metrics on stderr, and a bar with the time left where that is a terminal.

    In a notebook both stand in one place below the cell; `train` and others show them there by themselves.

        with watching("first") as watch:
            train(Dense(), "digits", name="first", on_event=watch)

    Args:
        label: text before the bar.
        runs: the runs to train, or their number.
    """
    if in_notebook():
        yield notebook_watcher(label, runs)
        return
    if not sys.stderr.isatty():
        yield Watcher(runs, note, lambda *_: None)  # a log has no bar
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
        )


@contextmanager
def fetching() -> Iterator[Callable[[DownloadProgress], None]]:
    """Yield a watcher for downloads: a bar for each file on a terminal, else a line for each."""
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    who = TextColumn("{task.description}", markup=False)
    bar = Bar(who, BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=console(sys.stderr), transient=True)
    tasks: dict[str, TaskID] = {}

    def show(progress: DownloadProgress) -> None:
        if progress.what not in tasks:
            note(f"Downloading {progress.what} ...")
            tasks[progress.what] = bar.add_task(escaped(progress.what), total=progress.total)
            if sys.stderr.isatty():
                bar.start()
        bar.update(tasks[progress.what], completed=progress.done, total=progress.total)

    try:
        yield show
    finally:
        # Stopped without a start, a bar writes an empty line.
        if bar.live.is_started:
            bar.stop()
