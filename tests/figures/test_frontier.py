"""Two frontiers over parameters, networks against targets, fits and the parts of an error: the rows behind the marks."""

from __future__ import annotations

import pytest

from seedbed.errors import StatisticsError
from seedbed.figures import specification
from seedbed.figures.frontier import Sized, frontier, sized_rows
from seedbed.figures.polynomials import Fit, error_parts, fit_panels, fit_rows
from seedbed.statistics import Interval

NETS = [
    Sized("50-25", "50", 42_000, Interval(0.97, 0.96, 0.98, 5), True, True),
    Sized("25-25", "25", 20_000, Interval(0.96, 0.95, 0.97, 5), True, True),
    Sized("100-25", "100", 82_000, Interval(0.971, 0.96, 0.98, 5), True, False),
]
CURVE = [(0.01, Interval(0.2, 0.1, 0.3, 20)), (0.1, Interval(-0.001, -0.002, 0.001, 20))]


def drawn(chart, kind):
    """The rows of the layers with a mark of this kind."""
    layers = specification(chart)["layer"]
    return [layer["data"]["values"] for layer in layers if layer["mark"]["type"] == kind]


def test_the_frontiers_join_their_own_networks_from_the_smallest_on():
    assert [row["parameters"] for row in sized_rows(NETS)] == [20_000, 42_000, 82_000]
    means, steps = drawn(frontier(NETS, "t", ["s"], group="first"), "line")
    assert [row["label"] for row in means] == ["25-25", "50-25", "100-25"]
    assert [row["label"] for row in steps] == ["25-25", "50-25"]


def test_targets_are_on_the_axis_even_if_no_network_comes_near():
    nets = [Sized("25-25", "two layers", 20_000, Interval(0.9, 0.89, 0.91, 5))]
    chart = frontier(nets, "t", ["s"], targets=[0.95, 0.97])
    low, high = specification(chart)["layer"][0]["encoding"]["y"]["scale"]["domain"]
    assert low < 0.89
    assert high > 0.97
    assert [row["label"] for row in drawn(chart, "text")[0]] == ["more than 95 %", "more than 97 %"]


def test_a_fit_that_runs_away_does_not_flatten_the_others():
    wild = Fit("a", [0, 1], [0.0, 1.0], [0.0, 1e6], [0.0, 1e6], [0.0, 1e6])
    spec = specification(fit_panels([wild, wild], [(0, 0.1), (1, 0.9)], "t", ["s"]))
    assert spec["concat"][0]["layer"][1]["encoding"]["y"]["scale"]["domain"][1] < 3
    assert len(fit_rows([wild])) == 4


def test_an_estimate_below_zero_is_drawn_below_zero():
    chart = error_parts({"bias^2": CURVE}, "t", ["s"], best=0.1, undecided=(0.1, 0.1), y="mean square")
    assert drawn(chart, "point")[0][1]["mean"] == -0.001
    assert (
        next(layer for layer in specification(chart)["layer"] if layer["mark"]["type"] == "line")["encoding"]["y"]["scale"][
            "domain"
        ][0]
        < 0
    )


@pytest.mark.parametrize(
    "draw",
    [
        lambda: frontier(NETS[:1], "t", [], group="g"),
        lambda: frontier([], "t", [], targets=[0.95]),
        lambda: fit_panels([], [], "t", []),
        lambda: error_parts({}, "t", [], best=1, undecided=(1, 1), y="y"),
    ],
)
def test_nothing_to_draw_is_told(draw):
    with pytest.raises(StatisticsError):
        draw()
