"""Seeds that join the runs of a group which are there already."""

from __future__ import annotations

from pathlib import Path

import pytest

import seedbed as sb
from hostile.engine import here
from seedbed.errors import RunExists
from seedbed.runs import RunStore

NET = sb.Dense(hidden=(3,))


@pytest.fixture(autouse=True)
def engine():
    with here():
        yield


def trained(home: Path, **more: object) -> list[tuple[str, int]]:
    runs = sb.train(NET, "digits", home=home, epochs=1, **more)  # type: ignore[arg-type]
    return [(run.name, run.run.seed) for run in runs]


def dates(home: Path) -> dict[str, int]:
    return {path.parent.parent.name: path.stat().st_mtime_ns for path in home.glob("*/weights/best.safetensors")}


def test_a_run_that_was_alone_joins_further_seeds_and_is_not_trained_again(tmp_path: Path) -> None:
    assert trained(tmp_path, name="a") == [("a", 0)]
    RunStore(tmp_path).look("a", {"accuracy": 0.5})
    [before] = dates(tmp_path).values()
    assert trained(tmp_path, name="a", seeds=3) == [("a.0", 0), ("a.1", 1), ("a.2", 2)]
    assert dates(tmp_path)["a.0"] == before
    assert len(sb.find("a", tmp_path)) == 3
    assert [len(RunStore(tmp_path).looks(name)) for name in ("a.0", "a.1", "a")] == [1, 0, 1]
    assert trained(tmp_path, name="a") == [("a.0", 0)]


def test_other_seeds_get_the_next_names(tmp_path: Path) -> None:
    assert trained(tmp_path, name="a", seeds=[7, 8]) == [("a.0", 7), ("a.1", 8)]
    assert trained(tmp_path, name="a", seeds=[3, 8]) == [("a.2", 3), ("a.1", 8)]
    assert trained(tmp_path, name="b", seeds=[7]) == [("b", 7)]
    assert trained(tmp_path, name="b", seeds=[5]) == [("b.0", 5)]
    assert {run.name for run in sb.find("b", tmp_path)} == {"b.0", "b.1"}


def test_a_call_without_a_name_does_the_same(tmp_path: Path) -> None:
    [(name, _)] = trained(tmp_path)
    assert trained(tmp_path, seeds=2) == [(f"{name}.0", 0), (f"{name}.1", 1)]
    assert trained(tmp_path) == [(f"{name}.0", 0)]


def test_other_settings_are_still_an_error(tmp_path: Path) -> None:
    trained(tmp_path, name="a")
    with pytest.raises(RunExists):
        sb.train(sb.Dense(hidden=(4,)), "digits", name="a", seeds=2, epochs=1, home=tmp_path)
    assert [run.name for run in sb.find("a", tmp_path)] == ["a"]
