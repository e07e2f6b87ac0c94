"""A sweep's settings against one of them, and what each of its fields does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seedbed import figures, words
from seedbed.errors import RunError, nearest
from seedbed.groups import ACCURACY, MEASURES, Contrast, Difference, Group, Measure, caveats, differences
from seedbed.groups.caveats import uneven_classes
from seedbed.groups.comparison import NOTES, SPEED, method_line, pair_table
from seedbed.groups.curves import learning_curves, short_names
from seedbed.groups.differences import CONFIDENCE, MARGIN, common_measure
from seedbed.groups.fields import in_order
from seedbed.groups.speed import SpeedRatio, speed_json, speed_ratios
from seedbed.groups.statements import Statement, remarks
from seedbed.records import finite_fields
from seedbed.specs import DataSpec, Metric
from seedbed.sweeps.effects import Interaction, Marginal, interaction_statements, interactions, main_effects
from seedbed.sweeps.outcome import Sweep
from seedbed.tables import Table, Tabular

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

DEPENDENT = "Does the effect of one depend on another?"
"""Heading of the statements on interactions."""

BETWEEN = "/"
"""Stands between the values of a setting's name in sentences."""


@dataclass(frozen=True, eq=False)
class SweepComparison(Tabular):
    """A sweep's settings, each against a reference, the main effects of its fields and their interactions.

    Attributes:
        references: what the other settings are compared with, one for each combination of the conditions.
        named: whether the reference was named beforehand; if not, it is the best, and the corrections count all pairs.
        pairs: each other setting minus its reference.
        effects: each value of each field, averaged over the other fields; none where a single field varies.
        interactions: how the effect of one field depends on another.
        measure: what is compared.
        others: further comparisons that the corrections count, because results chose the reference.
    """

    sweep: Sweep
    references: list[Group]
    named: bool
    pairs: list[Difference]
    effects: list[Marginal]
    interactions: list[Interaction]
    measure: Measure = ACCURACY
    others: int = 0

    def __repr__(self) -> str:
        """What a console shows: the sentences under their headings."""
        parts = {heading: [each.sentence for each in found] for heading, found in self.statements().items() if found}
        return "\n\n".join("\n".join([heading, *said]) for heading, said in parts.items())

    @property
    def groups(self) -> list[Group]:
        return self.sweep.groups

    @cached_property
    def speeds(self) -> list[SpeedRatio | None]:
        """How many times as many minibatches each other setting needs to an accuracy as its reference."""
        return speed_ratios(
            [(pair.contrast.a, pair.contrast.b) for pair in self.pairs],
            [pair.contrast.names for pair in self.pairs],
            others=self.others,
        )

    @property
    def method(self) -> str:
        """How settings were compared, in a line; empty where none were."""
        return method_line(self.pairs, self.others)

    def statements(self) -> dict[str, list[Statement]]:
        """Heading -> statements: settings, speed, main effects, interactions, and the caveats."""
        names = words.listed([_name(group) for group in self.references])
        how = "as asked" if self.named else "the highest mean"
        effects = [statement for each in self.effects if each.difference for statement in each.difference.statements]
        return {
            f"Against {names} ({how})": [statement for pair in self.pairs for statement in pair.statements],
            SPEED: [speed.statement for speed in self.speeds if speed],
            "Effect of each field": effects,
            DEPENDENT: interaction_statements(self.interactions),
            NOTES: remarks([*caveats(self.groups), *uneven_classes(self.groups)]),
        }

    def sentences(self) -> list[str]:
        """Give a sentence per pair, then those on speed, on the values of each field, on interactions, then the caveats."""
        found = self.statements()
        effects = [each.difference.sentence for each in self.effects if each.difference]
        speeds, dependent, notes = ([each.sentence for each in found[name]] for name in (SPEED, DEPENDENT, NOTES))
        return [*(pair.sentence for pair in self.pairs), *speeds, *effects, *dependent, *notes]

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values (NaN is null)."""
        pairs = zip(self.pairs, self.speeds, strict=True)
        return finite_fields(
            {
                "sweep": self.sweep.name,
                "measure": f"{self.measure.name} at the best epoch",
                "confidence": CONFIDENCE,
                "correction": "Holm",
                "method": self.method,
                "against": [group.name for group in self.references],
                "chosen_by": "name" if self.named else "highest mean",
                "candidates": [
                    {"name": group.name, **group.as_json(), "accuracy": group.accuracy and group.accuracy.mean, "speed": speed}
                    for group, speed in zip(self.groups, speed_json(self.groups), strict=True)
                ],
                "pairs": [{**pair.as_json(), "speed": speed and speed.as_json()} for pair, speed in pairs],
                "effects": [each.as_json() for each in self.effects],
                "interactions": [each.as_json() for each in self.interactions],
                "sentences": self.sentences(),
            }
        )

    def figure(self) -> AnyChart:
        """Draw the differences from the reference with their 95 % intervals, as a forest plot with short names.

        Raises:
            RunError: all runs of all but one setting are excluded, so there is no pair.
        """
        if not self.pairs:
            raise RunError("There is no pair to draw: " + " ".join(self.sentences()))
        return _forest(self.pairs)

    def table(self) -> Table[Difference]:
        """Make the table of the pairs and the main effects, for example for `latex`."""
        return pair_table([*self.pairs, *(each.difference for each in self.effects if each.difference)], self.method)

    def charts(self) -> dict[str, AnyChart]:
        """Draw the differences, the main effects and the learning curves: name -> figure."""
        effects = [each.difference for each in self.effects if each.difference and each.difference.decision]
        drawn = {"differences": self.figure()} if self.pairs else {}
        drawn |= {"effects": _forest(effects, "Effect of each field, averaged over the others")} if effects else {}
        return drawn | ({"learning_curves": learning_curves(self.groups)} if self.pairs else {})


def _forest(pairs: Sequence[Difference], title: str = "Paired differences") -> AnyChart:
    known = [(pair, pair.decision) for pair in pairs if pair.decision]
    names = [" minus ".join(pair.contrast.names) for pair, _ in known]
    intervals, shown = [each.interval for _, each in known], [each.shown for _, each in known]
    return figures.paired_differences(names, intervals, shown, measure=pairs[0].contrast.measure.name, title=title)


def compare_sweep(sweep: Sweep, against: str = "", *, margin: float = MARGIN, metric: Metric | None = None) -> SweepComparison:
    """Compare a sweep's settings with one of them, and its fields' values with each other.

    Args:
        sweep: settings of which some run is left.
        against: name of the reference: that of its group, with or without the sweep's, or its values as in "activation=relu".
            Empty means the one with the highest mean, for each combination of the conditions; since results choose it then,
            the corrections count all pairs of settings.
        margin: accuracies that differ by less are called equivalent, a share above 0.
        metric: what is compared. None means the metric that the runs go by.

    Raises:
        RunError: no setting has the reference's name, or none of its runs is left.
    """
    usable = [group for group in sweep.groups if group.n]
    named = _named(sweep, against) if against else None
    if named and not named.n:
        raise RunError(f"Every run of {named.name!r} diverged or collapsed; compare with another setting.")
    best = sweep.best()
    references = [named] if named else [groups[0] for groups in best.values()]
    short = dict(zip((group.name for group in sweep.groups), short_names(sweep.groups, BETWEEN), strict=True))
    measure = MEASURES[metric] if metric else common_measure(sweep.groups)
    contrasts = [
        Contrast(group, reference, short[group.name], short[reference.name], measure, literal=True)
        for reference in references
        for group in usable
        if group is not reference and sweep.condition(group) == sweep.condition(reference)
    ]
    sizes = [sum(sweep.condition(group) == sweep.condition(reference) for group in usable) for reference in references]
    others = 0 if named else sum(size * (size - 1) // 2 for size in sizes) - len(contrasts)
    pairs = differences(contrasts, margin=margin, others=others)
    values = {name: in_order(name, sweep.grid.values[name]) for name in sweep.grid.varying}
    if len(values) < 2 or len({_images(group.run.data) for group in usable}) > 1:
        return SweepComparison(sweep, references, bool(named), pairs, [], [], measure, others)
    baseline = {name: named.setting[name] if named else values[name][0] for name in values}
    effects = main_effects(sweep.groups, baseline, dict(values), margin=margin, measure=measure)
    crossed = interactions(sweep.groups, baseline, dict(values), measure=measure)
    return SweepComparison(sweep, references, bool(named), pairs, effects, crossed, measure, others)


def _images(spec: DataSpec) -> DataSpec:
    """The data without what changes the training images only, or what networks get of all images."""
    return spec.changed(first=None, label_noise=0.0, permutation=None, normalize="unit")


def _named(sweep: Sweep, text: str) -> Group:
    asked = _setting(text)
    for group in sweep.groups:
        shown = {name: words.value(value, name) for name, value in group.setting.items()}
        names = (group.name, group.name.removeprefix(f"{sweep.name}-"), words.brief(group.setting, BETWEEN))
        if text in names or (
            asked and all(shown.get(name) == value for name, value in asked.items()) and len(asked) == len(shown)
        ):
            return group
    short = [words.brief(group.setting, BETWEEN) for group in sweep.groups]
    near = nearest(text, [*short, *(group.name for group in sweep.groups)])
    raise RunError(f"Sweep {sweep.name!r} has no setting {text!r}.{near} It has: {', '.join(short[:20])}.")


def _setting(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip().replace("-", "_"): value.strip() for name, equals, value in pairs if equals}


def _name(group: Group) -> str:
    return words.brief(group.setting, BETWEEN) or group.name
