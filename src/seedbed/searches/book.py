"""The book of a search: an Optuna study that holds every trial that has come to its end.

Left to itself it is a journal in the home, `.searches/NAME.journal`, that `optuna-dashboard` opens; any storage that Optuna
knows does as well. A trial is one line, so it is there whole or not at all. The journal is Optuna's own file, and the one in a
home that Optuna writes and not `seedbed.storage`: it appends under our lock, which the kernel frees when its owner dies, and a
line that a killed process began is cut off before the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import storage
from seedbed.errors import RunExists, RunHalfDone, StorageError
from seedbed.runs import Home
from seedbed.runs.record import LOCKS
from seedbed.searches.sampling import Direction, quiet
from seedbed.specs import checked_name

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

FOLDER = ".searches"
SETTINGS = "seedbed"
"""The study's attribute that holds what was asked for."""

PATIENCE = 60.0
"""Seconds to wait for another process that appends to the journal."""


def journal(home: Home, name: str) -> Path:
    """Where a search of a home keeps its journal."""
    return home.root / FOLDER / f"{checked_name(name)}.journal"


class _Lock:
    """Optuna's idea of a lock, held by `storage.lock`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(storage.lock(self._path, f"The journal {self._path.stem}", wait=PATIENCE))
        return True

    def release(self) -> None:
        self._held.close()


@dataclass(frozen=True)
class Told:
    """What came of a trial.

    Attributes:
        point: of the space.
        complete: it was trained to its end and may be ranked; else it was pruned, diverged or collapsed.
        values: of the study's directions, where it is complete.
        steps: epoch -> value on its way; the last one tells the sampler how good a pruned trial was.
        facts: what else to keep: plain JSON values.
    """

    point: Mapping[str, Any]
    complete: bool
    values: Sequence[float]
    steps: Mapping[int, float]
    facts: Mapping[str, Any]


@contextmanager
def opened(home: Home, name: str, url: str | None = None) -> Iterator[Shelf]:
    """The place of a search's book, held for this process.

    Args:
        url: of a storage that Optuna knows, for example `sqlite:///searches.db`; None keeps the journal in the home.

    Raises:
        HomeInUse: another process works on this search.
        StorageError: the storage cannot be opened.
    """
    with storage.lock(home.root / LOCKS / f"search-{checked_name(name)}", f"Search {name!r}"):
        yield Shelf(home, name, url)


class Shelf:
    """Where the book stands, or will."""

    def __init__(self, home: Home, name: str, url: str | None) -> None:
        self._name = name
        self._path = journal(home, name) if url is None else None
        self._lock = home.root / LOCKS / f"journal-{name}"
        self._storage = self._opened(url)

    def _opened(self, url: str | None) -> BaseStorage:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        with quiet():
            try:
                if self._path is None:
                    return optuna.storages.get_storage(url)
                storage.make_folder(self._path.parent)
                _cut_torn_line(self._path)
                return JournalStorage(JournalFileBackend(str(self._path), lock_obj=_Lock(self._lock)))  # type: ignore[arg-type]
            except StorageError:
                raise
            except Exception as error:  # every database has errors of its own
                place = self._path or url
                reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
                raise StorageError(f"{place}: this storage cannot be opened ({reason}).") from None

    def book(self, settings: Mapping[str, Any], directions: Sequence[Direction], *, resume: bool, replace: bool) -> Book:
        """The book, begun or opened.

        Args:
            settings: all that proposals and runs depend on; plain JSON values.

        Raises:
            RunExists: there is a search of this name with other settings.
            RunHalfDone: it is not complete, and `resume` is not asked for.
        """
        import optuna

        with quiet():
            known = [summary.study_name for summary in optuna.get_all_study_summaries(self._storage)]
            if replace and self._name in known:
                optuna.delete_study(study_name=self._name, storage=self._storage)
            study = optuna.create_study(
                study_name=self._name, storage=self._storage, directions=list(directions), load_if_exists=True
            )
            there = study.user_attrs.get(SETTINGS)
            if there is None and not study.get_trials(deepcopy=False):
                study.set_user_attr(SETTINGS, dict(settings))
                there = dict(settings)
        book = Book(study)
        self._check(there, dict(settings))
        if book.trials and not resume and len(book.trials) < settings["trials"]:
            raise RunHalfDone(
                f"Search {self._name!r} stopped after {len(book.trials)} of {settings['trials']} trials. "
                f"Go on with --resume, or start again with --replace."
            )
        return book

    def _check(self, there: Any, here: dict[str, Any]) -> None:
        if not isinstance(there, dict):
            raise RunExists(f"The storage holds a study {self._name!r} that is not seedbed's. Choose another name.")
        changed = [key for key in here if key != "trials" and json.dumps(there.get(key)) != json.dumps(here[key])]
        if changed:
            shown = "; ".join(f"{key}: {_shown(there.get(key))} there, {_shown(here[key])} here" for key in changed[:6])
            raise RunExists(
                f"Search {self._name!r} exists with other settings ({shown}). Choose another name with -m, "
                f"or start again with --replace."
            )

    @property
    def dashboard(self) -> str:
        """The command that shows the study in a browser, where it is kept in the home."""
        return f"optuna-dashboard {self._path}" if self._path else "optuna-dashboard URL"


class Book:
    """The trials of a search that have come to their end."""

    def __init__(self, study: Study) -> None:
        self._study = study

    @property
    def trials(self) -> list[FrozenTrial]:
        """All, in the order of their numbers."""
        return self._study.get_trials(deepcopy=False)

    def tell(self, told: Told, dimensions: Mapping[str, Any]) -> None:
        """Writes down the next trial, by one line of the journal.

        Args:
            dimensions: Optuna's distributions of the trial's point.
        """
        from optuna.trial import TrialState, create_trial

        single = len(self._study.directions) == 1
        state = TrialState.COMPLETE if told.complete else TrialState.PRUNED if single else TrialState.FAIL
        with quiet():
            self._study.add_trial(
                create_trial(
                    state=state,
                    values=list(told.values) if told.complete else None,
                    intermediate_values=dict(told.steps) if single else None,
                    params=dict(told.point),
                    distributions=dict(dimensions),
                    user_attrs=dict(told.facts),
                )
            )


def _cut_torn_line(path: Path) -> None:
    """What is behind the last line feed was never committed, and the next line must not stick to it."""
    if storage.is_file(path):
        lines = path.read_bytes()
        sound = lines[: lines.rfind(b"\n") + 1]
        if sound != lines:
            storage.write(path, sound)


def _shown(value: object) -> str:
    return json.dumps(value)[:60]
