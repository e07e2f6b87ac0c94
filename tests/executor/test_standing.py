"""Workers that stay from one call to the next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any, Self

import pytest

from seedbed.devices import WorkerKind
from seedbed.executor import LOCAL, standing
from seedbed.training.reports import Task

ENGINE = import_module("seedbed.executor.engine")
ONE, TWO = [WorkerKind()], [WorkerKind()] * 2


class Crew:
    """Stands for `LocalExecutor`; remembers what befell it."""

    hired: list[Crew]

    def __init__(self, kinds: Sequence[WorkerKind]) -> None:
        self.workers = len(kinds)
        self.there = False
        self.stopped = False
        self.hired.append(self)

    def __enter__(self) -> Self:
        self.there = True
        return self

    def __exit__(self, *_: object) -> None:
        self.there = False

    def stop(self) -> None:
        self.stopped = True

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        for task in tasks:
            yield task, None


@pytest.fixture
def hired(monkeypatch: pytest.MonkeyPatch) -> list[Crew]:
    monkeypatch.setattr(Crew, "hired", [], raising=False)
    monkeypatch.setattr(ENGINE, "LocalExecutor", Crew)
    return Crew.hired


def test_one_crew_serves_all_calls_and_ends_with_the_last(hired: list[Crew]) -> None:
    with standing(LOCAL) as engine:
        for _ in range(3):
            with engine.executor(TWO) as executor:
                assert [report for _, report in executor.run([Task("t", ())])] == [None]
                assert hired[0].there
        assert [crew.there for crew in hired] == [True]
    assert not hired[0].there


def test_without_standing_each_call_has_a_crew_of_its_own(hired: list[Crew]) -> None:
    for _ in range(2):
        with LOCAL.executor(TWO):
            pass
    assert [crew.there for crew in hired] == [False, False]


def test_other_workers_take_the_place_of_those_that_are_there(hired: list[Crew]) -> None:
    with standing(LOCAL) as engine:
        for kinds in (TWO, ONE, ONE):
            with engine.executor(kinds):
                pass
        assert [(crew.workers, crew.there) for crew in hired] == [(2, False), (1, True)]


def test_workers_that_were_stopped_or_left_in_the_middle_are_not_lent_again(hired: list[Crew]) -> None:
    with standing(LOCAL) as engine:
        with engine.executor(ONE) as executor:
            executor.stop()
        assert (hired[0].stopped, hired[0].there) == (True, False)
        with pytest.raises(ValueError, match="in the middle"), engine.executor(ONE):
            raise ValueError("in the middle")
        assert not hired[1].there
        with engine.executor(ONE):
            assert hired[2].there


def test_whoever_is_called_with_a_standing_engine_leaves_it_to_its_caller(hired: list[Crew]) -> None:
    with standing(LOCAL) as outer:
        with standing(outer) as inner, inner.executor(ONE):
            assert inner is outer
        assert hired[0].there
