"""How every figure looks: one palette, one Vega-Lite configuration for light pages and one for dark ones.

Charts name roles (a mark's `style`, a scale's named range), never colours, so that the same chart is drawn light or dark by
exchanging its configuration.

The colours of `category` are Okabe and Ito's (2008, "Color Universal Design"), which people with any colour vision can tell
apart, without their yellow, which white paper swallows, and with three darker ones of Tol's (2021, "Colour schemes") so that
ten classes have ten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from seedbed.records import finite

if TYPE_CHECKING:
    import altair as alt

    AnyChart = alt.TopLevelMixin

Mode = Literal["light", "dark"]

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first is inside vl-convert, so that a PNG looks the same on every machine; the others have its metrics."""

PARTS = ("training", "validation")
DASHES = ([6, 3], [1, 0])
"""Training is dashed, validation solid, wherever both are lines."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")


COLOURS: dict[Mode, dict[str, Any]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1b1f24",
        "quiet": "#5b6570",
        "grid": "#e4e7eb",
        "axis": "#9aa3ad",
        "accent": "#0072b2",
        "contrast": "#d55e00",
        "category": str.split("#0072b2 #d55e00 #009e73 #cc79a7 #56b4e9 #e69f00 #332288 #882255 #117733 #666666"),
        "ramp": ["#eef5fb", "#5b9fd1"],
        "heatmap": ["#fffaf5", "#f5a45d"],
        "ordinal": str.split("#a6cee3 #86bbd9 #66a7ce #4692c2 #2f7bb3 #1f639f #134b86 #08306b #d55e00"),
    },
    "dark": {
        "paper": "#14181d",
        "ink": "#e6e9ec",
        "quiet": "#a3adb8",
        "grid": "#2a3138",
        "axis": "#59636e",
        "accent": "#56b4e9",
        "contrast": "#f0883e",
        "category": str.split("#56b4e9 #f0883e #2fc89b #e29ac4 #3f8fd6 #f2c14e #9a8cf0 #d4679a #66c07a #b0b6bc"),
        "ramp": ["#1a2530", "#2f6d9c"],
        "heatmap": ["#1f1a17", "#b4601f"],
        "ordinal": str.split("#2b5a80 #35709e #4186bb #549cd2 #70b1e2 #90c5ee #b2d9f7 #d8eefd #f0883e"),
    },
}


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
    return spec
