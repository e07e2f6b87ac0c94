"""The store of a search's trials: an Optuna study that holds every trial that has ended.

By default it is a journal in the home, `.searches/NAME.journal`, that `optuna-dashboard` opens; any storage that Optuna knows
will do. A trial is one line, so it is there whole or not at all. The journal is Optuna's own file, the only one in a home that
`seedbed.storage` does not write: it appends under our lock, which the kernel frees when its owner dies, and a line that a
killed process began is removed before the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import storage
from seedbed.errors import RunExists, RunHalfDone, StorageError
from seedbed.names import checked_name
from seedbed.runs import RunStore
from seedbed.runs.record import LOCKS
from seedbed.searches.sampling import Direction, quiet
from seedbed.searches.trial import Trial
from seedbed.specs import Plan

if TYPE_CHECKING:
    from optuna import Study
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

FOLDER = ".searches"
SETTINGS = "seedbed"
"""Name of the study's attribute that holds the search's settings."""

PATIENCE = 60.0
"""Seconds to wait for another process that appends to the journal."""


def journal(home: RunStore, name: str) -> Path:
    """Return where a search of a home keeps its journal."""
    return home.root / FOLDER / f"{checked_name(name)}.journal"


class _JournalLock:
    """A lock with Optuna's interface, held by `storage.lock`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held = ExitStack()

    def acquire(self) -> bool:
        self._held.enter_context(storage.lock(self._path, f"The journal {self._path.stem}", wait=PATIENCE))
        return True

    def release(self) -> None:
        self._held.close()


@contextmanager
def opened(home: RunStore, name: str, url: str | None = None) -> Iterator[StudyFile]:
    """Open the storage of a search's study, locked for this process.

    Args:
        url: URL of a storage that Optuna knows, for example `sqlite:///searches.db`. None keeps a journal in the home.

    Raises:
        HomeInUse: another process works on this search.
        StorageError: the storage cannot be opened.
    """
    with storage.lock(home.root / LOCKS / f"search-{checked_name(name)}", f"Search {name!r}"):
        yield StudyFile(home, name, url)


class StudyFile:
    """The storage of a search's study."""

    def __init__(self, home: RunStore, name: str, url: str | None) -> None:
        self._name = name
        self._path = journal(home, name) if url is None else None
        self._storage = self._opened(url, home.root / LOCKS / f"journal-{name}")

    def _opened(self, url: str | None, lock: Path) -> BaseStorage:
        with quiet():
            import optuna
            from optuna.storages import JournalStorage
            from optuna.storages.journal import JournalFileBackend

            try:
                if self._path is None:
                    return optuna.storages.get_storage(url)
                storage.make_folder(self._path.parent)
                _cut_torn_line(self._path)
                return JournalStorage(JournalFileBackend(str(self._path), lock_obj=_JournalLock(lock)))  # type: ignore[arg-type]
            except StorageError:
                raise
            except Exception as error:  # every database has errors of its own
                place = self._path or url
                reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
                raise StorageError(f"{place}: this storage cannot be opened ({reason}).") from None

    def trials(
        self, settings: Mapping[str, Any], directions: Sequence[Direction], *, resume: bool, replace: bool
    ) -> TrialStore:
        """Open the study, or create it.

        Args:
            settings: all that proposals and runs depend on; plain JSON values.

        Raises:
            RunExists: a search of this name exists with other settings.
            RunHalfDone: the search is not complete, and `resume` is not asked for.
        """
        import optuna

        with quiet():
            known = [summary.study_name for summary in optuna.get_all_study_summaries(self._storage)]
            if replace and self._name in known:
                optuna.delete_study(study_name=self._name, storage=self._storage)
            study = optuna.create_study(
                study_name=self._name, storage=self._storage, directions=list(directions), load_if_exists=True
            )
            stored = study.user_attrs.get(SETTINGS)
            if stored is None and not study.get_trials(deepcopy=False):
                stored = dict(settings)
                study.set_user_attr(SETTINGS, stored)
        self._check(stored, settings)
        trials = TrialStore(study)
        if not resume and 0 < len(trials.records) < settings["trials"]:
            raise RunHalfDone(
                f"Search {self._name!r} stopped after {len(trials.records)} of {settings['trials']} trials. "
                f"Continue with --resume, or start again with --replace."
            )
        return trials

    def _check(self, stored: Any, settings: Mapping[str, Any]) -> None:
        if not isinstance(stored, dict):
            raise RunExists(f"The storage holds a study {self._name!r} that is not seedbed's. Choose another name.")
        there, here = ({**Plan.later, **each} for each in (stored, settings))
        texts = {key: (json.dumps(there.get(key)), json.dumps(here[key])) for key in here if key != "trials"}
        changed = [f"{key}: {old[:60]} there, {new[:60]} here" for key, (old, new) in texts.items() if old != new]
        if changed:
            raise RunExists(
                f"Search {self._name!r} exists with other settings ({'; '.join(changed[:6])}). Choose another name with -m, "
                f"or start again with --replace."
            )

    @property
    def dashboard(self) -> str:
        """The command that shows the study in a browser."""
        return f"optuna-dashboard {self._path}" if self._path else "optuna-dashboard URL"


class TrialStore:
    """The trials of a search that have ended."""

    def __init__(self, study: Study) -> None:
        self._study = study

    @property
    def records(self) -> list[FrozenTrial]:
        """Optuna's records of all trials, in the order of their numbers."""
        return self._study.get_trials(deepcopy=False)

    def add(self, trial: Trial, values: Sequence[float], dimensions: Mapping[str, Any]) -> None:
        """Append the next trial, as one line of the journal.

        Args:
            values: values in the study's directions. Only a complete trial is ranked by them; of a pruned one the sampler
                sees the curve.
            dimensions: Optuna's distributions of the trial's point.
        """
        from optuna.trial import TrialState, create_trial

        complete, single = trial.state == "complete", len(self._study.directions) == 1
        with quiet():
            self._study.add_trial(
                create_trial(
                    state=TrialState.COMPLETE if complete else TrialState.PRUNED if single else TrialState.FAIL,
                    values=list(values) if complete else None,
                    intermediate_values=dict(trial.curve) if single else None,
                    params=dict(trial.point),
                    distributions=dict(dimensions),
                    user_attrs=trial.attributes(),
                )
            )


def _cut_torn_line(path: Path) -> None:
    """Remove what follows the last line feed: it was never committed, and the next line must not stick to it."""
    if storage.is_file(path):
        lines = path.read_bytes()
        sound = lines[: lines.rfind(b"\n") + 1]
        if sound != lines:
            storage.write(path, sound)
