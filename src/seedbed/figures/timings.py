"""What timings show: seconds an epoch with their spread, where a training's time goes, and time per image over sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import marks, theme
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]
PHASES = ("start", "compilation", "first epoch", "other epochs")
"""Where a training's time goes, in the order in which it goes there."""


@dataclass(frozen=True)
class Measured:
    """A time with its spread.

    Attributes:
        panel, row, device: where it stands: devices have colours and shapes of their own.
        x: on the axis, where there is one.
        median, low, high: in the unit of the axis, above 0.
    """

    device: str
    median: float
    low: float
    high: float
    panel: str = ""
    row: str = ""
    x: float = 0.0
    n: int = 1


def measured_rows(times: Sequence[Measured]) -> Rows:
    """One mapping a mark, with the fields of `Measured`.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many devices to be told apart.
    """
    devices = {time.device for time in times}
    if not (times and len(devices) <= len(theme.SHAPES)):
        raise StatisticsError(f"Times need 1 to {len(theme.SHAPES)} devices; there are {len(devices)}.")
    plain: Rows = finite([vars(time) for time in times])
    return plain


def times_by_row(times: Sequence[Measured], title: str, subtitle: Sequence[str], *, x: str) -> AnyChart:
    """A dot with its spread for each row and device, on one logarithmic axis.

    Args:
        x: the axis's title, with its unit.

    Raises:
        StatisticsError: see `measured_rows`.
    """
    import altair as alt

    rows = measured_rows(times)
    order = list(dict.fromkeys(time.row for time in times))
    devices = list(dict.fromkeys(time.device for time in times))
    axis = alt.X(
        "median:Q", title=x, scale=alt.Scale(type="log", nice=False, padding=18), axis=alt.Axis(tickCount=5, format="~g")
    )
    y = alt.Y("row:N", title=None, sort=order, axis=alt.Axis(grid=True, ticks=False, domain=False, labelLimit=260))
    colour, shape = _by_device(devices)
    offset = alt.YOffset("device:N", sort=devices)
    tooltip = ["row:N", "device:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("median", "low", "high")), "n:Q"]
    span = marks.chart(rows).mark_rule(strokeWidth=2).encode(alt.X("low:Q"), alt.X2("high:Q"), y, colour, offset)
    dots = marks.chart(rows).mark_point(style="solid").encode(axis, y, colour, shape, offset, tooltip=tooltip)
    return marks.single([span, dots], title, subtitle, (360, len(order) * (18 + 10 * len(devices))))


@dataclass(frozen=True)
class Phase:
    """Seconds that a training of one row spent in a phase."""

    row: str
    phase: str
    seconds: float


def phase_rows(phases: Sequence[Phase]) -> Rows:
    """One mapping a bar: row, phase, its place in the order, seconds.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    if not phases:
        raise StatisticsError("Where the time goes needs at least one training.")
    plain: Rows = finite([{**vars(phase), "order": PHASES.index(phase.phase)} for phase in phases])
    return plain


def time_by_phase(phases: Sequence[Phase], title: str, subtitle: Sequence[str]) -> AnyChart:
    """A bar for each training, divided into where its time goes.

    Raises:
        StatisticsError: see `phase_rows`.
    """
    import altair as alt

    rows = phase_rows(phases)
    order = list(dict.fromkeys(phase.row for phase in phases))
    legend = alt.Legend(orient="top", columns=4)
    colour = alt.Color("phase:N", title=None, scale=alt.Scale(domain=list(PHASES), range="category"), legend=legend)
    y = alt.Y("row:N", title=None, sort=order, axis=alt.Axis(ticks=False, domain=False, labelLimit=260, grid=False))
    x = alt.X("seconds:Q", title="seconds", stack=True, axis=alt.Axis(tickCount=6))
    tooltip = ["row:N", "phase:N", alt.Tooltip("seconds:Q", format=".3g")]
    bars = marks.chart(rows).mark_bar().encode(x, y, colour, order="order:Q", tooltip=tooltip)
    return marks.single([bars], title, subtitle, (360, 22 * len(order)))


def times_over_sizes(times: Sequence[Measured], title: str, subtitle: Sequence[str], *, x: str, y: str) -> AnyChart:
    """Times over a size, both axes logarithmic and shared by all panels, a line for each device.

    Where lines cross, the faster device changes.

    Raises:
        StatisticsError: see `measured_rows`.
    """
    import altair as alt

    rows = measured_rows(times)
    devices = list(dict.fromkeys(time.device for time in times))
    reach = [min(row["low"] for row in rows) / 1.3, max(row["high"] for row in rows) * 1.3]
    sizes = sorted({time.x for time in times})
    across = alt.X(
        "x:Q", title=x, scale=alt.Scale(type="log", nice=False, padding=12), axis=alt.Axis(values=sizes, format="~g")
    )
    up = alt.Y(
        "median:Q",
        title=y,
        scale=alt.Scale(type="log", domain=reach, nice=False),
        axis=alt.Axis(values=_decades(*reach), format="~g"),
    )
    colour, shape = _by_device(devices)
    tooltip = ["device:N", "x:Q", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("median", "low", "high")), "n:Q"]
    panels = []
    for panel in dict.fromkeys(time.panel for time in times):
        mine = [row for row in rows if row["panel"] == panel]
        line = marks.chart(mine).mark_line(strokeWidth=1.5).encode(across, up, colour)
        span = marks.chart(mine).mark_rule(strokeWidth=1.5).encode(across, alt.Y("low:Q"), alt.Y2("high:Q"), colour)
        dots = marks.chart(mine).mark_point(style="solid", size=44).encode(across, up, colour, shape, tooltip=tooltip)
        panels.append((panel, [line, span, dots]))
    return marks.figure(panels, title, subtitle, (230, 170), columns=2)


def _by_device(devices: Sequence[str]) -> tuple[Any, Any]:
    import altair as alt

    legend = alt.Legend(orient="top", columns=1) if len(devices) > 1 else None
    colour = alt.Color("device:N", title=None, scale=alt.Scale(domain=list(devices), range="category"), legend=legend)
    shapes = alt.Scale(domain=list(devices), range=list(theme.SHAPES)[: len(devices)])
    return colour, alt.Shape("device:N", title=None, scale=shapes, legend=legend)


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten between the ends, with thirds where there are few."""
    ticks = [float(f"1e{exponent}") for exponent in range(-12, 8)]
    inside = [tick for tick in ticks if low <= tick <= high]
    if len(inside) >= 3:
        return inside
    finer = [float(f"{step}e{exponent}") for exponent in range(-12, 8) for step in (1, 2, 5)]
    return [tick for tick in finer if low <= tick <= high]
