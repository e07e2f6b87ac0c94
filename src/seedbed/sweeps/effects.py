"""Main effects of a sweep's fields, and how the effect of one depends on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from seedbed import words
from seedbed.groups import ACCURACY, Contrast, Difference, Group, Measure, differences
from seedbed.groups.differences import MARGIN, decision_json
from seedbed.groups.fields import Setting, Value
from seedbed.groups.statements import Statement
from seedbed.records import finite_fields

MOST_SENTENCES = 3
"""Interactions of two fields that have a sentence."""

Cells = dict[tuple[Value, ...], Group]


@dataclass(frozen=True, eq=False)
class Marginal:
    """One value of a field, averaged over the other fields.

    Attributes:
        group: all runs with the value; its predictions are means over the settings of the other fields.
        difference: against the field's reference value. None for that itself.
    """

    field: str
    value: Value
    group: Group
    difference: Difference | None

    def as_json(self) -> dict[str, Any]:
        accuracy, difference = self.group.accuracy, self.difference
        return finite_fields(
            {
                "field": self.field,
                "value": self.value,
                "n": self.group.n,
                "mean": accuracy and accuracy.mean,
                "interval": accuracy and accuracy.pair(),
                "difference": difference and difference.as_json(),
            }
        )


@dataclass(frozen=True, eq=False)
class Interaction:
    """How much the effect of a value of one field depends on the value of another.

    Attributes:
        fields: the two fields.
        values: the two values; references: what they are compared with.
        effects: effect of the first field's value at the second one's value, and at its reference.
        half: half of the difference between the two effects, with its decision.
    """

    fields: tuple[str, str]
    values: tuple[Value, Value]
    references: tuple[Value, Value]
    effects: tuple[float, float]
    half: Difference

    @property
    def shown(self) -> bool:
        return self.half.shown

    @property
    def size(self) -> float:
        return abs(2 * self.half.decision.interval.mean) if self.half.decision else 0.0

    @property
    def sentence(self) -> str:
        """The two effects and their difference with its interval."""
        return self.said()

    def said(self, *, brief: bool = False) -> str:
        """The sentence, or the same without the interval."""
        if self.half.decision is None:
            return ""
        (first, second), (value, other) = self.fields, self.values
        instead = f"{_value(first, value)} instead of {_value(first, self.references[0])}"
        at, at_reference = (_value(second, each) for each in (other, self.references[1]))
        low, high = sorted(200 * end for end in self.half.decision.interval.pair())
        reach = "" if brief else f" (95 % interval: {low:+.2f} to {high:+.2f})"
        mean = 200 * self.half.decision.interval.mean
        both = f"{instead}: {100 * self.effects[0]:+.2f} points with {at}, {100 * self.effects[1]:+.2f} with {at_reference}"
        return f"{both}; these differ by {mean:+.2f}{reach}."

    def as_json(self) -> dict[str, Any]:
        """Return the interaction as JSON values; differences and interval are those of the two effects, not halved."""
        decision = decision_json(self.half.decision)
        pairs = {key: [2 * end for end in decision[key]] for key in ("interval", "corrected_interval") if decision[key]}
        mean = 2 * self.half.decision.interval.mean if self.half.decision else None
        names = {"fields": self.fields, "values": self.values, "references": self.references, "effects": self.effects}
        return finite_fields({**names, "difference": mean, **decision, **pairs, "shown": self.shown, "sentence": self.sentence})


def main_effects(
    groups: Sequence[Group],
    references: Setting,
    values: dict[str, Sequence[Value]],
    *,
    margin: float = MARGIN,
    measure: Measure = ACCURACY,
) -> list[Marginal]:
    """Average each value of each field over the other fields, and compare it with the field's reference value.

    Pairs are by seed, image and the settings of the other fields. Settings of these that a value has no run left for are left
    out for all values. Holm's correction is over the values of all fields.
    """
    marginals: list[tuple[str, Value, Group]] = []
    for field in values:
        cells = {tuple(group.setting[name] for name in values): group for group in groups}
        whole = _whole(cells, list(values), (field,), [(value,) for value in values[field]])
        marginals += [(field, value, _pooled(_value(field, value), whole[(value,)])) for value in values[field] if whole]
    reference = {field: group for field, value, group in marginals if value == references[field]}
    compared = [(field, value, group) for field, value, group in marginals if value != references[field]]
    over = {field: _averaged([name for name in values if name != field]) for field in values}
    decided = differences(
        [Contrast(group, reference[field], measure=measure, where=over[field], literal=True) for field, _, group in compared],
        margin=margin,
    )
    known = {(field, str(value)): each for (field, value, _), each in zip(compared, decided, strict=True)}
    return [Marginal(field, value, group, known.get((field, str(value)))) for field, value, group in marginals]


def interactions(
    groups: Sequence[Group], references: Setting, values: dict[str, Sequence[Value]], *, measure: Measure = ACCURACY
) -> list[Interaction]:
    """Compare the effects of each field's values at different values of each other field.

    The difference of two effects is twice that between the mean of two settings and the mean of two others, so it is compared
    as any other. Holm's correction is over all of them.
    """
    cells = {tuple(group.setting[name] for name in values): group for group in groups}
    found: list[tuple[tuple[str, str], tuple[Value, Value], tuple[float, float]]] = []
    contrasts = []
    for fields in combinations(values, 2):
        first, second = (references[name] for name in fields)
        for value, other in product(*(values[name] for name in fields)):
            if value == first or other == second:
                continue
            four = [(value, other), (first, second), (first, other), (value, second)]
            whole = _whole(cells, list(values), fields, four)
            if not whole:
                continue
            own, same, down, across = (_pooled("", whole[each]) for each in four)
            one, two = _pooled("a", [*whole[four[0]], *whole[four[1]]]), _pooled("b", [*whole[four[2]], *whole[four[3]]])
            contrasts.append(Contrast(one, two, measure=measure))
            means = [
                each.mean if each else -math.inf for each in (group.measured(measure) for group in (own, down, across, same))
            ]
            found.append((fields, (value, other), (means[0] - means[1], means[2] - means[3])))
    decided = differences(contrasts)
    return [
        Interaction(fields, both, (references[fields[0]], references[fields[1]]), effects, half)
        for (fields, both, effects), half in zip(found, decided, strict=True)
        if half.decision
    ]


def interaction_statements(found: Sequence[Interaction]) -> list[Statement]:
    """Say for each two fields whether the effect of one depends on the other."""
    by_fields: dict[tuple[str, str], list[Interaction]] = {}
    for interaction in found:
        by_fields.setdefault(interaction.fields, []).append(interaction)
    return [_dependence(*fields, mine) for fields, mine in by_fields.items()]


def _dependence(first: str, second: str, found: Sequence[Interaction]) -> Statement:
    ranked = sorted(found, key=lambda each: -each.size)
    shown = [each for each in ranked if each.shown][:MOST_SENTENCES]
    names = f"the effect of {_words(first)} depends on {_words(second)}"

    def said(*, brief: bool) -> str:
        if shown:
            return f"{words.capital(names)}. {' '.join(words.capital(each.said(brief=brief)) for each in shown)}"
        return f"No clear sign that {names}. The largest sign is that of {ranked[0].said(brief=brief)}"

    certainty = (shown or ranked)[0].half.certainty(f"{words.capital(_words(first))} and {_words(second)}")
    return Statement(said(brief=True), certainty, said(brief=False))


def _whole(
    cells: Cells, names: Sequence[str], fields: Sequence[str], wanted: Sequence[tuple[Value, ...]]
) -> dict[tuple[Value, ...], list[Group]]:
    """Values of some fields -> their groups, in the settings of the other fields in which all of these have runs left."""
    places = [names.index(field) for field in fields]
    rest: dict[tuple[Value, ...], dict[tuple[Value, ...], Group]] = {}
    for key, group in cells.items():
        other = tuple(value for place, value in enumerate(key) if place not in places)
        if group.n:
            rest.setdefault(other, {})[tuple(key[place] for place in places)] = group
    complete = [mine for mine in rest.values() if all(values in mine for values in wanted)]
    return {values: [mine[values] for mine in complete] for values in wanted} if complete else {}


def _pooled(name: str, groups: Sequence[Group]) -> Group:
    """One group of all runs of several, whose predictions are their means, for the seeds that all have."""
    pooled = Group(name, [result for group in groups for result in group.results], pooled=tuple(groups))
    for field in ("correct", "losses"):
        tables = [getattr(group, field) for group in groups]
        common = [seed for seed in tables[0] if seed in pooled.included and all(seed in table for table in tables)]
        getattr(pooled, field).update({seed: np.mean([table[seed] for table in tables], axis=0) for seed in common})
    return pooled


def _averaged(others: Sequence[str]) -> str:
    return f"averaged over {words.listed([_words(name) for name in others])}" if others else ""


def _value(field: str, value: Value) -> str:
    return words.brief({field: value})


def _words(field: str) -> str:
    return field.replace("_", " ")
