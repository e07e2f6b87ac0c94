"""What a search found: its course, the frontier of accuracy and cost, and how much each setting mattered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

STATES = ("complete", "pruned", "diverged", "collapsed")

CALLED = {
    "layers": "number of layers",
    "first": "share of the first layer",
    "second": "split of the later layers",
    "drops": "dropout or not",
    "dropout": "rate of the dropout",
    "penalty": "kind of the penalty",
    "strength": "strength of the penalty",
    "rate": "learning rate",
    "decay": "weight decay",
    "growth": "growth of the filters",
    "head": "head of the maps",
    "size": "share of the budget",
}
"""Dimensions of the space whose names alone do not say what they are."""

AXES = {
    "parameters": ("parameters", "~s"),
    "operations": ("operations for one image", "~s"),
    "latency": ("milliseconds for one image alone, measured", ""),
}


def course_scale(rows: Rows) -> Scale:
    """The accuracies of a search without its worst tenth, which would press all others together."""
    shown = sorted(row["accuracy"] for row in rows if row["state"] in ("complete", "pruned")) or [0.0, 1.0]
    return scales.shares([shown[len(shown) // 10], shown[-1]])


def search_course(rows: Rows, *, measure: str = "validation accuracy") -> AnyChart:
    """Draw each trial's best accuracy, or another metric, in the order of asking, and the best complete trial so far.

    Args:
        rows: number, accuracy, state, best, network, epochs: one per trial.
        measure: name of what `accuracy` and `best` hold.

    Raises:
        StatisticsError: no trial has an accuracy.
    """
    if not rows:
        raise StatisticsError("A search without trials has no course to draw.")
    scale = course_scale(rows)
    low = scale.domain[0]
    states = [state for state in STATES if any(row["state"] == state for row in rows)]
    x = marks.x("number", Scale((-0.5, len(rows) - 0.5), form="d"), "trial", tickMinStep=1)
    y = marks.y("mean", scale, f"{measure}, best epoch so far")
    tooltip = marks.tips("number", "network", "state", "epochs", accuracy=".2%")
    axes = marks.Axes(x, y, marks.Groups(states, field="state", legend=True), tooltip)
    shown = [{**row, "mean": max(row["accuracy"], low)} for row in rows]
    best = [{**row, "mean": row["best"]} for row in rows if row["best"] is not None and row["best"] >= low]
    below = sum(row["accuracy"] < low for row in rows)
    subtitle = ["one seed per trial; pruned ones stopped early; dashed: the best complete trial so far"]
    subtitle += [f"{words.counted(below, 'trial')} below the axis, drawn at its foot"] * bool(below)
    return marks.single([*axes.dots(shown, size=34), *axes.steps(best)], "The course of the search", subtitle, (520, 260))


def search_coordinates(rows: Rows, ends: Rows) -> AnyChart:
    """Draw each trial as a line through the values of its settings; the more accurate, the stronger.

    Args:
        rows: trial, state, accuracy, dimension, place (in [0, 1]), value (in words), one per trial and dimension.
        ends: dimension, place and text of the values that are written along the axes.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    if not rows:
        raise StatisticsError("There is nothing to draw: no setting varies among the trials.")
    names = list(marks.split(rows, "dimension"))
    states = [state for state in STATES if any(row["state"] == state for row in rows)]
    x = marks.names_axis("x", "dimension", names, labelAngle=0, orient="top", domain=False, ticks=False, labelLimit=90)
    y = marks.y("place", Scale((-0.06, 1.06))).axis(None)
    axes = marks.Axes(x, y, marks.Groups(states, field="state", legend=True), marks.tips("trial", "value", accuracy=".2%"))
    strong = marks.strength("accuracy", course_scale(rows))
    lines = replace(axes, tooltip=()).lines(rows, strong, detail="trial", strokeWidth=1.4)
    points = axes.mark(rows, "point", strong, coloured=True, size=16, filled=True)
    values = [
        layer for style in ("halo", "label") for layer in marks.texts(ends, "text", x, y, style=style, align="left", dx=6)
    ]
    subtitle = ["one line per trial; the stronger, the higher its validation accuracy; pruned trials stopped early"]
    return marks.single([*lines, points, *values], "Settings of the trials", subtitle, (96 * len(names), 300))


def search_frontier(rows: Rows, cost: str, *, measure: str = "validation accuracy") -> AnyChart:
    """Draw accuracy, or another metric, over a cost: finalists with intervals, their frontier, and the trials behind them.

    Args:
        rows: kind ("trial" or "finalist"), cost (seconds for the latency), mean, low, high, n, frontier, network.
        cost: "parameters", "operations" or "latency".
        measure: name of what is drawn.

    Raises:
        StatisticsError: no finalist has a mean.
    """
    rows = frontier_rows(rows, 1e3 if cost == "latency" else 1.0)
    finalists = [row for row in rows if row["kind"] == "finalist"]
    title, form = AXES[cost]
    share = scales.shares([*scales.reach(finalists), max(row["mean"] for row in rows)])
    rows = [row for row in rows if row["mean"] >= share.domain[0]]
    ends = [row[name] for row in rows for name in ("least", "most")]
    x, y = marks.x("at", scales.logarithmic(ends, form=form), title), marks.y("mean", share, measure)
    axes = marks.Axes(x, y, tooltip=marks.tips("label", **marks.SHARES, at="~g"))
    layers = [*marks.extents(finalists, axes.y), *axes.cost_scatter(rows)]
    subtitle = _frontier_subtitle(finalists, len(rows) - len(finalists), cost)
    return marks.single(layers, f"{words.capital(measure)} over {cost}", subtitle, (520, 300))


def frontier_rows(rows: Rows, unit: float) -> Rows:
    """The marks of `search_frontier`, from the cheapest on: the rows with at, least, most (in the unit) and label.

    Raises:
        StatisticsError: no finalist has a mean.
    """
    if not any(row["kind"] == "finalist" for row in rows):
        raise StatisticsError("No setting was trained again, so there is no frontier to draw.")
    placed = []
    for row in sorted(rows, key=lambda row: float(row["cost"])):
        at = unit * float(row["cost"])
        ends = {name: unit * float(row[name]) if name in row else at for name in ("least", "most")}
        placed.append({**row, "at": at, "label": row["network"], **ends})
    return placed


def _frontier_subtitle(finalists: Rows, trials: int, cost: str) -> list[str]:
    n = words.counted(finalists[0]["n"], "fresh seed")
    subtitle = [
        f"filled: trained again with {n}, bars: 95 % intervals (seeds x images); dashed: no cheaper one has a higher mean"
    ]
    if cost == "latency":
        subtitle.append("across: the quartiles of the measurement; where these overlap, neither counts as the cheaper one")
    if trials:
        subtitle.append("hollow: trials, one seed each; the best of them was selected, so its accuracy is optimistic")
    return subtitle


def importance_rows(shares: Sequence[dict[str, Any]]) -> Rows:
    """The rows of `search_importance`: name, mean (the share), low, high."""
    names = [CALLED.get(row["dimension"], str(row["dimension"]).replace("_", " ")) for row in shares]
    return [{**row, "name": name, "mean": row["share"]} for name, row in zip(names, shares, strict=True)]


def search_importance(shares: Sequence[dict[str, Any]], *, trials: int, epoch: int) -> AnyChart:
    """Draw how much of the accuracy's variance over the trials each setting explains by itself.

    Args:
        shares: dimension, share, low, high; the largest first.
        trials: how many there were.
        epoch: at which their accuracies are compared.
    """
    rows = importance_rows(shares)
    x = marks.x("mean", scales.shares([0.0, *scales.reach(rows)]), "share of the variance explained", grid=True)
    axes = marks.Axes(
        x, marks.names_axis("y", "name", [row["name"] for row in rows]), tooltip=marks.tips("name", **marks.SHARES)
    )
    subtitle = [
        f"main effects by functional ANOVA over {words.counted(trials, 'trial')}, accuracy at epoch {epoch}",
        "bars: nine tenths of bootstraps over the trials; of the region that was searched, which is not spread evenly",
    ]
    return marks.single(axes.dots(rows), "Importance of each setting", subtitle, (420, 20 * len(rows)))
