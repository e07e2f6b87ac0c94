"""Columns that the tables of several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seedbed.statistics import Interval
from seedbed.tables import Column, Row
from seedbed.words import ends, percent

if TYPE_CHECKING:
    from seedbed.groups import Group


def share_text(share: float | None) -> str:
    """Format a share as a percentage; an unknown one is empty."""
    return "" if share is None else percent(share, 2)


def range_text(interval: Interval | None) -> str:
    """Format the ends of an interval of shares; an unknown one is empty."""
    return "" if interval is None else ends(*interval.pair())


def class_columns(groups: Sequence[Group]) -> list[Column[Group]]:
    """Make columns of the metrics that count all classes alike, with intervals, where accuracy does not say enough."""
    from seedbed.groups import MEASURES
    from seedbed.groups.group import shows_classes

    if not shows_classes(groups):
        return []
    balanced, f1 = MEASURES["balanced"], MEASURES["f1"]
    return [
        *accuracy_columns("balanced accuracy", lambda group: group.measured(balanced)),
        *accuracy_columns("macro F1", lambda group: group.measured(f1)),
    ]


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
