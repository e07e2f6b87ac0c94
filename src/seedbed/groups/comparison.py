"""Several runs or groups of a home, compared pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed import figures
from seedbed.errors import RunError
from seedbed.groups.caveats import caveats
from seedbed.groups.differences import CONFIDENCE, Contrast, Difference, decision_json, differences, loss_json
from seedbed.groups.group import Group
from seedbed.records import Result, finite
from seedbed.runs import Home

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart


@dataclass(frozen=True)
class Comparison:
    """All groups, what differs in their settings, and every pair of them.

    Attributes:
        differs: setting -> group -> value, for the settings that are not the same in all.
        pairs: every pair of groups that have a run left; Holm's correction went over all of them.
    """

    groups: list[Group]
    differs: dict[str, dict[str, Any]]
    pairs: list[Difference]

    def sentences(self) -> list[str]:
        """A sentence per pair, then what must be known of the runs."""
        return [
            *(pair.sentence for pair in self.pairs),
            *(said for group in self.groups for said in caveats([group], name=True)),
        ]

    def as_json(self) -> dict[str, Any]:
        """The whole as JSON values (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "measure": "validation accuracy at the best epoch",
                "confidence": CONFIDENCE,
                "correction": "Holm",
                "candidates": [_group_json(group) for group in self.groups],
                "differs": self.differs,
                "pairs": [_pair_json(pair) for pair in self.pairs],
                "sentences": self.sentences(),
            }
        )
        return plain

    def figure(self) -> AnyChart:
        """The differences with their 95 % intervals, as a forest plot.

        Raises:
            RunError: all runs of all but one group are excluded, so there is no pair.
        """
        if not self.pairs:
            raise RunError("There is no pair to draw: " + " ".join(self.sentences()))
        names = [" minus ".join(pair.contrast.names) for pair in self.pairs]
        decisions = [pair.decision for pair in self.pairs if pair.decision]
        return figures.paired_differences(names, [one.interval for one in decisions], [one.shown for one in decisions])


def compare(home: Home, names: Sequence[str]) -> Comparison:
    """Compare runs or groups by their validation accuracy at the best epoch, and by the loss there.

    Each pair is compared by `groups.differences`: paired by seed and by image. Groups without a common seed are compared by
    one network each. Seeds of which a run diverged or collapsed are excluded, and counted.

    Args:
        names: two or more, of runs or groups.

    Raises:
        UnknownRun, RunHalfDone: no finished run has one of these names.
        RunError: fewer than two names, one twice, different data, or a group that holds several settings.
    """
    if len(names) < 2 or len(set(names)) < len(names):
        raise RunError(f"A comparison needs at least two different names; got: {', '.join(names) or 'none'}.")
    results = {name: _of_one_setting(name, home.find(name)) for name in names}
    _check_same_data(results)
    groups = [Group.read(home, name, runs) for name, runs in results.items()]
    _check_same_images(home, groups)
    usable = [group for group in groups if group.n]
    pairs = differences([Contrast(a, b) for a, b in combinations(usable, 2)])
    return Comparison(groups, _differing_settings(results), pairs)


def _of_one_setting(name: str, results: list[Result]) -> list[Result]:
    settings = {result.run.setting for result in results}
    if len(settings) > 1:
        raise RunError(
            f"{name!r} holds {len(settings)} settings; compare its runs by their own names, or sweeps by their groups."
        )
    return results


def _check_same_data(results: Mapping[str, list[Result]]) -> None:
    (first, reference), *others = ((name, runs[0].run.data) for name, runs in results.items())
    for name, spec in others:
        if spec.identity != reference.identity:
            a, b = reference.plain(), spec.plain()
            unlike = ", ".join(f"{key} {str(a[key])[:12]} and {str(b[key])[:12]}" for key in a if a[key] != b[key])
            raise RunError(
                f"{first!r} and {name!r} were trained on different data ({unlike}); compare networks on the same data."
            )


def _check_same_images(home: Home, groups: Sequence[Group]) -> None:
    """The predictions must be about the same labels in the same order, whatever the data specs say."""
    firsts = [group.kept[0].name for group in groups if group.n]
    labels = [home.predictions(name)["validation_labels"] for name in firsts]
    for name, theirs in zip(firsts, labels, strict=True):
        if not np.array_equal(theirs, labels[0]):
            raise RunError(
                f"Runs {firsts[0]!r} and {name!r} were judged by different validation images. Train one of them again with "
                f"--replace."
            )


def _differing_settings(results: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, Any]]:
    settings = {name: _flat(runs) for name, runs in results.items()}
    keys = dict.fromkeys(key for flat in settings.values() for key in flat)
    table = {key: {name: flat.get(key) for name, flat in settings.items()} for key in keys}
    return {key: values for key, values in table.items() if len({str(value) for value in values.values()}) > 1}


def _flat(results: Sequence[Result]) -> dict[str, Any]:
    run = results[0].run
    settings = {f"{part}.{key}": value for part in ("model", "plan") for key, value in getattr(run, part).plain().items()}
    return settings if len(results) > 1 else {**settings, "seed": run.seed}


def _group_json(group: Group) -> dict[str, Any]:
    whole = group.as_json()
    return {"name": group.name, **whole, "seeds": list(group.included), "accuracy": whole["mean"]}


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
        "verdict": pair.outcome,
        "sentence": pair.sentence,
    }
