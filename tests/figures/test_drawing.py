"""Every figure: valid Vega-Lite, drawn as PNG, SVG and HTML."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from figures.samples import HOSTILE, history, result
from seedbed import devices, figures
from seedbed import statistics as st
from seedbed.errors import SpecError, StatisticsError
from seedbed.figures import assessment, dataset, drawing

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MATRIX = np.array([[8, 2, 0], [0, 9, 1], [3, 0, 7]])
CHANCE = np.random.default_rng(0)
PROBABILITIES = CHANCE.dirichlet(np.ones(3), 200)

COURSE = [
    {"number": n, "accuracy": accuracy, "state": state, "best": best, "network": HOSTILE[n % 3], "epochs": 3}
    for n, (accuracy, state, best) in enumerate(
        [
            (0.5, "pruned", None),
            (0.9, "complete", 0.9),
            (0.0, "diverged", 0.9),
            (0.1, "collapsed", 0.9),
            (0.95, "complete", 0.95),
        ]
    )
]
FRONTIER = [
    {"kind": "trial", "cost": 900.0, "mean": 0.93, "frontier": False, "network": HOSTILE[0]},
    {
        "kind": "finalist",
        "cost": 800.0,
        "mean": 0.9,
        "low": 0.88,
        "high": 0.92,
        "n": 5,
        "frontier": True,
        "network": HOSTILE[1],
    },
    {"kind": "finalist", "cost": 1e4, "mean": 0.95, "low": 0.94, "high": 0.96, "n": 5, "frontier": True, "network": HOSTILE[2]},
]

CHARTS: dict[str, Callable[[], AnyChart]] = {
    "one run": lambda: figures.learning_curves([result(name=HOSTILE[0])]),
    "five seeds": lambda: figures.learning_curves([result(seed, penalty=0.1) for seed in range(5)]),
    "one epoch": lambda: figures.learning_curves([result(epochs=1)]),
    "a diverged run": lambda: figures.learning_curves([result(verdict="diverged")]),
    "probes": lambda: figures.probes_over_epochs(history(), "saturation"),
    "confusion": lambda: figures.confusion(MATRIX, HOSTILE),
    "calibration": lambda: figures.reliability_curve(st.calibration(PROBABILITIES, np.zeros(200, dtype=int))),
    "per class": lambda: figures.per_class(st.per_class(MATRIX), HOSTILE),
    "differences": lambda: figures.paired_differences(
        HOSTILE[:2], [st.Interval(0.1, 0.05, 0.2, 5), st.Interval(0.0, -1.0, 1.0, 5)], [True, False]
    ),
    "a search": lambda: figures.search_course(COURSE),
    "a search of one trial": lambda: figures.search_course(COURSE[:1]),
    "a frontier": lambda: figures.search_frontier(FRONTIER, "parameters"),
    "a measured frontier": lambda: figures.search_frontier(FRONTIER[1:], "latency"),
    "importances": lambda: figures.search_importance(
        [{"dimension": name, "share": 0.5 / n, "low": 0.1, "high": 0.6} for n, name in enumerate(("rate", HOSTILE[0]), 1)],
        trials=40,
        epoch=4,
    ),
    "balance": lambda: figures.class_balance({"training": [3, 4, 5], "validation": [0, 1, 1]}, HOSTILE),
    "embedding, long names": lambda: figures.embedding_scatter(
        CHANCE.random((9, 2)), np.arange(9) % 3, HOSTILE, method="PCA", axes=("x", "y")
    ),
    "embedding, digits": lambda: figures.embedding_scatter(
        CHANCE.random((9, 2)), np.arange(9) % 3, "012", method="PCA", axes=("x", "y")
    ),
}


@pytest.mark.parametrize("make", CHARTS.values(), ids=CHARTS)
def test_each_figure_is_valid_and_drawn_three_ways(make: Callable[[], AnyChart], tmp_path: Path) -> None:
    chart = make()
    spec = chart.to_dict()  # altair checks it against Vega-Lite's schema
    assert spec["title"]["text"]
    png, svg, page = figures.save(chart, tmp_path / "deep" / "a.b")
    assert [path.name for path in (png, svg, page)] == ["a.b.png", "a.b.svg", "a.b.html"]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"NaN" not in svg.read_bytes()
    assert not any(name in page.read_text(encoding="utf-8") for name in HOSTILE[:2])


def test_a_search_without_anything_to_draw_is_told() -> None:
    with pytest.raises(StatisticsError, match="without trials"):
        figures.search_course([])
    with pytest.raises(StatisticsError, match="trained again"):
        figures.search_frontier(FRONTIER[:1], "parameters")


def test_an_unknown_kind_of_file_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'pgn'.*Did you mean 'png'"):
        figures.save(CHARTS["probes"](), tmp_path / "a", ["pgn"])


def test_light_and_dark_differ_in_the_theme_alone() -> None:
    chart = CHARTS["confusion"]()
    light, dark = figures.specification(chart), figures.specification(chart, "dark")
    assert light.pop("config") != dark.pop("config")
    assert light == dark


def test_a_confusion_matrix_counts_rows_as_true_classes() -> None:
    cells = {(row["true"], row["predicted"]): row for row in assessment.confusion_rows(MATRIX, "abc")}
    assert cells["a", "b"]["count"] == 2
    assert cells["c", "a"]["share"] == pytest.approx(0.3)
    assert sum(row["count"] for row in cells.values() if row["right"]) == 24


def test_a_class_never_predicted_has_no_precision() -> None:
    rows = assessment.per_class_rows(st.per_class(np.array([[0, 3], [0, 5]])), "ab")
    assert [(row["class"], row["measure"]) for row in rows] == [
        ("a (n = 3)", "recall"),
        ("b (n = 5)", "precision"),
        ("b (n = 5)", "recall"),
    ]


def test_a_difference_is_shown_where_the_corrected_decision_says_so() -> None:
    """Both intervals exclude zero; the second contrast does not survive the correction."""
    intervals = [st.Interval(0.01, 0.002, 0.02, 5), st.Interval(0.01, 0.001, 0.02, 5)]
    rows = assessment.difference_rows(["x", "y"], intervals, [True, False])
    assert [row["shown"] for row in rows] == [True, False]
    assert rows[0]["text"] == "+1.00 (+0.20 to +2.00)"


def test_balance_is_a_share_of_the_part() -> None:
    rows = dataset.class_balance_rows({"training": [30, 10], "validation": [1, 1]}, "ab")
    assert [row["share"] for row in rows] == [0.75, 0.25, 0.5, 0.5]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.confusion(MATRIX, "ab"),
        lambda: figures.per_class([], "ab"),
        lambda: figures.paired_differences(["a"], [], []),
        lambda: figures.class_balance({"training": [1, 2, 3]}, "ab"),
        lambda: figures.embedding_scatter(np.zeros((3, 3)), [0, 0, 0], "a", method="PCA", axes=("x", "y")),
    ],
)
def test_shapes_that_do_not_fit_are_refused(draw: Callable[[], AnyChart]) -> None:
    with pytest.raises(StatisticsError):
        draw()


def test_many_charts_are_the_same_pictures_whoever_draws_them(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [{**figures.specification(make()), "description": name} for name, make in CHARTS.items()]
    monkeypatch.setattr(devices, "cores", lambda: 1)
    alone = drawing.draw_all(specs, ("png", "svg"))
    monkeypatch.setattr(devices, "cores", lambda: 2)
    here, draw = [], drawing.draw
    monkeypatch.setattr(drawing, "draw", lambda spec, kinds: here.append(spec) or draw(spec, kinds))
    assert drawing.draw_all(specs, ("png", "svg")) == alone
    assert here == [*specs[: drawing.HEAD_START], *specs[drawing.HEAD_START :: 2]]


def test_what_a_helper_could_not_draw_is_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "false")
    specs = [figures.specification(CHARTS["confusion"]())] * drawing.CHARTS_PER_PROCESS * 2
    drawn = drawing.draw_all(specs, ("svg",))
    assert len({contents["svg"] for contents in drawn}) == 1
