"""Sweeps compared: settings against one, main effects, interactions, and sweeps found again in a home by their names."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groups.samples import group, right
from seedbed.errors import RunError, UnknownRun
from seedbed.groups import Group
from seedbed.groups.fields import applied, in_order
from seedbed.groups.naming import fields_in_name, group_name
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.statistics import accuracy_difference, holm
from seedbed.sweeps import Grid, Sweep
from seedbed.sweeps.comparison import SweepComparison, compare_sweep
from seedbed.sweeps.effects import Interaction
from seedbed.sweeps.stored import found_groups, read_sweep, stored_sweep, stored_sweeps

BASE = RunSpec(model=Dense(hidden=(16,)), plan=Plan(epochs=6), data=DataSpec(name="digits", digest="d"))
ACTIVATIONS, OPTIMIZERS = ("relu", "tanh", "sigmoid"), ("adam", "sgd")
ADDITIVE = {("relu", "adam"): 0.96, ("tanh", "adam"): 0.955, ("sigmoid", "adam"): 0.90}


def made(accuracies: dict[tuple[str, str], float], images: int = 1500, **verdicts: list[str]) -> Sweep:
    """A sweep of activations and optimizers with these accuracies, as `right` makes them."""
    grid = Grid.of({"activation": list(ACTIVATIONS), "optimizer": list(OPTIMIZERS)})
    groups = []
    for number, setting in enumerate(grid):
        key = (str(setting["activation"]), str(setting["optimizer"]))
        table = right(accuracies[key], images=images, seed=number)
        cell = group(table, verdicts=verdicts.get("_".join(key), []))  # type: ignore[arg-type]
        name, run = group_name("abl", setting), applied(BASE, setting)
        results = [
            replace(each, name=f"{name}.{seed}", group=name, run=run.changed(seed=seed))
            for seed, each in enumerate(cell.results)
        ]
        groups.append(Group(name, results, dict(setting), cell.correct, cell.last_correct, cell.losses))
    return Sweep("abl", BASE, grid, tuple(range(5)), groups)


def with_sgd(change: dict[str, float]) -> dict[tuple[str, str], float]:
    return ADDITIVE | {(name, "sgd"): ADDITIVE[name, "adam"] + change.get(name, -0.1) for name in ACTIVATIONS}


def crossed(comparison: SweepComparison, value: str) -> Interaction:
    [found] = [each for each in comparison.interactions if each.values[0] == value]
    return found


def test_the_reference_is_the_best_and_the_correction_then_counts_all_pairs():
    found = compare_sweep(made(with_sgd({})))
    assert [reference.name for reference in found.references] == ["abl-relu-adam"]
    assert len(found.pairs) == 5
    decisions = [pair.decision for pair in found.pairs if pair.decision]
    assert {each.claims for each in decisions} == {15}
    p = [each.p for each in decisions]
    assert [each.corrected_p for each in decisions] == holm(p, others=10).tolist()
    assert all(a >= b for a, b in zip(holm(p, others=10), holm(p), strict=True))


@pytest.mark.parametrize("named", ["abl-tanh-sgd", "tanh-sgd", "tanh/sgd", "optimizer=sgd,activation=tanh"])
def test_a_reference_that_is_named_costs_less_correction(named):
    found = compare_sweep(made(with_sgd({})), named)
    assert [reference.name for reference in found.references] == ["abl-tanh-sgd"]
    assert {pair.decision.claims for pair in found.pairs if pair.decision} == {5}
    assert found.statements().keys() >= {"Against tanh/sgd (as asked)"}


def test_an_unknown_reference_is_an_error_with_the_nearest_name():
    with pytest.raises(RunError, match=r"no setting 'abl-tanh-sdg'.*Did you mean 'abl-tanh-sgd'"):
        compare_sweep(made(with_sgd({})), "abl-tanh-sdg")
    with pytest.raises(RunError, match=r"Did you mean 'relu/adam'\? It has: relu/adam, "):
        compare_sweep(made(with_sgd({})), "relu/adm")


def test_a_main_effect_is_the_difference_averaged_over_the_other_field():
    sweep = made(with_sgd({}))
    found = compare_sweep(sweep)
    effects = {(each.field, each.value): each for each in found.effects}
    assert effects["activation", "relu"].difference is None
    cells = {tuple(each.setting.values()): np.stack(list(each.correct.values())) for each in sweep.groups}
    tables = [np.mean([cells[name, optimizer] for optimizer in OPTIMIZERS], axis=0) for name in ("sigmoid", "relu")]
    sigmoid = effects["activation", "sigmoid"].difference
    assert sigmoid is not None
    assert sigmoid.decision is not None
    assert sigmoid.decision.interval == accuracy_difference(*tables).interval()
    assert sigmoid.sentence.startswith("Averaged over optimizer: relu is more accurate than sigmoid by ")
    adam = effects["optimizer", "adam"].group.accuracy
    assert adam is not None
    assert adam.mean == pytest.approx(np.mean([cells[name, "adam"].mean() for name in ACTIVATIONS]))


def test_effects_that_add_up_are_no_interaction_and_one_that_does_not_is_shown():
    additive = compare_sweep(made(with_sgd({})))
    assert not any(each.shown for each in additive.interactions)
    assert any("No clear sign that the effect of activation depends on optimizer" in each for each in additive.sentences())
    found = compare_sweep(made(with_sgd({"relu": -0.02, "tanh": -0.02, "sigmoid": -0.3})))
    sigmoid = crossed(found, "sigmoid")
    assert (sigmoid.shown, crossed(found, "tanh").shown) == (True, False)
    plain = sigmoid.as_json()
    assert plain["difference"] == pytest.approx(sigmoid.effects[0] - sigmoid.effects[1])
    assert plain["difference"] == pytest.approx(-0.28, abs=0.01)
    assert plain["interval"][0] < -0.28 < plain["interval"][1]
    [sentence] = [each for each in found.sentences() if each.startswith("The effect of activation depends on optimizer. ")]
    assert "Sigmoid instead of relu: -35." in sentence


def test_a_setting_without_a_run_left_is_left_out_of_the_effects_of_all_values():
    found = compare_sweep(made(with_sgd({}), sigmoid_sgd=["collapsed"] * 5))
    effects = {(each.field, each.value): each for each in found.effects}
    adam_only = [each for each in found.groups if each.setting == {"activation": "relu", "optimizer": "adam"}]
    assert effects["activation", "relu"].group.accuracy == adam_only[0].accuracy
    assert not any(each.values[0] == "sigmoid" for each in found.interactions)
    assert any("collapsed and are excluded" in each for each in found.sentences())


def test_the_json_is_plain_and_the_charts_have_short_names():
    found = compare_sweep(made(with_sgd({}), images=200))
    plain = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert plain["against"] == ["abl-relu-adam"]
    assert plain["pairs"][0]["a"] == {"group": "abl-relu-sgd", "label": "relu/sgd"}
    assert {each["field"] for each in plain["effects"]} == {"activation", "optimizer"}
    assert repr(found).startswith("Against relu/adam (the highest mean)\n")
    assert all(len(repr(each)) < 1000 for each in (found.pairs[0], found.effects[0], *found.groups))
    assert len(repr(found)) < 6000
    charts = found.charts()
    assert set(charts) == {"differences", "effects", "learning_curves"}
    assert "relu/sgd minus relu/adam" in str(charts["differences"].to_dict())


def test_settings_on_other_images_are_compared_among_themselves_only():
    sweep = made(with_sgd({}), images=200)
    grid = Grid.of({"split_seed": [0, 1], "l2": [0.0, 0.1]})
    groups = []
    for setting, each in zip(grid, sweep.groups, strict=False):
        run = applied(BASE, setting)
        results = [replace(result, run=run.changed(seed=seed)) for seed, result in enumerate(each.results)]
        groups.append(replace(each, name=group_name("s", setting), results=results, setting=dict(setting)))
    found = compare_sweep(Sweep("s", BASE, grid, tuple(range(5)), groups))
    assert len(found.references) == len(found.pairs) == 2
    assert found.effects == []


# Found again


def test_the_fields_of_a_setting_are_read_off_its_name():
    setting = {"hidden": (200, 100), "activation": "tanh", "optimizer": "sgd", "l2": 1e-4}
    run = applied(BASE, setting)
    assert fields_in_name("a-b", group_name("a-b", setting), run) == tuple(setting)
    assert fields_in_name("a", "a-relu", run) == ()
    assert fields_in_name("a", "b-tanh", run) == ()


def test_values_stand_in_order_with_the_default_first():
    assert in_order("activation", ["tanh", "relu", "elu"]) == ["relu", "elu", "tanh"]
    assert in_order("l2", [1e-3, 0.0, 1e-5]) == [0.0, 1e-5, 1e-3]
    assert in_order("first", [500, None, 100]) == [None, 100, 500]


@pytest.fixture
def home(tmp_path: Path) -> RunStore:
    """The sweep `abl`, a group `abl-2` and a run `plain` that do not belong to it."""
    store = RunStore(tmp_path / "runs")
    sweep = made(with_sgd({}), images=60)
    entries = [
        (each.name, f"{each.name}.{seed}", result) for each in sweep.groups for seed, result in enumerate(each.results[:2])
    ]
    spare = sweep.groups[0].results[0]
    entries += [("abl-2", "abl-2.0", spare), ("plain", "plain", spare)]
    for name, run_name, result in entries:
        entry = NamedRun(run_name, name, result.run)
        labels = np.arange(60) % 10
        probabilities = np.full((60, 10), 0.02, np.float32)
        probabilities[np.arange(60), labels] = 0.82
        predictions = {"validation_probabilities": probabilities, "validation_labels": labels}
        with store.claim([entry]):
            store.finish(FinishedRun(entry, result, 16.0, predictions=predictions))
    return store


def test_a_sweep_is_found_by_its_name_with_its_settings_and_nothing_else(home: RunStore) -> None:
    sweep = read_sweep(home, "abl")
    assert [each.name for each in sweep.groups] == [
        f"abl-{activation}-{optimizer}" for activation in ("relu", "sigmoid", "tanh") for optimizer in OPTIMIZERS
    ]
    assert sweep.groups[0].setting == {"activation": "relu", "optimizer": "adam"}
    assert (sweep.seeds, sweep.grid.varying) == ((0, 1), ["activation", "optimizer"])
    assert set(stored_sweeps(home.listing()).values()) == {"abl"}
    assert "abl-2" not in stored_sweeps(home.listing())
    assert stored_sweep(home, "plain") is None
    with pytest.raises(UnknownRun, match="No finished sweep is named 'plain'"):
        read_sweep(home, "plain")


def test_names_of_runs_groups_and_sweeps_are_found_together(home: RunStore) -> None:
    assert len(found_groups(home, ["abl", "plain"])) == 7
    with pytest.raises(RunError, match="may stand once"):
        found_groups(home, ["plain", "plain"])


def test_the_table_is_latex_with_escaped_letters():
    text = compare_sweep(made(with_sgd({}), images=200)).table().latex()
    assert text.startswith("\\begin{tabular}{llrrrrrl}\n\\toprule\n")
    assert text.count("\\\\\n") == 1 + 5 + 3
    assert "from (95 \\% interval)" in text
    assert "relu/sgd & relu/adam & -" in text
