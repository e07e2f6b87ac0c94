"""Run folders of every format there was: read, gone on with, or refused in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hostile.engine import check_sound, entries, install, leftovers
from seedbed import data, models, storage
from seedbed.errors import StorageError
from seedbed.records import Normalization
from seedbed.runs import RunStore
from seedbed.runs.record import FORMAT
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Dense

HOMES = sorted((Path(__file__).parent / "golden").glob("format-*"))


@pytest.fixture(params=HOMES, ids=lambda path: path.name)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    """A copy, so that nothing is written beside the original."""
    shutil.copytree(request.param, tmp_path / "home")
    return RunStore(tmp_path / "home")


def test_the_present_format_has_a_golden_home() -> None:
    assert f"format-{FORMAT}" in [path.name for path in HOMES]


def test_every_state_is_read(home: RunStore) -> None:
    assert {each.name: each.status for each in home.listing()} == {
        "conv-0": "finished",
        "dense-0": "finished",
        "dense-1": "finished",
        "diverged-0": "finished",
        "failed-0": "failed",
        "half-0": "interrupted",
        "half-1": "interrupted",
    }
    assert [look["run"] for look in home.looks()] == ["dense-0"]
    verdicts = {each.name: each.verdict for each in home.results()}
    assert verdicts == {each.name: each.verdict for each in home.listing() if each.status == "finished"}
    assert {name: verdict.kind for name, verdict in verdicts.items()} == {
        "conv-0": "too_short",
        "dense-0": "too_short",
        "dense-1": "too_short",
        "diverged-0": "diverged",
    }


@pytest.mark.parametrize("name", ["dense-0", "dense-1", "conv-0"])
def test_its_networks_still_give_the_answers_that_were_recorded(home: RunStore, name: str) -> None:
    [result] = home.find(name)
    assert result.run.identity == storage.read_json(home.folder(name) / "run.json")["identity"]
    dataset, kept = data.load(result.run.data), home.predictions(name)
    found = models.probabilities(
        result.run.model,
        home.weights(name, "best"),
        dataset.validation.images,
        normalization=Normalization(home.scale(name)),
        classes=10,
    )
    np.testing.assert_allclose(found, kept["validation_probabilities"], rtol=1e-3, atol=1e-5)
    assert (kept["validation_labels"] == dataset.validation.labels).all()


def test_what_was_half_done_then_goes_on_now(home: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    before = storage.read_lines(home.folder("half-0") / "metrics.jsonl")[:3]
    wanted = entries(Dense(hidden=(3,)), Dense(hidden=(4,)), epochs=6, group="half", select="accuracy")
    results = train_runs(wanted, Execution(home, device="cpu", workers=1, resume=True))
    assert [result.history.epochs for result in results] == [6, 6]
    assert storage.read_lines(home.folder("half-0") / "metrics.jsonl")[:3] == before
    check_sound(home.root)
    assert leftovers(home.root) == []


def test_a_newer_format_is_refused_in_words(home: RunStore) -> None:
    path = home.folder("dense-0") / "run.json"
    storage.write_json(path, {**storage.read_json(path), "format": FORMAT + 1})
    with pytest.raises(StorageError, match=f"a newer seedbed wrote it .format {FORMAT + 1}"):
        home.find("dense-0")
