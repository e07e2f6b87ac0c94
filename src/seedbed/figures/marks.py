"""The layers that all charts are made of: lines with bands, dots with intervals, steps, labels, reference lines, panels.

A chart is rows (plain dictionaries) and a mapping of their fields to a few of these layers. The measured value is always the
field `mean`, and its interval `low` to `high`; a row without an interval has None there, or nothing.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from seedbed.errors import StatisticsError
from seedbed.figures import theme
from seedbed.figures.scales import FieldScale, Rows, Scale

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

    Layers = list[alt.Chart]
else:

    class _Lazily:
        """A module that is imported with the first use of it: altair takes 0.3 s, and most commands draw nothing."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    alt = _Lazily("altair")

SHARES = dict.fromkeys(("mean", "low", "high"), ".2%")
NUMBERS = dict.fromkeys(("mean", "low", "high"), ".4g")
"""Formats of an estimate beside the pointer, for `tips`."""

SMALL_WITH_EXPONENT = "datum.value < 0.001 ? format(datum.value, '~e') : format(datum.value, '~g')"
"""Labels of a logarithmic axis as `words.value` writes numbers."""


# Data and channels


class _AsTheyAre:
    """Rows that altair neither checks, nor copies, nor converts value by value, which would take longer than drawing them."""

    _schema: ClassVar = {"type": "array"}  # by this altair knows what gives its JSON by itself

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def to_dict(self) -> Rows:
        return self._rows


def chart(rows: Rows) -> alt.Chart:
    """A chart of rows of JSON values, without a mark yet."""
    with alt.utils.schemapi.debug_mode(False):  # or altair would check every row against a schema that allows anything
        return alt.Chart(alt.Data(values=_AsTheyAre(rows)))  # type: ignore[no-untyped-call]


def split(rows: Rows, by: str = "panel") -> dict[Any, Rows]:
    """Rows by the values of a field, in the order of their first rows."""
    parts: dict[Any, Rows] = {}
    for row in rows:
        parts.setdefault(row[by], []).append(row)
    return parts


def x(name: str, scale: Scale, title: str | None = None, **axis: Any) -> alt.X:
    """A field along a horizontal axis, without lines across the panel unless `grid` is set."""
    return alt.X(f"{name}:Q", **_quantity(scale, title, {"grid": False, **axis}))


def y(name: str, scale: Scale, title: str | Sequence[str] | None = None, **axis: Any) -> alt.Y:
    """A field along a vertical axis."""
    return alt.Y(f"{name}:Q", **_quantity(scale, title, axis))


def _quantity(scale: Scale, title: str | Sequence[str] | None, axis: Mapping[str, Any]) -> dict[str, Any]:
    ticks: dict[str, Any] = {"tickCount": scale.ticks}
    if not isinstance(scale.ticks, int):
        ticks = {"values": list(scale.ticks), "tickCount": len(scale.ticks)}  # of more than the count, Vega leaves out some
    labels: dict[str, Any] = {"format": scale.form}
    if scale.labels:
        texts = " : ".join(f"abs(datum.value - {at!r}) <= {1e-9 * abs(at)!r} ? '{text}'" for at, text in scale.labels.items())
        labels = {"labelExpr": f"{texts} : ''", "labelOverlap": True}
    elif scale.logarithmic and not scale.form:
        labels = {"labelExpr": SMALL_WITH_EXPONENT}
    if scale.logarithmic and isinstance(title, str):
        title = f"{title[:-1]}, log scale)" if title.endswith(")") else f"{title} (log scale)"
    kind = alt.Scale(type="log" if scale.logarithmic else "linear", domain=list(scale.domain), nice=False, zero=False)
    return {"title": title, "scale": kind, "axis": alt.Axis(**{**ticks, **labels, **axis})}


def names_axis(
    channel: Literal["x", "y"], name: str, order: Sequence[str], title: str | None = None, *, padding: float = 0.0, **axis: Any
) -> Any:
    """A column or a row for each value of a field, from the left or the top."""
    kind = {"x": alt.X, "y": alt.Y}[channel]
    scale = alt.Scale(domain=list(order), paddingInner=padding, paddingOuter=padding / 2)
    return kind(f"{name}:N", title=title, sort=list(order), scale=scale, axis=alt.Axis(**{"grid": False, **axis}))


def counts_axis(name: str, most: int, title: str) -> alt.Y:
    """A vertical axis of counts on which 0 has a place, and a handful can be seen beside thousands."""
    ticks = [0, *(10**power for power in range(len(str(most))))]
    return alt.Y(f"{name}:Q", title=title, scale=alt.Scale(type="symlog"), axis=alt.Axis(values=ticks, format=",d"))


def rows_height(order: Sequence[str], by: Groups | None = None) -> float:
    """The height of a panel with a row for each name, and in it a line for each group."""
    groups = len(by.names) if by else 1
    return len(order) * (18 if groups < 2 else 14 * groups)


def tips(*names: str, **formats: str) -> list[alt.Tooltip]:
    """What is shown beside the pointer: fields as they are, and numbers in d3's formats."""
    return [
        *(alt.Tooltip(f"{name}:N") for name in names),
        *(alt.Tooltip(f"{name}:Q", format=formats[name]) for name in formats),
    ]


@dataclass(frozen=True)
class Groups:
    """What colours stand for, and shapes where there are points.

    Attributes:
        names: values of the field, in the order of the legend; one alone has no legend unless `alone`.
        title: of the legend, which stands where `orient` says.
        strokes: the legend shows lines; `dashes` belong to them.
        ramp: places in a ramp of colours from light to dark, of which the names are some; instead of distinct colours.
        most: how many groups there may be.

    Raises:
        StatisticsError: there are more groups than can be told apart.
    """

    names: Sequence[str]
    title: str = ""
    field: str = "group"
    columns: int = 4
    alone: bool = False
    strokes: bool = False
    dashes: Sequence[Sequence[int]] = ()
    shapes: Sequence[str] = theme.SHAPES
    ramp: Sequence[str] = ()
    orient: Literal["top", "right"] = "top"
    most: int = len(theme.SHAPES)

    def __post_init__(self) -> None:
        if len(self.names) > self.most:
            raise StatisticsError(f"At most {self.most} colours can be told apart; these would be {len(self.names)}.")

    @property
    def colour(self) -> list[Any]:
        return [self._channel(alt.Color, "ordinal" if self.ramp else "category")] if self.names else []

    @property
    def shape(self) -> list[Any]:
        return [self._channel(alt.Shape, list(self.shapes)[: len(self.names)])] if self.names else []

    @property
    def dash(self) -> list[Any]:
        return [self._channel(alt.StrokeDash, list(self.dashes))] if self.dashes else []

    @property
    def offset(self) -> list[Any]:
        """Groups of one row beside each other."""
        return [alt.YOffset(f"{self.field}:N", sort=list(self.names))] if len(self.names) > 1 else []

    def _channel(self, channel: Any, values: Any) -> Any:
        look = {"symbolType": "stroke", "symbolSize": 300, "symbolOpacity": 1} if self.strokes else {}
        shown = {"values": list(self.names)} if self.ramp else {}
        legend = alt.Legend(orient=self.orient, columns=self.columns, symbolLimit=0, **look, **shown)
        scale = alt.Scale(domain=list(self.ramp or self.names), range=values)
        seen = legend if len(self.names) > 1 or self.alone else None
        return channel(f"{self.field}:N", title=self.title or None, scale=scale, legend=seen)


NO_GROUPS = Groups(())


# Layers


def lines(
    rows: Rows,
    x: alt.X,
    y: alt.Y,
    by: Groups = NO_GROUPS,
    *,
    tooltip: Sequence[alt.Tooltip] = (),
    detail: str = "",
    band: bool = True,
    **mark: Any,
) -> Layers:
    """Lines, their intervals as bands behind them, and what to read beside the pointer.

    Args:
        detail: a field whose values are joined only among themselves.
        band: draw the intervals.
        mark: properties of the line.
    """
    along = [alt.Detail(f"{detail}:N")] if detail else []
    banded = [row for row in rows if band and row.get("low") is not None]
    area = chart(banded).mark_area(opacity=0.18, clip=mark.get("clip", False))
    behind = area.encode(x, alt.Y("low:Q", scale=y["scale"]), alt.Y2("high:Q"), *by.colour)
    drawn = chart(rows).mark_line(**mark).encode(x, y, *by.colour, *by.dash, *along)
    hover = chart(rows).mark_point(style="hover").encode(x, y, tooltip=list(tooltip))
    return [*([behind] if banded else []), drawn, *([hover] if tooltip else [])]


def dots(
    rows: Rows,
    x: alt.X,
    y: alt.Y,
    by: Groups = NO_GROUPS,
    *,
    tooltip: Sequence[alt.Tooltip] = (),
    offset: bool = False,
    size: float = 44,
    width: float = 1.5,
    style: str = "solid",
) -> Layers:
    """Points in colours and shapes, with their intervals along the axis of `mean`."""
    beside = by.offset if offset else []
    known = [row for row in rows if row.get("mean") is not None]
    barred = [row for row in known if row.get("low") is not None]
    if y["shorthand"] == "mean:Q":
        ends = (x, alt.Y("low:Q", scale=y["scale"]), alt.Y2("high:Q"))
    else:
        ends = (alt.X("low:Q", scale=x["scale"]), y, alt.X2("high:Q"))
    bars = chart(barred).mark_rule(style="interval", strokeWidth=width).encode(*ends, *by.colour, *beside)
    points = chart(known).mark_point(style=style, size=size)
    return [bars, points.encode(x, y, *by.colour, *by.shape, *beside, tooltip=list(tooltip))]


def steps(rows: Rows, x: alt.X, y: alt.Y, style: str = "ideal") -> Layers:
    """A frontier: from each row straight on to the next one's cost, and there up; nothing for no rows."""
    return [chart(rows).mark_line(style=style, interpolate="step-after").encode(x, y)] if rows else []


def labels(rows: Rows, x: alt.X, y: alt.Y, text: str, aside: float = 7) -> Layers:
    """Names to the lower right of their points, on a ground of paper so that no line runs through them."""
    named = [chart(rows).mark_text(style=["label", look], align="left", dx=aside, dy=12) for look in ("halo", "label")]
    return [layer.encode(x, y, text=f"{text}:N") for layer in named]


def texts(rows: Rows, text: str, *channels: Any, style: str = "label", **place: Any) -> Layers:
    """Words at a place in pixels (`x`, `y`, `align`, ...), or where the channels put them."""
    return [chart(rows).mark_text(style=style, **place).encode(*channels, text=f"{text}:N")]


def line_at(values: Iterable[float], channel: alt.X | alt.Y, style: str = "ideal") -> Layers:
    """A straight line across the panel at each value of an axis."""
    rows = [{channel["shorthand"].removesuffix(":Q"): value} for value in values]
    return [chart(rows).mark_rule(style=style).encode(channel)] if rows else []


def shade(low: float, high: float) -> Layers:
    """A range of the horizontal axis."""
    return [chart([{"low": low, "high": high}]).mark_rect(style="shade").encode(alt.X("low:Q"), alt.X2("high:Q"))]


def extents(rows: Rows, y: alt.Y, low: str, high: str) -> Layers:
    """Thin level lines between two fields of the horizontal axis."""
    return [chart(rows).mark_rule().encode(alt.X(f"{low}:Q"), y, alt.X2(f"{high}:Q"))]


def cost_scatter(
    rows: Rows,
    x: alt.X,
    y: alt.Y,
    by: Groups = NO_GROUPS,
    *,
    label: str,
    tooltip: Sequence[alt.Tooltip],
    through: bool = False,
    nudged: alt.X | None = None,
    aside: float = 7,
) -> Layers:
    """Dots with intervals over a cost: those with `frontier` joined by dashed steps, those with `named` labelled.

    Args:
        rows: from the lowest cost on.
        label: the field that names a dot.
        through: join the named ones by a solid line.
        nudged: where the dots stand, if not exactly at their cost.
        aside: how far from its dot a label begins (pixels).
    """
    frontier = [row for row in rows if row.get("frontier")]
    named = [row for row in rows if row.get("named")]
    joined = [*steps(frontier, x, y), *steps(named if through else [], x, y, "zero")]
    return [*joined, *dots(rows, nudged or x, y, by, tooltip=tooltip, size=48, width=2), *labels(named, x, y, label, aside)]


def over_field(rows: Rows, x: alt.X, y: alt.Y, by: Groups, scale: FieldScale, *, tooltip: Sequence[alt.Tooltip]) -> Layers:
    """Dots with intervals over a field, joined where numbers stand side by side; lines part off 0 and "none"."""
    joined = lines(rows, x, y, by, detail="apart", band=False, strokeWidth=1.5)
    return [*line_at(scale.breaks, x, "break"), *joined, *dots(rows, x, y, by, tooltip=tooltip)]


def matrix(
    rows: Rows, x: Any, y: Any, share: str, text: str, *, colours: str = "ramp", tooltip: Sequence[alt.Tooltip], **scale: Any
) -> Layers:
    """Squares shaded by a share, with their numbers."""
    fill = alt.Fill(f"{share}:Q", scale=alt.Scale(range=colours, **scale), legend=None)
    return [chart(rows).mark_rect().encode(x, y, fill, tooltip=list(tooltip)), *texts(rows, text, x, y)]


# Panels and figures


def panel(layers: Layers, heading: str = "", *, width: float, height: float, lift: float = 14) -> alt.LayerChart:
    """Layers over each other, with a heading at the same height above every panel, whatever sticks out of it."""
    over = chart([{"heading": heading}]).mark_text(style="heading", x=0, y=-lift).encode(text="heading:N")
    return alt.layer(*layers, *([over] if heading else [])).properties(width=width, height=height)


def figure(
    panels: Sequence[Any], title: str, subtitle: str | Sequence[str], *, columns: int = 4, spacing: float = 28
) -> AnyChart:
    """Panels in rows, with the figure's title, a description for screen readers, and the light theme, as notebooks show it."""
    grid = {"columns": min(columns, len(panels)), "spacing": spacing, "align": "each"}
    one = panels[0] if len(panels) == 1 else alt.concat(*panels, **grid)
    below = subtitle if isinstance(subtitle, str) else list(subtitle)
    whole: AnyChart = one.properties(title=alt.Title(title, subtitle=below), description=title)
    whole.config = theme.config()  # type: ignore[attr-defined]  # altair's mixin leaves `config` to its subclasses
    return whole
