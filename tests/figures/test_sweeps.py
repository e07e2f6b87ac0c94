"""The figures of sweeps: axes, panels, colours, and the frontier."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from figures.samples import HOSTILE
from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import sweeps
from seedbed.figures.scales import field_scale, is_quantity
from seedbed.figures.sweeps import Layout
from seedbed.statistics import Interval


@dataclass
class Cell:
    """One setting, made by hand."""

    setting: dict[str, Any]
    mean: float | None = 0.9
    parameters: int = 100
    total: int = 5
    left_out: int = 0
    accuracy: Interval | None = field(init=False)

    def __post_init__(self) -> None:
        self.accuracy = None if self.mean is None else Interval(self.mean, self.mean - 0.02, self.mean + 0.01, 5)


L2 = (0.0, 1e-5, 1e-4, 1e-3)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("l2", [0.0, 1e-4], True),
        ("hidden", [(10,), (20,), ()], True),
        ("first", [10, 20, None], True),
        ("first", [10, None], False),
        ("hidden", [(10,), (20, 10)], False),
        ("activation", ["relu", "tanh"], False),
        ("split_seed", [0, 1], False),
        ("arg.flag", [True, False], False),
    ],
)
def test_quantities_are_told_from_names(name, values, expected):
    assert is_quantity(name, values) is expected


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [
        (L2, True),
        ([(25,), (50,), (100,), (200,)], True),
        ([0.0, 0.2, 0.5], False),
        ([1, 2, 3, 4], False),
        ([0.0, 1e-4], False),
        ([1e-4, 1e-2], True),
        ([-1, 10, 1000], False),
    ],
)
def test_an_axis_is_logarithmic_where_that_is_more_even(values, logarithmic):
    assert field_scale(values).logarithmic is logarithmic


def test_zero_stands_apart_on_a_logarithmic_axis_and_none_on_any():
    with_zero = field_scale(L2)
    assert 0 < with_zero.places[0.0] < with_zero.breaks[0] < with_zero.places[1e-5] == 1e-5
    assert with_zero.apart(0.0) != with_zero.apart(1e-5) == with_zero.apart(1e-3)
    with_none = field_scale([10, 20, None])
    assert with_none.places[20] == 20 < with_none.breaks[0] < with_none.places[None] < with_none.domain[1]
    assert field_scale([0.0, 0.2, 0.5]).breaks == ()


def test_a_second_field_makes_panels_and_the_smallest_of_several_colours():
    two = [Cell({"l2": l2, "activation": word}) for l2 in L2 for word in ("relu", "tanh")]
    assert sweeps.layout(two, "l2").colour is None
    assert sweeps.layout(two, "l2").panels == ("activation relu", "activation tanh")
    three = [Cell({**cell.setting, "epochs": epochs}) for cell in two for epochs in (1, 2, 3)]
    assert sweeps.layout(three, "l2").colours == ("relu", "tanh")
    assert sweeps.layout(three, "l2").panels == ("epochs 1", "epochs 2", "epochs 3")


def test_more_panels_than_fit_are_cut_and_that_is_told():
    cells = [Cell({"l2": l2, "epochs": epochs}) for l2 in L2 for epochs in range(1, 31)]
    chart = figures.accuracy_over_field(cells, "l2").to_dict()
    assert len(chart["concat"]) == 24
    assert "the first 24 of 30 panels" in chart["title"]["subtitle"]


def test_settings_without_a_mean_have_no_mark_but_their_count():
    cells = [Cell({"l2": 0.0}), Cell({"l2": 0.1}, None, left_out=5), Cell({"l2": 0.2}, left_out=2)]
    where, scale = sweeps.layout(cells, "l2"), field_scale([0.0, 0.1, 0.2])
    rows = sweeps.field_rows(cells, "l2", where, scale)
    assert ["mean" in row for row in rows] == [True, False, True]
    assert [row["out"] for row in sweeps.out_rows(rows)] == ["5/5", "2/5"]


def test_the_frontier_holds_what_no_smaller_network_beats():
    means = {100: 0.90, 200: 0.89, 300: 0.93, 400: 0.93}
    cells = [Cell({"hidden": (size,)}, mean, size) for size, mean in means.items()]
    rows = sweeps.parameter_rows(cells, Layout.of(cells, None, []))
    assert [row["frontier"] for row in rows] == [True, False, True, False]


def test_conditions_of_the_data_have_frontiers_of_their_own():
    cells = [
        Cell({"hidden": (size,), "first": first}, 0.9 - 0.1 * (first == 10), size) for size in (1, 2) for first in (10, 20)
    ]
    rows = sweeps.parameter_rows(cells, Layout.of(cells, None, ["first"]))
    assert [(row["parameters"], row["panel"], row["frontier"]) for row in rows][:2] == [
        (1, "first 10", True),
        (1, "first 20", True),
    ]


def test_colours_stand_apart_and_the_frontier_runs_through_the_true_sizes():
    cells = [Cell({"hidden": (n,), "activation": word}, parameters=n) for n in (10, 100) for word in ("relu", "tanh")]
    layers = figures.specification(figures.accuracy_over_parameters(cells))["layer"]
    fields = {layer["mark"]["type"]: layer["encoding"]["x"]["field"] for layer in layers}
    assert (fields["line"], fields["point"]) == ("parameters", "at")


def test_of_many_settings_the_highest_means_are_shown_in_their_order():
    cells = [Cell({"epochs": n}, 0.5 + n / 1000) for n in range(100)]
    rows = sweeps.setting_rows(cells)
    assert [row["setting"] for row in rows] == [f"epochs {n}" for n in range(40, 100)]


FIGURES = {
    "settings": lambda: figures.setting_means([Cell({"arg.word": name}) for name in HOSTILE]),
    "settings without means": lambda: figures.setting_means([Cell({"l2": 0.0}), Cell({"l2": 0.1}, None, left_out=5)]),
    "over l2": lambda: figures.accuracy_over_field([Cell({"l2": l2}, left_out=1) for l2 in L2], "l2"),
    "over first, in panels": lambda: figures.accuracy_over_field(
        [Cell({"first": first, "arg.word": name}) for first in (10, 20, None) for name in HOSTILE], "first"
    ),
    "over l2, in colours": lambda: figures.accuracy_over_field(
        [Cell({"l2": l2, "arg.word": name, "epochs": n}) for l2 in L2 for name in HOSTILE for n in (1, 2, 3, 4)], "l2"
    ),
    "over parameters": lambda: figures.accuracy_over_parameters(
        [Cell({"hidden": (n,), "arg.word": name}, parameters=n) for n in (10, 100) for name in HOSTILE]
    ),
}


@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_each_figure_is_valid_and_drawn_three_ways(make, tmp_path: Path):
    chart = make()
    assert chart.to_dict()["title"]["text"]
    png, svg, page = figures.save(chart, tmp_path / "a")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"NaN" not in svg.read_bytes()
    assert not any(name in page.read_text(encoding="utf-8") for name in HOSTILE[:2])


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.accuracy_over_field([Cell({"activation": "relu"}), Cell({"activation": "tanh"})], "activation"),
        lambda: figures.accuracy_over_field([Cell({"l2": 0.0})], "l1"),
        lambda: figures.accuracy_over_field([Cell({"l2": l2}, None) for l2 in L2], "l2"),
        lambda: figures.accuracy_over_parameters([Cell({"l2": l2}) for l2 in L2]),
        lambda: figures.setting_means([Cell({"l2": 0.0}, None)]),
    ],
)
def test_what_cannot_be_drawn_is_told(draw):
    with pytest.raises(StatisticsError):
        draw()
