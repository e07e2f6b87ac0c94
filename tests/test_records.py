"""What came of a run: columns, the best epoch, and the contract of `--json`."""

from __future__ import annotations

import json
import math
from typing import Any, get_args

import numpy as np
import pytest

from runs.samples import entry, result
from seedbed.records import METRICS, History, Verdict, VerdictKind, best_epoch, finite, patience_is_over, score
from seedbed.specs import Plan, Select


def history(accuracy: list[float], loss: list[float]) -> History:
    rows = [{"validation_accuracy": a, "validation_loss": b} for a, b in zip(accuracy, loss, strict=True)]
    return History.from_rows(rows)


@pytest.mark.parametrize(
    ("accuracy", "loss", "best"),
    [
        ([0.1, 0.9, 0.5], [1, 1, 1], 2),
        ([0.9, 0.9, 0.5], [2, 1, 0], 2),
        ([0.9, 0.9, 0.9], [1, 1, 1], 1),
        ([0.5, 0.9, math.nan], [1, math.nan, 1], 1),
        ([0.5, 0.9], [1, math.inf], 1),
        ([math.nan], [math.nan], 0),
        ([], [], 0),
    ],
)
def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss_then_comes_first(
    accuracy: list[float], loss: list[float], best: int
) -> None:
    assert best_epoch(history(accuracy, loss), "accuracy") == best


RISING = [0.1, 0.2, 0.3, 0.4, 0.9, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7]
LOSS = [2.0, 1.5, 1.2, 1.1, 0.5, 0.9, 0.4, 0.9, 0.9, 0.9, 0.9]


@pytest.mark.parametrize(
    ("select", "best"),
    [
        ("accuracy", 5),  # the lucky one
        ("smoothed", 9),  # 0.9, 0.6, 0.7, 0.7, 0.7
        ("loss", 7),
        ("last", 11),
    ],
)
def test_each_rule_selects_its_epoch(select: Select, best: int) -> None:
    assert best_epoch(history(RISING, LOSS), select) == best


@pytest.mark.parametrize("select", get_args(Select))
def test_no_rule_selects_an_epoch_that_is_not_finite(select: Select) -> None:
    assert best_epoch(history([0.5, 0.6, math.nan], [1, 0.9, math.nan]), select) == 2
    assert best_epoch(history([0.5, 0.6], [1, math.inf]), select) == 1
    assert best_epoch(history([math.nan], [math.nan]), select) == 0
    assert best_epoch(history([], []), select) == 0


def test_equal_means_of_other_terms_tie() -> None:
    assert score("smoothed", 3, [0.1, 0.2, 0.3], 1.0) == score("smoothed", 4, [0.2, 0.2, 0.2], 1.0)


@pytest.mark.parametrize(("select", "ended"), [("smoothed", True), ("loss", True), ("last", True), ("accuracy", False)])
def test_patience_counts_from_the_lowest_loss_unless_the_accuracy_selects(select: Select, ended: bool) -> None:
    found = history([0.5, 0.5, 0.5, 0.6], [1.0, 1.1, 1.2, 1.3])
    assert patience_is_over(found, Plan(patience=3, select=select)) == ended
    assert not patience_is_over(found, Plan(patience=4, select=select))
    assert not patience_is_over(found, Plan(patience=0, select=select))


def test_a_history_is_columns_and_rows() -> None:
    found = History.from_rows([{"validation_accuracy": 0.5}, {"validation_accuracy": 0.6, "saturation/dense_0": 0.1}])
    assert set(METRICS) <= found.columns.keys()
    assert found.epochs == 2
    assert found.row(2)["validation_accuracy"] == 0.6
    assert math.isnan(found.row(1)["saturation/dense_0"])
    assert list(found.probes("saturation")) == ["dense_0"]
    assert found.probes("sat") == {}
    assert all(column.dtype == np.float64 for column in found.columns.values())


def test_a_history_read_back_from_json_has_its_nans_again() -> None:
    rows = [{"train_loss": None, "validation_accuracy": 0.5}]
    assert math.isnan(History.from_rows(rows)["train_loss"][0])  # type: ignore[arg-type]


def test_a_history_of_no_epoch_has_all_figures() -> None:
    assert set(History.from_rows([]).columns) == set(METRICS)
    assert History.from_rows([]).epochs == 0


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"a": math.nan, 1: (math.inf, -math.inf, 2.5)}, {"a": None, "1": [None, None, 2.5]}),
        (np.array([1.0, math.nan]), [1.0, None]),
        ([np.float32(0.5), np.int64(3), np.bool_(True)], [0.5, 3, True]),
        ("nan", "nan"),
        (None, None),
    ],
)
def test_json_holds_null_and_never_nan(value: Any, plain: Any) -> None:
    assert finite(value) == plain
    json.dumps(finite(value), allow_nan=False)


def test_the_summary_is_the_contract_of_train_json() -> None:
    whole = result(entry("m", seed=3)).as_json()
    json.dumps(whole, allow_nan=False)
    assert {"name", "folder", "seed", "model", "data", "plan", "device", "best", "last", "curve", "verdict", "seconds"} <= set(
        whole
    )
    assert (whole["name"], whole["seed"]) == ("m", 3)
    assert {"family", "parameters", "operations"} <= set(whole["model"])
    assert {"name", "train", "validation", "test", "classes"} <= set(whole["data"])
    assert whole["data"]["name"] == "digits"
    assert {"compile", "training", "total"} == set(whole["seconds"])
    assert {"kind", "evidence", "advice"} == set(whole["verdict"])
    assert set(whole["best"]) == {"epoch", "train", "validation"}
    assert set(whole["best"]["train"]) == {"loss", "penalty", "accuracy"}
    assert set(whole["best"]["validation"]) == {"loss", "accuracy"}
    assert [at["epoch"] for at in whole["curve"]] == [1, 2, 3]
    assert whole["last"] == whole["curve"][-1]


def test_a_run_without_a_usable_epoch_has_no_best() -> None:
    from dataclasses import replace

    gone = replace(result(entry()), history=history([math.nan], [math.nan]))
    assert gone.best == 0
    assert gone.summary()["best"] is None


def test_runs_that_diverged_or_collapsed_are_not_ranked() -> None:
    kinds = get_args(VerdictKind)
    assert [kind for kind in kinds if not Verdict(kind, "", "").ranked] == ["diverged", "collapsed"]


def test_a_result_under_another_name_is_the_same_run() -> None:
    one = result(entry("a"))
    other = one.named("b", "g", "/runs/b")
    assert (other.name, other.group, other.folder) == ("b", "g", "/runs/b")
    assert other.run == one.run
    assert one.name == "a"
