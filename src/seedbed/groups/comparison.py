"""Several runs or groups of a home, compared pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seedbed import figures, words
from seedbed.errors import RunError
from seedbed.groups.caveats import caveats, uneven_classes
from seedbed.groups.curves import learning_curves
from seedbed.groups.differences import (
    CONFIDENCE,
    MARGIN,
    Contrast,
    Difference,
    common_measure,
    decision_json,
    differences,
    equivalence_json,
    loss_json,
)
from seedbed.groups.group import Group
from seedbed.groups.measures import MEASURES, Measure
from seedbed.groups.speed import SpeedRatio, speed_json, speed_ratios
from seedbed.groups.statements import Statement, remarks
from seedbed.records import Result, finite_fields
from seedbed.runs import RunStore
from seedbed.specs import Metric
from seedbed.statistics import Decision
from seedbed.tables import Column, Table, Tabular

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

SPEED, NOTES = "Speed of learning", "Notes"
"""Headings of statements."""


@dataclass(frozen=True)
class Comparison(Tabular):
    """Several groups, the settings in which they differ, and every pair of them.

    Attributes:
        differs: setting -> group -> value, for the settings that are not the same in all.
        pairs: every pair of groups that have a run left; Holm's correction is over all of them.
        measure: what is compared.
    """

    groups: list[Group]
    differs: dict[str, dict[str, Any]]
    pairs: list[Difference]
    measure: Measure

    def __repr__(self) -> str:
        """What a notebook shows: the sentences."""
        return "\n".join(self.sentences())

    @cached_property
    def speeds(self) -> list[SpeedRatio | None]:
        """How many times as many minibatches the first group of each pair needs to an accuracy; None where it is not known."""
        return speed_ratios([(pair.contrast.a, pair.contrast.b) for pair in self.pairs])

    def statements(self) -> dict[str, list[Statement]]:
        """Heading -> statements: the pairs, which have no heading, their speeds, and the caveats of each group."""
        notes = [sentence for group in self.groups for sentence in caveats([group], name=True)]
        return {
            "": [statement for pair in self.pairs for statement in pair.statements],
            SPEED: [speed.statement for speed in self.speeds if speed],
            NOTES: remarks([*notes, *uneven_classes(self.groups)]),
        }

    def sentences(self) -> list[str]:
        """Give a sentence per pair on accuracy and loss, then those on speed, then the caveats of each group."""
        found = self.statements()
        return [*(pair.sentence for pair in self.pairs), *(each.sentence for each in [*found[SPEED], *found[NOTES]])]

    @property
    def method(self) -> str:
        """How the pairs were compared, in a line; empty where there is no pair."""
        return method_line(self.pairs)

    def as_json(self) -> dict[str, Any]:
        """Return the comparison as JSON values (NaN is null)."""
        return finite_fields(
            {
                "measure": f"{self.measure.name} at the best epoch",
                "confidence": CONFIDENCE,
                "correction": "Holm",
                "method": self.method,
                "candidates": [
                    {**_candidate_json(group), "speed": speed}
                    for group, speed in zip(self.groups, speed_json(self.groups), strict=True)
                ],
                "differs": self.differs,
                "pairs": [
                    {**_pair_json(pair), "speed": speed and speed.as_json()}
                    for pair, speed in zip(self.pairs, self.speeds, strict=True)
                ],
                "sentences": self.sentences(),
            }
        )

    def figure(self) -> AnyChart:
        """Draw the differences with their 95 % intervals, as a forest plot.

        Raises:
            RunError: all runs of all but one group are excluded, so there is no pair.
        """
        if not self.pairs:
            raise RunError("There is no pair to draw: " + " ".join(self.sentences()))
        names = [" minus ".join(pair.contrast.names) for pair in self.pairs]
        decisions = [pair.decision for pair in self.pairs if pair.decision]
        intervals, shown = [each.interval for each in decisions], [each.shown for each in decisions]
        return figures.paired_differences(names, intervals, shown, measure=self.measure.name)

    def table(self) -> Table[Difference]:
        """Make the table of the pairs, for example for `latex`."""
        return pair_table(self.pairs, self.method)

    def curves(self) -> AnyChart:
        """Draw the learning curves of all groups in one picture."""
        return learning_curves(self.groups)


def pair_table(pairs: Sequence[Difference], method: str) -> Table[Difference]:
    """Make a table of differences with their intervals and decisions, for papers."""

    def points(value: Callable[[Decision], float]) -> Callable[[Difference], float | None]:
        return lambda pair: 100 * value(pair.decision) if pair.decision else None

    columns: list[Column[Difference]] = [
        Column("setting", lambda pair: pair.contrast.names[0], align="left"),
        Column("against", lambda pair: pair.contrast.names[1], align="left"),
        Column("difference", points(lambda decision: decision.interval.mean), "+.2f", unit="points"),
        Column("from", points(lambda decision: decision.interval.low), "+.2f", unit="95 % interval"),
        Column("to", points(lambda decision: decision.interval.high), "+.2f"),
        Column("corrected p", lambda pair: pair.decision and pair.decision.corrected_p, ".2g"),
        Column("loss", lambda pair: pair.loss and pair.loss.interval.mean, "+.4f"),
        Column("decision", lambda pair: "equivalent" if pair.equivalent and not pair.shown else pair.outcome, align="left"),
    ]
    return Table(columns, pairs, method)


def method_line(pairs: Sequence[Difference], others: int = 0) -> str:
    """How several differences were compared, in one line; empty where nothing was."""
    methods = dict.fromkeys(pair.method for pair in pairs if pair.decision)
    if not methods:
        return ""
    count = len(pairs) + others
    several = f"; p-values corrected over {words.counted(count, 'comparison')} (Holm)" if count > 1 else ""
    return f"Method: {words.listed(list(methods))}; at the best epoch{several}."


def compare(home: RunStore, names: Sequence[str], *, margin: float = MARGIN, metric: Metric | None = None) -> Comparison:
    """Compare runs or groups by their validation accuracy at the best epoch, and by the loss there; or by another metric.

    Each pair is compared by `groups.differences`: paired by seed and by image. Groups without a common seed are compared by
    one network each. Seeds of which a run diverged or collapsed are excluded, and counted.

    Args:
        names: two or more names of runs or groups.
        margin: accuracies that differ by less are called equivalent, a share above 0.
        metric: what is compared. None means the metric that all runs go by, or accuracy where they differ.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: fewer than two names, a name twice, different data, or a group that holds several settings.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise RunError(f"A comparison needs at least two different names; got: {', '.join(names) or 'none'}.")
    return compare_results(home, {name: home.find(name) for name in names}, margin=margin, metric=metric)


def compare_results(
    home: RunStore, results: Mapping[str, list[Result]], *, margin: float = MARGIN, metric: Metric | None = None
) -> Comparison:
    """Compare groups whose results are read already, as `compare` does.

    Args:
        results: name -> runs of one setting, two names or more.

    Raises:
        RunError: different data, or a group that holds several settings.
    """
    for name, runs in results.items():
        settings = len({(result.run.unfolded.setting, result.folds) for result in runs})
        if settings > 1:
            way_out = "compare its runs by their own names, or sweeps by their groups"
            raise RunError(f"{name!r} holds {settings} settings; {way_out}.")
    _check_same_data(results)
    groups = [Group.read(home, name, runs) for name, runs in results.items()]
    _check_same_images(home, groups)
    usable = [group for group in groups if group.n]
    measure = MEASURES[metric] if metric else common_measure(groups)
    pairs = differences([Contrast(a, b, measure=measure) for a, b in combinations(usable, 2)], margin=margin)
    return Comparison(groups, _differing_settings(results), pairs, measure)


def _check_same_data(results: Mapping[str, list[Result]]) -> None:
    (first, reference), *others = ((name, runs[0]) for name, runs in results.items())
    for name, result in others:
        specs = [each.run.unfolded.data.images for each in (reference, result)]
        if specs[0].identity != specs[1].identity or reference.folds != result.folds:
            a, b = ({**spec.plain(), "folds": each.folds} for spec, each in zip(specs, (reference, result), strict=True))
            unlike = ", ".join(f"{key} {str(a[key])[:12]} and {str(b[key])[:12]}" for key in a if a[key] != b[key])
            raise RunError(
                f"{first!r} and {name!r} were trained on different data ({unlike}); compare networks on the same data."
            )


def _check_same_images(home: RunStore, groups: Sequence[Group]) -> None:
    """Check that predictions are about the same labels in the same order, whatever the data specs say."""
    firsts: dict[object, tuple[str, NDArray[Any]]] = {}
    for group in groups:
        for fold, result in {result.run.data.fold: result for result in reversed(group.kept)}.items():
            labels = home.predictions(result.name)["validation_labels"]
            name, theirs = firsts.setdefault(fold, (result.name, labels))
            if not np.array_equal(labels, theirs):
                raise RunError(
                    f"Runs {name!r} and {result.name!r} were evaluated on different validation images. Train one of them "
                    f"again with --replace."
                )


def _differing_settings(results: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, Any]]:
    settings = {}
    for name, (first, *others) in results.items():
        run = first.run
        flat = {f"{part}.{key}": value for part in ("model", "plan") for key, value in getattr(run, part).plain().items()}
        settings[name] = flat if others else {**flat, "seed": run.seed}
    keys = dict.fromkeys(key for flat in settings.values() for key in flat)
    table = {key: {name: flat.get(key) for name, flat in settings.items()} for key in keys}
    return {key: values for key, values in table.items() if len(set(map(str, values.values()))) > 1}


def _candidate_json(group: Group) -> dict[str, Any]:
    mean = group.accuracy and group.accuracy.mean
    return {"name": group.name, **group.as_json(), "seeds": list(group.included), "accuracy": mean}


def _pair_json(pair: Difference) -> dict[str, Any]:
    decision = pair.decision
    return {
        "a": pair.contrast.a.name,
        "b": pair.contrast.b.name,
        "seeds": () if pair.networks else pair.seeds,
        "networks": pair.networks,
        "n": pair.images,
        "method": pair.method,
        "accuracy": {"difference": decision.interval.mean if decision else None, **decision_json(decision)},
        "loss": loss_json(pair.loss),
        "equivalent": equivalence_json(pair.equivalence),
        "verdict": pair.outcome,
        "sentence": pair.sentence,
        "statements": [statement.as_json() for statement in pair.statements],
    }
