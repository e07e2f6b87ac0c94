"""What the page has other processes compute."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed.background import BackgroundWork
from seedbed.errors import SeedbedError
from seedbed.runs import RunStore
from seedbed.web.guard import Guard
from web.samples import app_of, ask


@pytest.fixture
def app(tmp_path: Path) -> Guard:
    return app_of(RunStore(tmp_path))


def until(there: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not there():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_survey_is_made_by_another_process_and_shown_when_it_is_there(app: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    sections = dict.fromkeys(("pixels", "duplicates", "leakage", "embedding"), ("A sentence of the survey.",))
    known = {"survey": {"sentences": sections, "pictures": {}, "charts": {"embedding_pca": {}}}, "class_means": []}
    assert "data-survey=" in ask(app, "/data", "data=digits").text
    monkeypatch.setattr(BackgroundWork, "find", lambda work: known[work.kind])
    page = ask(app, "/data", "data=digits").text
    assert page.count("A sentence of the survey.") == 4
    assert "chart=embedding_pca" in page


def test_mean_images_come_when_another_process_has_them(app: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    means = [f"data:image/png;base64,{number}" for number in range(10)]
    hub = app.app.state.site.hub
    made: dict[str, list[str]] = {}
    monkeypatch.setattr(BackgroundWork, "find", lambda work: made.get(work.kind))
    monkeypatch.setattr(BackgroundWork, "_make", lambda work, _: made.update({work.kind: means}))
    before = hub.last
    assert "They are being computed" in ask(app, "/data", "data=digits").text
    until(lambda: any(event.data["done"] for event in hub.after(before)))
    page = ask(app, "/data", "data=digits").text
    assert "They are being computed" not in page
    assert page.count('alt="Mean image of ') == 10


def test_work_on_data_that_fails_says_so_on_the_page_and_is_not_begun_again(
    app: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def make(work: BackgroundWork, _: object) -> None:
        tried.append(work.kind)
        raise SeedbedError("The disk is full.")

    monkeypatch.setattr(BackgroundWork, "find", lambda _: None)
    monkeypatch.setattr(BackgroundWork, "_make", make)
    hub = app.app.state.site.hub
    before = hub.last
    ask(app, "/data", "data=digits")
    until(lambda: any(event.data["done"] for event in hub.after(before)))
    assert hub.after(before)[-1].data["problem"] == "The disk is full."
    assert "The disk is full." in ask(app, "/data", "data=digits").text
    assert tried == ["class_means"]


def test_importances_are_computed_without_their_libraries_in_the_server() -> None:
    program = """
import json, sys
from types import SimpleNamespace
from optuna.distributions import FloatDistribution
from seedbed.web.views.search import _estimate
site = SimpleNamespace(once=lambda _, make: make())
points = [{"a": n / 30, "b": (7 * n % 30) / 30} for n in range(30)]
values = [point["a"] for point in points]
dimensions = {name: FloatDistribution(0.0, 1.0) for name in "ab"}
found = _estimate(site)(points, values, dimensions, seed=1)
heavy = sorted({name.split(".")[0] for name in sys.modules} & {"sklearn", "pandas", "jax"})
few = _estimate(site)(points[:5], values[:5], dimensions)
from seedbed.searches.importance import importances
print(json.dumps([[each.dimension for each in found], found == importances(points, values, dimensions, seed=1), few, heavy]))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [["a", "b"], True, [], []]
