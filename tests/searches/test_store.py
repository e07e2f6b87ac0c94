"""The study in the home: one line a trial, whole or not at all; Optuna and its dashboard can open it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from searches.samples import space
from seedbed.errors import HomeInUse, RunExists, RunHalfDone, StorageError
from seedbed.records import ModelFacts
from seedbed.runs import RunStore
from seedbed.searches import Trial, store
from seedbed.searches.sampling import propose
from seedbed.searches.store import TrialStore, journal, opened
from seedbed.specs import RunSpec

SPACE = space()
SETTINGS = {"budget": {"units": 200}, "trials": 4}


@pytest.fixture
def home(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "runs")


def add(trials: TrialStore, value: float = 0.5, *, complete: bool = True) -> Trial:
    (point,) = propose(SPACE, trials.records, 1, seed=1, sampler="tpe", directions=["maximize"])
    state: Any = "complete" if complete else "pruned"
    curve = {1: value / 2, 2: value}
    trial = Trial(len(trials.records), "a", RunSpec(), ModelFacts(1, 2, 3), point, state, value, curve, 1.5)
    trials.add(trial, [value], SPACE.dimensions())
    return trial


def begin(home: RunStore, trials: int = 2, **more: Any) -> None:
    with opened(home, "s") as study:
        trial_store = study.trials({**SETTINGS, **more}, ["maximize"], resume=True, replace=False)
        for number in range(trials):
            add(trial_store, 0.1 * number, complete=bool(number % 2))


def states(home: RunStore) -> list[TrialState]:
    with opened(home, "s") as study:
        return [trial.state for trial in study.trials(SETTINGS, ["maximize"], resume=True, replace=False).records]


def test_trials_are_read_as_they_were_added(home: RunStore) -> None:
    begin(home)
    assert states(home) == [TrialState.PRUNED, TrialState.COMPLETE]
    with opened(home, "s") as study:
        pruned, whole = study.trials(SETTINGS, ["maximize"], resume=True, replace=False).records
    assert (pruned.intermediate_values, whole.value) == ({1: 0.0, 2: 0.0}, 0.1)
    with opened(home, "s") as study:
        added = add(study.trials(SETTINGS, ["maximize"], resume=True, replace=False), 0.75)
        assert Trial.read(study.trials(SETTINGS, ["maximize"], resume=True, replace=False).records[-1]) == added


def test_a_line_that_a_killed_process_began_is_cut_off_wherever_it_was_cut(home: RunStore) -> None:
    begin(home)
    path = journal(home, "s")
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    for size in range(last, len(whole), 97):
        path.write_bytes(whole[:size])
        assert states(home) == [TrialState.PRUNED]
        with opened(home, "s") as study:
            add(study.trials(SETTINGS, ["maximize"], resume=True, replace=False))
        assert states(home) == [TrialState.PRUNED, TrialState.COMPLETE]
    assert not list(path.parent.glob("*.lock*"))


def test_optunas_own_reader_opens_the_journal_as_its_dashboard_does(home: RunStore) -> None:
    begin(home)
    study = optuna.load_study(study_name="s", storage=JournalStorage(JournalFileBackend(str(journal(home, "s")))))
    assert [trial.state for trial in study.trials] == [TrialState.PRUNED, TrialState.COMPLETE]
    assert study.best_trial.number == 1


def test_a_search_is_held_by_one_process(home: RunStore) -> None:
    with opened(home, "s"), pytest.raises(HomeInUse, match="Search 's' is in use by pid"), opened(home, "s"):
        pass
    with opened(home, "s"), opened(home, "t"):
        pass


def test_other_settings_are_shown_and_other_numbers_of_trials_are_not(home: RunStore) -> None:
    begin(home)
    with opened(home, "s") as study:
        with pytest.raises(RunExists, match=r'budget: {"units": 200} there, {"units": 100} here'):
            study.trials({"budget": {"units": 100}, "trials": 4}, ["maximize"], resume=True, replace=False)
        study.trials({**SETTINGS, "trials": 90}, ["maximize"], resume=True, replace=False)


def test_a_search_that_is_not_complete_wants_resume_and_one_that_is_does_not(home: RunStore) -> None:
    begin(home)
    with opened(home, "s") as study:
        with pytest.raises(RunHalfDone, match=r"after 2 of 4 trials\. Continue with --resume"):
            study.trials(SETTINGS, ["maximize"], resume=False, replace=False)
        assert len(study.trials({**SETTINGS, "trials": 2}, ["maximize"], resume=False, replace=False).records) == 2
        assert study.trials(SETTINGS, ["maximize"], resume=False, replace=True).records == []


def test_a_study_of_somebody_else_is_left_alone(home: RunStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    optuna.create_study(study_name="s", storage=url).optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with opened(home, "s", url) as study, pytest.raises(RunExists, match="not seedbed's"):
        study.trials(SETTINGS, ["maximize"], resume=True, replace=False)


def test_a_database_does_as_well(home: RunStore, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'searches.db'}"
    for number in (1, 2):
        with opened(home, "s", url) as study:
            trials = study.trials(SETTINGS, ["maximize"], resume=True, replace=False)
            add(trials)
            assert len(trials.records) == number
    assert not journal(home, "s").exists()


def test_a_storage_that_cannot_be_opened_is_one_line(home: RunStore, tmp_path: Path) -> None:
    for url in ("nonsense://x", f"sqlite:///{tmp_path}/no/such/folder/x.db"):
        with pytest.raises(StorageError, match="cannot be opened") as raised, opened(home, "s", url):
            pass
        assert "\n" not in str(raised.value)


def test_a_killed_owner_of_the_journals_lock_does_not_hold_it(home: RunStore) -> None:
    begin(home)
    lock = home.root / ".locks" / "journal-s"
    lock.write_text("pid 1 on host gone")  # what stays of a process that was killed while it held the lock
    store.PATIENCE, before = 1.0, store.PATIENCE
    try:
        with opened(home, "s") as study:
            add(study.trials(SETTINGS, ["maximize"], resume=True, replace=False))
    finally:
        store.PATIENCE = before
    assert len(states(home)) == 3
