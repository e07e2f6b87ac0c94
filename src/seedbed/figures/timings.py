"""How long training takes: per epoch with its spread, phase by phase, and per image over batch sizes.

A time is a row with its `device`, `median`, `low` and `high` (all above 0), and what a chart asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

PHASES = ("start", "compilation", "first epoch", "other epochs")
"""The parts of a training time, in order."""

TIMES = dict.fromkeys(("median", "low", "high"), ".4g") | {"n": "d"}
"""Formats of a time in tooltips."""


def times_by_row(rows: Rows, title: str, subtitle: Sequence[str], *, x: str, size: tuple[int, int] = (360, 0)) -> AnyChart:
    """Draw a dot with its spread for each `row` and device, on one logarithmic axis with the title `x`.

    Args:
        size: width and height (pixels); a height of 0 gives each row its line.

    Raises:
        StatisticsError: there is nothing to draw, or there are more devices than colours.
    """
    rows, names = _times(rows), list(marks.split(rows, "row"))
    across = marks.x("mean", scales.logarithmic(scales.reach(rows)), x, grid=True)
    down = marks.names_axis("y", "row", names, grid=True, ticks=False, domain=False, labelLimit=260)
    axes = marks.Axes(across, down, _devices(rows), marks.tips("row", "device", **TIMES))
    width, height = size
    height = height or len(names) * (18 + 10 * len(axes.by.names))
    return marks.single(axes.dots(rows, offset=True), title, subtitle, (width, height))


def time_by_phase(rows: Rows, title: str, subtitle: Sequence[str]) -> AnyChart:
    """Draw a bar for each `row`, divided into the `seconds` of each `phase`.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    bars = marks.split(rows, "row")
    longest = [sum(row["seconds"] for row in bar) for bar in bars.values()]
    across = marks.x("seconds", scales.linear(longest, zero=True), "seconds", grid=True).stack(True)
    down = marks.names_axis("y", "row", list(bars), padding=0.1, ticks=False, domain=False, labelLimit=320)
    axes = marks.Axes(across, down, marks.Groups(PHASES, field="phase"), marks.tips("row", "phase", seconds=".3g"))
    ordered = [{**row, "order": PHASES.index(row["phase"])} for row in rows]
    drawn = axes.mark(ordered, "bar", coloured=True).encode(marks.channel("Order", "order:Q"))
    return marks.single([drawn], title, subtitle, (360, 22 * len(bars)))


def times_over_sizes(rows: Rows, title: str, subtitle: Sequence[str], *, x: str, y: str) -> AnyChart:
    """Draw times over a `size` in each `panel`, both axes logarithmic and shared, with a line for each device.

    Where lines cross, the faster device changes.

    Raises:
        StatisticsError: there is nothing to draw, or there are more devices than colours.
    """
    rows, sizes = _times(rows), sorted(marks.split(rows, "size"))
    up = marks.y("mean", scales.logarithmic(scales.reach(rows)), y)
    across = marks.x("size", Scale((sizes[0] / 1.2, 1.2 * sizes[-1]), logarithmic=True, ticks=sizes), x, grid=True)
    axes = marks.Axes(across, up, _devices(rows))
    dots = replace(axes, tooltip=marks.tips("device", size=",", **TIMES))
    panels = [
        (panel, [*axes.lines(mine, band=False, strokeWidth=1.5), *dots.dots(mine)]) for panel, mine in marks.split(rows).items()
    ]
    return marks.figure(panels, title, subtitle, (230, 170), columns=2)


def _times(rows: Rows) -> Rows:
    """Rows whose median is what marks call the mean."""
    return [{**row, "mean": row["median"]} for row in rows]


def _devices(rows: Rows) -> marks.Groups:
    return marks.Groups(list(marks.split(rows, "device")), field="device", columns=1)
