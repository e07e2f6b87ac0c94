"""Sweeps: what grids mean, what settings are called, what is trained, and what is said of the results."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import seedbed as sb
from figures.samples import result
from hostile.engine import here
from seedbed.errors import SeedbedError, SpecError
from seedbed.groups import Group
from seedbed.groups.fields import applied
from seedbed.groups.naming import group_name
from seedbed.names import checked_name
from seedbed.records import VerdictKind
from seedbed.specs import Conv, DataSpec, Dense, Keras, Plan, RunSpec
from seedbed.sweeps import Grid, Sweep, design
from seedbed.training.events import Started

DIGITS = RunSpec(data=DataSpec(name="digits"), plan=Plan(epochs=2), model=Dense(hidden=(8,)))

# Grids


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["l2=0,1e-4"], {"l2": (0.0, 1e-4)}),
        (["l2=0", "l2=1e-4"], {"l2": (0.0, 1e-4)}),
        (["hidden=100", "hidden=200,100", "hidden=none"], {"hidden": ((100,), (200, 100), ())}),
        (["kernel=3", "kernel=5,3"], {"kernel": ((3,), (5, 3))}),
        (["lr=0.1", "batch-size=32"], {"batch_size": (32,), "learning_rate": (0.1,)}),
        (["first=100,all"], {"first": (100, None)}),
        (["permutation=none,3"], {"permutation": (None, 3)}),
        (["augment=none,shift"], {"augment": ("none", "shift")}),
        (["size=8,8x9"], {"size": ((8, 8), (8, 9))}),
        (["separable=true,false"], {"separable": (True, False)}),
        (["arg.width=8,wide", "arg.deep=true"], {"arg.deep": (True,), "arg.width": (8, "wide")}),
    ],
)
def test_commas_stand_between_values_but_for_fields_whose_values_are_lists(texts, values):
    assert Grid.of(Grid.texts(texts)).values == values


def test_yaml_says_the_same_as_texts():
    text = 'hidden: [[100], [200, 100], 50, "30,20"]\nl2: [0, 1e-4]\n'  # YAML reads 1e-4 as a text
    assert Grid.of(yaml.safe_load(text)).values == {"hidden": ((100,), (200, 100), (50,), (30, 20)), "l2": (0.0, 1e-4)}


def test_several_fields_make_every_combination_in_the_order_of_the_specs():
    grid = Grid.of({"l2": [0, 1], "activation": ["relu", "tanh"], "epochs": [3]})
    assert len(grid) == 4
    assert grid.varying == ["activation", "l2"]
    assert [tuple(setting.values()) for setting in grid] == [
        ("relu", 3, 0.0),
        ("relu", 3, 1.0),
        ("tanh", 3, 0.0),
        ("tanh", 3, 1.0),
    ]


@pytest.mark.parametrize(
    ("grid", "says"),
    [
        ({"hiden": [3]}, "Did you mean 'hidden'?"),
        ({"l2": [0, 0.0]}, "occurs twice"),
        ({"l2": 3}, "needs a list of its values"),
        ({"l2": []}, "needs a list of its values"),
        ({"l2": [-1]}, "l2 = -1: it must be greater than or equal to 0"),
        ({"l2": [math.nan]}, "finite"),
        ({"l2": [True]}, "true or false"),
        ({"l2": [None]}, "l2 = None"),
        ({"hidden": ["a"]}, "hidden"),
        ({"hidden": [0]}, "greater than or equal to 1"),
        ({"kernel": [()]}, "kernel = () has 0 values"),
        ({"activation": ["rleu"]}, "Did you mean 'relu'?"),
        ({"family": ["keras"]}, "Known: dense, conv"),
        ({"data": ["digit"]}, "Did you mean 'digits'?"),
        ({"seeds": [3]}, "Seeds are not a field"),
        ({"digest": ["a"]}, "No field is named 'digest'"),
        ({"lr": [1], "learning-rate": [2]}, "under two names"),
        ({"l2": [0], "arg.a": [{1}]}, "a number, a word, true, false"),
        ({}, "varies at least one field"),
        ({"epochs": list(range(1, 300)), "batch_size": list(range(1, 300))}, "takes up to 20,000"),
    ],
)
def test_what_is_wrong_with_a_grid_is_told(grid, says):
    with pytest.raises(SeedbedError, match=says.replace("(", r"\(").replace(")", r"\)").replace("?", r"\?")):
        Grid.of(grid)


@pytest.mark.parametrize("text", ["l2", "l2=", "=3", ""])
def test_a_text_without_field_or_values_is_told(text):
    with pytest.raises(SpecError, match="FIELD=VALUE"):
        Grid.texts([text])


# From a base and a setting to a run


@pytest.mark.parametrize(
    ("base", "setting", "model"),
    [
        (Dense(), {"hidden": (3,)}, Dense(hidden=(3,))),
        (Dense(activation="tanh"), {"family": "conv"}, Conv(activation="tanh")),
        (Dense(hidden=(32,)), {"family": "conv"}, Conv(hidden=(32,))),
        (Conv(), {"filters": (8,)}, Conv(filters=(8,))),
        (Conv(kernel=(5,)), {"filters": (8, 8, 8)}, Conv(filters=(8, 8, 8), kernel=(5,))),
        (Conv(filters=(8,)), {"filters": (20, 10)}, Conv()),
    ],
)
def test_a_setting_changes_its_fields_and_leaves_what_was_said_of_the_others(base, setting, model):
    assert applied(RunSpec(model=base), setting).model == model


def test_fields_of_plan_and_data_go_where_they_belong():
    run = applied(DIGITS, {"l2": 0.1, "first": 50, "data": "mnist"})
    assert (run.plan.l2, run.plan.epochs) == (0.1, 2)
    assert (run.data.name, run.data.first, run.data.digest) == ("mnist", 50, "")


@pytest.mark.parametrize(
    ("base", "setting", "says"),
    [
        (Dense(), {"filters": (3,)}, "give -c"),
        (Conv(), {"kernel": (3, 3, 3)}, "3 values for 2 convolutions"),
        (Dense(), {"arg.width": 3}, "network of your own"),
        (Keras(file="a.py", function="f"), {"hidden": (3,)}, "as arg.NAME"),
    ],
)
def test_fields_that_do_not_go_with_the_network_are_told(base, setting, says):
    with pytest.raises(SpecError, match=says):
        applied(RunSpec(model=base), setting)


def test_the_users_own_function_is_swept_over_its_arguments(tmp_path):
    (tmp_path / "net.py").write_text("def build(width, act): ...\n")
    base = RunSpec(model=Keras.of(f"{tmp_path / 'net.py'}:build", act="relu"))
    (tmp_path / "net.py").write_text("def build(width, act): pass\n")
    model = applied(base, {"arg.width": 8}).model
    assert isinstance(model, Keras)
    assert model.arguments == {"act": "relu", "width": 8}
    assert model.digest != base.model.digest, "the file is read anew"


# Names


def test_names_are_short_and_readable():
    setting = {"hidden": (200, 100), "activation": "tanh", "l2": 1e-4, "augment": "none", "first": None, "label_noise": 0.25}
    assert group_name("a", setting) == "a-h200-100-tanh-l2_1e-4-augment_none-all-noise_0p25"


def test_no_two_settings_share_a_name_and_none_looks_like_a_seed():
    names = [group_name("a", setting) for setting in Grid.of(NAMES)]
    assert len({name.casefold() for name in names}) == len(names) == len(Grid.of(NAMES))
    assert all(checked_name(f"{name}.4294967295") and "." not in name for name in names)


NAMES: Mapping[str, list[Any]] = {
    "hidden": [(), 1, (1, 1), 11],
    "dropout": [0, 0.5, 0.05, 0.25, 0.123456789],
    "l2": [0, 1e-20, 1, 10, 1000],
    "arg.word": ["a b", "a_b", "A_b", "ä", "a/b", "x" * 99, "x" * 98 + "y"],
}


@pytest.mark.parametrize("name", ["", "a/b", "a.1", "con", "x" * 61])
def test_names_that_no_sweep_may_have(name):
    with pytest.raises(SpecError, match="name = "):
        design(name, DIGITS, Grid.of({"l2": [0]}), [0])


# Design


@pytest.mark.parametrize(
    ("model", "grid", "says"),
    [
        (Conv(), {"kernel": [3, (3, 3)]}, "are the same setting"),
        (Conv(), {"pool": [2, 9]}, "too small"),
        (Dense(), {"first": [3, 100]}, "first = 3"),
        (Dense(), {"size": [(9, 9)]}, "size"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is(model, grid, says):
    with pytest.raises(SeedbedError, match=says):
        design("a", DIGITS.changed(model=model), Grid.of(grid), [0])


@pytest.mark.parametrize("seeds", [[], [1, 1]])
def test_seeds_are_there_and_different(seeds):
    with pytest.raises(SpecError, match="each only once"):
        design("a", DIGITS, Grid.of({"l2": [0]}), seeds)


# Training


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("sweeps") / "runs"


@pytest.fixture(scope="module", autouse=True)
def engine_in_process():
    with here():
        yield


def swept(home: Path, trained: list[str], **asked: Any) -> Sweep:
    """A sweep of small nets; `trained` gets the names of the runs that had to be trained."""

    def on_event(event: object) -> None:
        if isinstance(event, Started):
            trained.extend(event.names)

    settings = {"grid": {"hidden": [4, (4, 4)], "l2": [0, 1e-3]}, "seeds": 2, **asked}
    return sb.sweep(Dense(), "digits", name="s", home=home, on_event=on_event, epochs=2, **settings)


def test_only_what_is_new_is_trained(home):
    first: list[str] = []
    sweep = swept(home, first)
    assert len(first) == 8
    assert [one.name for one in sweep.groups] == ["s-h4-l2_0", "s-h4-l2_1e-3", "s-h4-4-l2_0", "s-h4-4-l2_1e-3"]
    assert [run.name for run in sweep.groups[0].results] == ["s-h4-l2_0.0", "s-h4-l2_0.1"]
    again: list[str] = []
    repeated = swept(home, again)
    assert not again
    assert [one.as_json() for one in repeated.groups] == [one.as_json() for one in sweep.groups]
    more: list[str] = []
    wider = swept(home, more, grid={"hidden": [4, (4, 4), 6], "l2": [0, 1e-3]}, seeds=2)
    assert sorted(more) == ["s-h6-l2_0.0", "s-h6-l2_0.1", "s-h6-l2_1e-3.0", "s-h6-l2_1e-3.1"]
    assert len(wider.groups) == 6
    seeds: list[str] = []
    swept(home, seeds, grid={"hidden": [4]}, seeds=3)
    assert seeds == ["s-h4.2"], "two seeds are known under the names of the grid"


def test_a_sweep_of_one_seed_can_be_given_more(tmp_path):
    swept(tmp_path, [], grid={"l2": [0]}, seeds=1)
    more: list[str] = []
    swept(tmp_path, more, grid={"l2": [0]}, seeds=2)
    assert more == ["s-l2_0.1"]


def test_means_count_seeds_and_images_and_tell_both_epochs(home):
    sweep = swept(home, [])
    one = sweep.groups[0]
    best = [run.history["validation_accuracy"][run.best - 1] for run in one.results]
    assert one.accuracy is not None
    assert one.accuracy.mean == pytest.approx(sum(best) / 2, abs=1e-6)
    assert one.accuracy.low < min(best)
    assert one.accuracy.n == 2
    assert one.parameters == 65 * 4 + 5 * 10
    assert one.last is not None
    assert 0 <= one.last.low <= one.last.mean <= one.last.high <= 1


def test_files_hold_the_tables_and_what_repeats_the_sweep(home, tmp_path):
    sweep = swept(home, [])
    sweep.save(tmp_path)
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["hidden"], row["l2"]) for row in rows] == [("4", "0"), ("4", "0.001"), ("4-4", "0"), ("4-4", "0.001")]
    assert float(rows[0]["low"]) <= float(rows[0]["mean"]) <= float(rows[0]["high"])
    with (tmp_path / "runs.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == [run.name for run in sweep.results]
    kept = json.loads((tmp_path / "results.json").read_text())
    assert [cell["group"] for cell in kept["settings"]] == [one.name for one in sweep.groups]
    assert {path.name for path in (tmp_path / "figures").iterdir()} == set(kept["figures"])
    again = yaml.safe_load((tmp_path / "sweep.yaml").read_text())
    assert Grid.of(again["grid"]) == sweep.grid
    assert Plan(**again["base"]["plan"]) == sweep.base.plan
    assert again["seeds"] == 2


def test_a_later_save_removes_its_own_old_figures_and_nothing_else(home, tmp_path):
    swept(home, []).save(tmp_path)
    (tmp_path / "figures" / "mine.png").write_text("mine")
    assert (tmp_path / "figures" / "accuracy_over_l2.png").exists()
    swept(home, [], grid={"hidden": [4, (4, 4)]}).save(tmp_path)
    assert not (tmp_path / "figures" / "accuracy_over_l2.png").exists()
    assert (tmp_path / "figures" / "mine.png").exists()


# What is said


def group(mean: float | None, *verdicts: VerdictKind, **setting: Any) -> Group:
    """A setting whose runs got these verdicts, and each of which has this share of a hundred images right."""
    results = [result(seed, verdict=verdict) for seed, verdict in enumerate(verdicts or ("good_fit", "good_fit"))]
    right = np.arange(100) < round(100 * (mean or 0))
    correct = {each.run.seed: right for each in results if each.verdict.ranked}
    return Group("-".join(map(str, setting.values())), results, setting, correct)


def told(groups: list[Group]) -> Sweep:
    grid = {name: list(dict.fromkeys(one.setting[name] for one in groups)) for name in groups[0].setting}
    return Sweep("s", RunSpec(), Grid.of(grid), (0, 1), groups)


@pytest.mark.parametrize(
    ("field", "means", "says"),
    [
        ("l2", {0.0: 0.90, 1e-3: 0.92, 1e-2: 0.95}, "The best l2, 0.01, is the largest that was tried"),
        ("learning_rate", {1e-3: 0.95, 1e-2: 0.93}, "The best learning rate, 0.001, is the smallest that was tried"),
        ("hidden", {(10,): 0.90, (20,): 0.95}, "The best hidden, 20, is the largest that was tried"),
        ("l2", {0.0: 0.95, 1e-3: 0.92, 1e-2: 0.90}, ""),  # nothing lies below 0
        ("l2", {0.0: 0.90, 1e-3: 0.95, 1e-2: 0.90}, ""),
        ("l2", {0.0: 0.90, 1e-3: 0.95, 1e-2: 0.95}, ""),  # an inner value is as good
        ("activation", {"relu": 0.90, "tanh": 0.95}, ""),
        ("first", {100: 0.90, 1000: 0.95}, ""),  # nobody chooses how many images there are
    ],
)
def test_a_best_value_at_the_edge_of_what_was_tried_is_told(field, means, says):
    edges = told([group(mean, **{field: value}) for value, mean in means.items()]).edges()
    assert [edge.startswith(says) for edge in edges] == ([True] if says else [])


def test_the_best_is_told_for_each_condition_of_the_data():
    cells = [
        group(0.9 + 0.01 * (l2 == best), first=first, l2=l2) for first, best in ((10, 0.0), (20, 0.1)) for l2 in (0.0, 0.1)
    ]
    said = told(cells).sentences()
    assert said[0].startswith("With first 10, the highest mean validation accuracy of 2 settings is 91.00 %")
    assert "with l2 0. The next, l2 0.1, is 1.00 points behind (95 % interval: " in said[0]
    assert said[1].startswith("With first 20, ")
    assert "with l2 0.1. The next, l2 0, is " in said[1]


def test_where_only_the_data_vary_no_best_setting_is_told():
    said = told([group(0.9, first=10), group(0.95, first=20)]).sentences()
    assert not any("highest" in sentence for sentence in said)


def test_diverged_and_collapsed_runs_are_counted_beside_the_means():
    cells = [group(0.9, "good_fit", "diverged", l2=0.0), group(None, "collapsed", "collapsed", l2=0.1)]
    sweep = told(cells)
    assert (cells[0].n, cells[0].left_out, cells[0].verdicts) == (1, 1, {"good_fit": 1, "diverged": 1})
    assert "1 of 4 runs diverged and is excluded: 1 of 2 with l2 0." in sweep.sentences()
    assert "2 of 4 runs collapsed and are excluded: 2 of 2 with l2 0.1." in sweep.sentences()
    assert sweep.by_mean()[-1] is cells[1]
    assert json.loads(json.dumps(sweep.as_json(), allow_nan=False))["settings"][1]["mean"] is None


def test_runs_that_were_still_improving_are_marked():
    assert (
        "1 of 2 runs was still improving at the last epoch."
        in told([group(0.9, "still_improving", "good_fit", l2=0.0)]).sentences()
    )


def test_where_no_run_is_left_nothing_is_drawn_and_no_best_is_told():
    sweep = told([group(None, "diverged", l2=0.0), group(None, "diverged", l2=0.1)])
    assert sweep.charts() == {}
    assert not any("highest" in sentence for sentence in sweep.sentences())


def test_settings_of_a_function_are_typed_also_in_lists(tmp_path):
    grid = Grid.of(Grid.texts(["arg.rate=1e-4,1e-3,null", "arg.units=[64,32],[64]", "start=kept,drawn"]))
    assert grid.values["arg.rate"] == (1e-4, 1e-3, None)
    assert grid.values["arg.units"] == ((64, 32), (64,))
    (tmp_path / "net.py").write_text("def build(rate, units): ...\n")
    base = RunSpec(model=Keras.of(f"{tmp_path / 'net.py'}:build"))
    models = [applied(base, setting).model for setting in grid]
    assert models[-1].start == "drawn"
    assert models[0].arguments == {"rate": 1e-4, "units": [64, 32]}
    assert len({model.identity for model in models}) == 12
