"""Fields of a sweep that change together: a learning rate for each optimizer."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hostile.engine import here
from seedbed.data import spec_of
from seedbed.errors import SpecError
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.specs import Dense, Plan, RunSpec
from seedbed.sweeps import Grid, Sweep, design
from seedbed.sweeps.comparison import compare_sweep
from seedbed.sweeps.stored import read_sweep

ASKED = {"activation": ["relu", "tanh"], ("optimizer", "lr"): [("adam", 0.01), ("sgd", 0.1)]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("paired"))


@pytest.fixture(scope="module")
def sweep(home: RunStore) -> Sweep:
    base = RunSpec(model=Dense(hidden=(4,)), plan=Plan(epochs=2, batch_size=256), data=spec_of("digits"))
    with here():
        return design("tuned", base, Grid.of(ASKED), [0, 1]).train(Execution(home))


@pytest.mark.parametrize(
    "asked",
    [
        ASKED,
        {"activation": ["relu", "tanh"], "optimizer+learning_rate": [["adam", "0.01"], ["sgd", 0.1]]},
        Grid.texts(["activation=relu,tanh", "optimizer+lr=adam:0.01,sgd:0.1"]),
        yaml.safe_load("{activation: [relu, tanh], optimizer + lr: ['adam: 0.01', [sgd, 1e-1]]}"),
    ],
)
def test_they_are_asked_for_in_one_name(asked: dict[str, list[object]]) -> None:
    grid = Grid.of(asked)
    assert grid == Grid.of(ASKED)
    assert len(grid) == 4
    assert [(s["optimizer"], s["learning_rate"]) for s in grid] == [("adam", 0.01), ("sgd", 0.1)] * 2
    assert (grid.varying, grid.columns) == (["activation", "optimizer"], ["activation", "optimizer", "learning_rate"])
    assert Grid.of(grid.asked) == grid


def test_lists_of_units_go_with_other_fields_too() -> None:
    grid = Grid.of(Grid.texts(["hidden+dropout=200,100:0.5", "hidden+dropout=16:0"]))
    assert [(s["hidden"], s["dropout"]) for s in grid] == [((200, 100), 0.5), ((16,), 0.0)]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"optimizer+lr": [("adam",)]}, r"optimizer\+learning_rate = \('adam',\): .* a value of each, OPTIMIZER:LEARNING_RATE"),
        ({"optimizer+lr": [("adam", 1), ("adam", 2)]}, "'adam' occurs twice; .* since learning rate belong"),
        ({"optimizer+lr": [("adam", 1)], "lr": [1]}, "learning_rate occurs under two names"),
        ({"optimizer+lrr": [("adam", 1)]}, "No field is named 'lrr'. Did you mean 'lr'"),
        ({"optimizer+lr": [("adam", -1), ("sgd", 1)]}, "learning_rate = -1"),
    ],
)
def test_what_is_wrong_with_a_pair_is_an_error(asked: dict[str, list[object]], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        Grid.of(asked)


def test_they_are_trained_named_and_shown_together(sweep: Sweep) -> None:
    assert [group.name for group in sweep.groups] == [
        "tuned-relu-adam-lr_1e-2",
        "tuned-relu-sgd-lr_0p1",
        "tuned-tanh-adam-lr_1e-2",
        "tuned-tanh-sgd-lr_0p1",
    ]
    assert [row[:3] for row in sweep.table().texts][:2] == [["relu", "adam", "0.01"], ["relu", "sgd", "0.1"]]
    assert "Each optimizer has its own learning rate (adam: learning rate 0.01; sgd: learning rate 0.1)." in sweep.sentences()


def test_they_count_as_one_field_in_effects_and_interactions(sweep: Sweep) -> None:
    comparison = compare_sweep(sweep, "relu/adam")
    assert {(each.field, each.value) for each in comparison.effects} == {
        ("activation", "relu"),
        ("activation", "tanh"),
        ("optimizer", "adam"),
        ("optimizer", "sgd"),
    }
    assert [each.fields for each in comparison.interactions] == [("activation", "optimizer")]
    assert comparison.pairs[0].contrast.names == ("relu/sgd", "relu/adam")


def test_a_stored_sweep_knows_what_changed_together(sweep: Sweep, home: RunStore, tmp_path: Path) -> None:
    again = read_sweep(home, "tuned")
    assert again.grid == sweep.grid
    assert [group.setting for group in again.groups] == [group.setting for group in sweep.groups]
    [file] = sweep.save(tmp_path)["yaml"]
    assert yaml.safe_load(file.read_text())["grid"]["optimizer+learning_rate"] == [["adam", 0.01], ["sgd", 0.1]]
