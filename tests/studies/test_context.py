"""How studies get their runs and decide: what several ask for is trained together, each run once, and claims are announced."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from groups.samples import group, right
from seedbed import scheduler
from seedbed.errors import StatisticsError
from seedbed.groups import Contrast, Group, Request
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.specs import Dense, Plan
from seedbed.studies.context import Steps, StudyContext, StudyTrainer, Work, request, requests, side_by_side
from seedbed.studies.setup import Setup
from studies.samples import driven


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


def asked(setup: Setup, *strengths: float) -> list[Request]:
    return requests(setup.run(Dense(hidden=(3,)), Plan(epochs=1)), [{"l2": strength} for strength in strengths])


def strengths(groups: list[Group]) -> list[float]:
    return [each.run.plan.l2 for each in groups]


# Side by side


def test_what_several_ask_for_is_trained_together_when_all_have_asked(
    tmp_path: Path, setup: Setup, calls: list[list[str]]
) -> None:
    trainer = StudyTrainer(Execution(RunStore(tmp_path), workers=1))
    lines: list[str] = []

    def study(name: str, *of: float) -> Steps[list[float]]:
        context = StudyContext(setup, trainer)
        lines.append(f"{name} begins")
        first = yield from context.train(asked(setup, *of))
        lines.append(f"{name} goes on")
        second = yield from context.train(asked(setup, 10 * of[0]))
        lines.append(f"{name} ends")
        return strengths([*first, *second])

    found = trainer.run(side_by_side([study("one", 0.1), study("other", 0.2, 0.1)]))
    assert found == [[0.1, 1.0], [0.2, 0.1, 2.0]]
    assert [len(names) for names in calls] == [2, 2]
    # each study runs once, from its first line to its last
    assert lines == ["one begins", "other begins", "one goes on", "other goes on", "one ends", "other ends"]


def test_studies_of_different_lengths_all_come_to_their_ends(setup: Setup) -> None:
    def study(length: int) -> Steps[int]:
        for _ in range(length):
            yield []
        return length

    asked, returned = driven(side_by_side([study(length) for length in (3, 0, 1)]), lambda _: [])
    assert returned == [3, 0, 1]
    assert len(asked) == 3


def test_steps_that_are_themselves_several_are_trained_with_the_others(
    tmp_path: Path, setup: Setup, calls: list[list[str]]
) -> None:
    trainer = StudyTrainer(Execution(RunStore(tmp_path), workers=1))

    def one(strength: float) -> Steps[list[float]]:
        return strengths((yield from StudyContext(setup, trainer).train(asked(setup, strength))))

    def both() -> Steps[list[list[float]]]:
        return (yield from side_by_side([one(0.1), one(0.2)]))

    assert trainer.run(side_by_side([both(), one(0.3)])) == [[[0.1], [0.2]], [0.3]]
    assert [len(names) for names in calls] == [3]


def test_a_search_waits_until_nobody_asks_for_runs_and_is_done_once_for_each_key(tmp_path: Path, setup: Setup) -> None:
    trainer, done = StudyTrainer(Execution(RunStore(tmp_path), workers=1)), []

    def work() -> int:
        done.append(len(trainer.home.listing()))
        return 7

    def searching(key: str) -> Steps[int]:
        return (yield from StudyContext(setup, trainer).do(key, work))

    def training() -> Steps[int]:
        context = StudyContext(setup, trainer)
        for strength in (0.1, 0.2):
            yield from context.train(asked(setup, strength))
        return -1

    assert trainer.run(side_by_side([searching("s"), training(), searching("s"), searching("other")])) == [7, -1, 7, 7]
    assert done == [2, 2]
    assert trainer.run(searching("s")) == 7
    assert done == [2, 2]


def test_runs_that_are_asked_for_after_a_search_come_before_the_next_one(setup: Setup) -> None:
    def study(key: str) -> Steps[str]:
        yield Work(key, lambda: key)
        yield asked(setup, 0.1)
        return key

    def answering(step: Any) -> Any:
        return step.do() if isinstance(step, Work) else [object()] * len(step)

    steps, returned = driven(side_by_side([study("a"), study("b")]), answering)
    assert [step.key if isinstance(step, Work) else len(step) for step in steps] == ["a", 1, "b", 1]
    assert returned == ["a", "b"]


# What is left once all is trained


def test_a_study_that_is_trained_comes_to_its_end_while_the_others_train(setup: Setup) -> None:
    answered, lines = threading.Event(), list[str]()

    def answers() -> Steps[str]:
        yield from context().trained()
        answered.set()
        return "an answer"

    def trains() -> Steps[str]:
        yield asked(setup, 0.1)
        lines.append("trained")
        return "another answer"

    def training(_: Any) -> list[object]:
        assert answered.wait(60)  # forever, if answering waited for training
        return [object()]

    steps, found = driven(side_by_side([answers(), trains()], lines.append), training)
    assert found == ["an answer", "another answer"]
    assert len(steps) == 1
    assert sorted(lines) == ["an answer", "another answer", "trained"]


def test_studies_come_to_their_ends_one_by_one_and_the_thread_that_runs_them_tells_of_it() -> None:
    inside, told = list[str](), list[threading.Thread]()

    def study(name: str) -> Steps[str]:
        yield from context().trained()
        inside.append(name)
        time.sleep(0.02)
        assert inside == [name]
        inside.remove(name)
        return name

    _, found = driven(side_by_side([study(name) for name in "abc"], lambda _: told.append(threading.current_thread())), len)
    assert found == ["a", "b", "c"]
    assert told == [threading.current_thread()] * 3


def test_what_a_study_measures_before_it_asks_is_measured_alone() -> None:
    begun = []

    def answers() -> Steps[None]:
        yield from context().trained()
        begun.append("answering")

    def measures() -> Steps[list[str]]:
        time.sleep(0.02)
        alone = list(begun)
        yield []
        return alone

    _, found = driven(side_by_side([answers(), measures()]), lambda _: [])
    assert found == [None, []]


def test_a_failure_in_an_answer_is_raised_and_no_study_asks_once_it_is_trained(setup: Setup) -> None:
    def fails() -> Steps[None]:
        yield from context().trained()
        raise ZeroDivisionError

    def asks() -> Steps[None]:
        yield from context().trained()
        yield asked(setup, 0.1)

    with pytest.raises(ZeroDivisionError):
        driven(side_by_side([fails()]), len)
    with pytest.raises(TypeError, match="TRAINED ask for more"):
        driven(side_by_side([asks()]), len)


def test_who_stops_waits_for_the_answer_under_way_and_no_other_begins(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go, made = threading.Event(), threading.Event(), list[str]()

    def answers(name: str) -> Steps[None]:
        yield from context().trained()
        began.set()
        assert go.wait(60)
        made.append(name)

    def trains() -> Steps[None]:
        yield asked(setup, 0.1)

    steps = side_by_side([answers("a"), answers("b"), trains()])
    next(steps)
    assert began.wait(60)
    real = ThreadPoolExecutor.shutdown

    def in_two_steps(pool: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
        real(pool, wait=False, cancel_futures=cancel_futures)
        go.set()
        real(pool, wait)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", in_two_steps)
    steps.close()
    assert len(made) == 1
    time.sleep(0.02)
    assert len(made) == 1


def test_steps_are_closed_where_training_fails(tmp_path: Path, setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, closed = StudyTrainer(Execution(RunStore(tmp_path), workers=1)), []
    monkeypatch.setattr(trainer, "train", lambda _: 1 / 0)

    def study() -> Steps[None]:
        try:
            yield asked(setup, 0.1)
        finally:
            closed.append(True)

    with pytest.raises(ZeroDivisionError):
        trainer.run(study())
    assert closed == [True]


# One trainer


def test_what_is_in_the_home_is_read_and_not_trained(tmp_path: Path, setup: Setup) -> None:
    [first] = StudyTrainer(Execution(RunStore(tmp_path), workers=1)).run(StudyContext(setup, None).train(asked(setup, 0.1)))  # type: ignore[arg-type]
    events: list[Any] = []
    again = StudyTrainer(Execution(RunStore(tmp_path), workers=1, on_event=events.append))
    [found] = again.run(StudyContext(setup, again).train(asked(setup, 0.1)))
    assert not events
    assert found.n == 1
    assert found.accuracy == first.accuracy


def test_a_setting_is_read_once_and_stands_as_each_study_asked_for_it(
    tmp_path: Path, setup: Setup, calls: list[list[str]]
) -> None:
    trainer = StudyTrainer(Execution(RunStore(tmp_path), workers=1))
    run = setup.run(Dense(hidden=(3,)), Plan(epochs=1))
    one, other = StudyContext(setup, trainer), StudyContext(setup, trainer)
    [a] = trainer.run(one.train([request({"l2": 0.0}, run)]))
    [b] = trainer.run(other.train([request({"hidden": (3,)}, run)]))
    assert len(calls) == 1
    assert (a.setting, b.setting) == ({"l2": 0.0}, {"hidden": (3,)})
    assert a.correct is b.correct


def test_a_study_counts_what_it_used_once_and_apart_by_seeds(tmp_path: Path, setup: Setup) -> None:
    trainer = StudyTrainer(Execution(RunStore(tmp_path), workers=1))
    study = StudyContext(setup, trainer)
    for _ in range(2):
        trainer.run(study.train(asked(setup, 0.1)))
    [fresh] = trainer.run(study.confirm(asked(setup, 0.1)))
    assert list(fresh.by_seed) == list(setup.fresh) == [1]
    assert [list(each.by_seed) for each in study.used.values()] == [[0], [1]]
    assert trainer.run(study.train([])) == []


# Announced comparisons


def contrast(name: str) -> Contrast:
    return Contrast(group(right(0.9)), group(right(0.8), l2=1), name=name)


def context(*announced: str) -> StudyContext:
    return StudyContext(None, None, announced)  # type: ignore[arg-type]


def test_a_contrast_that_was_not_announced_carries_no_verdict() -> None:
    study = context("a against b")
    with pytest.raises(StatisticsError, match="'found later' was not announced"):
        study.decide([contrast("found later")])
    assert study.decide([contrast("a against b")])[0].shown


def test_contrasts_are_decided_once() -> None:
    study = context("a against b")
    study.decide([contrast("a against b")])
    with pytest.raises(StatisticsError, match="decided already"):
        study.decide([contrast("a against b")])
    with pytest.raises(StatisticsError, match="one is there twice"):
        context("a against b").decide([contrast("a against b"), contrast("a against b")])


def test_the_correction_goes_over_the_contrasts_that_were_decided() -> None:
    found = context("one", "other", "left out").decide([contrast("one"), contrast("other")])
    assert [each.decision.claims for each in found if each.decision] == [2, 2]
