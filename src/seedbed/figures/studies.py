"""What studies show: mean curves as small multiples, measures over a swept number, shares of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.figures import sweeps, theme, words
from seedbed.records import Result, finite
from seedbed.statistics import Interval, mean_interval

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

# Curves


@dataclass(frozen=True)
class Curve:
    """A mean over seeds along epochs (or whatever `x` is), with its interval.

    Attributes:
        panel, line: where it is drawn, and which of the panel's lines it is.
        points: `(x, mean with its interval)`, one a point.
    """

    panel: str
    line: str
    points: Sequence[tuple[float, Interval]]


def mean_curve(results: Sequence[Result], column: str, *, panel: str, line: str) -> Curve:
    """A column of the histories, averaged over the runs that neither diverged nor collapsed, as far as all of them went.

    Args:
        results: the seeds of one setting.
        column: of the history, `a-b` for the difference of two.
    """
    kept = [result.history for result in results if result.verdict.ranked and result.best]
    shared = min((history.epochs for history in kept), default=0)
    first, _, second = column.partition("-")
    rows = [history[first][:shared] - (history[second][:shared] if second else 0.0) for history in kept]
    points = []
    for epoch, values in enumerate(zip(*rows, strict=True), start=1):
        points.append((float(epoch), _mean(np.array(values))))
    return Curve(panel, line, points)


def _mean(values: np.ndarray[Any, Any]) -> Interval:
    if len(values) > 1 and np.isfinite(values).all():
        return mean_interval(values)
    return Interval(float(values.mean()), math.nan, math.nan, len(values))


def curve_rows(curves: Sequence[Curve], *, logarithmic: bool = False) -> Rows:
    """The points of `curve_panels`: panel, line, x, mean, low, high; on a logarithmic axis a band ends where it meets 0."""
    rows: Rows = [
        {"panel": one.panel, "line": one.line, "x": x, "mean": at.mean, "low": at.low, "high": at.high}
        for one in curves
        for x, at in one.points
        if math.isfinite(at.mean) and not (logarithmic and at.mean <= 0)
    ]
    if logarithmic:
        for row in rows:
            row["low"] = max(row["low"], row["mean"] / 10)
    plain: Rows = finite(rows)
    return plain


def curve_panels(
    curves: Sequence[Curve],
    title: str,
    subtitle: Sequence[str],
    *,
    y: str,
    x: str = "epoch",
    line: str = "",
    share: bool = False,
    logarithmic: bool = False,
    columns: int = 4,
    size: tuple[int, int] = (170, 130),
) -> AnyChart:
    """Mean curves with their 95 % bands, as small multiples on one scale.

    Args:
        curves: panels and lines in the order in which they are to stand; at most eight lines.
        y, x: titles of the axes.
        line: what the lines are, over their legend.
        share: the values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many lines to be told apart.
    """
    import altair as alt

    rows = curve_rows(curves, logarithmic=logarithmic)
    lines = [line for line in dict.fromkeys(one.line for one in curves) if any(row["line"] == line for row in rows)]
    if not rows or len(lines) > len(theme.SHAPES):
        raise StatisticsError(f"Curves need points, and {len(theme.SHAPES)} lines at most; there are {len(lines)} lines.")
    panels = [panel for panel in dict.fromkeys(one.panel for one in curves) if any(row["panel"] == panel for row in rows)]
    reach = [row[name] for row in rows for name in ("low", "mean", "high") if row[name] is not None]
    scale = alt.Scale(type="log" if logarithmic else "linear", domain=_padded(reach, logarithmic), nice=False, zero=False)
    ticks = {"values": _decades(*_padded(reach, logarithmic))} if logarithmic else {"tickCount": 5}
    axis_y = alt.Axis(format="~%" if share else "~g", **ticks)
    where = alt.Y("mean:Q", title=y + (" (log scale)" if logarithmic else ""), scale=scale, axis=axis_y)
    ends = [row["x"] for row in rows]
    along = alt.X(
        "x:Q",
        title=x,
        scale=alt.Scale(domain=[min(ends), max(ends)], nice=False),
        axis=alt.Axis(grid=False, tickCount=4),
    )
    charts = [
        _curve_panel([row for row in rows if row["panel"] == panel], panel, lines, line, along, where, size) for panel in panels
    ]
    chart = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=min(columns, len(charts)))
    return theme.finish(chart, title, list(subtitle))


def _curve_panel(
    rows: Rows, panel: str, lines: Sequence[str], line: str, x: alt.X, y: alt.Y, size: tuple[int, int]
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    legend = (
        None if len(lines) == 1 else alt.Legend(orient="top", symbolType="stroke", symbolSize=300, symbolOpacity=1, columns=4)
    )
    colour = alt.Color("line:N", title=line or None, scale=alt.Scale(domain=list(lines), range="category"), legend=legend)
    table = theme.table(rows)
    banded = theme.table([row for row in rows if row["low"] is not None])
    band = alt.Chart(banded).mark_area(opacity=0.18, clip=True).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour)
    tooltip = ["line:N", "x:Q", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("mean", "low", "high"))]
    drawn = alt.Chart(table).mark_line(clip=True).encode(x, y, colour)
    hover = alt.Chart(table).mark_point(style="hover").encode(x, y, tooltip=tooltip)
    heading = {"title": theme.heading(panel)} if panel else {}
    return alt.layer(band, drawn, hover).properties(width=size[0], height=size[1], **heading)


def _padded(values: Sequence[float], logarithmic: bool) -> list[float]:
    low, high = min(values), max(values)
    if logarithmic:
        return [low / 1.15, high * 1.15] if low > 0 else [high / 1e6, high * 1.15]
    pad = 0.05 * (high - low or abs(high) or 1.0)
    return [low - pad, high + pad]


def _decades(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis, few enough for a small panel."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(exponents) <= 2 else (1, 3) if len(exponents) <= 3 else (1,)
    ticks = [float(f"{step}e{exponent}") for exponent in exponents for step in steps]
    return [tick for tick in ticks if low <= tick <= high]


# Measures over a swept number


@dataclass(frozen=True)
class Point:
    """One measure of one setting.

    Attributes:
        panel: the measure; each has a scale of its own.
        group: a line of its own colour.
        value: of the swept field; None is "none".
        mean: with its interval; None draws nothing.
    """

    panel: str
    group: str
    value: float | int | None
    mean: Interval | None


def point_rows(points: Sequence[Point], scale: sweeps.Axis) -> Rows:
    """The marks of `measures_over`: panel, group, place, apart, mean, low, high; groups stand a little beside each other."""
    groups = list(dict.fromkeys(point.group for point in points))
    rows = []
    for point in points:
        if point.mean is not None and math.isfinite(point.mean.mean):
            place = scale.nudged(scale.places[point.value], groups.index(point.group) - (len(groups) - 1) / 2)
            known = {"mean": point.mean.mean, "low": point.mean.low, "high": point.mean.high, "n": point.mean.n}
            rows.append(
                {"panel": point.panel, "group": point.group, "place": place, "apart": scale.apart(point.value), **known}
            )
    plain: Rows = finite(rows)
    return plain


def measures_over(
    points: Sequence[Point],
    field: str,
    title: str,
    subtitle: Sequence[str],
    *,
    group: str = "",
    shares: Sequence[str] = (),
    columns: int = 3,
    size: tuple[int, int] = (230, 170),
) -> AnyChart:
    """Several measures over one field, a panel each, groups by colour, with 95 % intervals.

    Args:
        points: in the order in which panels and groups are to stand; at most eight groups.
        field: on the axis, logarithmic where that spreads the values more evenly; 0 then stands apart.
        group: what the groups are, over their legend.
        shares: the panels whose values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many groups to be told apart.
    """
    import altair as alt

    scale = sweeps.axis(list(dict.fromkeys(point.value for point in points)))
    rows, groups = point_rows(points, scale), list(dict.fromkeys(point.group for point in points))
    if not rows or len(groups) > len(theme.SHAPES):
        raise StatisticsError(f"Measures need points, and {len(theme.SHAPES)} groups at most; there are {len(groups)}.")
    x = sweeps.axis_of_field(scale, field)
    panels = [panel for panel in dict.fromkeys(point.panel for point in points) if any(row["panel"] == panel for row in rows)]
    charts = [
        _measure_panel([row for row in rows if row["panel"] == panel], panel, groups, group, scale, x, panel in shares, size)
        for panel in panels
    ]
    chart = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=min(columns, len(charts)))
    return theme.finish(chart, title, list(subtitle))


def _measure_panel(
    rows: Rows,
    panel: str,
    groups: Sequence[str],
    group: str,
    scale: sweeps.Axis,
    x: alt.X,
    share: bool,
    size: tuple[int, int],
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    legend = None if len(groups) == 1 else alt.Legend(orient="top", columns=4)
    colour = alt.Color("group:N", title=group or None, scale=alt.Scale(domain=list(groups), range="category"), legend=legend)
    shapes = alt.Scale(domain=list(groups), range=list(theme.SHAPES)[: len(groups)])
    shape = alt.Shape("group:N", title=group or None, scale=shapes, legend=legend)
    reach = [row[name] for row in rows for name in ("low", "mean", "high") if row[name] is not None]
    ticks = alt.Axis(format="~%" if share else "~g", tickCount=5)
    y = alt.Y("mean:Q", title=None, scale=alt.Scale(domain=_padded(reach, False), nice=False, zero=False), axis=ticks)
    tooltip = ["group:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("mean", "low", "high")), "n:Q"]
    table = theme.table(rows)
    banded = theme.table([row for row in rows if row["low"] is not None])
    layers = [
        alt.Chart(theme.table([{"at": at} for at in scale.breaks])).mark_rule(strokeDash=[2, 3]).encode(x="at:Q"),
        alt.Chart(table).mark_line(strokeWidth=1.5).encode(x, y, colour, detail="apart:N"),
        alt.Chart(banded).mark_rule(strokeWidth=1.5).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        alt.Chart(table).mark_point(style="solid", size=44).encode(x, y, colour, shape, tooltip=tooltip),
    ]
    return alt.layer(*layers).properties(width=size[0], height=size[1], title=theme.heading(panel))


# Shares of a table


def share_table(
    shares: Sequence[tuple[str, str, str, float]],
    title: str,
    subtitle: Sequence[str],
    *,
    rows: str,
    columns: str,
    kind: Literal["ramp", "heatmap"] = "ramp",
    panels_abreast: int = 2,
) -> AnyChart:
    """Shares as shaded squares with their numbers: panel, row, column, share in [0, 1].

    Args:
        rows, columns: titles of the axes.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    import altair as alt

    if not shares:
        raise StatisticsError("A table of shares needs at least one.")
    names = ("panel", "row", "column", "share")
    cells: Rows = [
        dict(zip(names, one, strict=True)) | {"text": words.percent(one[3], 0) if one[3] > 0 else ""} for one in shares
    ]
    order = {name: list(dict.fromkeys(cell[name] for cell in cells)) for name in ("panel", "row", "column")}
    x = alt.X(
        "column:N",
        title=columns,
        sort=order["column"],
        axis=alt.Axis(labelAngle=0, orient="top", grid=False, domain=False, ticks=False),
    )
    y = alt.Y("row:N", title=rows, sort=order["row"], axis=alt.Axis(grid=False, domain=False, ticks=False))
    colour = alt.Color("share:Q", scale=alt.Scale(domain=[0, 1], range=kind), legend=None)
    charts = []
    for panel in order["panel"]:
        table = theme.table([cell for cell in cells if cell["panel"] == panel])
        tooltip = ["row:N", "column:N", alt.Tooltip("share:Q", format=".0%")]
        squares = alt.Chart(table).mark_rect().encode(x, y, colour, tooltip=tooltip)
        both = alt.layer(squares, alt.Chart(table).mark_text().encode(x, y, text="text:N"))
        heading = {"title": theme.heading(panel)} if panel else {}
        charts.append(both.properties(width=alt.Step(56), height=alt.Step(22), **heading))
    chart = charts[0] if len(charts) == 1 else alt.concat(*charts, columns=min(panels_abreast, len(charts)))
    return theme.finish(chart, title, list(subtitle))
