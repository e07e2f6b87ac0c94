"""Columns that the tables of several commands share."""

from __future__ import annotations

from collections.abc import Callable

from seedbed.statistics import Interval
from seedbed.tables import Column, Row
from seedbed.words import ends, percent


def share_text(share: float | None) -> str:
    """Format a share as a percentage; an unknown one is empty."""
    return "" if share is None else percent(share, 2)


def range_text(interval: Interval | None) -> str:
    """Format the ends of an interval of shares; an unknown one is empty."""
    return "" if interval is None else ends(*interval.pair())


def accuracy_columns(
    heading: str, interval: Callable[[Row], Interval | None], *, ends: str = "95 % interval", unknown: str = "none is left"
) -> list[Column[Row]]:
    """Make columns of an accuracy and its interval.

    Args:
        heading, ends: headings of the two columns.
        interval: row -> interval. None means that no run is left.
        unknown: text of the second column where there is no interval.
    """
    return [
        Column(heading, lambda row: known.mean if (known := interval(row)) else None, share_text),
        Column(ends, interval, lambda known: range_text(known) or unknown),
    ]
