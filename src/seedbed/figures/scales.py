"""Where values are drawn: the range and ticks of an axis, and the axis of a field of the specs. Numbers only, no chart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.records import finite
from seedbed.statistics import Interval

Rows = list[dict[str, Any]]

NAMES_NOT_QUANTITIES = ("split_seed", "permutation")
"""Numbers that say which, not how much."""

CALLED = {
    "hidden": "hidden units",
    "first": "training images",
    "label_noise": "share of labels replaced",
    "batch_size": "images of a minibatch",
    "kernel": "side of the kernels",
}
"""Axes of fields whose names alone do not say what is counted."""

GAP = 0.16
"""How far from the other values 0 (on a logarithmic axis) and "none" stand, as a share of the axis."""

MOST_TICKS = 7

DECADE = 10.0
"""Ratio of the largest value to the smallest, both above 0, from which on an axis is logarithmic."""


@dataclass(frozen=True)
class Scale:
    """The axis of a quantity.

    Attributes:
        domain: its two ends.
        form: format of the labels, in d3's notation; "" on a logarithmic axis: as `words.value` writes numbers.
        ticks: their positions, or about how many.
        labels: position -> text, instead of `form`.
    """

    domain: tuple[float, float]
    logarithmic: bool = False
    form: str = "~r"
    ticks: Sequence[float] | int = 5
    labels: Mapping[float, str] = field(default_factory=dict)


def estimate(interval: Interval) -> dict[str, Any]:
    """A mean with its interval as fields of a row: mean, low, high, n; ends that are not known are None."""
    return {"mean": interval.mean, "low": finite(interval.low), "high": finite(interval.high), "n": interval.n}


def reach(rows: Rows) -> list[float]:
    """The means of rows and the ends of their intervals, as far as they are known."""
    return [row[name] for row in rows for name in ("low", "mean", "high") if row.get(name) is not None]


def bounded(rows: Rows) -> Rows:
    """Rows of shares whose intervals end at 0 and at 1, where those of Student's t may reach beyond."""
    return [
        {**row, "low": max(0.0, row["low"]), "high": min(1.0, row["high"])} if row.get("low") is not None else row
        for row in rows
    ]


def linear(values: Iterable[float], *, pad: float = 0.05, form: str = "~r", ticks: int = 5, zero: bool = False) -> Scale:
    """An axis that holds the values, longer by a share `pad` at both ends; or one that begins at 0.

    Raises:
        StatisticsError: there are no values.
    """
    low, high = _ends(values)
    low = min(low, 0.0) if zero else low
    further = pad * (high - low or abs(high) or 1.0)
    return Scale((low if zero else low - further, high + further), form=form, ticks=ticks)


def shares(values: Iterable[float], *, ticks: int = 6) -> Scale:
    """An axis in per cent that holds the values and neither goes below 0 nor above 100.

    Raises:
        StatisticsError: there are no values.
    """
    low, high = _ends(values)
    pad = 0.06 * max(high - low, 1e-3)
    low, high = max(0.0, low - pad), min(1.0, high + pad)
    halves = (high - low) / ticks < 0.01 / math.sqrt(2)  # where d3 takes steps of less than one per cent
    return Scale((low, high), form=".1%" if halves else "~%", ticks=ticks)


def logarithmic(values: Iterable[float], *, pad: float = 1.15, form: str = "", ticks: int = MOST_TICKS) -> Scale:
    """A logarithmic axis that holds the values, longer by a factor `pad` at both ends, with a label at each tick.

    Raises:
        StatisticsError: there are no values.
    """
    low, high = _ends(values)
    domain = (low / pad, high * pad)
    return Scale(domain, logarithmic=True, form=form, ticks=log_ticks(*domain, most=ticks))


def amounts(values: Iterable[float], *, ticks: int = MOST_TICKS) -> Scale:
    """A logarithmic axis where all values are above 0 and span a decade, else a linear one.

    Args:
        ticks: greatest number of ticks of a logarithmic axis.

    Raises:
        StatisticsError: there are no values.
    """
    known = list(values)
    low, high = _ends(known)
    return logarithmic(known, ticks=ticks) if low > 0 and high / low >= DECADE else linear(known)


def stepwise(values: Iterable[float], *, form: str = "~r", ticks: int = 4) -> Scale:
    """An axis from the first value to the last; few values have a tick each.

    Raises:
        StatisticsError: there are no values.
    """
    known = sorted(set(values))
    low, high = _ends(known)
    domain = (low, high) if low < high else (low - 0.5, high + 0.5)
    return Scale(domain, form=form, ticks=known if len(known) <= ticks + 1 else ticks)


def _ends(values: Iterable[float]) -> tuple[float, float]:
    known = list(values)
    if not known:
        raise StatisticsError("There is nothing to draw: no value is known.")
    return min(known), max(known)


def log_ticks(low: float, high: float, *, most: int = MOST_TICKS) -> list[float]:
    """Round numbers within a range: in each decade 1, 2 and 5, or 1 and 3, or 1 alone, or 1 in some decades only."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    candidates = [[float(f"{step}e{decade}") for decade in decades for step in steps] for steps in ((1, 2, 5), (1, 3), (1,))]
    inside = [[tick for tick in ticks if low <= tick <= high] for ticks in candidates]
    few = next((ticks for ticks in inside if len(ticks) <= most), None)
    if few is not None:
        return few if len(few) > 1 else _between(low, high)
    powers = inside[-1]
    every = -(-len(powers) // most)
    exact = [step for step in range(every, 2 * every + 1) if (len(powers) - 1) % step == 0]  # both ends have a tick
    return powers[:: min(exact, default=every)]


def _between(low: float, high: float) -> list[float]:
    """About four round numbers of a range that holds less than two of the usual ticks."""
    step = 10.0 ** math.floor(math.log10(high - low))
    step = next(step * part for part in (0.2, 0.5, 1, 2, 5) if (high - low) / (step * part) <= 5)
    return [float(f"{step * n:.9g}") for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


# A field of the specs as an axis


def number(value: object) -> float | None:
    """A value as a quantity: a number, or the one number of a list, or 0 for an empty list; None for anything else."""
    if isinstance(value, tuple) and len(value) <= 1:
        value = value[0] if value else 0
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def called(name: str) -> str:
    """The title of a field's axis."""
    return CALLED.get(name, name.replace("_", " "))


def is_quantity(name: str, values: Iterable[object]) -> bool:
    """Whether a field's values are at least two different numbers, so that they make an axis; None may be among them."""
    known = [number(value) for value in values if value is not None]
    return name not in NAMES_NOT_QUANTITIES and None not in known and len(set(known)) > 1


@dataclass(frozen=True)
class FieldScale(Scale):
    """Where a field's values are drawn.

    Attributes:
        places: value -> position; 0 on a logarithmic axis, and None on any, stand apart from the others.
        breaks: positions of the lines between those and the others.
    """

    places: Mapping[Any, float] = field(default_factory=dict)
    breaks: tuple[float, ...] = ()

    def apart(self, value: object) -> str:
        """On which side of the breaks a value stands; lines join values of the same side."""
        return "".join(str(int(self.places[value] > at)) for at in self.breaks)

    def nudged(self, place: float, steps: float) -> float:
        """A position moved by a hundredth of the axis per step, so that equal ones do not cover each other."""
        low, high = self.domain
        share = 0.01 * steps
        return place * (high / low) ** share if self.logarithmic else place + share * (high - low)


def field_scale(values: Sequence[Any], name: str = "") -> FieldScale:
    """The axis of a quantity, labelled with its values; logarithmic where that spreads them more evenly."""
    values = list(dict.fromkeys(values))
    numbers = {value: number(value) for value in values if value is not None}
    known = sorted(found for found in numbers.values() if found is not None)
    logarithmic = _is_logarithmic(known)
    inside = [found for found in known if found > 0] if logarithmic else known
    low, high = inside[0], inside[-1]
    below, above = beyond(low, high, GAP, logarithmic)
    places = {value: below if logarithmic and found == 0 else found for value, found in numbers.items() if found is not None}
    places |= dict.fromkeys([value for value in values if value is None], above)
    half_below, half_above = beyond(low, high, GAP / 2, logarithmic)
    return FieldScale(
        domain=beyond(min(places.values()), max(places.values()), 0.05, logarithmic),
        logarithmic=logarithmic,
        ticks=sorted(places.values()),
        labels={place: words.value(value, name) for value, place in places.items()},
        places=places,
        breaks=(*[half_below] * (below in places.values()), *[half_above] * (None in places)),
    )


def _is_logarithmic(known: Sequence[float]) -> bool:
    positive = [found for found in known if found > 0]
    if known[0] < 0 or len(positive) < 2:
        return False
    if len(positive) == 2:
        return positive[1] / positive[0] >= DECADE
    return _unevenness([math.log(found) for found in positive]) < _unevenness(positive)


def _unevenness(places: Sequence[float]) -> float:
    gaps = [high - low for low, high in pairwise(places)]
    return max(gaps) / min(gaps)


def beyond(low: float, high: float, share: float, logarithmic: bool) -> tuple[float, float]:
    """The ends of a range made longer by a share at both sides."""
    if logarithmic:
        factor = max((high / low) ** share, 1.05)
        return low / factor, high * factor
    further = share * (high - low)
    return low - further, high + further
