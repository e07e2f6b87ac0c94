"""Accuracy over parameters: against the frontier of the means and the steps that the intervals carry, or against targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme
from seedbed.statistics import Interval

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Sized:
    """A network of the figure.

    Attributes:
        label: its name, written where it is a step.
        group: its colour.
        on_means, step: on the frontier of the means; a step that the intervals carry.
    """

    label: str
    group: str
    parameters: int
    accuracy: Interval
    on_means: bool
    step: bool


def frontier_rows(networks: Sequence[Sized]) -> Rows:
    """The marks of `frontier`, from the smallest on: label, group, parameters, mean, low, high, n, on_means, step."""
    return [
        {
            "label": one.label,
            "group": one.group,
            "parameters": one.parameters,
            "mean": one.accuracy.mean,
            "low": one.accuracy.low,
            "high": one.accuracy.high,
            "n": one.accuracy.n,
            "on_means": one.on_means,
            "step": one.step,
        }
        for one in sorted(networks, key=lambda one: one.parameters)
    ]


def frontier(
    networks: Sequence[Sized],
    title: str,
    subtitle: Sequence[str],
    *,
    group: str,
    size: tuple[int, int] = (520, 320),
) -> AnyChart:
    """Mean accuracy over parameters with intervals, the frontier of the means dashed, and the carried steps drawn through.

    Args:
        networks: at most eight groups.
        group: what the colours are, over their legend.

    Raises:
        StatisticsError: there are fewer than two sizes, or too many groups to be told apart.
    """
    import altair as alt

    rows, groups = frontier_rows(networks), list(dict.fromkeys(one.group for one in networks))
    if len({row["parameters"] for row in rows}) < 2 or len(groups) > len(theme.SHAPES):
        raise StatisticsError(f"A frontier needs two sizes, and {len(theme.SHAPES)} groups at most; there are {len(groups)}.")
    x, y = _axes(rows)
    legend = alt.Legend(orient="top", columns=8)
    colour = alt.Color("group:N", title=group, scale=alt.Scale(domain=groups, range="category"), legend=legend)
    shapes = alt.Scale(domain=groups, range=list(theme.SHAPES)[: len(groups)])
    shape = alt.Shape("group:N", title=group, scale=shapes, legend=legend)
    shares = [alt.Tooltip(f"{name}:Q", format=".2%") for name in ("mean", "low", "high")]
    tooltip = ["label:N", alt.Tooltip("parameters:Q", format=",d"), *shares, "n:Q"]
    steps = alt.Chart(theme.table([row for row in rows if row["step"]]))
    means = alt.Chart(theme.table([row for row in rows if row["on_means"]]))
    all_of_them = alt.Chart(theme.table(rows))
    layers = [
        means.mark_line(style="ideal", interpolate="step-after").encode(x, y),
        steps.mark_line(style="zero", interpolate="step-after").encode(x, y),
        all_of_them.mark_rule(style="interval", strokeWidth=1.5).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        all_of_them.mark_point(style="solid", size=48).encode(x, y, colour, shape, tooltip=tooltip),
        steps.mark_text(align="left", dx=7, dy=13).encode(x, y, text="label:N"),
    ]
    return theme.finish(alt.layer(*layers), title, list(subtitle), width=size[0], height=size[1])


def _axes(rows: Rows) -> tuple[alt.X, alt.Y]:
    import altair as alt

    sizes = [row["parameters"] for row in rows]
    wide = alt.Scale(type="log", domain=[min(sizes) / 1.12, max(sizes) * 1.2], nice=False)
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    pad = 0.06 * max(high - low, 1e-3)
    tall = alt.Scale(domain=[max(0.0, low - pad), min(1.0, high + pad)], nice=False, zero=False)
    ticks = alt.Axis(format=".1%" if high - low < 0.05 else "~%", tickCount=6)
    x = alt.X("parameters:Q", title="parameters (log scale)", scale=wide, axis=alt.Axis(format="~s", grid=False))
    return x, alt.Y("mean:Q", title="validation accuracy", scale=tall, axis=ticks)


# Against targets


@dataclass(frozen=True)
class Tried:
    """A network that was held against a target.

    Attributes:
        group: its colour.
        named: its label is written; it is an answer.
    """

    label: str
    group: str
    parameters: int
    accuracy: Interval
    named: bool


def target_rows(networks: Sequence[Tried]) -> Rows:
    """The marks of `against_targets`: label, group, parameters, mean, low, high, n, named."""
    rows = []
    for one in networks:
        at = {"mean": one.accuracy.mean, "low": one.accuracy.low, "high": one.accuracy.high, "n": one.accuracy.n}
        rows.append({"label": one.label, "group": one.group, "parameters": one.parameters, **at, "named": one.named})
    return rows


def against_targets(
    networks: Sequence[Tried],
    targets: Sequence[float],
    title: str,
    subtitle: Sequence[str],
    *,
    size: tuple[int, int] = (520, 300),
) -> AnyChart:
    """Accuracy over parameters with intervals, and each target as a line; a network counts if its interval is above.

    Args:
        networks: at most eight groups.
        targets: accuracies in (0, 1).

    Raises:
        StatisticsError: there are no networks, or too many groups to be told apart.
    """
    import altair as alt

    rows, groups = target_rows(networks), list(dict.fromkeys(one.group for one in networks))
    if not rows or len(groups) > len(theme.SHAPES):
        raise StatisticsError(f"Targets need networks, and {len(theme.SHAPES)} groups at most; there are {len(groups)}.")
    reach = [*rows, *({"parameters": rows[0]["parameters"], "low": target, "high": target} for target in targets)]
    x, y = _axes(reach)
    legend = alt.Legend(orient="top", columns=2)
    colour = alt.Color("group:N", title=None, scale=alt.Scale(domain=groups, range="category"), legend=legend)
    shapes = alt.Scale(domain=groups, range=list(theme.SHAPES)[: len(groups)])
    shares = [alt.Tooltip(f"{name}:Q", format=".2%") for name in ("mean", "low", "high")]
    tooltip = ["label:N", alt.Tooltip("parameters:Q", format=",d"), *shares, "n:Q"]
    lines = alt.Chart(theme.table([{"mean": target, "label": f"more than {100 * target:g} %"} for target in targets]))
    chart, answers = alt.Chart(theme.table(rows)), alt.Chart(theme.table([row for row in rows if row["named"]]))
    shape = alt.Shape("group:N", title=None, scale=shapes, legend=legend)
    layers = [
        lines.mark_rule(style="ideal").encode(y),
        lines.mark_text(style="quiet-text", align="left", dy=-7).encode(y, x=alt.value(4), text="label:N"),
        chart.mark_rule(style="interval", strokeWidth=1.5).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        chart.mark_point(style="solid", size=48).encode(x, y, colour, shape, tooltip=tooltip),
        answers.mark_text(align="left", dx=7, dy=13).encode(x, y, text="label:N"),
    ]
    return theme.finish(alt.layer(*layers), title, list(subtitle), width=size[0], height=size[1])
