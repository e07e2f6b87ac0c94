"""Small multiples of studies: dots with intervals, measures over a field, pictures, and tables of shares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import FieldScale, Rows, Scale
from seedbed.records import finite
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

COLUMNS = 4
SIDE = 64
"""Of a picture (pixels)."""

# Dots


@dataclass(frozen=True)
class Dot:
    """One measured value of one setting.

    Attributes:
        panel, group: where it stands; groups have colours of their own.
        row: the name of its row, or the value of a field; None is "none".
        mean: with its interval; None draws no dot.
        note: written to the right of the panel, for example of runs that have no value.
    """

    panel: str
    row: str | float | None
    group: str
    mean: Interval | None
    note: str = ""


def dot_rows(dots: Sequence[Dot]) -> Rows:
    """The marks of `dot_panels`: panel, row, group, note, and mean, low, high, n where they are known."""
    known = [scales.estimate(dot.mean) if dot.mean and math.isfinite(dot.mean.mean) else {} for dot in dots]
    bare = [{name: value for name, value in vars(dot).items() if name != "mean"} for dot in dots]
    rows: Rows = finite([one | values for one, values in zip(bare, known, strict=True)])
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
    width: int = 150,
    height: int = 0,
) -> AnyChart:
    """Draw values as dots with their intervals: a row per setting, a panel per condition, all on one scale.

    Args:
        dots: panels, rows and groups in the order of drawing; at most eight groups.
        x: title of the axis.
        group: title of the legend of groups.
        share: whether values are shares, to be shown in per cent.
        from_zero: the axis begins at 0.
        width, height: size of a panel (pixels); a height of 0 gives each row its line.

    Raises:
        StatisticsError: there is nothing to draw, or there are more groups than colours.
    """
    rows = dot_rows(dots)
    names, groups = list(marks.split(rows, "row")), list(marks.split(rows, "group"))
    values = scales.reach(rows)
    scale = scales.shares(values, ticks=4) if share else scales.linear(values, form="~s", ticks=4, zero=from_zero)
    panels, tooltip = [], marks.tips("row", "group", "note", **marks.NUMBERS)
    for place, (panel, mine) in enumerate(marks.split(rows).items()):
        first = place % COLUMNS == 0
        y = marks.names_axis("y", "row", names, padding=0.25, grid=True, labels=first, ticks=False, domain=False)
        axes = marks.Axes(marks.x("mean", scale, x, grid=True), y, marks.Groups(groups, group), tooltip)
        notes = [row for row in mine if row["note"]]
        beside = marks.texts(notes, "note", y, *axes.offset, style="quiet-text", align="left", x=width + 6)
        panels.append((panel, [*axes.dots(mine, size=40, offset=True), *beside]))
    height = height or len(names) * (18 if len(groups) == 1 else 14 * len(groups))
    return marks.figure(panels, title, subtitle, (width, height), columns=COLUMNS, spacing=14)


# Measures over a field


def measure_rows(dots: Sequence[Dot], scale: FieldScale) -> Rows:
    """The marks of `measures_over`: panel, group, place, apart, mean, low, high, n; groups stand slightly apart."""
    rows = dot_rows(dots)
    groups = list(marks.split(rows, "group"))
    for row in rows:
        row["place"] = scale.nudged(scale.places[row["row"]], groups.index(row["group"]) - (len(groups) - 1) / 2)
        row["apart"] = scale.apart(row["row"])
    return [row for row in rows if "mean" in row]


def measures_over(
    dots: Sequence[Dot],
    field: str,
    title: str,
    subtitle: Sequence[str],
    *,
    group: str = "",
    shares: Sequence[str] = (),
    size: tuple[int, int] = (230, 170),
) -> AnyChart:
    """Draw several measures over one field, a panel each with a scale of its own, groups by colour, with 95 % intervals.

    Args:
        dots: in the order of panels and groups; their rows are the field's values; at most eight groups.
        field: on the axis, logarithmic where that spreads the values more evenly; 0 then stands apart.
        group: title of the legend of groups.
        shares: the panels whose values are shares, shown in per cent.

    Raises:
        StatisticsError: there is nothing to draw, or there are more groups than colours.
    """
    scale = scales.field_scale([dot.row for dot in dots], field)
    rows = measure_rows(dots, scale)
    if not rows:
        raise StatisticsError("There is nothing to draw: no measure of any setting is known.")
    by = marks.Groups(list(dict.fromkeys(dot.group for dot in dots)), group)
    x, tooltip = marks.x("place", scale, scales.called(field)), marks.tips("group", **marks.NUMBERS, n="d")
    panels = []
    for panel, mine in marks.split(rows).items():
        kind = scales.shares if panel in shares else scales.linear
        axes = marks.Axes(x, marks.y("mean", kind(scales.reach(mine), ticks=5)), by, tooltip)
        panels.append((panel, axes.over_field(mine, scale.breaks)))
    return marks.figure(panels, title, subtitle, size, columns=3)


# Shares of a table


def share_table(
    shares: Sequence[tuple[str, str, str, float]], title: str, subtitle: Sequence[str], *, rows: str, columns: str
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
    across, down = (list(marks.split(cells, name)) for name in ("column", "row"))
    x = marks.names_axis("x", "column", across, columns, orient="top", labelAngle=0, domain=False, ticks=False)
    y = marks.names_axis("y", "row", down, rows, domain=False, ticks=False, labelLimit=400)
    axes = marks.Axes(x, y, tooltip=marks.tips("row", "column", share=".0%"))
    panels = [(panel, axes.squares(mine, domain=[0, 1])) for panel, mine in marks.split(cells).items()]
    return marks.figure(panels, title, subtitle, (56 * len(across), 22 * len(down)), columns=2, lift=48)


# Pictures


@dataclass(frozen=True)
class Picture:
    """An image with a few words.

    Attributes:
        panel: the pictures of a panel stand in rows under its heading.
        address: `data:` URL of the image.
        above: one line or several.
    """

    panel: str
    address: str
    above: Sequence[str]


def picture_panels(pictures: Sequence[Picture], title: str, subtitle: Sequence[str], *, columns: int = 5) -> AnyChart:
    """Draw images with their words, in panels one under the other.

    Raises:
        StatisticsError: there is none.
    """
    if not pictures:
        raise StatisticsError("There is nothing to draw: panels of pictures need at least one.")
    lines = max(len(picture.above) for picture in pictures)
    tall, wide = SIDE + (14 * lines + 14 if lines else 10), SIDE + (62 if lines else 10)
    panels = []
    for panel, mine in marks.split([vars(picture) for picture in pictures]).items():
        rows = [{**one, "x": n % columns, "y": n // columns, "above": "\n".join(one["above"])} for n, one in enumerate(mine)]
        down = -(-len(rows) // columns)
        x, y = marks.x("x", Scale((-0.5, columns - 0.5))).axis(None), marks.y("y", Scale((down - 0.5, -0.5))).axis(None)
        look: dict[str, Any] = {
            "width": SIDE,
            "height": SIDE,
            "yOffset": (tall - SIDE) / 2 - 4 if lines else 0,
            "smooth": False,
        }
        images = marks.Axes(x, y).mark(rows, "image", **look).encode(marks.channel("Url", "address:N"))
        above = marks.texts(rows, "above", x, y, baseline="top", dy=6 - tall / 2, lineBreak="\n") if lines else []
        panels.append(marks.panel([images, *above], panel, (wide * columns, tall * down)))
    return marks.finish(panels, title, subtitle, columns=1)
