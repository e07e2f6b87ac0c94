"""What a search found: its course, the frontier of accuracy and cost, and how much each setting mattered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

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
    "parameters": ("parameters (log scale)", "~s"),
    "operations": ("operations for one image (log scale)", "~s"),
    "latency": ("milliseconds for one image alone, measured (log scale)", "~g"),
}


def search_course(rows: Rows) -> AnyChart:
    """Each trial's best validation accuracy in the order of asking, and the best of the whole ones so far.

    Args:
        rows: number, accuracy, state, best, network, epochs: one a trial.

    Raises:
        StatisticsError: no trial has an accuracy.
    """
    import altair as alt

    if not rows:
        raise StatisticsError("A search without trials has no course to draw.")
    states = [state for state in STATES if any(row["state"] == state for row in rows)]
    shown = sorted(row["accuracy"] for row in rows if row["state"] in ("complete", "pruned")) or [0.0, 1.0]
    low = shown[len(shown) // 10]  # the worst tenth would press all others together
    high = shown[-1]
    pad = 0.08 * max(high - low, 1e-3)
    domain = [max(0.0, low - pad), min(1.0, high + pad)]
    for row in rows:
        row["shown"] = max(row["accuracy"], domain[0])
    scale = alt.Scale(domain=domain, nice=False, zero=False)
    y = alt.Y("shown:Q", title="validation accuracy, best epoch so far", scale=scale, axis=alt.Axis(format=".1%", tickCount=6))
    x = alt.X(
        "number:Q",
        title="trial",
        axis=alt.Axis(grid=False, format="d"),
        scale=alt.Scale(domain=[-0.5, len(rows) - 0.5], nice=False),
    )
    by = alt.Scale(domain=states, range="category")
    legend = alt.Legend(orient="top")
    shapes = alt.Scale(domain=states, range=list(theme.SHAPES)[: len(states)])
    tooltip = ["number:Q", "network:N", alt.Tooltip("accuracy:Q", format=".2%"), "state:N", "epochs:Q"]
    points = alt.Chart(theme.table(rows)).mark_point(filled=True, size=34, opacity=0.8)
    best = [row for row in rows if row["best"] is not None and row["best"] >= domain[0]]
    layers = [
        points.encode(
            x,
            y,
            alt.Color("state:N", title=None, scale=by, legend=legend),
            alt.Shape("state:N", title=None, scale=shapes, legend=legend),
            tooltip=tooltip,
        ),
        alt.Chart(theme.table(best)).mark_line(style="ideal", interpolate="step-after").encode(x, alt.Y("best:Q", scale=scale)),
    ]
    below = sum(row["accuracy"] < domain[0] for row in rows)
    subtitle = ["one seed a trial; pruned ones stopped early; dashed: the best whole trial so far"]
    if below:
        subtitle.append(f"{words.counted(below, 'trial')} below the axis, drawn at its foot")
    return theme.finish(alt.layer(*layers), "The course of the search", subtitle, width=520, height=260)


def search_frontier(rows: Rows, cost: str) -> AnyChart:
    """Accuracy over a cost: finalists with their intervals over fresh seeds, their frontier, and the trials behind them.

    Args:
        rows: kind ("trial" or "finalist"), cost (seconds for the latency), mean, low, high, n, frontier, network.
        cost: "parameters", "operations" or "latency".

    Raises:
        StatisticsError: no finalist has a mean.
    """
    import altair as alt

    placed = [_placed(row, 1e3 if cost == "latency" else 1.0) for row in rows]
    finalists = sorted((row for row in placed if row["kind"] == "finalist"), key=lambda row: row["at"])
    if not finalists:
        raise StatisticsError("No setting was trained again, so there is no frontier to draw.")
    low = min(row["low"] for row in finalists)
    high = max(*(row["high"] for row in finalists), *(row["mean"] for row in placed))
    pad = 0.06 * max(high - low, 1e-3)
    trials = [row for row in placed if row["kind"] == "trial" and row["mean"] >= low - pad]
    places = [row[name] for row in (*finalists, *trials) for name in ("least", "most")]
    title, form = AXES[cost]
    across = alt.Scale(type="log", domain=[min(places) / 1.15, max(places) * 1.6], nice=False)
    x = alt.X("at:Q", title=title, scale=across, axis=alt.Axis(format=form, grid=False))
    up = alt.Scale(domain=[max(0, low - pad), min(1, high + pad)], nice=False, zero=False)
    ticks = alt.Axis(format=".1%" if high - low < 0.05 else "~%", tickCount=6)
    y = alt.Y("mean:Q", title="validation accuracy", scale=up, axis=ticks)
    chart = alt.layer(*_frontier_layers(finalists, trials, x, y))
    subtitle = _frontier_subtitle(finalists, trials, cost)
    return theme.finish(chart, f"Validation accuracy over {cost}", subtitle, width=520, height=300)


def _frontier_layers(finalists: Rows, trials: Rows, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Trials behind, then the line of the frontier, and the finalists with their reach along both axes."""
    import altair as alt

    frontier = [row for row in finalists if row["frontier"]]
    table = alt.Chart(theme.table(finalists))
    shares = [alt.Tooltip(f"{name}:Q", format=".2%") for name in ("mean", "low", "high")]
    hollow = alt.Chart(theme.table(trials)).mark_point(style="quiet-text", filled=False, size=22, opacity=0.5)
    layers: list[alt.Chart] = [
        hollow.encode(x, y, tooltip=["network:N"]),
        alt.Chart(theme.table(frontier)).mark_line(style="ideal", interpolate="step-after").encode(x, y),
        table.mark_rule(style="interval").encode(x, alt.Y("low:Q"), alt.Y2("high:Q")),
        table.mark_rule().encode(alt.X("least:Q"), y, alt.X2("most:Q")),
        table.mark_point(style="solid").encode(x, y, tooltip=["network:N", *shares, "at:Q"]),
    ]
    if len(frontier) <= MOST_LABELS:
        labels = alt.Chart(theme.table(frontier)).mark_text(style="quiet-text", align="left", dx=7, dy=10)
        layers.append(labels.encode(x, y, text="network:N"))
    return layers


def _frontier_subtitle(finalists: Rows, trials: Rows, cost: str) -> list[str]:
    n = words.counted(finalists[0]["n"], "fresh seed")
    subtitle = [
        f"filled: trained again with {n}, bars: 95 % intervals (seeds x images); dashed: no cheaper one has a higher mean"
    ]
    if cost == "latency":
        subtitle.append("across: the quartiles of the measurement; where these overlap, neither counts as the cheaper one")
    if trials:
        subtitle.append("hollow: trials, one seed each, whose accuracies flatter the best of them")
    return subtitle


def _placed(row: dict[str, Any], unit: float) -> dict[str, Any]:
    """The row with its place on the axis, and the reach of a cost that was measured."""
    at = unit * float(row["cost"])
    reach = {name: unit * float(row[name]) if name in row else at for name in ("least", "most")}
    return {**row, "at": at, **reach}


def search_importance(shares: Sequence[dict[str, Any]], *, trials: int, epoch: int) -> AnyChart:
    """How much of the accuracy's variance over the trials each setting explains by itself.

    Args:
        shares: dimension, share, low, high; the largest first.
        trials: how many there were.
        epoch: at which their accuracies are compared.
    """
    import altair as alt

    rows = [{**row, "called": CALLED.get(row["dimension"], str(row["dimension"]).replace("_", " "))} for row in shares]
    order = [row["called"] for row in rows]
    y = alt.Y("called:N", sort=order, title=None, axis=alt.Axis(grid=False))
    high = min(1.0, 1.05 * max(row["high"] for row in rows))
    x = alt.X(
        "share:Q",
        title="share of the variance explained",
        scale=alt.Scale(domain=[0, high], nice=False),
        axis=alt.Axis(format="~%"),
    )
    chart = alt.Chart(theme.table(rows))
    tooltip = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "low", "high")]
    layers = [
        chart.mark_rule(style="interval").encode(y, alt.X("low:Q"), alt.X2("high:Q")),
        chart.mark_point(style="solid").encode(y, x, tooltip=tooltip),
    ]
    subtitle = [
        f"main effects by functional ANOVA over {words.counted(trials, 'trial')}, accuracy at epoch {epoch}",
        "bars: nine tenths of bootstraps over the trials; of the region that was searched, which is not spread evenly",
    ]
    return theme.finish(alt.layer(*layers), "Importance of each setting", subtitle, width=420, height=alt.Step(20))
