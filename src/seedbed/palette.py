"""The colours and the font of every chart and page: one palette for light paper and one for dark.

The colours of `category` are Okabe and Ito's (2008, "Color Universal Design"), which people with any colour vision can
distinguish, without their yellow, which white paper swallows, and with three darker ones of Tol's (2021, "Colour schemes") so
that ten classes have ten.
"""

from __future__ import annotations

from typing import Any, Literal

Mode = Literal["light", "dark"]

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first is inside vl-convert, so that a PNG looks the same on every machine; the others have its metrics."""


def _hex(colours: str) -> list[str]:
    return colours.split()


COLOURS: dict[Mode, dict[str, Any]] = {
    "light": {
        "paper": "#ffffff",
        "tint": "#f5f7f9",
        "ink": "#1b1f24",
        "quiet": "#5b6570",
        "grid": "#e4e7eb",
        "axis": "#9aa3ad",
        "accent": "#0072b2",
        "contrast": "#d55e00",
        "category": _hex("#0072b2 #d55e00 #009e73 #cc79a7 #56b4e9 #e69f00 #332288 #882255 #117733 #666666"),
        "ramp": ["#eef5fb", "#5b9fd1"],
        "heatmap": ["#fffaf5", "#f5a45d"],
        "ordinal": _hex("#a6cee3 #86bbd9 #66a7ce #4692c2 #2f7bb3 #1f639f #134b86 #08306b #d55e00"),
    },
    "dark": {
        "paper": "#14181d",
        "tint": "#1b2027",
        "ink": "#e6e9ec",
        "quiet": "#a3adb8",
        "grid": "#2a3138",
        "axis": "#59636e",
        "accent": "#56b4e9",
        "contrast": "#f0883e",
        "category": _hex("#56b4e9 #f0883e #2fc89b #e29ac4 #3f8fd6 #f2c14e #9a8cf0 #d4679a #66c07a #b0b6bc"),
        "ramp": ["#1a2530", "#2f6d9c"],
        "heatmap": ["#1f1a17", "#b4601f"],
        "ordinal": _hex("#2b5a80 #35709e #4186bb #549cd2 #70b1e2 #90c5ee #b2d9f7 #d8eefd #f0883e"),
    },
}
