"""How every figure looks: one palette, one Vega-Lite configuration for light pages and one for dark ones.

Charts name roles (a mark's `style`, a scale's named range), never colours, so that the same chart is drawn light or dark by
exchanging its configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from seedbed.palette import COLOURS, FONT, Mode
from seedbed.records import finite

if TYPE_CHECKING:
    import altair as alt

    AnyChart = alt.TopLevelMixin

PARTS = ("training", "validation")
DASHES = ([6, 3], [1, 0])
"""Training is dashed, validation solid, wherever both are lines."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")


def config(mode: Mode = "light") -> dict[str, Any]:
    """The Vega-Lite configuration of all charts, for a light or a dark page."""
    colours = COLOURS[mode]
    paper, ink, quiet, axis = (colours[name] for name in ("paper", "ink", "quiet", "axis"))
    small, large, plain = {"labelFontSize": 11}, {"labelFontSize": 12}, {"titleFontSize": 12, "titleFontWeight": "normal"}
    subtitle = {"subtitleColor": quiet, "subtitleFontSize": 12, "subtitleLineHeight": 16, "subtitlePadding": 5}
    lines = {"gridColor": colours["grid"], "domainColor": axis, "tickColor": axis}
    return {
        "background": paper,
        "font": FONT,
        "view": {"stroke": None},
        "padding": 14,
        "title": {"anchor": "start", "fontSize": 15, "fontWeight": "bold", "color": ink, "offset": 12, **subtitle},
        "axis": {"labelColor": quiet, "titleColor": ink, "titlePadding": 8, "labelLimit": 160, **small, **plain, **lines},
        "axisQuantitative": {"labelFlush": False},
        "legend": {"labelColor": ink, "titleColor": quiet, "symbolSize": 110, "labelLimit": 220, **large, **plain},
        "header": {"labelColor": ink, "labelFontSize": 12},
        "range": {name: colours[name] for name in ("category", "ramp", "heatmap", "ordinal")} | {"symbol": list(SHAPES)},
        "text": {"color": ink, "fontSize": 11},
        "line": {"color": colours["accent"], "strokeWidth": 2, "strokeJoin": "round", "strokeCap": "butt"},
        "rect": {"stroke": paper, "strokeWidth": 1},
        "bar": {"color": colours["accent"]},
        "point": {"size": 36, "filled": True, "opacity": 1},
        "rule": {"color": axis},
        "style": _styles(colours),
    }


def _styles(colours: dict[str, Any]) -> dict[str, Any]:
    paper, ink, quiet = colours["paper"], colours["ink"], colours["quiet"]
    dot = {"strokeWidth": 2, "size": 60, "color": colours["accent"]}
    return {
        "hover": {"fillOpacity": 0, "opacity": 1, "size": 220, "filled": True},
        "best": {"shape": "diamond", "size": 90, "filled": True, "stroke": paper, "strokeWidth": 1.5},
        "zero": {"color": ink, "strokeWidth": 1.2},
        "ideal": {"strokeDash": [4, 4], "color": quiet, "strokeWidth": 1.2},
        "break": {"strokeDash": [2, 3]},
        "interval": {"strokeWidth": 2, "color": colours["accent"]},
        "shade": {"color": colours["accent"], "fillOpacity": 0.2, "opacity": 1},
        "faint": {"color": quiet, "filled": False, "size": 24, "opacity": 0.5},
        "hollow": {**dot, "filled": True, "color": paper, "stroke": colours["accent"]},
        "solid": dot | {"filled": True},
        "heading": {"align": "left", "baseline": "bottom", "fontSize": 13, "fontWeight": "bold"},
        "label": {"color": ink, "fontSize": 11},
        "quiet-text": {"color": quiet, "fontSize": 11},
        "halo": {"color": paper, "stroke": paper, "strokeWidth": 3, "strokeJoin": "round"},
    }


def specification(chart: AnyChart, mode: Mode = "light") -> dict[str, Any]:
    """The chart as plain Vega-Lite, JSON without NaN, in the theme of a light or dark page.

    Altair's own validation is left out: it takes longer than drawing, and the tests draw every figure.
    """
    spec: dict[str, Any] = finite({**chart.to_dict(validate=False), "config": config(mode)})
    spec.pop("usermeta", None)  # a mark for notebooks
    return spec
