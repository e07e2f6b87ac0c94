"""Mean curves with bands as small multiples, and curves of layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale
from seedbed.records import Result, finite, limits
from seedbed.statistics import UNLIMITED, Interval, mean_intervals

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

OUTPUT = "output"
"""The name of the layer of the logits."""

MOST_LAYERS = 8


# Curves


@dataclass(frozen=True)
class Curve:
    """A mean over seeds along epochs (or another `x`), with its interval.

    Attributes:
        panel, line: names of the panel and of the line.
        points: `(x, mean with its interval)`.
        row: row of the panel, where panels are laid out in a table.
        note: text inside the panel.
    """

    panel: str
    line: str
    points: Sequence[tuple[float, Interval]]
    row: str = ""
    note: str = ""

    def bare(self) -> Curve:
        """The curve without its intervals, for small pictures in which bands would cover each other."""
        return replace(self, points=[(x, Interval(at.mean, math.nan, math.nan, at.n)) for x, at in self.points])


def mean_curve(results: Sequence[Result], column: str, *, panel: str, line: str) -> Curve:
    """Average a column of the histories over the runs that neither diverged nor collapsed, over the epochs that all reached.

    Args:
        results: the seeds of one setting.
        column: name of a column of the history, or `a-b` for the difference of two.
    """
    included = [result for result in results if result.included]
    kept, folds = [result.history for result in included], max((result.folds for result in included), default=1)
    shared = min((history.epochs for history in kept), default=0)
    first, _, second = column.partition("-")
    ends = UNLIMITED if second else limits(column)
    rows = [history[first][:shared] - (history[second][:shared] if second else 0.0) for history in kept]
    means = mean_intervals(np.stack(rows, axis=1), folds=folds, limits=ends) if rows else []
    return Curve(panel, line, [(float(n), mean) for n, mean in enumerate(means, start=1)])


def curve_rows(curves: Sequence[Curve], *, logarithmic: bool = False) -> Rows:
    """The points of curves: row, panel, line, x, mean, low, high, n.

    On a logarithmic axis there is no place for what is not above 0, and a band ends where it would meet 0.
    """
    rows: Rows = [
        {"row": curve.row, "panel": curve.panel, "line": curve.line, "x": x, **scales.estimate(at)}
        for curve in curves
        for x, at in curve.points
        if math.isfinite(at.mean) and not (logarithmic and at.mean <= 0)
    ]
    for row in rows if logarithmic else []:
        row["low"] = None if row["low"] is None else max(row["low"], row["mean"] / 10)
    plain: Rows = finite(rows)
    return plain


def _rows_and_scale(curves: Sequence[Curve], share: bool, logarithmic: bool) -> tuple[Rows, Scale]:
    rows = curve_rows(curves, logarithmic=logarithmic)
    rows = scales.bounded(rows) if share else rows
    kind = scales.shares if share else scales.logarithmic if logarithmic else scales.linear
    return rows, kind(scales.reach(rows), ticks=5)


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
    """Draw mean curves with their 95 % bands, as small multiples on one scale.

    Args:
        curves: panels and lines in the order of drawing; at most eight lines.
        y, x: titles of the axes.
        line: title of the legend of lines.
        share: whether values are shares, to be shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are more lines than colours.
    """
    rows, scale = _rows_and_scale(curves, share, logarithmic)
    drawn, along = marks.split(rows, "line"), scales.stepwise(row["x"] for row in rows)
    names = [name for name in dict.fromkeys(curve.line for curve in curves) if name in drawn]
    by = marks.Groups(names, line, "line", strokes=True)
    tooltip = marks.tips("line", x="~g", **marks.NUMBERS)
    axes = marks.Axes(marks.x("x", along, x), marks.y("mean", scale, y), by, tooltip)
    point = not isinstance(along.ticks, int)  # few values: nothing was measured between them
    panels = [(panel, axes.lines(mine, point=point)) for panel, mine in marks.split(rows).items()]
    return marks.figure(panels, title, subtitle, size, columns=columns)


def layers_over_epochs(
    curves: Sequence[Curve], title: str, subtitle: Sequence[str], *, y: str, share: bool = False
) -> AnyChart:
    """Draw a table of small multiples on one scale, a line per layer, with 95 % bands.

    Args:
        curves: rows and panels in the order in which they are to stand; a line is a layer's number, from 1, or `OUTPUT`.
        y: title of the axis.
        share: whether values are shares, to be shown in per cent; others are drawn on a logarithmic axis.

    Raises:
        StatisticsError: there is nothing to draw, or there are more than eight numbered layers.
    """
    rows, scale = _rows_and_scale(curves, share, logarithmic=not share)
    by = _layer_groups({curve.line for curve in curves})
    notes = {(curve.row, curve.panel): curve.note for curve in curves}
    down, across = (list(dict.fromkeys(getattr(curve, name) for curve in curves)) for name in ("row", "panel"))
    last = max(row["x"] for row in rows)
    epochs = replace(scales.stepwise([1, last], form="d"), ticks=sorted({1, round((1 + last) / 2), round(last)}))
    tooltip = marks.tips("line", x="d", **marks.NUMBERS)
    panels = []
    for row in down:
        for panel in across:
            left, lowest = panel == across[0], row == down[-1]
            along = marks.x("x", epochs, "epoch" if lowest else None, labels=lowest, ticks=lowest)
            up = marks.y("mean", scale, [row, y] if left else None, labels=left, ticks=left, domain=left)
            mine = [one for one in rows if (one["row"], one["panel"]) == (row, panel)]
            note = [{"note": notes[row, panel]}] if notes.get((row, panel)) else []
            layers = marks.Axes(along, up, by, tooltip).lines(mine, strokeWidth=1.5, point=last == 1)
            layers += marks.texts(note, "note", style="quiet-text", align="left", x=4, y=8)
            panels.append((panel if row == down[0] else "", layers))
    return marks.figure(panels, title, subtitle, (90, 84), columns=len(across), spacing=14)


def _layer_groups(lines: set[str]) -> marks.Groups:
    """Numbered layers spread over a ramp from light to dark; the output layer stands out."""
    numbers = sorted(lines - {OUTPUT}, key=int)
    if len(numbers) > MOST_LAYERS:
        raise StatisticsError(f"At most {MOST_LAYERS} layers have colours; there are {len(numbers)}.")
    ramp = [" " * (n + 1) for n in range(MOST_LAYERS)]
    for n, number in enumerate(numbers):
        ramp[MOST_LAYERS - 1 - round((len(numbers) - 1 - n) * (MOST_LAYERS - 1) / max(len(numbers) - 1, 1))] = number
    names = numbers + [OUTPUT] * (OUTPUT in lines)
    return marks.Groups(
        names, "layer", "line", columns=len(names), strokes=True, legend=True, ramp=[*ramp, OUTPUT], most=len(ramp) + 1
    )
