"""A finished run that goes on: its result is there all the time, whatever happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faults import Kind, Scenario, sweep
from runs.samples import PREDICTIONS, WEIGHTS, entry, result, rows
from seedbed.errors import RunExists
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.specs import Plan


def named(epochs: int, **plan: Any) -> NamedRun:
    known = entry()
    return replace(known, run=known.run.changed(plan=Plan(epochs=epochs, **plan)))


def store(home: RunStore, of: NamedRun, *, optimizer: bool = True) -> None:
    last = {name: array + of.run.plan.epochs for name, array in WEIGHTS.items()}
    slots = {"slots.m/dense_0/bias": np.full(3, of.run.plan.epochs, np.float32)} if optimizer else {}
    home.finish(FinishedRun(of, result(of, of.run.plan.epochs), 16.0, WEIGHTS, last, PREDICTIONS, slots))


def finished(root: Path, of: NamedRun, **kept: bool) -> RunStore:
    home = RunStore(root)
    with home.claim([of]):
        store(home, of, **kept)
    return home


def go_on(root: Path) -> None:
    home = RunStore(root)
    with home.claim([named(5)], resume=True) as claim:
        if claim.longer:
            home.cut("a", 3)
            home.append("a", rows(5)[3:])
        if claim.todo:
            store(home, named(5))


def found(root: Path) -> object:
    """What commands find under the name."""
    home = RunStore(root)
    [one] = home.find("a")
    [same] = home.results()
    assert one.folder == same.folder == str(root / "a")
    last = home.weights("a", "last")["dense_0/bias"].tolist()
    return one.run.identity, one.history.epochs, last, home.scale("a"), sorted(home.predictions("a"))


GOING_ON = Scenario(before=lambda root: (finished(root, named(3)), None)[1], change=go_on, read=found, again=go_on)


@pytest.mark.parametrize("kind", ["fails", "dies"])
def test_at_every_moment_the_shorter_result_or_the_longer_one_is_there(tmp_path: Path, kind: Kind) -> None:
    sweep(GOING_ON, tmp_path, kind)


def test_the_state_to_go_on_from_is_that_of_the_finished_run(tmp_path: Path) -> None:
    home = finished(tmp_path, named(3))
    with home.claim([named(5)], resume=True) as claim:
        assert claim.longer == {"a"}
        state = home.finished_state("a")
    assert state.history.epochs == 3
    assert {name.partition("/")[0] for name in state.arrays} == {"weights", "best", "slots.m"}
    assert state.arrays["weights/dense_0/bias"].tolist() == [4, 4, 4]
    assert home.listing()[0].reason == "its result after 3 epochs is kept"
    with home.claim([named(3)]) as claim:  # the shorter run is asked for again
        assert claim.done["a"].history.epochs == 3


def test_afterwards_nothing_of_the_shorter_run_is_left(tmp_path: Path) -> None:
    finished(tmp_path, named(3))
    go_on(tmp_path)
    assert not (tmp_path / "a" / "before").exists()
    assert [each["epoch"] for each in map(dict, RunStore(tmp_path).find("a")[0].as_json()["curve"])] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("there", "here", "optimizer", "message"),
    [
        (named(3), named(5), False, "cannot go on from 3 epochs to 5 epochs: it has no optimizer state"),
        (named(3, schedule="cosine"), named(5, schedule="cosine"), True, "followed the schedule 'cosine' to its end after 3"),
        (named(3), named(2), True, "exists with other settings (plan.epochs: 3 there, 2 here)"),
        (named(3), named(5, l2=1.0), True, "exists with other settings (plan.epochs: 3 there, 5 here; plan.l2"),
        (named(3), named(3, select="accuracy"), True, "Read it with --select smoothed"),
    ],
)
def test_what_cannot_go_on_is_told_in_one_line(
    tmp_path: Path, there: NamedRun, here: NamedRun, optimizer: bool, message: str
) -> None:
    home = finished(tmp_path, there, optimizer=optimizer)
    with pytest.raises(RunExists) as raised:
        home.claim([here], resume=True)
    assert message in str(raised.value)
    assert home.find("a")[0].history.epochs == 3


def test_without_resume_a_longer_run_says_how_to_go_on(tmp_path: Path) -> None:
    home = finished(tmp_path, named(3))
    with pytest.raises(RunExists, match=r"3 epochs, and 5 epochs are asked for\. Go on with --resume"):
        home.claim([named(5)])


def test_a_damaged_neighbour_does_not_hide_the_others(tmp_path: Path) -> None:
    home = finished(tmp_path, named(3))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    notes: list[str] = []
    assert [each.name for each in home.results(notes.append)] == ["a"]
    [note] = notes
    assert "broken" in note
    with pytest.warns(UserWarning, match="broken"):
        home.results()
