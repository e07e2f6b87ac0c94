from __future__ import annotations

import threading
from pathlib import Path

import pytest

from seedbed.background import Background, BackgroundWork
from seedbed.background.kinds import KINDS, class_means
from seedbed.errors import SeedbedError, StorageError
from seedbed.specs import DataSpec

DIGITS = {"data_spec": {"name": "digits"}, "most": 3, "side": 56}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackgroundWork:
    """The mean images of digits, not yet made."""
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path))
    return BackgroundWork.of("class_means", **DIGITS)


def test_a_result_is_made_once_by_another_process_and_kept(work: BackgroundWork, monkeypatch: pytest.MonkeyPatch) -> None:
    assert work.find() is None
    made = work.result()
    assert made == class_means(lambda _: None, **DIGITS)
    assert len(made) == 3
    monkeypatch.setattr("subprocess.Popen", None)
    assert BackgroundWork.of("class_means", **DIGITS).result() == made


def test_what_is_given_is_what_the_result_depends_on() -> None:
    files = {BackgroundWork.of(kind, data_spec={"name": name}).file for kind in KINDS for name in ("digits", "mnist")}
    assert len(files) == 2 * len(KINDS)


def test_work_that_cannot_be_done_says_why() -> None:
    work = BackgroundWork.of("survey", data_spec=DataSpec(name="no-such-data").model_dump(mode="json", exclude_defaults=True))
    with pytest.raises(SeedbedError, match="no-such-data"):
        work.result()


def test_a_cache_that_keeps_nothing_is_an_error(work: BackgroundWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BackgroundWork, "find", lambda _: None)
    with pytest.raises(StorageError, match="SEEDBED_CACHE"):
        work.result()


def test_work_goes_on_once_at_a_time_and_tells_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, ended = [], threading.Event(), threading.Event()

    def make(self: BackgroundWork, on_event: object) -> None:
        begun.append(self)
        assert go.wait(20)
        raise SeedbedError("It failed.")

    monkeypatch.setattr(BackgroundWork, "find", lambda _: None)
    monkeypatch.setattr(BackgroundWork, "_make", make)
    background, work, problems = Background(), BackgroundWork.of("survey", data_spec={}), list[str]()

    def end(problem: str) -> None:
        problems.append(problem)
        ended.set()

    for _ in range(3):
        background.begin(work, lambda _: None, end)
    assert background.doing(work)
    go.set()
    assert ended.wait(20)
    assert (len(begun), problems, background.problem(work), background.doing(work)) == (1, ["It failed."], "It failed.", "")
