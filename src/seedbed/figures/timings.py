"""How long training takes: per epoch with its spread, phase by phase, and per image over batch sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

Rows = Sequence[Mapping[str, Any]]
"""One mapping per mark. A time has its `device`, its `median`, `low` and `high` (above 0) and its `n`."""

PHASES = ("start", "compilation", "first epoch", "other epochs")
"""What a training spends its time on, in order."""


def times_by_row(rows: Rows, title: str, subtitle: Sequence[str], *, x: str) -> AnyChart:
    """A dot with its spread for each `row` and device, on one logarithmic axis.

    Args:
        x: title of the axis, with its unit.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many devices to be told apart.
    """
    import altair as alt

    devices, names = _names(rows, "device"), _names(rows, "row")
    scale = alt.Scale(type="log", nice=False, padding=18)
    y = alt.Y("row:N", title=None, sort=names, axis=alt.Axis(grid=True, ticks=False, domain=False, labelLimit=260))
    across = alt.X("median:Q", title=x, scale=scale, axis=alt.Axis(tickCount=5, format="~g"))
    chart = _spreads(rows, devices, "x", x=across, y=y, yOffset=alt.YOffset("device:N", sort=devices))
    return theme.finish(chart.properties(width=360, height=len(names) * (18 + 10 * len(devices))), title, list(subtitle))


def time_by_phase(rows: Rows, title: str, subtitle: Sequence[str]) -> AnyChart:
    """A bar for each `row`, divided into the `seconds` of each `phase`.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    import altair as alt

    y = alt.Y(
        "row:N", title=None, sort=_names(rows, "row"), axis=alt.Axis(ticks=False, domain=False, labelLimit=260, grid=False)
    )
    x = alt.X("seconds:Q", title="seconds", stack=True, axis=alt.Axis(tickCount=6))
    scale, legend = alt.Scale(domain=list(PHASES), range="category"), alt.Legend(orient="top", columns=4)
    colour = alt.Color("phase:N", title=None, scale=scale, legend=legend)
    tooltip = ["row:N", "phase:N", alt.Tooltip("seconds:Q", format=".3g")]
    table = theme.table(finite([{**row, "order": PHASES.index(row["phase"])} for row in rows]))
    bars = alt.Chart(table).mark_bar().encode(x, y, colour, order="order:Q", tooltip=tooltip)
    return theme.finish(bars.properties(width=360, height=alt.Step(22)), title, list(subtitle))


def times_over_sizes(rows: Rows, title: str, subtitle: Sequence[str], *, x: str, y: str) -> AnyChart:
    """Times over a `size` in each `panel`, both axes logarithmic and shared, with a line for each device.

    Where lines cross, the faster device changes.

    Raises:
        StatisticsError: there is nothing to draw, or there are too many devices to be told apart.
    """
    import altair as alt

    devices = _names(rows, "device")
    reach = [min(row["low"] for row in rows) / 1.3, max(row["high"] for row in rows) * 1.3]
    ticks = alt.Axis(values=sorted({row["size"] for row in rows}), format="~g")
    across = alt.X("size:Q", title=x, scale=alt.Scale(type="log", nice=False, padding=12), axis=ticks)
    scale, decades = alt.Scale(type="log", nice=False, domain=reach), alt.Axis(values=_ticks(*reach), format="~g")
    up = alt.Y("median:Q", title=y, scale=scale, axis=decades)
    panels = []
    for panel in _names(rows, "panel"):
        chart = _spreads([row for row in rows if row["panel"] == panel], devices, "y", x=across, y=up)
        panels.append(chart.properties(width=230, height=170, title=theme.heading(panel)))
    return theme.finish(alt.concat(*panels, columns=2), title, list(subtitle))


def _spreads(rows: Rows, devices: Sequence[str], axis: str, **where: Any) -> Any:
    """Medians as dots, with rules from the lowest to the highest along the axis; on an upright one a line joins them."""
    import altair as alt

    legend = alt.Legend(orient="top", columns=1) if len(devices) > 1 else None
    colour = alt.Color("device:N", title=None, scale=alt.Scale(domain=devices, range="category"), legend=legend)
    shapes = alt.Scale(domain=devices, range=theme.SHAPES[: len(devices)])
    shape = alt.Shape("device:N", title=None, scale=shapes, legend=legend)
    tooltip = ["device:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("median", "low", "high")), "n:Q"]
    chart = alt.Chart(theme.table(finite(rows))).encode(color=colour, **where)
    spread = chart.mark_rule(strokeWidth=2).encode(**{axis: "low:Q", f"{axis}2": "high:Q"})
    dots = chart.mark_point(style="solid").encode(shape=shape, tooltip=tooltip)
    return alt.layer(*[chart.mark_line(strokeWidth=1.5)] * (axis == "y"), spread, dots)


def _names(rows: Rows, field: str) -> list[str]:
    """The field's values in the order of the rows."""
    names = list(dict.fromkeys(row[field] for row in rows))
    if not 1 <= len(names) <= (len(theme.SHAPES) if field == "device" else len(rows)):
        raise StatisticsError(f"Times need rows, and at most {len(theme.SHAPES)} devices; there are {len(names)}.")
    return names


def _ticks(low: float, high: float) -> list[float]:
    """Powers of ten between the ends; where there are few, also twice and five times those."""
    finer = [[float(f"{step}e{exponent}") for exponent in range(-12, 8) for step in steps] for steps in ((1,), (1, 2, 5))]
    decades, thirds = ([tick for tick in ticks if low <= tick <= high] for ticks in finer)
    return decades if len(decades) >= 3 else thirds
