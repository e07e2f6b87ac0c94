"""Ways to compare two settings: seedbed's, and those that the field uses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.inference.worlds import Table
from seedbed.statistics import Interval, accuracy_difference, mean_interval


@dataclass(frozen=True)
class Judgement:
    """What a method says of a table: whether there is a difference, and between which ends it lies."""

    shown: bool
    low: float
    high: float

    def covers(self, truth: float) -> bool:
        return self.low - 1e-12 <= truth <= self.high + 1e-12


Method = Callable[[Table], Judgement]


def seedbed(table: Table) -> Judgement:
    """`statistics.accuracy_difference`, as every command calls it."""
    return judgement(accuracy_difference(table, np.zeros_like(table)).interval())


def students_t(table: Table) -> Judgement:
    """Student's t over the differences of single seeds; the images are taken as given."""
    rows = table.mean(axis=1)
    return judgement(mean_interval(rows)) if np.ptp(rows) else Judgement(bool(rows[0]), float(rows[0]), float(rows[0]))


def mcnemar(table: Table) -> Judgement:
    """McNemar's mid-p test over all answers of all seeds, as if each were an image of its own; the interval is Wald's.

    Source: Fagerland, Lydersen, Laake 2013, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are better
    than exact conditional".
    """
    from scipy.special import bdtr, gammaln

    first, second = int((table > 0).sum()), int((table < 0).sum())
    few, both = min(first, second), first + second
    point = math.exp(gammaln(both + 1) - gammaln(few + 1) - gammaln(both - few + 1) - both * math.log(2))
    p = min(1.0, 2 * float(bdtr(few, both, 0.5)) - point)
    mean = (first - second) / table.size
    reach = 1.96 * math.sqrt(max(both / table.size - mean**2, 0.0) / table.size)
    return Judgement(p < 0.05, mean - reach, mean + reach)


def judgement(interval: Interval) -> Judgement:
    return Judgement(interval.excludes(0.0), interval.low, interval.high)


METHODS: dict[str, Method] = {"seedbed": seedbed, "Student's t": students_t, "McNemar": mcnemar}
