"""Small multiples of studies: dots in rows, layers over epochs, pictures side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme
from seedbed.records import finite
from seedbed.statistics import Interval

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]

OUTPUT = "output"
"""What the layer of the logits is called."""

MOST_LAYERS = 8


# Dots


@dataclass(frozen=True)
class Dot:
    """One measured value of one setting.

    Attributes:
        panel, row, group: where it stands; groups have colours of their own.
        mean: with its interval; None draws no dot.
        note: is written to the right of the panel, for example of runs that have no value.
    """

    panel: str
    row: str
    group: str
    mean: Interval | None
    note: str = ""


def dot_rows(dots: Sequence[Dot]) -> Rows:
    """The marks of `dot_panels`: panel, row, group, mean, low, high, note."""
    rows: Rows = []
    for dot in dots:
        ends = {"mean": dot.mean.mean, "low": dot.mean.low, "high": dot.mean.high} if dot.mean else {}
        rows.append(finite({"panel": dot.panel, "row": dot.row, "group": dot.group, "note": dot.note, **ends}))
    return rows


def dot_panels(
    dots: Sequence[Dot],
    title: str,
    subtitle: Sequence[str],
    *,
    x: str,
    group: str = "",
    share: bool = False,
    from_zero: bool = False,
    columns: int = 4,
    width: int = 150,
) -> AnyChart:
    """Values as dots with their intervals: a row a setting, a panel a condition, all on one scale.

    Args:
        dots: panels, rows and groups in the order in which they are to stand; at most eight groups.
        x: title of the axis.
        group: what the groups are, over their legend.
        share: the values are shares, shown in per cent.
        from_zero: the axis begins at 0.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many groups to be told apart.
    """
    import altair as alt

    rows, groups = dot_rows(dots), list(dict.fromkeys(dot.group for dot in dots))
    reach = [row[name] for row in rows for name in ("low", "mean", "high") if row.get(name) is not None]
    if not reach or len(groups) > len(theme.SHAPES):
        raise StatisticsError(f"Dots need values, and {len(theme.SHAPES)} groups at most; there are {len(groups)} groups.")
    low, high = min([*reach, *([0.0] if from_zero else [])]), max(reach)
    pad = 0.06 * (high - low or abs(high) or 1.0)
    scale = alt.Scale(domain=[low - (0 if from_zero else pad), high + pad], nice=False, zero=False)
    along = alt.X("mean:Q", title=x, scale=scale, axis=alt.Axis(format="~%" if share else "~s", tickCount=4))
    panels = list(dict.fromkeys(dot.panel for dot in dots))
    charts = [
        _dots_of([row for row in rows if row["panel"] == panel], dots, groups, group, along, width, place % columns == 0)
        for place, panel in enumerate(panels)
    ]
    titled = [
        chart.properties(title=theme.heading(panel)) if panel else chart for chart, panel in zip(charts, panels, strict=True)
    ]
    chart = titled[0] if len(titled) == 1 else alt.concat(*titled, columns=min(columns, len(titled)), spacing=14)
    return theme.finish(chart, title, list(subtitle))


def _dots_of(
    rows: Rows, dots: Sequence[Dot], groups: Sequence[str], group: str, x: alt.X, width: int, labelled: bool
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    names = list(dict.fromkeys(dot.row for dot in dots))
    axis = alt.Axis(grid=True, labels=labelled, ticks=False, domain=False)
    y = alt.Y("row:N", title=None, sort=names, scale=alt.Scale(domain=names, paddingInner=0.25), axis=axis)
    legend = None if len(groups) == 1 else alt.Legend(orient="top", columns=4)
    colour = alt.Color("group:N", title=group or None, scale=alt.Scale(domain=list(groups), range="category"), legend=legend)
    shapes = alt.Scale(domain=list(groups), range=list(theme.SHAPES)[: len(groups)])
    shape = alt.Shape("group:N", title=group or None, scale=shapes, legend=legend)
    beside = {"yOffset": alt.YOffset("group:N", sort=list(groups))} if len(groups) > 1 else {}
    tooltip = ["row:N", "group:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("mean", "low", "high")), "note:N"]
    known = [row for row in rows if row.get("mean") is not None]
    bars = alt.Chart(theme.table([row for row in known if row["low"] is not None])).mark_rule(strokeWidth=1.5)
    points = alt.Chart(theme.table(known)).mark_point(style="solid", size=40)
    notes = alt.Chart(theme.table([row for row in rows if row["note"]]))
    layers = [
        bars.encode(alt.X("low:Q"), y, alt.X2("high:Q"), colour, **beside),
        points.encode(x, y, colour, shape, tooltip=tooltip, **beside),
        notes.mark_text(style="quiet-text", align="left", x=width + 6).encode(y, text="note:N", **beside),
    ]
    return alt.layer(*layers).properties(width=width, height=alt.Step(18 if len(groups) == 1 else 11))


# Layers over epochs


@dataclass(frozen=True)
class LayerCurve:
    """What was measured in one layer of one setting, epoch by epoch.

    Attributes:
        row, column: of the small multiple.
        layer: its number as a text, from 1; or `OUTPUT`.
        points: `(epoch, mean with its interval)`.
        note: of the whole panel.
    """

    row: str
    column: str
    layer: str
    points: Sequence[tuple[float, Interval]]
    note: str = ""


def layer_rows(curves: Sequence[LayerCurve], *, logarithmic: bool = False) -> Rows:
    """The points of `layers_over_epochs`: row, column, layer, epoch, mean, low, high; where logarithmic, what is above 0."""
    rows: Rows = []
    for one in curves:
        for epoch, at in one.points:
            if not math.isfinite(at.mean) or (logarithmic and not at.mean > 0):
                continue
            low = max(at.low, at.mean / 10) if logarithmic else at.low
            point = {"row": one.row, "column": one.column, "layer": one.layer, "epoch": epoch}
            rows.append(finite({**point, "mean": at.mean, "low": low, "high": at.high}))
    return rows


def layers_over_epochs(
    curves: Sequence[LayerCurve],
    title: str,
    subtitle: Sequence[str],
    *,
    y: str,
    share: bool = False,
    logarithmic: bool = False,
    size: tuple[int, int] = (72, 78),
) -> AnyChart:
    """A grid of small multiples on one scale, one line a layer, with 95 % bands.

    Args:
        curves: rows and columns in the order in which they are to stand; at most eight numbered layers.
        y: title of the axis.
        share: the values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many layers.
    """
    import altair as alt

    rows = layer_rows(curves, logarithmic=logarithmic)
    numbers = sorted({one.layer for one in curves if one.layer != OUTPUT}, key=int)
    if not rows or len(numbers) > MOST_LAYERS:
        raise StatisticsError(
            f"Layers need points, and {MOST_LAYERS} layers at most can be told apart; these are {len(numbers)}."
        )
    along, downs = (list(dict.fromkeys(getattr(one, name) for one in curves)) for name in ("column", "row"))
    lines = numbers + [OUTPUT] * any(one.layer == OUTPUT for one in curves)
    colour = _layer_colours(lines)
    up = _layer_axis(rows, y, share=share, logarithmic=logarithmic)
    last = max(row["epoch"] for row in rows)
    across = []
    for down in downs:
        charts = []
        for column in along:
            mine = [row for row in rows if (row["row"], row["column"]) == (down, column)]
            note = next((one.note for one in curves if (one.row, one.column) == (down, column)), "")
            panel = _layer_panel(mine, note, colour, up(column == along[0], down), (down == downs[-1], last))
            heading = {"title": theme.heading(column)} if down == downs[0] else {}
            charts.append(panel.properties(width=size[0], height=size[1], **heading))
        across.append(alt.hconcat(*charts, spacing=8))
    return theme.finish(alt.vconcat(*across, spacing=8), title, list(subtitle))


def _layer_colours(lines: Sequence[str]) -> alt.Color:
    """Numbered layers from light to dark; the output layer stands out."""
    import altair as alt

    everything = [*map(str, range(1, MOST_LAYERS + 1)), OUTPUT]
    legend = alt.Legend(
        orient="top", symbolType="stroke", symbolSize=200, symbolOpacity=1, values=list(lines), columns=len(lines)
    )
    return alt.Color("layer:O", title="layer", scale=alt.Scale(domain=everything, range="ordinal"), legend=legend)


def _layer_axis(rows: Rows, y: str, *, share: bool, logarithmic: bool) -> Any:
    """Makes the vertical axis of a panel; its labels stand beside the first column, its title says the row."""
    import altair as alt

    reach = [row[name] for row in rows for name in ("low", "mean", "high") if row[name] is not None]
    low, high = min(reach), max(reach)
    if logarithmic:
        scale = alt.Scale(type="log", domain=[low / 1.3, high * 1.3], nice=False)
        ticks: dict[str, Any] = {"values": [10.0**power for power in _powers(low, high)]}
    else:
        pad = 0.04 * (high - low or 1.0)
        low, high = (max(low, 0.0), min(high, 1.0)) if share else (low, high)
        scale, ticks = alt.Scale(domain=[low - pad, high + pad], nice=False, zero=False), {"tickCount": 3}
    form = "~%" if share else "~e" if logarithmic else "~g"

    def axis(first: bool, row: str) -> alt.Y:
        shown = alt.Axis(format=form, labels=first, ticks=first, domain=first, **ticks)
        return alt.Y("mean:Q", title=[row, y] if first else None, scale=scale, axis=shown)

    return axis


def _powers(low: float, high: float) -> list[int]:
    """Exponents of ten within the range, few enough for a small panel."""
    inside = list(range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1))
    return inside[:: max(1, -(-len(inside) // 4))] or [round(math.log10(high))]


def _layer_panel(
    rows: Rows, note: str, colour: alt.Color, y: alt.Y, below: tuple[bool, float]
) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    lowest, last = below
    ticks = sorted({1, round((1 + last) / 2), round(last)})
    axis = alt.Axis(grid=False, values=ticks, labels=lowest, ticks=lowest, format="d", labelFlush=True)
    domain = [1, last] if last > 1 else [0.5, 1.5]
    x = alt.X("epoch:Q", title="epoch" if lowest else None, scale=alt.Scale(domain=domain, nice=False), axis=axis)
    tooltip = ["layer:O", "epoch:Q", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in ("mean", "low", "high"))]
    table, banded = theme.table(rows), theme.table([row for row in rows if row["low"] is not None])
    layers = [
        alt.Chart(banded).mark_area(opacity=0.15, clip=True).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"), colour),
        alt.Chart(table).mark_line(strokeWidth=1.5, clip=True, point=last == 1).encode(x, y, colour),
        alt.Chart(table).mark_point(style="hover").encode(x, y, tooltip=tooltip),
    ]
    if note:
        text = alt.Chart(theme.table([{"note": note}])).mark_text(style="quiet-text", align="left", x=4, y=8)
        layers.append(text.encode(text="note:N"))
    return alt.layer(*layers)


# Pictures


@dataclass(frozen=True)
class Picture:
    """An image with a few words.

    Attributes:
        panel: the pictures of a panel stand in rows under its heading.
        address: of the image, `data:`.
        above: one line or several.
    """

    panel: str
    address: str
    above: Sequence[str]


def picture_panels(
    pictures: Sequence[Picture], title: str, subtitle: Sequence[str], *, columns: int = 5, side: int = 64
) -> AnyChart:
    """Images with their words, in panels one under the other.

    Raises:
        StatisticsError: there is none.
    """
    import altair as alt

    if not pictures:
        raise StatisticsError("Panels of pictures need at least one.")
    panels = list(dict.fromkeys(one.panel for one in pictures))
    lines = max(len(one.above) for one in pictures)
    cell = (side + 62, side + 14 * lines + 14)
    charts = []
    for panel in panels:
        mine = [one for one in pictures if one.panel == panel]
        rows: Rows = [
            {"across": place % columns, "down": place // columns, "address": one.address, "above": "\n".join(one.above)}
            for place, one in enumerate(mine)
        ]
        size = (cell[0] * columns, cell[1] * -(-len(mine) // columns))
        charts.append(
            _pictures(rows, columns, cell, side).properties(width=size[0], height=size[1], title=theme.heading(panel))
        )
    chart = charts[0] if len(charts) == 1 else alt.vconcat(*charts)
    return theme.finish(chart, title, list(subtitle))


def _pictures(rows: Rows, columns: int, cell: tuple[int, int], side: int) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    down = 1 + max(row["down"] for row in rows)
    x = alt.X("across:Q", scale=alt.Scale(domain=[-0.5, columns - 0.5], nice=False, zero=False), axis=None)
    y = alt.Y("down:Q", scale=alt.Scale(domain=[down - 0.5, -0.5], nice=False, zero=False), axis=None)
    base = alt.Chart(theme.table(rows))
    lift = -cell[1] / 2 + 6
    return alt.layer(
        base.mark_image(width=side, height=side, yOffset=(cell[1] - side) / 2 - 4).encode(x, y, url="address:N"),
        base.mark_text(baseline="top", dy=lift, lineBreak="\n").encode(x, y, text="above:N"),
    )
