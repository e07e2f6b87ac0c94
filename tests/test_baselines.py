"""Baselines on the digits: what they reach, what is kept, and when they are computed again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import psutil
import pytest

from seedbed import baselines as module
from seedbed import data
from seedbed.baselines import Baseline, baselines, computed, computed_meanwhile, line
from seedbed.errors import DataError
from seedbed.runs import RunStore
from seedbed.specs import DataSpec

SPEC = data.resolve(DataSpec(name="digits"))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the baselines of the digits."""
    place = tmp_path_factory.mktemp("baselines")
    baselines(RunStore(place), SPEC)
    return place


@pytest.fixture
def home(kept: Path, tmp_path: Path) -> RunStore:
    shutil.copytree(kept, tmp_path / "home")
    return RunStore(tmp_path / "home")


@pytest.fixture
def found(home: RunStore) -> dict[str, Baseline]:
    return {each.name: each for each in baselines(home, SPEC)}


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data specs that baselines are computed for from now on."""
    asked: list[str] = []

    def counted(dataset: data.Dataset, threads: int = 0) -> list[Baseline]:
        asked.append(dataset.spec.identity)
        return computed(dataset, threads)

    monkeypatch.setattr(module, "computed", counted)
    return asked


def test_each_baseline_reaches_what_it_should_on_the_digits(found: dict[str, Baseline]) -> None:
    dataset = data.load(SPEC)
    largest = np.bincount(dataset.train.labels).argmax()
    assert found["largest class"].correct.tolist() == (dataset.validation.labels == largest).tolist()
    assert 0.88 < found["nearest class mean"].accuracy.mean < 0.95
    assert found["nearest neighbour"].accuracy.mean > 0.97
    assert 0.93 < found["logistic regression"].accuracy.mean < 0.99
    assert {each.images for each in found.values()} == {len(dataset.train)}


def test_the_nearest_neighbour_is_the_one_with_the_least_distance(found: dict[str, Baseline]) -> None:
    dataset = data.load(SPEC)
    train, new = (part.images.reshape(len(part), -1).astype(float) for part in (dataset.train, dataset.validation))
    nearest = ((new[:20, None] - train[None]) ** 2).sum(axis=2).argmin(axis=1)
    right = dataset.train.labels[nearest] == dataset.validation.labels[:20]
    assert found["nearest neighbour"].correct[:20].tolist() == right.tolist()


def test_a_sample_is_even_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FITTED", 200 * 64)
    by_name = {each.name: each for each in computed(data.load(SPEC))}
    assert by_name["logistic regression"].images == 200
    assert "(fitted to 200 images)" in line(list(by_name.values()))


def test_computed_meanwhile_they_are_the_same_and_there_in_the_end(
    tmp_path: Path, found: dict[str, Baseline], computing: list[str]
) -> None:
    home, dataset = RunStore(tmp_path / "other"), data.load(SPEC)
    before = psutil.Process().nice()
    for _ in range(2):
        with computed_meanwhile(home, dataset):
            assert psutil.Process().nice() == before
    meanwhile = baselines(home, SPEC)
    assert computing == [SPEC.identity]
    assert all(np.array_equal(each.correct, found[each.name].correct) for each in meanwhile)


def test_what_fails_meanwhile_keeps_nothing_and_is_said_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computing: list[str]
) -> None:
    home, dataset = RunStore(tmp_path), data.load(SPEC)
    with pytest.raises(KeyboardInterrupt), computed_meanwhile(home, dataset):
        raise KeyboardInterrupt
    assert not (tmp_path / module.FOLDER).exists()
    monkeypatch.setattr(module, "computed", unreadable)
    with computed_meanwhile(home, dataset):
        pass
    with pytest.raises(DataError):
        baselines(home, SPEC)


def unreadable(dataset: data.Dataset, threads: int = 0) -> list[Baseline]:
    raise DataError(f"{dataset.spec.name}: gone")


def test_they_are_computed_once_per_data_and_split(home: RunStore, found: dict[str, Baseline], computing: list[str]) -> None:
    again = {each.name: each for each in baselines(home, SPEC)}
    assert not computing
    assert all(np.array_equal(again[name].correct, found[name].correct) for name in found)
    fold = SPEC.changed(fold=(0, 5))
    baselines(home, fold)
    assert computing == [fold.identity]


@pytest.mark.parametrize("damage", ["cut", "version", "bits"])
def test_what_is_damaged_or_of_another_version_is_computed_again(
    home: RunStore, found: dict[str, Baseline], computing: list[str], damage: str
) -> None:
    [path] = (home.root / module.FOLDER).iterdir()
    lines = path.read_text().splitlines()
    if damage == "cut":
        path.write_text("\n".join(lines[:-1]) + "\n")
    else:
        rows = module.storage.read_lines(path)
        changed = {"format": 0} if damage == "version" else {"correct": "00"}
        module.storage.write_lines(path, [{**row, **changed} for row in rows])
    again = {each.name: each for each in baselines(home, SPEC)}
    assert computing == [SPEC.identity]
    assert again["nearest neighbour"].accuracy == found["nearest neighbour"].accuracy


def test_the_json_is_plain(found: dict[str, Baseline]) -> None:
    plain = json.loads(json.dumps([each.as_json() for each in found.values()], allow_nan=False))
    assert {frozenset(each) for each in plain} == {frozenset({"name", "accuracy", "interval", "n", "images"})}
