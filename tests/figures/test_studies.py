"""What studies show: the rows behind the marks, and that what cannot be drawn is told."""

from __future__ import annotations

import math

import numpy as np
import pytest

from figures.samples import result
from seedbed.errors import StatisticsError
from seedbed.figures import curve_panels, mean_curve, measures_over, share_table, specification
from seedbed.figures.curves import Curve, curve_rows
from seedbed.figures.panels import Dot
from seedbed.statistics import Interval


def test_a_mean_curve_is_that_of_the_runs_that_did_not_break():
    runs = [result(0), result(1), result(2, verdict="collapsed")]
    curve = mean_curve(runs, "validation_loss-train_loss", panel="a", line="b")
    gaps = [one.history["validation_loss"] - one.history["train_loss"] for one in runs[:2]]
    assert [at.mean for _, at in curve.points] == pytest.approx(list(np.mean(gaps, axis=0)))
    assert [x for x, _ in curve.points] == [1, 2, 3, 4, 5, 6]
    assert mean_curve(runs[2:], "train_loss", panel="a", line="b").points == []


def test_one_run_has_a_line_and_no_band():
    rows = curve_rows([mean_curve([result(0)], "train_loss", panel="a", line="b")])
    assert all(row["low"] is None and row["mean"] is not None for row in rows)


def test_a_logarithmic_axis_leaves_out_what_is_not_positive_and_bounds_the_band():
    curve = Curve("a", "b", [(1, Interval(0.0, -1, 1, 3)), (2, Interval(0.1, -1, 1, 3))])
    (row,) = curve_rows([curve], logarithmic=True)
    assert (row["x"], row["low"]) == (2, pytest.approx(0.01))


def test_lines_without_points_are_not_in_the_legend():
    good, none = Curve("a", "kept", [(1, Interval(1, 0.9, 1.1, 3)), (2, Interval(1, 0.9, 1.1, 3))]), Curve("a", "broken", [])
    text = str(specification(curve_panels([good, none], "t", ["s"], y="y")))
    assert "kept" in text
    assert "broken" not in text


def test_measures_are_drawn_where_they_are_known():
    points = [Dot("gap", value, "x", Interval(value, value - 1, value + 1, 3)) for value in (0, 1e-3, 1e-2, 1e-1)]
    points += [Dot("gap", 1.0, "x", None), Dot("gap", 10.0, "x", Interval(math.nan, math.nan, math.nan, 0))]
    spec = specification(measures_over(points, "l2", "t", ["n = 3 seeds"]))
    [lines, *_, dots] = [layer["data"]["values"] for layer in spec["concat"][0]["layer"] if "mean" in str(layer["data"])]
    assert [row["mean"] for row in lines] == [[0], [1e-3, 1e-2, 1e-1]]  # apart, since 0 has no logarithm
    assert [row["mean"] for row in dots] == [0, 1e-3, 1e-2, 1e-1]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: curve_panels([], "t", [], y="y"),
        lambda: measures_over([Dot("a", 1, "b", None), Dot("a", 2, "b", None)], "l2", "t", []),
        lambda: share_table([], "t", [], rows="r", columns="c"),
    ],
)
def test_nothing_to_draw_is_told(draw):
    with pytest.raises(StatisticsError):
        draw()


def test_shares_keep_their_order_and_their_numbers():
    spec = specification(share_table([("p", "b", "y", 0.25), ("p", "a", "x", 1.0)], "t", ["s"], rows="r", columns="c"))
    assert spec["concat"][0]["layer"][0]["encoding"]["y"]["sort"] == ["b", "a"]
    assert [row["text"] for row in spec["concat"][0]["layer"][0]["data"]["values"]] == ["25 %", "100 %"]
