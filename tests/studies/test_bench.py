"""Where a study's runs are trained: together with those of others, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seedbed import scheduler
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.specs import Dense, Plan
from seedbed.studies.bench import SetAside, Trainer
from seedbed.studies.cells import Wanted, wanted
from seedbed.studies.setup import Setup


@pytest.fixture(scope="module")
def setup() -> Setup:
    return Setup.of("digits", seeds=1)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The names of the runs of each call of `train_runs`."""
    real, found = scheduler.train_runs, []

    def train_runs(entries: Any, *arguments: Any, **named: Any) -> Any:
        found.append([entry.name for entry in entries])
        return real(entries, *arguments, **named)

    monkeypatch.setattr(scheduler, "train_runs", train_runs)
    return found


def asked(setup: Setup, *strengths: float) -> list[Wanted]:
    return wanted(setup.run(Dense(hidden=(3,)), Plan(epochs=1)), [{"l2": strength} for strength in strengths])


def test_what_several_ask_for_is_trained_together_when_all_have_asked(
    tmp_path: Path, setup: Setup, calls: list[list[str]]
) -> None:
    trainer = Trainer(Execution(RunStore(tmp_path), workers=1))
    for strengths in ((0.1,), (0.2, 0.1)):
        with trainer.gathering(), pytest.raises(SetAside):
            trainer.train(asked(setup, *strengths), (0,))
    assert calls == []
    trainer.catch_up()
    assert [len(names) for names in calls] == [2]
    with trainer.gathering():
        cells = trainer.train(asked(setup, 0.2, 0.1), (0,))
    assert [cell.run.plan.l2 for cell in cells] == [0.2, 0.1]
    assert len(calls) == 1


def test_what_is_in_the_home_sets_nobody_aside(tmp_path: Path, setup: Setup) -> None:
    Trainer(Execution(RunStore(tmp_path), workers=1)).train(asked(setup, 0.1), (0,))
    again = Trainer(Execution(RunStore(tmp_path), workers=1))
    with again.gathering():
        [cell] = again.train(asked(setup, 0.1), (0,))
    assert cell.n == 1


def test_a_search_waits_until_all_runs_are_there_and_is_done_once(tmp_path: Path, setup: Setup) -> None:
    trainer, done = Trainer(Execution(RunStore(tmp_path), workers=1)), []

    def work() -> int:
        done.append(len(trainer.home.listing()))
        return 7

    with trainer.gathering():
        for ask in (lambda: trainer.search("s", work), lambda: trainer.train(asked(setup, 0.1), (0,))):
            with pytest.raises(SetAside):
                ask()
    trainer.catch_up()
    with trainer.gathering():
        assert trainer.search("s", work) == 7
    assert done == [1]
    assert trainer.search("other", work) == 7
    assert done == [1, 1]
