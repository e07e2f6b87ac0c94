"""The playground trains by a process of its own, which stays warm, stops, continues, and outlives the server's interest."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seedbed.errors import RunError, SpecError, UnknownDataset
from seedbed.playground import PlaygroundRequest, PlaygroundSession
from seedbed.playground.settings import free_name
from seedbed.runs import RunStore

SMALL = {"model": {"family": "dense", "hidden": [6]}, "plan": {"epochs": 3}}
PATIENCE = 60.0


def request(*settings: Mapping[str, Any], **more: Any) -> PlaygroundRequest:
    return PlaygroundRequest(settings=list(settings or [SMALL]), **more)


class News:
    """What a session said, in order."""

    def __init__(self) -> None:
        self.heard: queue.Queue[Mapping[str, Any]] = queue.Queue()
        self.all: list[Mapping[str, Any]] = []

    def until(self, found: Callable[[Mapping[str, Any]], object]) -> Mapping[str, Any]:
        ends = time.monotonic() + PATIENCE
        while True:
            news = self.heard.get(timeout=max(0.1, ends - time.monotonic()))
            self.all.append(news)
            if found(news):
                return news


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("played"))


@pytest.fixture(scope="module")
def news() -> News:
    return News()


@pytest.fixture(scope="module")
def session(home: RunStore, news: News) -> Iterator[PlaygroundSession]:
    made = PlaygroundSession(home, news.heard.put)
    yield made
    made.close()


def test_what_is_trained_is_a_run_like_any_other(session: PlaygroundSession, home: RunStore, news: News) -> None:
    session.prepare(request())
    news.until(lambda each: each.get("phase") == "ready")
    assert home.listing() == []
    assert session.start(request(seed=4)) == ["play-1"]
    rows = news.until(lambda each: "rows" in each)
    assert rows["epoch"] == 1
    assert 0 <= rows["rows"]["play-1"]["validation_accuracy"] <= 1
    news.until(lambda each: each.get("phase") == "ready")
    [result] = home.find("play-1")
    assert (result.run.seed, result.history.epochs, result.run.model.hidden) == (4, 3, (6,))
    assert len(session.as_json()["rows"]["play-1"]) == 3
    epoch, weights = session.weights("play-1") or (0, {})
    assert epoch == 3
    np.testing.assert_array_equal(weights["dense_0/kernel"], home.weights("play-1", "last")["dense_0/kernel"])


def test_the_same_again_is_shown_though_nothing_is_trained(session: PlaygroundSession, home: RunStore, news: News) -> None:
    assert session.start(request(seed=4)) == ["play-2"]
    assert news.until(lambda each: "rows" in each)["epoch"] == 3
    news.until(lambda each: each.get("phase") == "ready")
    assert len(session.as_json()["rows"]["play-2"]) == 3
    assert (session.weights("play-2") or (0, {}))[0] == 3


def test_a_training_stops_and_goes_on(session: PlaygroundSession, home: RunStore, news: News) -> None:
    long = {**SMALL, "plan": {"epochs": 4000}}
    session.start(request(long, name="long"))
    news.until(lambda each: "rows" in each)
    with pytest.raises(RunError, match="A training goes on"):
        session.start(request())
    session.stop()
    assert news.until(lambda each: each.get("phase") == "paused")["message"] == ""  # the page has a button, not a command
    assert home.status("long") == "interrupted"
    before = home.epochs("long")
    session.resume()
    again = news.until(lambda each: "rows" in each)
    assert 1 <= before < 4000
    assert again["epoch"] > 1
    session.stop(for_good=True)
    news.until(lambda each: each.get("phase") in ("warming", "ready"))
    with pytest.raises(RunError, match="No training of the playground is stopped"):
        session.resume()


def test_a_request_is_checked_before_anything_is_trained(session: PlaygroundSession) -> None:
    with pytest.raises(SpecError, match="hidden"):
        session.start(request({"model": {"family": "dense", "hidden": [0]}}))
    with pytest.raises(SpecError, match="with `seedbed train`"):
        session.prepare(request({"model": {"family": "keras", "file": "/etc/passwd", "function": "f"}}))
    for path in ("/etc", "../data"):
        with pytest.raises(UnknownDataset):
            session.start(request(data=path))


def test_two_settings_have_the_same_seeds() -> None:
    tanh = {"model": {"family": "dense", "hidden": [6], "activation": "tanh"}}
    entries = request(SMALL, tanh, seed=7, seeds=2).entries(["play-1-a", "play-2.0", "other"])
    assert [entry.name for entry in entries] == ["play-3-a.0", "play-3-a.1", "play-3-b.0", "play-3-b.1"]
    assert [entry.run.seed for entry in entries] == [7, 8, 7, 8]


def test_the_commands_of_what_was_trained_keep_its_name(tmp_path: Path) -> None:
    session = PlaygroundSession(RunStore(tmp_path), lambda news: None)
    asked = request(SMALL, seeds=2)
    session._entries = tuple(asked.entries([]))
    taken = ["play-1.0", "play-1.1"]
    assert [name for name, _ in asked.groups(session.others(asked, taken))] == ["play-1"]
    other = request(SMALL, seeds=3)
    assert [name for name, _ in other.groups(session.others(other, taken))] == ["play-2"]


def test_names_that_are_taken_are_left_out() -> None:
    assert free_name([]) == "play-1"
    assert free_name(["play-1", "play-2-b", "play-3.0", "play-5"]) == "play-4"


def test_a_name_of_a_run_is_not_trained_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    session = PlaygroundSession(RunStore(tmp_path), lambda _: None)
    with pytest.raises(SpecError):
        session.start(request(name="a/b"))
