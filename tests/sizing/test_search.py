"""A whole search on the digits, trained in this process: the claim, its seeds, stopping and going on, what users get wrong."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seedbed as sb
from hostile.engine import here
from seedbed.errors import RunHalfDone, SpecError
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.sizing import Smallest
from seedbed.sizing.effort import EFFORTS
from seedbed.sizing.files import save, table
from seedbed.statistics import accuracy_interval
from seedbed.training.events import Done, Event

SEARCH, STAGES = (import_module(f"seedbed.sizing.{name}") for name in ("search", "stages"))
TARGET = 0.5
LITTLE: dict[str, Any] = {
    "epochs": 32,
    "rates": (1e-2,),
    "activations": ("relu",),
    "batch_sizes": (64,),
    "penalties": (0.0,),
    "kept": 1,
    "forms": 1,
    "factors": (1.0, 1.4),
    "seeds": (0,),
    "claims_at_once": 2,
}
STEPS: dict[str, Any] = {"SCOUTS": 2, "RATE_FACTORS": (1.0,), "ENDINGS": (("cosine", 1),)}
"""Of a search, small enough that a search takes six programs, whose compilation is nearly all of the time here."""


@pytest.fixture(scope="module", autouse=True)
def patched() -> Iterator[pytest.MonkeyPatch]:
    """The engine in this process, and little work for it."""
    with here() as patch:
        patch.setitem(EFFORTS, "dense", replace(EFFORTS["dense"], **LITTLE))
        for name, less in STEPS.items():
            patch.setattr(STAGES, name, less)
        yield patch


def searched(home: Path, target: float = TARGET, trained: list[str] | None = None, **asked: Any) -> Smallest:
    """A search; `trained` gets the names of the runs that had to be trained."""
    names = [] if trained is None else trained

    def on_event(event: Event) -> None:
        if isinstance(event, Done):
            names.append(event.name)

    return sb.smallest(target, "digits", depth=1, home=home, on_event=on_event, device="cpu", workers=1, **asked)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("smallest") / "runs"


@pytest.fixture(scope="module")
def found(patched: pytest.MonkeyPatch, home: Path) -> Smallest:
    return searched(home)


def decided(found: Smallest) -> dict[str, Any]:
    """All that a search says, but for the time that it took."""
    return {name: value for name, value in found.as_json().items() if name != "seconds"}


@pytest.mark.slow
def test_the_answers_interval_lies_above_the_target_and_is_that_of_the_last_epoch(found: Smallest, home: Path) -> None:
    best = found.confirmed
    assert found.settled
    assert best is not None
    assert best.accuracy is not None
    assert best.accuracy.low > TARGET
    results = RunStore(home).find(best.group)
    assert best.accuracy.n == len(results) == 5
    assert best.accuracy.mean == pytest.approx(np.mean([_last(result) for result in results]), abs=1e-6)
    assert any(result.best < result.history.epochs for result in results), "else the best epoch would say the same"
    kept = [RunStore(home).predictions(result.name) for result in results]
    right = [each["last_validation_probabilities"].argmax(axis=1) == each["validation_labels"] for each in kept]
    assert best.accuracy == accuracy_interval(np.stack(right))
    assert {result.model.parameters for result in results} == {best.parameters}


def _last(result: Result) -> float:
    return float(result.history["validation_accuracy"][-1])


def test_seeds_and_images_of_the_claim_had_no_part_in_choosing(found: Smallest, home: Path) -> None:
    choosing = {one.group for one in found.tried}
    results = [result for result in RunStore(home).results() if result.group in choosing]
    assert results
    assert {result.run.data.inner for result in results} == {True}
    claims = [result for result in RunStore(home).results() if result.group in {claim.group for claim in found.claims}]
    assert {result.run.data.inner for result in claims} == {False}
    assert {result.run.seed for result in claims}.isdisjoint({result.run.seed for result in results})


def test_a_search_that_is_repeated_trains_nothing_and_says_the_same(found: Smallest, home: Path) -> None:
    trained: list[str] = []
    again = searched(home, trained=trained)
    assert trained == []
    assert again.as_json() == found.as_json()


def test_stopped_three_times_and_resumed_it_ends_with_the_same_runs(
    found: Smallest, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []
    for reports in (5, 20, 45):
        with monkeypatch.context() as patch:
            patch.setattr(SEARCH, "_deadline", _after(reports))
            stopped = searched(tmp_path, trained=trained, minutes=1, resume=True)
        assert stopped.stopped
        with pytest.raises(RunHalfDone, match="Continue with --resume, or give another name"):
            searched(tmp_path)
        assert not stopped.settled
        assert "--resume" in stopped.sentences()[-1]
    whole = searched(tmp_path, trained=trained, resume=True)
    assert decided(whole) == decided(found)
    names = {each.name for each in RunStore(home).listing()}
    assert {each.name for each in RunStore(tmp_path).listing()} == names
    assert Counter(trained) == dict.fromkeys(names, 1), "nothing is trained twice"


def _after(reports: int) -> Callable[[float | None], Callable[[], bool]]:
    """A deadline that comes after so many reports from the workers."""
    left = iter(range(reports))
    return lambda minutes: lambda: next(left, None) is None


def test_a_target_out_of_reach_is_not_settled_and_the_nearest_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EFFORTS, "dense", replace(EFFORTS["dense"], most=300))
    far = searched(home, 0.999, name="far", epochs=8)
    assert not far.settled
    assert far.confirmed is None
    assert far.nearest is not None
    told = far.as_json()
    assert (told["settled"], told["model"]["parameters"]) == (False, far.nearest.parameters)
    assert told["accuracy"]["interval"][0] < 0.999
    assert far.sentences()[0].startswith("No network is shown to be above 99.90 %. The nearest: dense ")


def test_the_contract_of_json(found: Smallest) -> None:
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert (told["target"], told["settled"], told["model"]["family"]) == (TARGET, True, "dense")
    assert told["model"]["parameters"] == 65 * told["model"]["hidden"][0] + 10 * (told["model"]["hidden"][0] + 1)
    low, high = told["accuracy"]["interval"]
    assert TARGET < low <= told["accuracy"]["mean"] <= high
    assert told["accuracy"]["n"] == 5
    assert told["tried"] == len({one["group"] for one in [*told["choosing"], *told["claims"]]})
    assert told["seconds"] > 0


def test_sentences_are_bounded_by_the_interval(found: Smallest) -> None:
    first, how, order, *_ = found.sentences()
    best = found.confirmed
    assert best is not None
    assert best.accuracy is not None
    assert f"above 50.00 %: dense {best.candidate.model.hidden[0]}, relu, {best.parameters} parameters" in first
    assert f"({100 * best.accuracy.low:.2f} % to {100 * best.accuracy.high:.2f} %" in first
    assert how.startswith("Trained with epochs ")
    assert order.startswith("Sizes were tested from large to small")


def test_files_hold_every_setting_and_the_figure(found: Smallest, tmp_path: Path) -> None:
    files = save(found, tmp_path)
    rows = list(csv.DictReader(io.StringIO(table(found).csv())))
    assert len(rows) == len(found.tried) + len(found.claims)
    assert [row["stage"] for row in rows][-1] == "claim"
    assert {path.suffix for path in files["accuracy_over_size"]} == {".png", ".svg", ".html"}
    assert json.loads((tmp_path / "results.json").read_text())["name"] == found.name


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"target": 0}, r"target = 0: it must lie in \(0, 1\)\.$"),
        ({"target": 1}, r"target = 1: it must lie in \(0, 1\)\.$"),
        ({"target": 1.2}, r"target = 1\.2: it must lie in \(0, 1\)\.$"),
        ({"target": math.nan}, r"target = nan: it must lie in \(0, 1\)\.$"),
        ({"target": 97}, r"target = 97: it must lie in \(0, 1\); did you mean 0\.97\?$"),
        ({"family": "cnov"}, r"family = 'cnov' is not known\. Did you mean 'conv'\?"),
        ({"depth": 4}, "depth = 4: it must be 1, 2 or 3"),
        ({"depth": 2, "family": "conv"}, "of a dense network"),
        ({"seeds": 4}, "seeds = 4: a claim needs 5 fresh seeds at least"),
        ({"minutes": 0}, "minutes = 0: it must be greater than 0"),
        ({"minutes": math.nan}, "minutes = nan: "),
        ({"epochs": 0}, "epochs = 0: "),
        ({"augment": "shft"}, "augment = 'shft' is not known"),
        ({"name": "a/b"}, "name = 'a/b'"),
        ({"name": "x" * 61}, "60 characters"),
    ],
)
def test_what_a_user_gets_wrong_is_one_line(asked: dict[str, Any], says: str, tmp_path: Path) -> None:
    target = asked.pop("target", 0.9)
    with pytest.raises(SpecError, match=says) as raised:
        sb.smallest(target, "digits", home=tmp_path / "runs", **asked)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "runs").exists()
