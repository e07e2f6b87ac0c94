"""Networks next to simple classifiers, on the same validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any

import numpy as np

from seedbed.baselines import Baseline, baselines, line
from seedbed.groups.group import Group
from seedbed.groups.statements import Certainty, Statement, remarks
from seedbed.records import finite_fields
from seedbed.runs import RunStore
from seedbed.statistics import Decision, Interval, PairedDifference, accuracy_difference, decide
from seedbed.words import listed, percent

MOST_NAMES = 6
"""Groups that a sentence names."""


@dataclass(frozen=True, eq=False)
class Below:
    """A group that is less accurate than a baseline, beyond chance.

    Attributes:
        decision: decided of the group's mean accuracy minus the baseline's, among all such differences.
    """

    group: Group
    baseline: Baseline
    decision: Decision

    @property
    def difference(self) -> Interval:
        return self.decision.interval


@dataclass(frozen=True, eq=False)
class BaselineComparison:
    """Groups that were evaluated on the same validation images, and the baselines on these.

    Attributes:
        data: name of the data set.
        differences: name of a group -> name of a baseline -> mean accuracy of the group minus the baseline's, and whether it
            is shown after correction for all of them; groups of which every run is excluded have none.
    """

    data: str
    groups: Sequence[Group]
    baselines: list[Baseline]
    differences: dict[str, dict[str, Decision]]

    def below(self) -> list[Below]:
        """The groups that are shown to be less accurate than a baseline, each with the best of these."""
        found = []
        for group in self.groups:
            decided = self.differences.get(group.name, {})
            worse = [each for each in self.baselines if each.name in decided and decided[each.name].interval.high < 0]
            if worse:
                best = max(worse, key=lambda each: each.accuracy.mean)
                found.append(Below(group, best, decided[best.name]))
        return found

    def statements(self, *, name: bool = False) -> list[Statement]:
        """The baselines in one line, and a statement for each baseline that groups are below.

        Args:
            name: whether groups are called by their names. False means by their settings.
        """
        return [*remarks([line(self.baselines)]), *self._below_statements(name)]

    def below_sentences(self, *, name: bool = False) -> list[str]:
        """A sentence for each baseline that groups are below; `name` as for `statements`."""
        return [statement.sentence for statement in self._below_statements(name)]

    def _below_statements(self, name: bool) -> list[Statement]:
        by_baseline: dict[str, list[Below]] = {}
        for each in self.below():
            by_baseline.setdefault(each.baseline.name, []).append(each)
        return [
            Statement(
                _below_sentence(below, len(self.groups), name, brief=True),
                Certainty.of(max((each.decision for each in below), key=lambda decision: decision.corrected_p)),
                _below_sentence(below, len(self.groups), name),
            )
            for below in by_baseline.values()
        ]

    def as_json(self) -> list[dict[str, Any]]:
        """The baselines as JSON values, with each group's difference."""
        return [
            finite_fields(
                {
                    "data": self.data,
                    **each.as_json(),
                    "differences": {
                        group: {"difference": interval.mean, "interval": interval.pair()}
                        for group, of_group in self.differences.items()
                        for interval in (of_group[each.name].interval,)
                    },
                }
            )
            for each in self.baselines
        ]


def against_baselines(home: RunStore, groups: Sequence[Group]) -> list[BaselineComparison]:
    """Compare groups with the baselines of their data: one comparison per data set and split, in the order of the groups.

    A group of folds is compared with the baselines of all its folds, joined.

    Raises:
        DataError: the data cannot be found.
        StorageError: the baselines could not be kept.
    """
    by_data: dict[tuple[str, ...], list[Group]] = {}
    for group in groups:
        if group.included:
            by_data.setdefault(tuple(spec.images.identity for spec in group.parts(list(group.included))), []).append(group)
    return [_comparison(home, of_data) for of_data in by_data.values()]


def _comparison(home: RunStore, groups: Sequence[Group]) -> BaselineComparison:
    folds = groups[0].parts(list(groups[0].included))
    found = _joined([baselines(home, spec.images) for spec in folds])
    pairs = [(group, each) for group in groups for each in found]
    differences: dict[str, dict[str, Decision]] = {group.name: {} for group in groups}
    for (group, each), decision in zip(pairs, decide(list(starmap(_difference, pairs))), strict=True):
        differences[group.name][each.name] = decision
    return BaselineComparison(folds[0].name, groups, found, differences)


def _joined(folds: Sequence[list[Baseline]]) -> list[Baseline]:
    """The baselines of all folds' validation images."""
    return [
        replace(first, correct=np.concatenate([first.correct, *(each.correct for each in others)]))
        for first, *others in zip(*folds, strict=True)
    ]


def _difference(group: Group, baseline: Baseline) -> PairedDifference:
    table = group.table(group.correct)
    judged = np.where(np.isnan(table), np.nan, baseline.correct)
    return accuracy_difference(table, judged, folds=group.folds)


def _below_sentence(below: Sequence[Below], total: int, name: bool, *, brief: bool = False) -> str:
    first = below[0]
    points = [f"{-100 * end:.1f}" for end in (first.difference.mean, first.difference.high, first.difference.low)]
    behind = f"{points[0]} points" + ("" if brief else f" (95 % interval {points[1]} to {points[2]})")
    each_one = "" if brief else ", each beyond chance"
    if total == 1:
        return f"The network is below {first.baseline.name} ({percent(first.baseline.accuracy.mean)}) by {behind}."
    names = [each.group.name if name else each.group.label or each.group.name for each in below[:MOST_NAMES]]
    more = [f"{len(below) - MOST_NAMES} more settings"] if len(below) > MOST_NAMES else []
    if len(below) == 1:
        return f"Below {first.baseline.name}: {names[0]}, by {behind}."
    if len(below) == total:
        settings = "Both settings" if total == 2 else f"All {total} settings"
        return f"{settings} are below {first.baseline.name}{each_one}."
    return f"Below {first.baseline.name}{each_one}: {listed([*names, *more])}."
