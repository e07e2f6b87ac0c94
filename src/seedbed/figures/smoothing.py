"""Smoothing of curves for the eye: drawn over the measured values, never in their place."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.figures.scales import Rows


def moving_average(values: Sequence[float | None], weight: float) -> list[float | None]:
    """Average each value with those before it, whose weights fall exponentially.

    The weights of each average sum to 1, so that its beginning is not drawn towards 0.

    Args:
        values: measured values in their order; None where there is none, and there is no average there either.
        weight: weight of the average before a value, against that of the value itself, in [0, 1).

    >>> moving_average([1.0, None, 4.0], 0.5)
    [1.0, None, 3.0]

    Source: Kingma and Ba 2015, "Adam", section 3, for the correction of the beginning; TensorBoard smooths in the same way.
    """
    total, weights = 0.0, 0.0
    averages: list[float | None] = []
    for value in values:
        if value is None:
            averages.append(None)
            continue
        total = weight * total + (1 - weight) * value
        weights = weight * weights + (1 - weight)
        averages.append(total / weights)
    return averages


def smoothed(rows: Rows, weight: float, *by: str) -> Rows:
    """Add the moving average of `mean` as the field `smoothed`, along the rows that are alike in the fields `by`.

    Rows stay as they are where the weight is 0: each average would be the value itself.
    """
    if not weight:
        return rows
    lines: dict[tuple[object, ...], Rows] = {}
    for row in rows:
        lines.setdefault(tuple(row[name] for name in by), []).append(row)
    averages = {key: iter(moving_average([row["mean"] for row in line], weight)) for key, line in lines.items()}
    return [{**row, "smoothed": next(averages[tuple(row[name] for name in by)])} for row in rows]


def note(weight: float) -> list[str]:
    """The line of a subtitle that says how curves are smoothed; none where they are not."""
    text = f"smoothed: exponential moving average with weight {weight:g}; the measured curves faint behind"
    return [text] if weight else []
