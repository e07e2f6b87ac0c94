"""Fits to a sample as small multiples, and an error split into its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words
from seedbed.statistics import Interval

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

TRUE, FITTED = "true curve", "fit"
REACH = 2.5
"""A fit is drawn within so many times the range of the true curve and the sample; beyond, it leaves the panel."""


@dataclass(frozen=True)
class Fit:
    """A fit in a panel of its own: places along x, the true values and the fitted ones there.

    Attributes:
        low, high: between them lie most fits to other samples.
    """

    panel: str
    x: Sequence[float]
    true: Sequence[float]
    fitted: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def fit_rows(fits: Sequence[Fit]) -> Rows:
    """The lines of `fit_panels`: panel, line, x, y; of the fit low and high too."""
    rows: Rows = []
    for one in fits:
        for x, true, fitted, low, high in zip(one.x, one.true, one.fitted, one.low, one.high, strict=True):
            rows.append({"panel": one.panel, "line": TRUE, "x": x, "y": true})
            rows.append({"panel": one.panel, "line": FITTED, "x": x, "y": fitted, "low": low, "high": high})
    return rows


def fit_panels(
    fits: Sequence[Fit],
    sample: Sequence[tuple[float, float]],
    title: str,
    subtitle: Sequence[str],
    *,
    size: tuple[int, int] = (168, 155),
) -> AnyChart:
    """Several fits to one sample, a panel each on one scale, with the true curve and the sample's points.

    Args:
        fits: in the order in which they are to stand.
        sample: x and y of each value.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    import altair as alt

    if not (fits and sample):
        raise StatisticsError("Fits need a sample, and one fit at least.")
    rows = fit_rows(fits)
    scale = alt.Scale(domain=_window(fits, sample), nice=False, zero=False)
    points = [{"x": x, "y": y} for x, y in sample]
    charts = [_fit_panel([row for row in rows if row["panel"] == one.panel], one.panel, points, scale, size) for one in fits]
    return theme.finish(alt.concat(*charts, columns=len(charts)), title, list(subtitle))


def _window(fits: Sequence[Fit], sample: Sequence[tuple[float, float]]) -> list[float]:
    plain = [*(y for _, y in sample), *fits[0].true]
    wild = [value for one in fits for value in (*one.fitted, *one.low, *one.high)]
    reach = (REACH - 1) / 2 * (max(plain) - min(plain))
    low, high = max(min(*plain, *wild), min(plain) - reach), min(max(*plain, *wild), max(plain) + reach)
    pad = 0.05 * (high - low)
    return [low - pad, high + pad]


def _fit_panel(
    rows: Rows, panel: str, points: Rows, scale: alt.Scale, size: tuple[int, int]
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    lines = [TRUE, FITTED]
    legend = alt.Legend(orient="top", symbolType="stroke", symbolSize=300, symbolOpacity=1)
    colour = alt.Color("line:N", title=None, scale=alt.Scale(domain=lines, range="category"), legend=legend)
    ends = [row["x"] for row in rows]
    wide = alt.Scale(domain=[min(ends) - 0.06, max(ends) + 0.06], nice=False)
    x = alt.X("x:Q", title="x", scale=wide, axis=alt.Axis(grid=False, tickCount=5))
    y = alt.Y("y:Q", title="y", scale=scale, axis=alt.Axis(tickCount=5))
    band = alt.Chart(theme.table([row for row in rows if row["line"] == FITTED])).mark_area(opacity=0.18, clip=True)
    drawn = alt.Chart(theme.table(rows)).mark_line(clip=True)
    layers = [
        band.encode(x, alt.Y("low:Q", scale=scale), alt.Y2("high:Q"), colour),
        drawn.encode(x, y, colour, tooltip=["line:N", alt.Tooltip("x:Q", format=".2f"), alt.Tooltip("y:Q", format=".3f")]),
        alt.Chart(theme.table(points)).mark_point(style="hollow", clip=True).encode(x, y),
    ]
    return alt.layer(*layers).properties(width=size[0], height=size[1], title=theme.heading(panel))


def part_rows(parts: Mapping[str, Sequence[tuple[float, Interval]]]) -> Rows:
    """The marks of `error_parts`: part, strength, mean, low, high."""
    return [
        {"part": part, "strength": strength, "mean": at.mean, "low": at.low, "high": at.high}
        for part, points in parts.items()
        for strength, at in points
    ]


def error_parts(
    parts: Mapping[str, Sequence[tuple[float, Interval]]],
    title: str,
    subtitle: Sequence[str],
    *,
    best: float,
    undecided: tuple[float, float],
    y: str,
    size: tuple[int, int] = (460, 280),
) -> AnyChart:
    """The parts of an error over the strength of the penalty (logarithmic), with intervals.

    Args:
        parts: what each line is -> strength and value, with its interval; eight lines at most.
        best: the strength that a vertical line marks.
        undecided: from where to where strengths are not told from it; shaded.
        y: the title of the axis.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many lines to be told apart.
    """
    import altair as alt

    rows = part_rows(parts)
    if not rows or len(parts) > len(theme.SHAPES):
        raise StatisticsError(f"Parts of an error need points, and {len(theme.SHAPES)} lines at most; there are {len(parts)}.")
    x = alt.X("strength:Q", title="lambda (log scale)", scale=_logarithmic(rows), axis=_powers())
    pad = 0.04 * max(row["high"] for row in rows)
    tall = [min(-pad, *(row["low"] for row in rows)), max(row["high"] for row in rows) + pad]
    along = alt.Y("mean:Q", title=y, scale=alt.Scale(domain=tall, nice=False, zero=False), axis=alt.Axis(tickCount=6))
    colour = alt.Color("part:N", title=None, scale=alt.Scale(domain=list(parts), range="category"), legend=_legend())
    shapes = alt.Scale(domain=list(parts), range=list(theme.SHAPES)[: len(parts)])
    shape = alt.Shape("part:N", title=None, scale=shapes, legend=_legend())
    tooltip = ["part:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("strength", "mean", "low", "high"))]
    table = theme.table(rows)
    layers = [
        *_best_mark(best, undecided, x),
        alt.Chart(table).mark_line(strokeWidth=1.5).encode(x, along, colour),
        alt.Chart(table).mark_rule(strokeWidth=1.5).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        alt.Chart(table).mark_point(style="solid", size=36).encode(x, along, colour, shape, tooltip=tooltip),
    ]
    return theme.finish(alt.layer(*layers), title, list(subtitle), width=size[0], height=size[1])


def _best_mark(best: float, undecided: tuple[float, float], x: alt.X) -> list[alt.Chart]:
    import altair as alt

    mark = theme.table([{"strength": best, "label": f"lowest at {words.value(best)}"}])
    shade = theme.table([{"from": undecided[0], "to": undecided[1]}])
    return [
        alt.Chart(shade).mark_rect(style="band-training").encode(alt.X("from:Q"), alt.X2("to:Q")),
        alt.Chart(mark).mark_rule(style="ideal").encode(x),
        alt.Chart(mark).mark_text(style="quiet-text", align="left", dx=4).encode(x, y=alt.value(8), text="label:N"),
    ]


def _logarithmic(rows: Rows) -> alt.Scale:
    import altair as alt

    known = [row["strength"] for row in rows]
    return alt.Scale(type="log", domain=[min(known) / 1.3, max(known) * 1.3], nice=False)


def _powers() -> alt.Axis:
    """Numbers as `words.value` writes them: those below a thousandth with an exponent."""
    import altair as alt

    plain = "datum.value < 0.001 ? format(datum.value, '~e') : format(datum.value, '~g')"
    return alt.Axis(labelExpr=plain, tickCount=6, labelOverlap=True)


def _legend() -> alt.Legend:
    import altair as alt

    return alt.Legend(orient="top", columns=4)
