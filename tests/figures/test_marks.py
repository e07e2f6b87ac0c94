"""Scales, groups and layers: what all charts rely on."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, specification


def encodings(chart, kind):
    """The encodings of the layers with a mark of this kind."""
    return [layer["encoding"] for layer in specification(chart)["layer"] if layer["mark"]["type"] == kind]


def test_importing_the_figures_does_not_import_altair():
    program = "import sys, seedbed.figures; print('altair' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (450, 12_500, [500, 1_000, 2_000, 5_000, 10_000]),
        (8e-9, 13, [1e-8, 1e-5, 0.01, 10]),
        (0.01, 2.5, [0.01, 0.03, 0.1, 0.3, 1]),
        (14_000, 18_000, [14_000, 15_000, 16_000, 17_000, 18_000]),
        (95, 105, [96, 98, 100, 102, 104]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_few_and_round(low, high, ticks):
    assert scales.log_ticks(low, high) == pytest.approx(ticks)


def test_an_axis_of_shares_ends_at_0_and_100_per_cent():
    low, high = scales.shares([0.001, 0.999]).domain
    assert (low, high) == (0.0, 1.0)
    assert scales.shares([0.5, 0.51]).domain[1] < 0.52


@pytest.mark.parametrize(("values", "form"), [([0.95, 0.99], "~%"), ([0.95, 0.96], ".1%")])
def test_labels_of_shares_have_a_decimal_where_steps_are_below_one_per_cent(values, form):
    assert scales.shares(values, ticks=4).form == form


def test_an_interval_of_a_share_is_cut_where_shares_end():
    (row,) = scales.bounded([{"mean": 0.98, "low": 0.9, "high": 1.06}])
    assert (row["low"], row["high"]) == (0.9, 1.0)


@pytest.mark.parametrize(
    ("values", "logarithmic"), [([0.1, 1.0], True), ([0.2, 1.0], False), ([0.0, 1.0], False), ([-1.0, 10.0], False)]
)
def test_amounts_that_span_a_decade_above_0_stand_on_a_logarithmic_axis(values, logarithmic):
    assert scales.amounts(values).logarithmic is logarithmic


@pytest.mark.parametrize("make", [scales.linear, scales.shares, scales.logarithmic, scales.stepwise, scales.amounts])
def test_without_values_there_is_no_axis(make):
    with pytest.raises(StatisticsError, match="nothing to draw"):
        make([])


def test_more_groups_than_shapes_are_refused():
    with pytest.raises(StatisticsError, match="At most 8"):
        marks.Groups([str(n) for n in range(9)])


def axes(**look):
    unit = scales.linear([0.0, 1.0])
    return marks.Axes(marks.x("cost", unit, "parameters"), marks.y("mean", unit, "accuracy"), **look)


def test_intervals_lie_along_the_axis_of_the_mean():
    rows = [{"cost": 0.5, "name": "a", "mean": 0.5, "low": 0.4, "high": 0.6}]
    upright = marks.single(axes().dots(rows), "t", "s", (100, 100))
    level = marks.Axes(marks.x("mean", scales.linear([0.0, 1.0])), marks.names_axis("y", "name", ["a"])).dots(rows)
    assert encodings(upright, "rule")[0]["y2"]["field"] == "high"
    assert encodings(marks.single(level, "t", "s", (100, 100)), "rule")[0]["x2"]["field"] == "high"


def test_the_pointer_shows_the_fields_that_all_rows_have_under_the_names_of_their_axes():
    rows = [{"cost": 0.5, "mean": 0.5, "low": 0.4}, {"cost": 0.7, "mean": 0.6}]
    chart = marks.single([axes(tooltip=marks.tips(cost="d", low=".2f")).mark(rows, "point")], "t", "s", (100, 100))
    assert encodings(chart, "point")[0]["tooltip"] == [
        {"field": "cost", "format": "d", "title": "parameters", "type": "quantitative"}
    ]


def test_a_line_is_one_row_that_holds_once_what_its_points_repeat():
    rows = [
        {"panel": "p", "group": group, "cost": cost, "mean": cost / 2, "low": low, "high": 1.0}
        for group, low in (("a", 0.0), ("b", None))
        for cost in (0.2, 0.4, 0.6)
    ]
    band, line = axes(by=marks.Groups(["a", "b"])).lines(rows)
    spec = line.to_dict()
    assert [row["group"] for row in spec["data"]["values"]] == ["a", "b"]
    assert {row["panel"] for row in spec["data"]["values"]} == {"p"}
    [flattened] = spec["transform"]
    points = [
        {**row, **dict(zip(flattened["flatten"], values, strict=True))}
        for row in spec["data"]["values"]
        for values in zip(*(row[name] for name in flattened["flatten"]), strict=True)
    ]
    assert points == rows
    assert [row["group"] for row in band.to_dict()["data"]["values"]] == ["a"]  # where an interval is known


def test_lines_of_single_points_are_drawn_as_they_are():
    rows = [{"group": group, "cost": 0.5, "mean": 0.5} for group in ("a", "b")]
    [line] = axes(by=marks.Groups(["a", "b"])).lines(rows)
    assert line.to_dict()["data"]["values"] == rows


def test_what_has_no_interval_is_drawn_behind_a_frontier_and_never_named():
    rows = [
        {"cost": 0.2, "mean": 0.3, "label": "trial"},
        {"cost": 0.5, "mean": 0.5, "low": 0.4, "high": 0.6, "label": "net", "frontier": True},
    ]
    layers = specification(marks.single(axes().cost_scatter(rows), "t", "s", (100, 100)))["layer"]
    assert layers[0]["mark"]["style"] == "faint"
    named = [layer["data"]["values"] for layer in layers if layer["mark"]["type"] == "text"]
    assert [[row["label"] for row in labels] for labels in named] == [["net"], ["net"]]  # on a ground of paper


def test_the_legend_of_a_panel_with_a_heading_stands_outside_the_panel():
    """A layered chart puts its legend between title and plot, where the heading stands."""
    alone = marks.figure([("heading", [])], "t", "s", (100, 100))
    assert "concat" in alone.to_dict(validate=False)


@pytest.mark.parametrize(
    "copied",
    [lambda chart: chart.copy(), copy.deepcopy, lambda chart: pickle.loads(pickle.dumps(chart))],
    ids=["altair's", "Python's", "pickled"],
)
def test_a_copy_of_a_chart_is_the_same_and_can_be_changed_by_itself(copied):
    axes = marks.Axes(marks.x("epoch", scales.Scale((0, 3))), marks.y("mean", scales.Scale((0, 1))))
    rows = [{"epoch": n, "mean": n / 3, "low": 0.0, "high": 1.0} for n in range(4)]
    chart = marks.figure([("a", axes.lines(rows)), ("b", axes.dots(rows))], "t", "s", (100, 80))
    before = specification(chart)
    other = copied(chart)
    assert specification(other) == before
    assert specification(other.properties(title="another")) != before
    assert specification(chart) == before
