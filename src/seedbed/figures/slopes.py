"""Slopes of activation functions, above the pre-activations at which networks use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

REACH = 8.0
"""Pre-activations are drawn from -REACH to REACH; those beyond count in the outermost bins."""

BINS = 64
"""Bins of the histogram."""

SLOPE, USED = "slope", "share"


@dataclass(frozen=True, eq=False)
class ActivationUse:
    """An activation, and where a network uses it.

    Attributes:
        name: name in the figure.
        slope: derivative at `grid()`.
        used: layer -> its pre-activations, of any shape.
    """

    name: str
    slope: NDArray[np.floating]
    used: Mapping[str, NDArray[np.floating]]


def grid() -> NDArray[np.float64]:
    """The places at which slopes are drawn: the middles of the histogram's bins, `(BINS,)`."""
    edges = np.linspace(-REACH, REACH, BINS + 1)
    return (edges[:-1] + edges[1:]) / 2


def slope_rows(several: Sequence[ActivationUse]) -> Rows:
    """The points of `slopes_over_use`: panel (the activation), of (slope or share), line, x, mean."""
    places = grid().tolist()
    rows: Rows = []
    for one in several:
        rows += [
            {"panel": one.name, "of": SLOPE, "line": "", "x": x, "mean": float(y)}
            for x, y in zip(places, one.slope, strict=True)
        ]
        for layer, values in one.used.items():
            counts, _ = np.histogram(np.clip(values, -REACH, REACH), bins=BINS, range=(-REACH, REACH))
            shares = (counts / counts.sum()).tolist()
            rows += [
                {"panel": one.name, "of": USED, "line": layer, "x": x, "mean": share}
                for x, share in zip(places, shares, strict=True)
            ]
    return rows


def slopes_over_use(several: Sequence[ActivationUse], title: str, subtitle: Sequence[str]) -> AnyChart:
    """Draw the slope of each activation, and below it the histogram of the network's own pre-activations, layer by layer.

    Args:
        several: from the left to the right.
    """
    rows = slope_rows(several)
    layers = list(dict.fromkeys(row["line"] for row in rows if row["of"] == USED))
    along = scales.linear([-REACH, REACH], pad=0)
    panels = []
    for kind, title_of_axis in ((SLOPE, "slope"), (USED, "share of pre-activations")):
        drawn = [row for row in rows if row["of"] == kind]
        scale = (scales.shares if kind == USED else scales.linear)([0.0, *(row["mean"] for row in drawn)], ticks=4)
        for place, (panel, mine) in enumerate(marks.split(drawn).items()):
            x = marks.x("x", along, "pre-activation" if kind == USED else None)
            y = marks.y("mean", scale, title_of_axis if place == 0 else None)
            by = marks.Groups(layers, "", "line", strokes=True, legend=kind == USED and len(layers) > 1)
            axes = marks.Axes(x, y, by if kind == USED else marks.Groups(()))
            panels.append((panel if kind == SLOPE else "", axes.lines(mine, interpolate="step" if kind == USED else "linear")))
    return marks.figure(panels, title, subtitle, (190, 110), columns=len(several), spacing=18)
