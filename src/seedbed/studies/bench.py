"""Where a study's runs are trained: what was asked for once is never trained twice, whichever study asks.

A `Trainer` belongs to a home and may serve several studies; a `Bench` is one study's own place at it, and keeps account of what
the study used and spent. What several studies ask for on their way grows together: a study whose runs are not there yet is
set aside, and begins again when they are.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from seedbed.comparison import Candidate, candidate
from seedbed.errors import Interrupted, StatisticsError
from seedbed.records import Result
from seedbed.runs import NamedRun, RunStore
from seedbed.studies.cells import Cell, Wanted, group_name
from seedbed.studies.contrasts import Contrast, Planned, settled
from seedbed.studies.setup import Setup

if TYPE_CHECKING:
    from seedbed.scheduler import Execution

Key = tuple[str, tuple[int, ...]]
"""A setting's identity and its seeds."""

T = TypeVar("T")


class SetAside(Exception):
    """A study asked for runs that are not there yet. It is answered anew, from its beginning, when they are."""


class Trainer:
    """Trains settings in a home, and remembers what it has read from there.

    A half-done run of a study is always gone on with: nobody else gives runs such names. As a context manager it keeps its
    workers from one call to the next.

    Args:
        execution: how runs are trained, and where they live; always with `resume`.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = replace(execution, resume=True)
        self._known: dict[Key, tuple[list[Result], Candidate]] = {}
        self._found: dict[Hashable, Any] = {}
        self._gathering = False
        self._asked: list[tuple[Wanted, tuple[int, ...]]] = []
        self._searches: dict[Hashable, Callable[[], Any]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.execution = self._open.enter_context(self.execution.standing())
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def home(self) -> RunStore:
        return self.execution.home

    def train(self, asked: Sequence[Wanted], seeds: Sequence[int]) -> list[Cell]:
        """All settings with all seeds, side by side in one call of `train_runs`; what is there already is read.

        Raises:
            SeedbedError: as `train_runs` raises them.
        """
        self.train_all([(one, tuple(seeds)) for one in asked])
        return [self._cell(one, tuple(seeds)) for one in asked]

    def train_all(self, asked: Sequence[tuple[Wanted, tuple[int, ...]]]) -> None:
        """Settings, each with seeds of its own, all of them in one call of `train_runs`.

        Raises:
            SetAside: of several studies' runs, some are not there yet.
        """
        from seedbed.scheduler import train_runs

        missing = {(one.run.setting, seeds): one for one, seeds in asked if (one.run.setting, seeds) not in self._known}
        entries = {entry.name: entry for (_, seeds), one in missing.items() for entry in one.entries(seeds)}
        if not entries:
            return
        if self._gathering and untrained(self.home, asked):
            self._asked += asked
            raise SetAside
        with _resumable():
            results = train_runs(list(entries.values()), self.execution)
        found = dict(zip(entries, results, strict=True))
        for (setting, seeds), one in missing.items():
            mine = [found[entry.name] for entry in one.entries(seeds)]
            self._known[setting, seeds] = mine, candidate(self.home, group_name(one.run), mine)

    def search(self, key: Hashable, work: Callable[[], T]) -> T:
        """What came of a search, which trains by itself: done once for each key.

        Raises:
            SetAside: it is to be done yet, after all runs that studies ask for.
        """
        if key not in self._found:
            if self._gathering:
                self._searches[key] = work
                raise SetAside
            self._found[key] = work()
        found: T = self._found[key]
        return found

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Meanwhile whoever asks for what is not there yet is set aside; `catch_up` does what was asked for."""
        self._gathering = True
        try:
            yield
        finally:
            self._gathering = False

    def catch_up(self) -> None:
        """Trains all that was asked for by those who were set aside: their runs together, then the searches."""
        asked, self._asked = self._asked, []
        searches, self._searches = self._searches, {}
        self.train_all(asked)
        for key, work in searches.items():
            self.search(key, work)

    def _cell(self, one: Wanted, seeds: tuple[int, ...]) -> Cell:
        results, judged = self._known[one.run.setting, seeds]
        return Cell(one.setting, results, judged, one.run)


def untrained(home: RunStore, asked: Sequence[tuple[Wanted, tuple[int, ...]]]) -> list[NamedRun]:
    """Those of the runs that are not finished in the home, each once."""
    entries = {entry.name: entry for one, seeds in asked for entry in one.entries(seeds)}
    finished = {each.name for each in home.listing() if each.status == "finished"}
    return [entry for name, entry in entries.items() if name not in finished]


@contextmanager
def _resumable() -> Iterator[None]:
    try:
        yield
    except Interrupted as stopped:
        raise Interrupted("Stopped; everything is saved. The same command goes on from here.", stopped.signal) from None


@dataclass
class Bench:
    """One study's place at a trainer.

    Attributes:
        setup: what was asked for.
        contrasts: the names of the comparisons that the study has announced.
        seconds: that the study spent beside its runs, on measurements of its own.
        used: all cells that the study has asked for, each once.
        others: runs of searches, which are no cells; they count in the study's cost.
    """

    setup: Setup
    trainer: Trainer
    contrasts: tuple[str, ...] = ()
    seconds: float = 0.0
    used: list[Cell] = field(default_factory=list)
    others: list[Result] = field(default_factory=list)
    _seen: set[Key] = field(default_factory=set)
    _settled: bool = False

    @property
    def home(self) -> RunStore:
        return self.trainer.home

    def train(self, asked: Sequence[Wanted], seeds: Sequence[int] | None = None) -> list[Cell]:
        """These settings with the study's seeds, or others; trained where they are not yet, else read."""
        chosen = self.setup.seeds if seeds is None else tuple(seeds)
        cells = self.trainer.train(asked, chosen)
        for one, cell in zip(asked, cells, strict=True):
            if (one.run.setting, chosen) not in self._seen:
                self._seen.add((one.run.setting, chosen))
                self.used.append(cell)
        return cells

    def confirm(self, asked: Sequence[Wanted]) -> list[Cell]:
        """These settings with fresh seeds: what was chosen for its mean is judged by runs that it was not chosen by."""
        return self.train(asked, self.setup.fresh)

    def settle(self, planned: Sequence[Planned]) -> dict[str, Contrast]:
        """The verdicts of the study's contrasts, name -> contrast: once, and only of those that it announced.

        Raises:
            StatisticsError: a contrast that was not announced, or a second call.
        """
        alien = [one.name for one in planned if one.name not in self.contrasts]
        if alien or self._settled:
            why = f"{alien[0]!r} was not announced" if alien else "they were settled already"
            raise StatisticsError(f"A study's contrasts are named beforehand and settled once; {why}.")
        self._settled = True
        return {one.name: one for one in settled(planned, self.used)}
