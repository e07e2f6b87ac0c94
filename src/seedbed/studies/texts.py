"""Texts that sentences, tables and figures of several studies share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from seedbed import words
from seedbed.groups import Group
from seedbed.groups.caveats import excluded
from seedbed.statistics import Interval
from seedbed.studies.setup import Setup

TOO_SMALL = "This data set is too small to take a part of it, so this was not tried."

BANDS = "mean with 95 % interval (Student t)"
"""What the lines and bands of mean curves are."""


def interval_text(
    interval: Interval | None, *, digits: int = 2, factor: float = 100.0, unit: str = "", brief: bool = False
) -> str:
    """A mean with its 95 % interval in brackets, or `brief` without it.

    >>> interval_text(Interval(0.97, 0.96, 0.98, 5), unit="%")
    '97.00 % (96.00 to 98.00)'
    >>> interval_text(Interval(0.97, 0.96, 0.98, 5), unit="%", brief=True)
    '97.00 %'
    """
    if interval is None:
        return "not known"
    # Adding 0 takes the sign from a 0 that rounding made of a small negative number.
    mean, *ends = (f"{round(factor * value, digits) + 0.0:.{digits}f}" for value in (interval.mean, *interval.pair()))
    reach = f" ({' to '.join(ends)})" if interval.low == interval.low else " (n = 1)"
    return f"{mean} {unit}".rstrip() + ("" if brief else reach)


points_text = partial(interval_text, unit="points")
number_text = partial(interval_text, factor=1.0)
loss_text = partial(number_text, digits=3)


def share_text(share: Interval | None, digits: int = 2, *, brief: bool = False) -> str:
    """A share as a percentage; its interval ends at 0 and 1.

    >>> share_text(Interval(0.97, 0.9, 1.1, 5), 0)
    '97 % (90 to 100)'
    """
    return interval_text(share and share.within(0, 1), digits=digits, unit="%", brief=brief)


def sized(name: str, parameters: int) -> str:
    """A network's name with its size.

    >>> sized("400-100", 355_110)
    '400-100 (355,110 parameters)'
    """
    return f"{name} ({words.counted(parameters, 'parameter')})"


def subtitle(setup: Setup, groups: Sequence[Group], *lines: str) -> list[str]:
    """The lines under a figure's title: the data, the number of seeds, what is drawn, and how many runs are excluded.

    Args:
        lines: first what lines, dots and bars are, such as `BANDS`; then whatever else readers need.
    """
    counts = sorted({group.n for group in groups if group.n}) or [0]
    n = " to ".join(str(count) for count in dict.fromkeys((counts[0], counts[-1])))
    what, *more = lines
    out = [f"{excluded(groups)}: diverged or collapsed"] if excluded(groups) else []
    return [f"{setup.data.name}; n = {n} {'seed' if n == '1' else 'seeds'} per setting; {what}", *out, *more]


def best_epoch(setup: Setup, marks: str = "bars") -> str:
    """The line of a subtitle on accuracies at the best epoch, and the bars or bands around them."""
    return f"best epoch; {marks}: 95 % intervals ({setup.chance})"
