"""Accuracy over the number of parameters, against a target: what was tried, and what is claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

BELOW = 3.0
"""Settings that make this many times the mistakes that the target allows are not drawn; they would flatten the others."""

TRIED, TESTED = "while choosing (other images)", "tested with fresh seeds"

WIDTH = 460


def size_rows(
    tried: Sequence[tuple[int, float]], tested: Sequence[tuple[int, Interval]], target: float
) -> list[dict[str, Any]]:
    """The marks of `accuracy_over_size`: kind, parameters, mean, and low and high of those that were tested."""
    least = 1 - BELOW * (1 - target)
    rows: list[dict[str, Any]] = [
        {"kind": TRIED, "parameters": size, "mean": accuracy} for size, accuracy in tried if accuracy >= least
    ]
    rows += [
        {"kind": TESTED, "parameters": size, "mean": one.mean, "low": one.low, "high": one.high, "n": one.n}
        for size, one in tested
    ]
    return rows


def accuracy_over_size(tried: Sequence[tuple[int, float]], tested: Sequence[tuple[int, Interval]], target: float) -> AnyChart:
    """Every setting's accuracy over its parameters, those that were tested with their intervals, and the target as a line.

    Args:
        tried: parameters and accuracy of what was trained while choosing.
        tested: parameters and accuracy, with its interval, of what was tested.
        target: in (0, 1).

    Raises:
        StatisticsError: there is nothing to draw near the target.
    """
    import altair as alt

    rows = size_rows(tried, tested, target)
    if not rows:
        raise StatisticsError(f"No setting came near the target of {words.percent(target, 2)}; there is nothing to draw.")
    reach = [value for row in rows for value in (row.get("low", row["mean"]), row.get("high", row["mean"]), target)]
    pad = 0.06 * max(max(reach) - min(reach), 1e-3)
    share = alt.Scale(domain=[max(0.0, min(reach) - pad), min(1.0, max(reach) + pad)], nice=False, zero=False)
    sizes = [row["parameters"] for row in rows]
    width = alt.Scale(type="log", domain=[min(sizes) / 1.08, max(sizes) * 1.08], nice=False)
    x = alt.X("parameters:Q", title="parameters (log scale)", scale=width, axis=alt.Axis(format="~s", grid=False))
    y = alt.Y("mean:Q", title="validation accuracy at the last epoch", scale=share, axis=alt.Axis(format=".1%", tickCount=6))
    colour = alt.Color("kind:N", title=None, scale=alt.Scale(domain=[TESTED, TRIED], range="category"), legend=_legend())
    known = alt.Chart(theme.table([row for row in rows if "low" in row]))
    line = alt.Chart(theme.table([{"mean": target, "label": f"target {words.percent(target, 2)}"}]))
    layers = [
        line.mark_rule(style="ideal").encode(y),
        line.mark_text(style="quiet-text", align="right", dy=9).encode(y, x=alt.value(WIDTH - 4), text="label:N"),
        alt.Chart(theme.table(rows))
        .transform_filter(f"datum.kind == '{TRIED}'")
        .mark_point(size=24, opacity=0.45)
        .encode(x, y, colour),
        known.mark_rule(style="interval").encode(x, alt.Y("low:Q", scale=share), alt.Y2("high:Q"), colour),
        known.mark_point(style="solid").encode(x, y, colour, tooltip=_tooltip()),
    ]
    n = sorted({one.n for _, one in tested})
    bars = f"bars: 95 % intervals over {' or '.join(map(str, n))} fresh seeds and the images" if n else "no size was tested"
    subtitle = f"{words.counted(len(rows), 'setting')} near the target; {bars}"
    return theme.finish(alt.layer(*layers), "How few parameters reach the target", subtitle, width=WIDTH, height=300)


def _legend() -> Any:
    import altair as alt

    return alt.Legend(orient="top")


def _tooltip() -> list[Any]:
    import altair as alt

    shares = [alt.Tooltip(f"{name}:Q", format=".2%") for name in ("mean", "low", "high")]
    return [alt.Tooltip("parameters:Q", format=",d"), *shares, "n:Q"]
