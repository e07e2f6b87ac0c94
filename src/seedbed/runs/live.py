"""A run store while trainings go on in it: what was read once is kept until its files change, and results grow epoch by epoch.

For readers that stay, such as the page: listing 2,000 runs costs a look at each folder's time stamp, not reading its files.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from seedbed import data, models, storage
from seedbed.diagnosis import diagnose
from seedbed.errors import SeedbedError, StorageError, UnknownRun, nearest
from seedbed.models import trust
from seedbed.records import DataFacts, History, ModelFacts, Result, Seconds
from seedbed.runs.record import METRICS_FILE, NETWORK_FOLDER, RUN_FILE, Listed, Record, natural
from seedbed.runs.store import RunStore
from seedbed.specs import DataSpec, Keras

KEPT_RESULTS = 4_000
"""Results that stay in memory; with 100 epochs and a dozen probes each takes 15 kB."""

Stamp = tuple[int, ...]
"""What changes when a run's files do: inode, time and size of the record, and while it trains, of its metrics."""


@dataclass(frozen=True)
class SeenRun:
    """A run as it was last read."""

    stamp: Stamp
    listed: Listed


class LiveRuns:
    """The runs of a store as they are now; safe to use from several threads.

    Args:
        home: the run store. Nothing is ever written to it.

    Attributes:
        version: grows with each refresh that found a change.
    """

    def __init__(self, home: RunStore) -> None:
        self.home = home
        self.version = 0
        self._seen: dict[str, SeenRun] | None = None
        self._results: OrderedDict[str, tuple[Stamp, Result | None]] = OrderedDict()
        self._data: dict[str, DataFacts] = {}
        self._unreported: dict[str, None] = {}
        self._refreshing = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0

    @property
    def training(self) -> bool:
        """Whether a run was being trained at the last refresh."""
        return any(run.listed.status == "running" for run in (self._seen or {}).values())

    def refresh(self) -> list[str]:
        """Read what changed since the last time.

        Returns:
            Names of runs that are new, changed or gone.

        Raises:
            StorageError: the folder cannot be read.
        """
        with self._refreshing:
            before = self._seen or {}
            stamps = dict(self._stamps(before))
            order = before if before.keys() == stamps.keys() else sorted(stamps, key=natural)
            now = {name: self._read(name, stamps[name], before.get(name)) for name in order}
            self._seen = now
            changed = [name for name, run in now.items() if before.get(name) is not run]
            changed += [name for name in before if name not in now]
            self.version += bool(changed)
            self._unreported |= dict.fromkeys(changed)
        return changed

    def changes(self) -> list[str]:
        """Refresh, and return the names of runs that are new, changed or gone since the last call of this.

        What another refresh found meanwhile is among them: a view that looks for itself takes no news from those who follow.

        Raises:
            StorageError: the folder cannot be read.
        """
        self.refresh()
        with self._refreshing:
            changed, self._unreported = list(self._unreported), {}
        return changed

    def listing(self) -> list[Listed]:
        """All runs in the order of their names, as of the last refresh."""
        if self._seen is None:
            self.refresh()
        return [run.listed for run in (self._seen or {}).values()]

    def find(self, name: str) -> Listed:
        """The run of this name.

        Raises:
            UnknownRun: there is none; the message suggests the nearest.
        """
        if self._seen is None:
            self.refresh()
        seen = self._seen or {}
        if name not in seen:
            raise UnknownRun(f"No run is named {name!r}.{nearest(name, seen)}")
        return seen[name].listed

    def stamp(self, name: str) -> Stamp:
        """What changes when the run does; for keys of what is computed from it.

        Raises:
            UnknownRun: no run has this name.
        """
        self.find(name)
        return (self._seen or {})[name].stamp

    def result(self, name: str) -> Result | None:
        """The result of a finished run, or that of the epochs so far; None before the first epoch.

        The verdict of a run that has not ended is the one by its epochs so far. Where the sizes of its network or of its data
        cannot be known without a framework, they are 0.

        Raises:
            UnknownRun: no run has this name.
            StorageError, CorruptFile: its files cannot be read.
        """
        listed = self.find(name)
        if listed.record is None:
            raise StorageError(f"Run {name!r} is damaged: {listed.reason}")
        stamp = (self._seen or {})[name].stamp
        kept = self._results.get(name)
        if kept and kept[0] == stamp:
            return kept[1]
        folder = self.home.folder(name)
        result = listed.record.result(folder) if listed.record.ended else self._so_far(listed.record, folder)
        self._results.pop(name, None)  # so that it is the last, also where another thread drops the first at this moment
        self._results[name] = stamp, result
        while len(self._results) > KEPT_RESULTS:
            self._results.popitem(last=False)
        return result

    def is_at_hand(self, name: str) -> bool:
        """Whether `result` answers without reading files.

        Raises:
            UnknownRun: no run has this name.
        """
        return self._is_kept(name, self.stamp(name))

    def read_ahead(self, seconds: float) -> None:
        """Read results of ended runs that no one has asked for yet, as far as there is room, so that they are at hand then.

        It ends as soon as someone waits for something else: see `waited_for`.

        Args:
            seconds: processor time of this thread after which no further one is read.
        """
        room = KEPT_RESULTS - len(self._results)
        end = time.thread_time() + seconds
        for name in self._unread(self._seen or {})[: max(0, room)]:
            if self.awaited or time.thread_time() > end:
                return
            self._bring(name)

    def read(self, names: Collection[str], seconds: float) -> int:
        """Read results of runs that ended, those that are not at hand: at least one.

        Args:
            seconds: processor time of this thread after which no further one is read.

        Returns:
            How many are still to be read; 0 where the runs are too many to be kept.
        """
        if len(names) > KEPT_RESULTS:
            return 0
        unread = self._unread(names)
        end = time.thread_time() + seconds
        for place, name in enumerate(unread, start=1):
            self._bring(name)
            if time.thread_time() > end:
                return len(unread) - place
        return 0

    @property
    def awaited(self) -> bool:
        """Whether someone waits for something: see `waited_for`."""
        return self._waiting > 0

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """What someone waits for: nothing is read ahead meanwhile, which would take half of the processor's time from it."""
        with self._counting:
            self._waiting += 1
        try:
            yield
        finally:
            with self._counting:
                self._waiting -= 1

    def _unread(self, names: Iterable[str]) -> list[str]:
        """Those of the runs that ended and are not at hand."""
        seen = self._seen or {}
        known = [(name, seen[name]) for name in names if name in seen]
        return [name for name, run in known if run.listed.ended and not self._is_kept(name, run.stamp)]

    def _bring(self, name: str) -> None:
        """Have a result at hand, or know that it cannot be read."""
        try:
            self.result(name)
        except SeedbedError:
            with suppress(UnknownRun):  # it was removed meanwhile
                self._results[name] = self.stamp(name), None

    def _is_kept(self, name: str, stamp: Stamp) -> bool:
        kept = self._results.get(name)
        return kept is not None and kept[0] == stamp

    def _stamps(self, before: dict[str, SeenRun]) -> Iterator[tuple[str, Stamp]]:
        root = str(self.home.root)
        for name in storage.names(self.home.root):
            stamp = _stamp(f"{root}/{name}/{RUN_FILE}")
            if stamp is None:
                continue
            known = before.get(name)
            ended = known and known.stamp == stamp and known.listed.status not in ("running", "interrupted")
            yield name, stamp if ended else stamp + (_stamp(f"{root}/{name}/{METRICS_FILE}") or ())

    def _read(self, name: str, stamp: Stamp, before: SeenRun | None) -> SeenRun:
        if before is None or before.stamp != stamp:
            listed = self.home.listed(name)
            return SeenRun(stamp[:3] if listed.status not in ("running", "interrupted") else stamp, listed)
        record = before.listed.record
        if before.listed.status == "running" and record and record.state(self.home.root) != "running":
            return SeenRun(stamp, self.home.listed(name))  # its process ended without a word
        return before

    def _so_far(self, record: Record, folder: Path) -> Result | None:
        rows = storage.read_lines(folder / METRICS_FILE)
        data_facts = self._facts_of_data(record.run.data) if rows else None
        if not rows or data_facts is None:
            return None
        history = History.from_rows([{name: value for name, value in row.items() if name != "epoch"} for row in rows])
        trust.offer(record.run.model, folder / NETWORK_FOLDER)
        spent = float(history["seconds"].sum()) if "seconds" in history.columns else 0.0
        return Result(
            record.name,
            record.group,
            record.run,
            self._facts_of_model(record, data_facts),
            data_facts,
            history,
            diagnose(history, record.run, data_facts),
            Seconds(0.0, spent, spent),
            record.device,
            folder=str(folder),
        )

    def _facts_of_data(self, spec: DataSpec) -> DataFacts | None:
        """The sizes of a data set, from another run on it, or from the images if they are at hand."""
        if spec.identity not in self._data:
            same = (run.record for run in self.listing() if run.record and run.record.run.data == spec)
            known = next((record.data for record in same if record.data), None)
            dataset = None if known else data.at_hand(spec)
            if known is None and dataset is None:
                return None
            self._data[spec.identity] = known or dataset.facts()  # type: ignore[union-attr]
        return self._data[spec.identity]

    def _facts_of_model(self, record: Record, images: DataFacts) -> ModelFacts:
        if isinstance(record.run.model, Keras):  # only a framework knows
            return ModelFacts(0, 0, 0)
        return models.facts(record.run.model, images.image_shape, len(images.classes))


def _stamp(file: str) -> Stamp | None:
    try:
        status = os.stat(file)  # noqa: PTH116  # ten times as fast as a Path's, and called for every run several times a second
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
