"""A finished run goes on as if it had been longer from the start, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostile.engine import check_sound, entries, here, leftovers, outcome
from seedbed.errors import Interrupted, RunExists
from seedbed.runs import RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Dense

MODELS = (Dense(hidden=(3,)), Dense(hidden=(4, 3), dropout=0.2), Dense(hidden=(4,)))


@pytest.fixture(scope="module", autouse=True)
def engine() -> Iterator[None]:
    with here():
        yield


def trained(root: Path, epochs: int, *, until: Any = lambda: False, **plan: Any) -> dict[str, Any]:
    wanted = entries(*MODELS, epochs=epochs, **plan)
    train_runs(wanted, Execution(RunStore(root), device="cpu", workers=1, resume=True), until=until)
    check_sound(root)
    return outcome(root, [each.name for each in wanted])


@pytest.mark.parametrize("plan", [{}, {"optimizer": "sgd", "select": "loss"}, {"learning_rate": 0.2, "patience": 2}])
def test_going_on_gives_the_same_bits_as_so_many_epochs_from_the_start(tmp_path: Path, plan: dict[str, Any]) -> None:
    trained(tmp_path / "a", 3, **plan)
    assert trained(tmp_path / "a", 8, **plan) == trained(tmp_path / "b", 8, **plan)
    assert leftovers(tmp_path / "a") == []


def test_a_run_that_patience_ended_is_the_same_with_more_epochs(tmp_path: Path) -> None:
    plan = {"learning_rate": 0.2, "patience": 2}
    short = trained(tmp_path, 12, **plan)
    lengths = [result.history.epochs for result in RunStore(tmp_path).results()]
    assert min(lengths) < 12
    longer = trained(tmp_path, 13, **plan)
    ended = [name for name, result in zip(short, RunStore(tmp_path).results(), strict=True) if result.history.epochs < 12]
    assert [longer[name] for name in ended] == [short[name] for name in ended]


def test_a_longer_patience_goes_on_where_the_shorter_one_ended(tmp_path: Path) -> None:
    trained(tmp_path / "a", 12, learning_rate=0.2, patience=2)
    going_on = trained(tmp_path / "a", 12, learning_rate=0.2, patience=4)
    assert going_on == trained(tmp_path / "b", 12, learning_rate=0.2, patience=4)


def test_a_shorter_patience_that_would_have_ended_it_earlier_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, 12, learning_rate=0.2)
    with pytest.raises(RunExists, match="with a patience of 1 it would have ended after"):
        trained(tmp_path, 14, learning_rate=0.2, patience=1)


def test_stopped_on_the_way_the_shorter_result_stays_and_the_longer_run_resumes(tmp_path: Path) -> None:
    short = trained(tmp_path / "a", 3)
    reports = iter(range(100))
    with pytest.raises(Interrupted):
        trained(tmp_path / "a", 8, until=lambda: next(reports) > 2)
    home = RunStore(tmp_path / "a")
    assert {listed.status for listed in home.listing()} == {"interrupted"}
    assert {result.history.epochs for result in home.results()} == {3}
    again = train_runs(entries(*MODELS, epochs=3), Execution(home, device="cpu", workers=1))
    assert [result.history.epochs for result in again] == [3, 3, 3], "the shorter runs are asked for again, and found"
    assert {name: home.weights(name, "last").keys() for name in short} == {
        name: home.weights(name, "best").keys() for name in short
    }
    assert trained(tmp_path / "a", 8) == trained(tmp_path / "b", 8)
