"""How long training takes: per epoch with its spread, phase by phase, and per image over batch sizes.

A time is a row with its `device`, `median`, `low` and `high` (all above 0), and what a chart asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

PHASES = ("start", "compilation", "first epoch", "other epochs")
"""What a training spends its time on, in order."""

TIMES = dict.fromkeys(("median", "low", "high"), ".4g") | {"n": "d"}
"""Formats of a time beside the pointer."""


def times_by_row(rows: Rows, title: str, subtitle: Sequence[str], *, x: str) -> AnyChart:
    """Draw a dot with its spread for each `row` and device, on one logarithmic axis with the title `x`.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many devices to be told apart.
    """
    rows, by = _times(rows), marks.Groups(list(marks.split(rows, "device")), field="device", columns=1)
    names, across = list(marks.split(rows, "row")), marks.x("mean", scales.logarithmic(scales.reach(rows)), x, grid=True)
    down = marks.names_axis("y", "row", names, grid=True, ticks=False, domain=False, labelLimit=260)
    dots = marks.dots(rows, across, down, by, tooltip=marks.tips("row", "device", **TIMES), offset=True)
    return marks.figure([marks.panel(dots, width=360, height=marks.rows_height(names, by))], title, subtitle)


def time_by_phase(rows: Rows, title: str, subtitle: Sequence[str]) -> AnyChart:
    """Draw a bar for each `row`, divided into the `seconds` of each `phase`.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    names, by = marks.split(rows, "row"), marks.Groups(PHASES, field="phase")
    longest = max((sum(each["seconds"] for each in bar) for bar in names.values()), default=0.0)
    across = marks.x("seconds", scales.linear([longest] * bool(rows), zero=True), "seconds", grid=True).stack(True)
    down = marks.names_axis("y", "row", list(names), padding=0.1, ticks=False, domain=False, labelLimit=320)
    ordered = [{**row, "order": PHASES.index(row["phase"])} for row in rows]
    bars = (
        marks.chart(ordered)
        .mark_bar()
        .encode(across, down, *by.colour, order="order:Q", tooltip=marks.tips("row", "phase", seconds=".3g"))
    )
    return marks.figure([marks.panel([bars], width=360, height=22 * len(names))], title, subtitle)


def times_over_sizes(rows: Rows, title: str, subtitle: Sequence[str], *, x: str, y: str) -> AnyChart:
    """Draw times over a `size` in each `panel`, both axes logarithmic and shared, with a line for each device.

    Where lines cross, the faster device changes.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many devices to be told apart.
    """
    rows, by = _times(rows), marks.Groups(list(marks.split(rows, "device")), field="device", columns=1)
    up, sizes = marks.y("mean", scales.logarithmic(scales.reach(rows)), y), sorted(marks.split(rows, "size"))
    across = marks.x("size", Scale((sizes[0] / 1.2, 1.2 * sizes[-1]), logarithmic=True, ticks=sizes), x, grid=True)
    tooltip, panels = marks.tips("device", size=",", **TIMES), []
    for panel, mine in marks.split(rows).items():
        lines = marks.lines(mine, across, up, by, band=False, strokeWidth=1.5)
        panels.append(marks.panel([*lines, *marks.dots(mine, across, up, by, tooltip=tooltip)], panel, width=230, height=170))
    return marks.figure(panels, title, subtitle, columns=2)


def _times(rows: Rows) -> Rows:
    """Rows whose median is what marks call the mean."""
    return [{**row, "mean": row["median"]} for row in rows]
