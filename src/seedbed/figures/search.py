"""What a search found: its course, the frontier of accuracy and cost, and how much each setting mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, words
from seedbed.figures.scales import Rows, Scale

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

STATES = ("complete", "pruned", "diverged", "collapsed")
MOST_LABELS = 10

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


def search_course(rows: Rows) -> AnyChart:
    """Draw each trial's best validation accuracy in the order of asking, and the best complete trial so far.

    Args:
        rows: number, accuracy, state, best, network, epochs: one per trial.

    Raises:
        StatisticsError: no trial has an accuracy.
    """
    if not rows:
        raise StatisticsError("A search without trials has no course to draw.")
    scale = course_scale(rows)
    low = scale.domain[0]
    x = marks.x("number", Scale((-0.5, len(rows) - 0.5), form="d"), "trial", tickMinStep=1)
    y = marks.y("mean", scale, "validation accuracy, best epoch so far")
    by = marks.Groups([state for state in STATES if any(row["state"] == state for row in rows)], field="state", alone=True)
    tooltip = marks.tips("number", "network", "state", "epochs", accuracy=".2%")
    shown = [{**row, "mean": max(row["accuracy"], low)} for row in rows]
    best = [{**row, "mean": row["best"]} for row in rows if row["best"] is not None and row["best"] >= low]
    layers = [*marks.dots(shown, x, y, by, tooltip=tooltip, size=34), *marks.steps(best, x, y)]
    below = sum(row["accuracy"] < low for row in rows)
    subtitle = ["one seed per trial; pruned ones stopped early; dashed: the best complete trial so far"]
    subtitle += [f"{words.counted(below, 'trial')} below the axis, drawn at its foot"] * bool(below)
    return marks.figure([marks.panel(layers, width=520, height=260)], "The course of the search", subtitle)


def search_frontier(rows: Rows, cost: str) -> AnyChart:
    """Draw accuracy over a cost: finalists with their intervals over fresh seeds, their frontier, and the trials behind them.

    Args:
        rows: kind ("trial" or "finalist"), cost (seconds for the latency), mean, low, high, n, frontier, network.
        cost: "parameters", "operations" or "latency".

    Raises:
        StatisticsError: no finalist has a mean.
    """
    placed = [_placed(row, 1e3 if cost == "latency" else 1.0) for row in rows]
    finalists = sorted((row for row in placed if row["kind"] == "finalist"), key=lambda row: row["at"])
    if not finalists:
        raise StatisticsError("No setting was trained again, so there is no frontier to draw.")
    share = scales.shares([*scales.reach(finalists), max(row["mean"] for row in placed)])
    trials = [row for row in placed if row["kind"] == "trial" and row["mean"] >= share.domain[0]]
    title, form = AXES[cost]
    places = [row[name] for row in (*finalists, *trials) for name in ("least", "most")]
    x, y = marks.x("at", scales.logarithmic(places, form=form), title), marks.y("mean", share, "validation accuracy")
    few = sum(row["frontier"] for row in finalists) <= MOST_LABELS
    named = [{**row, "named": few and row["frontier"]} for row in finalists]
    tooltip = marks.tips("network", **marks.SHARES, at="~g")
    hollow = marks.chart(trials).mark_point(style="quiet-text", filled=False, size=22, opacity=0.5)
    layers = [
        hollow.encode(x, y, tooltip=marks.tips("network")),
        *marks.extents(finalists, y, "least", "most"),
        *marks.cost_scatter(named, x, y, label="network", tooltip=tooltip),
    ]
    subtitle = _frontier_subtitle(finalists, trials, cost)
    return marks.figure([marks.panel(layers, width=520, height=300)], f"Validation accuracy over {cost}", subtitle)


def _frontier_subtitle(finalists: Rows, trials: Rows, cost: str) -> list[str]:
    n = words.counted(finalists[0]["n"], "fresh seed")
    subtitle = [
        f"filled: trained again with {n}, bars: 95 % intervals (seeds x images); dashed: no cheaper one has a higher mean"
    ]
    if cost == "latency":
        subtitle.append("across: the quartiles of the measurement; where these overlap, neither counts as the cheaper one")
    if trials:
        subtitle.append("hollow: trials, one seed each; the best of them was selected, so its accuracy is optimistic")
    return subtitle


def _placed(row: dict[str, Any], unit: float) -> dict[str, Any]:
    """The row with its place on the axis, and the ends of a cost that was measured."""
    at = unit * float(row["cost"])
    return {**row, "at": at, **{name: unit * float(row[name]) if name in row else at for name in ("least", "most")}}


def importance_rows(shares: Sequence[dict[str, Any]]) -> Rows:
    """The rows of `search_importance`: name, mean (the share), low, high."""
    return [
        {
            "name": CALLED.get(row["dimension"], str(row["dimension"]).replace("_", " ")),
            "mean": row["share"],
            "low": row["low"],
            "high": row["high"],
        }
        for row in shares
    ]


def search_importance(shares: Sequence[dict[str, Any]], *, trials: int, epoch: int) -> AnyChart:
    """Draw how much of the accuracy's variance over the trials each setting explains by itself.

    Args:
        shares: dimension, share, low, high; the largest first.
        trials: how many there were.
        epoch: at which their accuracies are compared.
    """
    rows = importance_rows(shares)
    names = [row["name"] for row in rows]
    x = marks.x("mean", scales.shares([0.0, *scales.reach(rows)]), "share of the variance explained", grid=True)
    y = marks.names_axis("y", "name", names)
    layers = marks.dots(rows, x, y, tooltip=marks.tips("name", **dict.fromkeys(("mean", "low", "high"), ".1%")))
    subtitle = [
        f"main effects by functional ANOVA over {words.counted(trials, 'trial')}, accuracy at epoch {epoch}",
        "bars: nine tenths of bootstraps over the trials; of the region that was searched, which is not spread evenly",
    ]
    panel = marks.panel(layers, width=420, height=20 * len(names))
    return marks.figure([panel], "Importance of each setting", subtitle)
