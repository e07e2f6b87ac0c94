"""Speed of learning: how soon runs reach a validation accuracy, and how many times sooner one group does than another.

Accuracy is measured at the ends of epochs, so the time of a run is known to within one epoch: a run that first has the
accuracy at the end of epoch n needed more than n - 1 epochs and at most n. A run that never has it needs more than it was
trained. Ratios of times are paired by seed, on a logarithmic scale, and their intervals count in what is not known of each.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from seedbed import words
from seedbed.groups.group import Group
from seedbed.groups.statements import Certainty, Statement
from seedbed.records import Result, finite_fields
from seedbed.statistics import Interval, holm, mean_over_ranges
from seedbed.tables import Column

LEVELS = (0.90, 0.95, 0.97)
"""Validation accuracies whose times are of interest."""

FRACTIONS = (0.90, 0.95, 0.99)
"""Shares of the best accuracy that take their place where no run reaches any of them."""

SIGNIFICANCE = 0.05
"""A ratio whose p-value is below this is beyond chance."""

Unit = Literal["steps", "epochs", "seconds"]
UNITS: tuple[Unit, ...] = ("steps", "epochs", "seconds")


@dataclass(frozen=True)
class Arrival:
    """When a run reached a validation accuracy.

    Attributes:
        epoch: first epoch at whose end it had the accuracy. None means never.
        trained: number of its epochs.
        steps_per_epoch: minibatches of an epoch.
        seconds: training time up to that epoch's end; infinite where it never arrived.
    """

    epoch: int | None
    trained: int
    steps_per_epoch: int
    seconds: float

    @classmethod
    def of(cls, runs: Sequence[Result], level: float) -> Arrival:
        """Of the runs of one seed; of folds, by their mean curve."""
        trained = min(result.history.epochs for result in runs)
        accuracy = np.mean([result.history["validation_accuracy"][:trained] for result in runs], axis=0)
        there = np.flatnonzero(accuracy >= level)
        epoch = int(there[0]) + 1 if len(there) else None
        spent = [result.history.columns.get("seconds") for result in runs]
        known = [float(column[:epoch].sum()) for column in spent if column is not None and epoch]
        return cls(epoch, trained, steps_per_epoch(runs[0]), float(np.mean(known)) if known else math.inf)

    @property
    def steps(self) -> float:
        """Minibatches up to that epoch's end; infinite where the run never arrived."""
        return math.inf if self.epoch is None else self.epoch * self.steps_per_epoch

    def range(self) -> tuple[float, float]:
        """Between which numbers of minibatches the run arrived."""
        if self.epoch is None:
            return self.trained * self.steps_per_epoch, math.inf
        return (self.epoch - 1) * self.steps_per_epoch, self.steps

    def measured(self, unit: Unit) -> float:
        return {"steps": self.steps, "epochs": self.epoch or math.inf, "seconds": self.seconds}[unit]


@dataclass(frozen=True)
class TimesToLevel:
    """The times that the runs of a group took to a validation accuracy.

    Attributes:
        level: accuracy in [0, 1].
        arrivals: seed -> arrival, of all seeds; those that diverged or collapsed never arrived, or before they did.
    """

    level: float
    arrivals: Mapping[Hashable, Arrival]

    @classmethod
    def of(cls, group: Group, level: float) -> TimesToLevel:
        return cls(level, {seed: Arrival.of(runs, level) for seed, runs in group.by_seed.items()})

    @property
    def total(self) -> int:
        return len(self.arrivals)

    @property
    def never(self) -> int:
        """Number of seeds that never reached the level; they count as later than all others."""
        return sum(arrival.epoch is None for arrival in self.arrivals.values())

    def reached(self, unit: Unit = "steps") -> list[float]:
        """Times of the seeds that reached the level, ascending."""
        return sorted(arrival.measured(unit) for arrival in self.arrivals.values() if arrival.epoch)

    def median(self, unit: Unit = "steps") -> float | None:
        """The median over all seeds; None where half of them or more never reached the level."""
        values = [arrival.measured(unit) for arrival in self.arrivals.values()]
        middle = float(np.median(values)) if values else math.inf
        return middle if math.isfinite(middle) else None

    @property
    def text(self) -> str:
        """The median number of minibatches, and how many seeds never got there."""
        median = self.median()
        return ("-" if median is None else f"{median:,.0f}") + (f" ({self.never} of {self.total} never)" if self.never else "")

    @property
    def interval(self) -> Interval | None:
        """The median number of minibatches, with the earliest and the latest seed that reached the level."""
        median, reached = self.median(), self.reached()
        return None if median is None else Interval(median, reached[0], reached[-1], self.total)

    @property
    def summary(self) -> str:
        """The medians in all units, and how many seeds never got there."""
        known = self.median(), self.median("epochs"), self.median("seconds")
        lost = f"{self.never} of {self.total} never" if self.never else ""
        if known[0] is None:
            return lost
        parts = [
            f"{known[0]:,.0f} steps",
            f"{known[1]:,g} {'epoch' if known[1] == 1 else 'epochs'}",
            *([words.duration(known[2])] if known[2] is not None else []),
        ]
        return ", ".join([*parts, *([lost] if lost else [])])

    def as_json(self) -> dict[str, Any]:
        medians = {f"median_{unit}": self.median(unit) for unit in UNITS}
        return {"level": self.level, "median": self.median(), "reached": self.reached(), "never": self.never, **medians}


def steps_per_epoch(result: Result) -> int:
    return -(-result.data.train // result.run.plan.batch_size)


def levels(groups: Sequence[Group]) -> tuple[float, ...]:
    """The accuracies whose times are compared: those of `LEVELS` that some run reaches, or else shares of the best accuracy."""
    curves = [result.history["validation_accuracy"] for group in groups for result in group.results]
    best = max((float(np.nanmax(curve)) for curve in curves if np.isfinite(curve).any()), default=0.0)
    reached = tuple(level for level in LEVELS if level <= best)
    return reached or tuple(round(share * best, 4) for share in FRACTIONS if best > 0)


def common_level(groups: Sequence[Group]) -> float | None:
    """The highest level that every group reaches in the median, or else the lowest; None where there is none."""
    known = levels(groups)
    whole = [level for level in known if all(TimesToLevel.of(group, level).median() for group in groups)]
    return whole[-1] if whole else known[0] if known else None


def speed_columns(groups: Sequence[Group]) -> list[Column[Group]]:
    """Make a column per level: the median times of each group."""

    def column(level: float) -> Column[Group]:
        return Column(f"to {level_text(level)}", lambda group: TimesToLevel.of(group, level).summary, align="left")

    return [column(level) for level in levels(groups)]


def speed_json(groups: Sequence[Group]) -> list[list[dict[str, Any]]]:
    """Return the times of each group to each level as JSON values."""
    known = levels(groups)
    return [[TimesToLevel.of(group, level).as_json() for level in known] for group in groups]


# Pairs of groups


@dataclass(frozen=True)
class SpeedRatio:
    """How many times as many minibatches the first group needs as the second, paired by seed.

    Attributes:
        ratio: with its 95 % interval; ends may be 0 or infinite. Its mean is the smallest possible one where a run never
            arrived.
        p, corrected_p: p-value of "both need as many", for this pair alone and after Holm's correction over all pairs.
    """

    names: tuple[str, str]
    times: tuple[TimesToLevel, TimesToLevel]
    ratio: Interval
    p: float
    corrected_p: float

    @property
    def level(self) -> float:
        return self.times[0].level

    @property
    def shown(self) -> bool:
        return self.corrected_p < SIGNIFICANCE

    @property
    def sentence(self) -> str:
        """Which group learns faster and by what factor, with its interval; then the runs that never arrived."""
        return self._said()

    @property
    def statement(self) -> Statement:
        return Statement(self._said(brief=True), self.certainty(), self.sentence)

    def certainty(self, about: str = "") -> Certainty:
        """How sure an answer is that rests on this ratio.

        Args:
            about: what was compared, where the answer says more than one thing.
        """
        what = f"{about}: the" if about else "The"
        if self.shown:
            return Certainty("clear", f"{what} 95 % interval of the ratio excludes 1, also after correction.")
        if self.p < SIGNIFICANCE:
            return Certainty("likely", f"{what} 95 % interval of the ratio excludes 1, but not after correction.")
        return Certainty("not shown", f"{what} 95 % interval of the ratio includes 1: it may be chance.")

    def _said(self, *, brief: bool = False) -> str:
        (first, second), times = self.names, self.times
        mean, low, high = self.ratio.mean, *self.ratio.pair()
        if mean < 1:
            (first, second), times = (second, first), times[::-1]
            mean, low, high = 1 / mean, 1 / high, 1 / low if low else math.inf
        ends = f"{_times(low)} or more" if math.isinf(high) else f"{_times(low)} to {_times(high)}"
        reach = "" if brief else f" (95 % interval: {ends})"
        never_there = any(each.never for each in times)
        times_as_many = f"{'at least ' * never_there}{_times(mean)} times as many"
        if not self.shown and f"{mean:.2g}" == "1":
            times_as_many = "at least as many" if never_there else "about as many"
        needs = f"needs {times_as_many} minibatches to reach {level_text(self.level)}"
        if self.shown:
            begin = f"{first} learns more slowly than {second}: it {needs}{reach}."
        else:
            begin = f"No clear difference in speed between {first} and {second}: {first} {needs}{reach}."
        never = [f"{each.never} of {each.total} runs of {name}" for name, each in zip((first, second), times, strict=True)]
        lost = [text for text, each in zip(never, times, strict=True) if each.never]
        return f"{begin} Never there: {words.listed(lost)}." if lost else begin

    def as_json(self) -> dict[str, Any]:
        """Return the ratio as JSON values; an end that is not known is null."""
        return finite_fields(
            {
                "level": self.level,
                "ratio": self.ratio.mean,
                "interval": self.ratio.pair(),
                "n": self.ratio.n,
                "p": self.p,
                "corrected_p": self.corrected_p,
                "shown": self.shown,
                "never": [each.never for each in self.times],
                "sentence": self.sentence,
            }
        )


def speed_ratios(
    pairs: Sequence[tuple[Group, Group]], names: Sequence[tuple[str, str]] | None = None, *, others: int = 0
) -> list[SpeedRatio | None]:
    """Compare how soon two groups reach an accuracy, for several pairs at once; Holm's correction is over all of them.

    The accuracy is the highest of `levels` that all runs of both reach, or else the lowest; None where no seed of one of
    the two reaches that.
    """
    named = names or [(a.name, b.name) for a, b in pairs]
    alone = [_ratio(a, b, both) for (a, b), both in zip(pairs, named, strict=True)]
    known = [each for each in alone if each]
    corrected_p = holm([each.p for each in known], others=others)
    corrected = iter(replace(each, corrected_p=float(p)) for each, p in zip(known, corrected_p, strict=True))
    return [each and next(corrected) for each in alone]


def _ratio(a: Group, b: Group, names: tuple[str, str]) -> SpeedRatio | None:
    common = [seed for seed in a.by_seed if seed in b.by_seed]
    tried = [(TimesToLevel.of(a, level), TimesToLevel.of(b, level)) for level in levels([a, b])]
    whole = [times for times in tried if not any(each.never for each in times)]
    times = whole[-1] if whole else tried[0] if tried else None
    if len(common) < 2 or times is None or not all(each.reached() for each in times):
        return None
    ranges = [[each.arrivals[seed].range() for seed in common] for each in times]
    with np.errstate(divide="ignore"):
        (a_low, a_high), (b_low, b_high) = (np.log(np.array(each)).T for each in ranges)
        epochs = [np.array([each.arrivals[s].epoch or each.arrivals[s].trained for s in common]) for each in times]
    if not (np.isfinite(a_low - b_high).all() or np.isfinite(a_high - b_low).all()):
        return None  # all that is known is that both took some time
    rounding = float(sum((1 / np.square(each)).mean() for each in epochs)) / 12
    logarithm, p = mean_over_ranges(a_low - b_high, a_high - b_low, rounding, folds=a.folds)
    ends = [np.where(np.isinf(high), low, high) for low, high in ((a_low, a_high), (b_low, b_high))]
    mean = float((ends[0] - ends[1]).mean())
    low, high = (math.exp(min(end, 700.0)) if end < 700 else math.inf for end in logarithm)
    return SpeedRatio(names, times, Interval(math.exp(mean), low, high, len(common)), p, p)


def level_text(level: float) -> str:
    """Format an accuracy that is a level."""
    return words.percent(level, 0 if round(100 * level, 6) == round(100 * level) else 1)


def _times(factor: float) -> str:
    """Format a factor with two digits, without an exponent.

    >>> _times(2.449), _times(113.0)
    ('2.4', '110')
    """
    return f"{float(f'{factor:.2g}'):,g}"
