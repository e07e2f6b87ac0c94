"""The layers that all charts are made of: lines with bands, dots with intervals, steps, labels, reference lines, squares.

A chart is rows (plain dictionaries) and a mapping of their fields to a few of these layers on common `Axes`. The measured
value is always the field `mean`, and its interval `low` to `high`; a row without an interval has None there, or nothing.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from seedbed.errors import StatisticsError
from seedbed.figures import offline, theme
from seedbed.figures.scales import Rows, Scale

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

SHARES, NUMBERS = (dict.fromkeys(("mean", "low", "high"), form) for form in (".2%", ".4g"))
"""Formats of an estimate next to the pointer, for `tips`."""

MOST_LABELS = 12

SMALL_WITH_EXPONENT = "datum.value < 0.001 ? format(datum.value, '~e') : format(datum.value, '~g')"
"""Labels of a logarithmic axis as `words.value` writes numbers."""


# Data and channels. Scales, axes and legends are dictionaries: altair's classes would be checked, and be copied again and again
# with all the properties that they do not have.


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


def channel(kind: Literal["Text", "Url", "Order"], field: str) -> Any:
    """A channel for a field. (Altair takes 4 ms to make it from the field alone.)"""
    return getattr(alt, kind)(field)


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
    kind = {"type": "log", "domain": list(scale.domain), "nice": False}
    if not scale.logarithmic:
        kind |= {"type": "linear", "zero": False}
    return {"title": title, "scale": kind, "axis": {**ticks, **labels, **axis}}


def pixels(channel: str, name: str) -> Any:
    """A field that says a mark's place along `x` or `y` in pixels; it has no axis."""
    return getattr(alt, channel.upper())(f"{name}:Q", scale=None, axis=None)


def names_axis(channel: str, name: str, order: Sequence[str], title: str = "", *, padding: float = 0.0, **axis: Any) -> Any:
    """A column (`channel` x) or a row (y) for each value of a field, from the left or the top."""
    scale = {"domain": list(order), **({"paddingInner": padding, "paddingOuter": padding / 2} if padding else {})}
    look = {"grid": False, **axis}
    return getattr(alt, channel.upper())(f"{name}:N", title=title or None, sort=list(order), scale=scale, axis=look)


def counts_axis(name: str, most: int, title: str) -> alt.Y:
    """A vertical axis of counts on which 0 has a place, and a handful can be seen next to thousands."""
    ticks = [0, *(10**power for power in range(len(str(most))))]
    return alt.Y(f"{name}:Q", title=title, scale={"type": "symlog"}, axis={"values": ticks, "format": ",d"})


def _field(channel: Any) -> str:
    return str(channel["shorthand"]).rpartition(":")[0]


def strength(name: str, scale: Scale) -> Any:
    """A field as the strength of a mark: faint at the low end of the scale, strong at the high one."""
    ends = {"domain": list(scale.domain), "range": [0.08, 0.9], "clamp": True}
    return alt.Opacity(f"{name}:Q", scale=ends, legend=None)


def tips(*names: str, **formats: str) -> list[alt.Tooltip]:
    """Tooltips: fields as they are, and numbers in formats of d3."""
    numbers = [alt.Tooltip(f"{name}:Q", format=form) for name, form in formats.items()]
    return [*(alt.Tooltip(f"{name}:N") for name in names), *numbers]


@dataclass(frozen=True)
class Groups:
    """The groups that colours distinguish, and shapes where there are points.

    Attributes:
        names: values of the field, in the order of the legend.
        title: title of the legend; its place is `orient`.
        legend: whether there is one; None: if there are several names.
        strokes: the legend shows lines; `dashes` belong to them.
        ramp: values along a sequential colour scale from light to dark, which include the names. Empty means distinct colours.
        most: greatest number of groups.

    Raises:
        StatisticsError: there are more groups than colours.
    """

    names: Sequence[str]
    title: str = ""
    field: str = "group"
    columns: int = 4
    legend: bool | None = None
    strokes: bool = False
    dashes: Sequence[Sequence[int]] = ()
    shapes: Sequence[str] = theme.SHAPES
    ramp: Sequence[str] = ()
    orient: Literal["top", "right"] = "top"
    most: int = len(theme.SHAPES)

    def __post_init__(self) -> None:
        if len(self.names) > self.most:
            raise StatisticsError(f"At most {self.most} groups have colours of their own; there are {len(self.names)}.")

    @property
    def colour(self) -> list[Any]:
        return self._channel(alt.Color, "ordinal" if self.ramp else "category")

    @property
    def shape(self) -> list[Any]:
        return self._channel(alt.Shape, list(self.shapes)[: len(self.names)])

    @property
    def dash(self) -> list[Any]:
        return self._channel(alt.StrokeDash, list(self.dashes)) if self.dashes else []

    def _channel(self, channel: Any, values: Any) -> list[Any]:
        if not self.names:
            return []
        look: dict[str, Any] = {"symbolType": "stroke", "symbolSize": 300, "symbolOpacity": 1} if self.strokes else {}
        look |= {"values": list(self.names)} if self.ramp else {}
        several = len(self.names) > 1 if self.legend is None else self.legend
        legend = {"orient": self.orient, "columns": self.columns, "symbolLimit": 0, **look} if several else None
        scale = {"domain": list(self.ramp or self.names), "range": values}
        return [channel(f"{self.field}:N", title=self.title or None, scale=scale, legend=legend)]


# Layers

MOST_FOUND = 40
"""Points of a line that the pointer finds; in a panel of 340 pixels they are closer than a pointer is exact."""


@dataclass(frozen=True)
class Axes:
    """What the layers of a panel have in common: two axes, what colours stand for, and what is shown next to the pointer.

    Attributes:
        x, y: from `x`, `y`, `names_axis` or `counts_axis`.
        tooltip: from `tips`.
    """

    x: Any
    y: Any
    by: Groups = Groups(())
    tooltip: Sequence[alt.Tooltip] = ()

    @property
    def offset(self) -> list[Any]:
        """Groups of one row one below the other."""
        names = list(self.by.names)
        return [alt.YOffset(f"{self.by.field}:N", sort=names)] if len(names) > 1 else []

    def mark(self, rows: Rows, kind: str, *channels: Any, coloured: bool = False, **look: Any) -> alt.Chart:
        """One mark per row, of a kind of Vega-Lite (`point`, `bar`, ...); the pointer shows the fields that all rows have."""
        colour = self.by.colour if coloured else []
        titles = {_field(axis): axis["title"] for axis in (self.x, self.y) if isinstance(axis["title"], str)}
        known = {_field(tip): tip for tip in self.tooltip if all(_field(tip) in row for row in rows)}
        tooltip = [tip.title(titles[name]) if name in titles else tip for name, tip in known.items()]
        drawn: alt.Chart = getattr(chart(rows), f"mark_{kind}")(**look)
        return drawn.encode(self.x, self.y, *colour, *channels, tooltip=tooltip)

    def lines(self, rows: Rows, *channels: Any, detail: str = "", band: bool = True, **look: Any) -> Layers:
        """Lines, their intervals as bands behind them, and points to find with the pointer; nothing for no rows.

        Args:
            detail: a field whose values are joined only among themselves.
            band: draw the intervals.
            look: properties of the line.
        """
        if not rows:
            return []
        along = [alt.Detail(f"{detail}:N")] if detail else []
        needed = (_field(self.x), "low", "high", self.by.field, detail)
        known = [row for row in rows if band and row.get("low") is not None]
        banded = [{name: row[name] for name in needed if name in row} for row in known]
        area = self._folded(banded, detail).mark_area(opacity=0.18, clip=look.get("clip", False))
        behind = area.encode(self.x, alt.Y("low:Q", scale=self.y["scale"]), alt.Y2("high:Q"), *self.by.colour)
        drawn = self._folded(rows, detail).mark_line(**look)
        line = drawn.encode(self.x, self.y, *self.by.colour, *self.by.dash, *along, *channels)
        found = [self.mark(self._to_find(rows, detail), "point", style="hover")] if self.tooltip else []
        return [*([behind] if banded else []), line, *found]

    def _folded(self, rows: Rows, detail: str) -> alt.Chart:
        """A chart of lines as one row each, which it takes apart as it is drawn: what varies along a line is a list.

        Otherwise a third of a large chart would be what all rows of a line repeat, which a browser reads before it draws.
        """
        names = dict.fromkeys(chain.from_iterable(rows))
        lines = [{name: [row.get(name) for row in line] for name in names} for line in self._by_line(rows, detail).values()]
        varying: list[Any] = [
            name for name in names if any(line[name].count(line[name][0]) < len(line[name]) for line in lines)
        ]
        if not varying:
            return chart(rows)
        folded: Rows = [{name: values if name in varying else values[0] for name, values in line.items()} for line in lines]
        return chart(folded).transform_flatten(varying)

    def _to_find(self, rows: Rows, detail: str) -> Rows:
        """The rows of lines that the pointer finds: of long ones an even sample with the last, since each point takes time."""
        lines = self._by_line(rows, detail).values()
        return [row for line in lines for row in line[:: -math.ceil(len(line) / MOST_FOUND)][::-1]]

    def _by_line(self, rows: Rows, detail: str) -> dict[tuple[Any, Any], Rows]:
        """Group and value of `detail` -> the rows of that line, in their order."""
        lines: dict[tuple[Any, Any], Rows] = {}
        group = self.by.field
        for row in rows:
            lines.setdefault((row.get(group), row.get(detail)), []).append(row)
        return lines

    def smoothed(self, rows: Rows, *, detail: str = "", **look: Any) -> Layers:
        """Lines of the field `smoothed`, the measured ones faint behind; plain lines where the rows have no such field."""
        if not any("smoothed" in row for row in rows):
            return self.lines(rows, detail=detail, **look)
        faint = {**look, "strokeWidth": 1, "strokeOpacity": 0.4 * look.get("strokeOpacity", 1)}
        y = alt.Y("smoothed:Q", **{name: self.y[name] for name in ("title", "scale", "axis")})
        over = replace(self, y=y, tooltip=()).lines(rows, detail=detail, **{**look, "band": False})
        return [*self.lines(rows, detail=detail, **faint), *over]

    def dots(self, rows: Rows, *, size: float = 44, width: float = 1.5, style: str = "solid", offset: bool = False) -> Layers:
        """Points in colours and shapes, with their intervals along the axis of `mean`; with `offset` in lines of their own."""
        beside = self.offset if offset else []
        known = [row for row in rows if row.get("mean") is not None]
        barred = [row for row in known if row.get("low") is not None]
        upright = (self.x, alt.Y("low:Q", scale=self.y["scale"]), alt.Y2("high:Q"))
        level = (alt.X("low:Q", scale=self.x["scale"]), self.y, alt.X2("high:Q"))
        ends = upright if self.y["shorthand"] == "mean:Q" else level
        bars = chart(barred).mark_rule(style="interval", strokeWidth=width).encode(*ends, *self.by.colour, *beside)
        return [bars, self.mark(known, "point", *self.by.shape, *beside, coloured=True, style=style, size=size)]

    def steps(self, rows: Rows, style: str = "ideal") -> Layers:
        """A frontier: from each row straight on to the next one's cost, and there up; nothing for no rows."""
        return [chart(rows).mark_line(style=style, interpolate="step-after").encode(self.x, self.y)] if rows else []

    def labels(self, rows: Rows, aside: float = 7) -> Layers:
        """Each `label` to the lower right of its point, on a ground of paper so that no line runs through them."""
        named = [chart(rows).mark_text(style=["label", look], align="left", dx=aside, dy=12) for look in ("halo", "label")]
        return [layer.encode(self.x, self.y, channel("Text", "label:N")) for layer in named]

    def cost_scatter(self, rows: Rows, *, through: bool = False, nudged: alt.X | None = None, aside: float = 7) -> Layers:
        """Dots with intervals over a cost: those with `frontier` joined by dashed steps, those with `named` and their `label`.

        Args:
            rows: from the lowest cost on; those without an interval are drawn faint and behind. If no row says whether it is
                named, those on the frontier are, unless they are too many.
            through: join the named ones by a solid line.
            nudged: where the dots stand, if not exactly at their cost.
            aside: how far from its dot a label begins (pixels).
        """
        sure, faint = ([row for row in rows if ("low" in row) is known] for known in (True, False))
        frontier, named = ([row for row in sure if row.get(name)] for name in ("frontier", "named"))
        if not any("named" in row for row in sure) and len(frontier) <= MOST_LABELS:
            named = frontier
        behind = self.mark(faint, "point", *self.by.shape, coloured=True, style="faint")
        lines = [*self.steps(frontier), *self.steps(named if through else [], "zero")]
        dots = replace(self, x=nudged or self.x).dots(sure, size=48, width=2)
        return [*([behind] if faint else []), *lines, *dots, *self.labels(named, aside)]

    def over_field(self, rows: Rows, breaks: Sequence[float]) -> Layers:
        """Dots with intervals over a field, joined within `apart`; broken lines part off 0 and "none"."""
        joined = replace(self, tooltip=()).lines(rows, detail="apart", band=False, strokeWidth=1.5)
        return [*line_at(breaks, self.x, "break"), *joined, *self.dots(rows)]

    def squares(self, rows: Rows, colours: str = "ramp", **scale: Any) -> Layers:
        """Squares shaded by their `share`, with their `text`."""
        fill = alt.Fill("share:Q", scale={"range": colours, **scale}, legend=None)
        return [self.mark(rows, "rect", fill), *texts(rows, "text", self.x, self.y)]


def texts(rows: Rows, text: str, *channels: Any, style: str = "label", **place: Any) -> Layers:
    """Words at a place in pixels (`x`, `y`, `align`, ...), or where the channels put them."""
    return [chart(rows).mark_text(style=style, **place).encode(*channels, channel("Text", f"{text}:N"))]


def line_at(values: Iterable[float], channel: Any, style: str = "ideal") -> Layers:
    """A straight line across the panel at each value of an axis."""
    rows = [{_field(channel): value} for value in values]
    return [chart(rows).mark_rule(style=style).encode(channel)] if rows else []


def extents(rows: Rows, *channels: Any, kind: str = "rule", **look: Any) -> Layers:
    """From `least` to `most` along the horizontal axis: a line, or of the kind `rect` the whole height of the panel."""
    return [getattr(chart(rows), f"mark_{kind}")(**look).encode(alt.X("least:Q"), alt.X2("most:Q"), *channels)]


# Panels and figures


def panel(layers: Layers, heading: str, size: tuple[float, float], lift: float = 14) -> alt.LayerChart:
    """Layers over each other, with a heading at the same height above every panel, whatever sticks out of it."""
    over = chart([{"heading": heading}]).mark_text(style="heading", x=0, y=-lift).encode(channel("Text", "heading:N"))
    whole = alt.layer(*map(_shared, layers), *([_shared(over)] if heading else []), width=size[0], height=size[1])
    sized: alt.LayerChart = whole.resolve_scale(fill="independent")  # two kinds of squares have two scales
    return sized


def _shared(layer: alt.Chart) -> alt.Chart:
    """A layer whose encoding and mark, which nothing changes any more, are not copied when altair copies the charts around it.

    It does so a dozen times per figure; without this a report spends longer on copies than on drawing.
    """
    for part in (layer.encoding, layer.mark):
        if isinstance(part, alt.SchemaBase):
            object.__setattr__(part, "__deepcopy__", partial(_itself, part))
    return layer


def _itself(part: alt.SchemaBase, _: object) -> alt.SchemaBase:
    """The copy of a part: altair asks for it with the part, and Python's `copy` with what it has copied so far."""
    return part


def figure(
    panels: Sequence[tuple[str, Layers]],
    title: str,
    subtitle: str | Sequence[str],
    size: tuple[float, float],
    *,
    columns: int = 4,
    lift: float = 14,
    **grid: Any,
) -> AnyChart:
    """A figure of panels of one size, in rows.

    Args:
        panels: heading and layers of each.
        size: width and height of a panel (pixels).
        lift: how far above their panels headings stand.
    """
    if len(panels) == 1 and not panels[0][0]:
        return single(panels[0][1], title, subtitle, size)
    return finish([panel(layers, heading, size, lift) for heading, layers in panels], title, subtitle, columns=columns, **grid)


def finish(
    panels: Sequence[alt.LayerChart], title: str, subtitle: str | Sequence[str], *, columns: int = 4, spacing: float = 28
) -> AnyChart:
    """Panels in rows below their legend, with the figure's title."""
    return titled(alt.concat(*panels, columns=min(columns, len(panels)), spacing=spacing, align="each"), title, subtitle)


def single(layers: Layers, title: str, subtitle: str | Sequence[str], size: tuple[float, float]) -> AnyChart:
    """A figure of one panel without a heading."""
    return titled(panel(layers, "", size), title, subtitle)


def titled(whole: AnyChart, title: str, subtitle: str | Sequence[str]) -> AnyChart:
    """Add the title, a description for screen readers, and the light theme, as notebooks show it."""
    below = subtitle if isinstance(subtitle, str) else list(subtitle)
    whole = whole.properties(title=alt.Title(title, subtitle=below), description=title, usermeta=offline.mark())
    whole.config = theme.config()  # type: ignore[attr-defined]  # altair's mixin leaves `config` to its subclasses
    return whole
