from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from figures.samples import history, result
from seedbed.errors import StatisticsError
from seedbed.figures.learning import learning_curves, learning_points, probes_over_epochs
from seedbed.records import History, Result


def with_accuracies(seed: int, *values: float) -> Result:
    made = result(seed, epochs=len(values))
    return replace(made, history=History({**made.history.columns, "validation_accuracy": np.array(values)}))


def test_the_mean_carries_students_interval() -> None:
    data = learning_points([with_accuracies(seed, value) for seed, value in enumerate((0.4, 0.5, 0.6))])
    (row,) = [row for row in data.mean if row["panel"] == "accuracy" and row["line"] == "validation"]
    half = 4.302652729696142 * 0.1 / np.sqrt(3)  # t of 2 degrees of freedom at 97.5 %
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.5, 0.5 - half, 0.5 + half))


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    data = learning_points([with_accuracies(seed, value) for seed, value in enumerate((0.9, 0.97, 1.0))])
    (row,) = [row for row in data.mean if row["panel"] == "accuracy" and row["line"] == "validation"]
    assert row["low"] < 0.9
    assert row["high"] == 1.0


def test_a_single_run_has_no_mean() -> None:
    assert learning_points([result()]).mean == []


def test_a_diverged_seed_is_drawn_named_and_kept_out_of_the_mean() -> None:
    whole = [result(seed) for seed in (0, 1)]
    data = learning_points([*whole, result(2, verdict="diverged")])
    assert data.mean == learning_points(whole).mean
    assert {row["seed"] for row in data.raw} == {0, 1, 2}
    subtitle = str(learning_curves([*whole, result(2, verdict="diverged")]).to_dict()["title"])
    assert "n = 2 seeds" in subtitle
    assert "seed 2 diverged" in subtitle


def test_what_is_not_finite_is_null_in_the_rows() -> None:
    values = [row["mean"] for row in learning_points([result(verdict="diverged")]).raw]
    assert None in values
    assert all(value is None or np.isfinite(value) for value in values)


def test_seeds_that_stopped_early_end_the_mean_and_not_the_others_curves() -> None:
    data = learning_points([result(0, epochs=6), result(1, epochs=4)])
    assert max(row["x"] for row in data.mean) == 4
    assert max(row["x"] for row in data.raw) == 6


def test_a_smoothed_run_keeps_its_measured_values_behind_its_moving_average() -> None:
    made = with_accuracies(0, 0.5, 0.9, 0.7)
    raw = learning_points([made]).smoothed(0.5).raw
    rows = [row for row in raw if row["panel"] == "accuracy" and row["line"] == "validation"]
    assert [row["mean"] for row in rows] == [0.5, 0.9, 0.7]
    weights = [0.25, 0.5, 1.0]  # halved with each step back
    assert rows[2]["smoothed"] == pytest.approx(np.average([0.5, 0.9, 0.7], weights=weights))
    assert rows[0]["smoothed"] == 0.5
    assert "weight 0.5" in str(learning_curves([made], smoothing=0.5).to_dict()["title"])
    assert "smooth" not in str(learning_curves([made]).to_dict())


def test_of_several_seeds_the_mean_is_smoothed() -> None:
    points = learning_points([result(seed) for seed in (0, 1)]).smoothed(0.9)
    assert all("smoothed" in row for row in points.mean)
    assert not any("smoothed" in row for row in points.raw)


def test_of_too_many_seeds_to_distinguish_the_validation_curves_alone_are_drawn() -> None:
    few, many = ([result(seed) for seed in range(count)] for count in (20, 21))
    rows = learning_curves(many).to_dict()["concat"][0]["layer"][0]["data"]["values"]
    assert [row["seed"] for row in rows] == list(range(21))
    assert {row["line"] for row in rows} == {"validation"}
    for row, made in zip(rows, many, strict=True):
        assert row["mean"] == made.history["validation_accuracy"].tolist()
        assert row["x"] == list(range(1, made.history.epochs + 1))
    assert "the validation curves of single seeds faint" in str(learning_curves(many).to_dict()["title"])
    rows = learning_curves(few).to_dict()["concat"][0]["layer"][0]["data"]["values"]
    assert {row["line"] for row in rows} == {"training", "validation"}


@pytest.mark.parametrize("seeds", [1, 21])
@pytest.mark.parametrize(("penalty", "panels"), [(0.0, ["accuracy", "loss"]), (0.1, ["accuracy", "loss", "penalty"])])
def test_the_penalty_has_a_panel_only_where_it_is_paid(penalty: float, panels: list[str], seeds: int) -> None:
    assert learning_points([result(seed, penalty=penalty) for seed in range(seeds)]).panels == panels


@pytest.mark.parametrize(("epochs", "kind"), [(2, "linear"), (30, "log")])
def test_a_loss_over_a_decade_is_drawn_on_a_log_scale(epochs: int, kind: str) -> None:
    accuracy, loss = learning_curves([result(epochs=epochs)]).to_dict()["concat"]
    assert loss["layer"][0]["encoding"]["y"]["scale"]["type"] == kind
    assert accuracy["layer"][0]["encoding"]["y"]["scale"]["type"] == "linear"


def test_the_diamond_stands_where_the_results_best_epoch_is() -> None:
    made = with_accuracies(0, 0.5, 0.9, 0.7)
    at_best = made.history["validation_accuracy"][made.best - 1]
    diamonds = [(row["x"], row["mean"]) for row in learning_points([made]).best if row["panel"] == "accuracy"]
    assert diamonds == [(made.best, at_best)]


@pytest.mark.parametrize("results", [[], [result(0), result(1, l2=0.1)]])
def test_results_that_are_not_of_one_setting_are_refused(results: list[Result]) -> None:
    with pytest.raises(StatisticsError, match="one setting"):
        learning_curves(results)


def test_handout_figures_say_whose_images_were_called_validation() -> None:
    made = result()
    made = replace(made, run=made.run.changed(data=made.run.data.changed(protocol="handout")))
    assert "test images, called validation" in str(learning_curves([made]).to_dict()["title"])


def test_an_unknown_probe_names_the_known_ones() -> None:
    with pytest.raises(StatisticsError, match=r"'gradient'.*It has: saturation"):
        probes_over_epochs(history(), "gradient")
