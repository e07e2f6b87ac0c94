"""Small multiples of studies: mean curves, dots with intervals, measures over a field, pictures, and tables of shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, words
from seedbed.figures.scales import FieldScale, Rows, Scale
from seedbed.records import Result, finite
from seedbed.statistics import Interval, mean_interval

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
        panel, line: where it is drawn, and which of the panel's lines it is.
        points: `(x, mean with its interval)`.
        row: of the panel, where panels stand in a table.
        note: written into the panel.
    """

    panel: str
    line: str
    points: Sequence[tuple[float, Interval]]
    row: str = ""
    note: str = ""


def mean_curve(results: Sequence[Result], column: str, *, panel: str, line: str) -> Curve:
    """Average a column of the histories over the runs that neither diverged nor collapsed, over the epochs that all reached.

    Args:
        results: the seeds of one setting.
        column: of the history, `a-b` for the difference of two.
    """
    kept = [result.history for result in results if result.verdict.ranked and result.best]
    shared = min((history.epochs for history in kept), default=0)
    first, _, second = column.partition("-")
    rows = [history[first][:shared] - (history[second][:shared] if second else 0.0) for history in kept]
    return Curve(
        panel, line, [(float(n), _mean(np.array(values))) for n, values in enumerate(zip(*rows, strict=True), start=1)]
    )


def _mean(values: np.ndarray[Any, Any]) -> Interval:
    if len(values) > 1 and np.isfinite(values).all():
        return mean_interval(values)
    return Interval(float(values.mean()), math.nan, math.nan, len(values))


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
        row["low"] = max(row["low"], row["mean"] / 10)
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
        curves: panels and lines in the order in which they are to stand; at most eight lines.
        y, x: titles of the axes.
        line: what the lines are, over their legend.
        share: the values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many lines to be told apart.
    """
    rows, scale = _rows_and_scale(curves, share, logarithmic)
    drawn = marks.split(rows, "line")
    by = marks.Groups(
        [one for one in dict.fromkeys(curve.line for curve in curves) if one in drawn], line, "line", strokes=True
    )
    along = scales.stepwise(row["x"] for row in rows)
    across, up = marks.x("x", along, x), marks.y("mean", scale, y)
    tooltip = marks.tips("line", x="~g", **marks.NUMBERS)
    point = not isinstance(along.ticks, int)  # few values: nothing was measured between them
    panels = [
        marks.panel(marks.lines(mine, across, up, by, tooltip=tooltip, point=point), panel, width=size[0], height=size[1])
        for panel, mine in marks.split(rows).items()
    ]
    return marks.figure(panels, title, subtitle, columns=columns)


def layers_over_epochs(
    curves: Sequence[Curve],
    title: str,
    subtitle: Sequence[str],
    *,
    y: str,
    share: bool = False,
    logarithmic: bool = False,
    size: tuple[int, int] = (90, 84),
) -> AnyChart:
    """Draw a table of small multiples on one scale, a line per layer, with 95 % bands.

    Args:
        curves: rows and panels in the order in which they are to stand; a line is a layer's number, from 1, or `OUTPUT`.
        y: title of the axis.
        share: the values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are more than eight numbered layers.
    """
    rows, scale = _rows_and_scale(curves, share, logarithmic)
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
            layers = marks.lines(mine, along, up, by, tooltip=tooltip, strokeWidth=1.5, point=last == 1)
            note = [{"note": notes[row, panel]}] if notes.get((row, panel)) else []
            layers += marks.texts(note, "note", style="quiet-text", align="left", x=4, y=8)
            panels.append(marks.panel(layers, panel if row == down[0] else "", width=size[0], height=size[1]))
    return marks.figure(panels, title, subtitle, columns=len(across), spacing=14)


def _layer_groups(lines: set[str]) -> marks.Groups:
    """Numbered layers spread over a ramp from light to dark; the output layer stands out."""
    numbers = sorted(lines - {OUTPUT}, key=int)
    if len(numbers) > MOST_LAYERS:
        raise StatisticsError(f"At most {MOST_LAYERS} layers can be told apart; these are {len(numbers)}.")
    ramp = [" " * (n + 1) for n in range(MOST_LAYERS)]
    for n, number in enumerate(numbers):
        ramp[MOST_LAYERS - 1 - round((len(numbers) - 1 - n) * (MOST_LAYERS - 1) / max(len(numbers) - 1, 1))] = number
    names = numbers + [OUTPUT] * (OUTPUT in lines)
    return marks.Groups(
        names, "layer", "line", columns=len(names), strokes=True, alone=True, ramp=[*ramp, OUTPUT], most=len(ramp) + 1
    )


# Dots


@dataclass(frozen=True)
class Dot:
    """One measured value of one setting.

    Attributes:
        panel, row, group: where it stands; groups have colours of their own.
        mean: with its interval; None draws no dot.
        note: written to the right of the panel, for example of runs that have no value.
    """

    panel: str
    row: str
    group: str
    mean: Interval | None
    note: str = ""


def dot_rows(dots: Sequence[Dot]) -> Rows:
    """The marks of `dot_panels`: panel, row, group, note, mean, low, high, n."""
    rows = [{**vars(dot), **(scales.estimate(dot.mean) if dot.mean else {})} for dot in dots]
    plain: Rows = finite([{name: row[name] for name in row if row[name] is not None} for row in rows])
    return plain


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
    """Draw values as dots with their intervals: a row per setting, a panel per condition, all on one scale.

    Args:
        dots: panels, rows and groups in the order in which they are to stand; at most eight groups.
        x: title of the axis.
        group: what the groups are, over their legend.
        share: the values are shares, shown in per cent.
        from_zero: the axis begins at 0.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many groups to be told apart.
    """
    rows, names = dot_rows(dots), list(dict.fromkeys(dot.row for dot in dots))
    by = marks.Groups(list(dict.fromkeys(dot.group for dot in dots)), group)
    values = scales.reach(rows)
    scale = scales.shares(values, ticks=4) if share else scales.linear(values, form="~s", ticks=4, zero=from_zero)
    along = marks.x("mean", scale, x, grid=True)
    tooltip = marks.tips("row", "group", "note", **marks.NUMBERS)
    panels = []
    for place, (panel, mine) in enumerate(marks.split(rows).items()):
        down = marks.names_axis(
            "y", "row", names, padding=0.25, grid=True, labels=place % columns == 0, ticks=False, domain=False
        )
        notes = [row for row in mine if row["note"]]
        layers = marks.dots(mine, along, down, by, tooltip=tooltip, offset=True, size=40)
        layers += marks.texts(notes, "note", down, *by.offset, style="quiet-text", align="left", x=width + 6)
        panels.append(marks.panel(layers, panel, width=width, height=marks.rows_height(names, by)))
    return marks.figure(panels, title, subtitle, columns=columns, spacing=14)


# Measures over a field


@dataclass(frozen=True)
class Point:
    """One measure of one setting.

    Attributes:
        panel: the measure; each has a scale of its own.
        group: a line of its own colour.
        value: of the field; None is "none".
        mean: with its interval; None draws nothing.
    """

    panel: str
    group: str
    value: float | int | None
    mean: Interval | None


def point_rows(points: Sequence[Point], scale: FieldScale) -> Rows:
    """The marks of `measures_over`: panel, group, place, apart, mean, low, high, n; groups stand slightly apart."""
    groups = list(dict.fromkeys(point.group for point in points))
    rows = []
    for point in points:
        if point.mean is not None and math.isfinite(point.mean.mean):
            place = scale.nudged(scale.places[point.value], groups.index(point.group) - (len(groups) - 1) / 2)
            where = {"panel": point.panel, "group": point.group, "place": place, "apart": scale.apart(point.value)}
            rows.append({**where, **scales.estimate(point.mean)})
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
    """Draw several measures over one field, a panel each, groups by colour, with 95 % intervals.

    Args:
        points: in the order in which panels and groups are to stand; at most eight groups.
        field: on the axis, logarithmic where that spreads the values more evenly; 0 then stands apart.
        group: what the groups are, over their legend.
        shares: the panels whose values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many groups to be told apart.
    """
    scale = scales.field_scale([point.value for point in points], field)
    rows = point_rows(points, scale)
    if not rows:
        raise StatisticsError("There is nothing to draw: no measure of any setting is known.")
    by = marks.Groups(list(dict.fromkeys(point.group for point in points)), group)
    x = marks.x("place", scale, scales.called(field))
    tooltip = marks.tips("group", **marks.NUMBERS, n="d")
    panels = []
    for panel, mine in marks.split(rows).items():
        kind = scales.shares if panel in shares else scales.linear
        y = marks.y("mean", kind(scales.reach(mine), ticks=5))
        layers = marks.over_field(mine, x, y, by, scale, tooltip=tooltip)
        panels.append(marks.panel(layers, panel, width=size[0], height=size[1]))
    return marks.figure(panels, title, subtitle, columns=columns)


# Shares of a table


def share_table(
    shares: Sequence[tuple[str, str, str, float]],
    title: str,
    subtitle: Sequence[str],
    *,
    rows: str,
    columns: str,
    panels_abreast: int = 2,
) -> AnyChart:
    """Draw shares as shaded squares with their numbers: panel, row, column, share in [0, 1].

    Args:
        rows, columns: titles of the axes.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    names = ("panel", "row", "column", "share")
    cells: Rows = [
        dict(zip(names, one, strict=True)) | {"text": words.percent(one[3], 0) if one[3] > 0 else ""} for one in shares
    ]
    if not cells:
        raise StatisticsError("There is nothing to draw: a table of shares needs at least one.")
    tooltip = marks.tips("row", "column", share=".0%")
    panels = []
    for panel, mine in marks.split(cells).items():
        across, down = list(marks.split(cells, "column")), list(marks.split(mine, "row"))
        x = marks.names_axis("x", "column", across, columns, orient="top", labelAngle=0, domain=False, ticks=False)
        y = marks.names_axis("y", "row", down, rows, domain=False, ticks=False)
        layers = marks.matrix(mine, x, y, "share", "text", domain=[0, 1], tooltip=tooltip)
        panels.append(marks.panel(layers, panel, width=56 * len(across), height=22 * len(down), lift=48))
    return marks.figure(panels, title, subtitle, columns=panels_abreast)


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
    """Draw images with their words, in panels one under the other.

    Raises:
        StatisticsError: there is none.
    """
    if not pictures:
        raise StatisticsError("There is nothing to draw: panels of pictures need at least one.")
    tall = side + 14 * max(len(picture.above) for picture in pictures) + 14
    panels = []
    for panel, mine in marks.split([vars(picture) for picture in pictures]).items():
        rows: Rows = [
            {"x": n % columns, "y": n // columns, "address": one["address"], "above": "\n".join(one["above"])}
            for n, one in enumerate(mine)
        ]
        down = -(-len(rows) // columns)
        x = marks.x("x", Scale((-0.5, columns - 0.5))).axis(None)
        y = marks.y("y", Scale((down - 0.5, -0.5))).axis(None)
        images = marks.chart(rows).mark_image(width=side, height=side, yOffset=(tall - side) / 2 - 4)
        words_above = marks.texts(rows, "above", x, y, baseline="top", dy=6 - tall / 2, lineBreak="\n")
        layers = [images.encode(x, y, url="address:N"), *words_above]
        panels.append(marks.panel(layers, panel, width=(side + 62) * columns, height=tall * down))
    return marks.figure(panels, title, subtitle, columns=1)
