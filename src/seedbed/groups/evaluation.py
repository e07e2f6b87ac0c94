"""A group's networks on all parts of the data, one by one and together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from seedbed import data
from seedbed.errors import RunError
from seedbed.evaluation import Evaluation, agreement_json, evaluate_result, part_difference
from seedbed.groups.group import Group, class_metrics
from seedbed.records import Verdict, finite_fields
from seedbed.runs import RunStore
from seedbed.statistics import Interval, accuracy_interval


@dataclass(frozen=True, eq=False)
class GroupEvaluation:
    """A group's runs, one by one and together.

    Attributes:
        group: the runs, with the validation images that their best networks have right.
        runs: evaluations of the runs that have a network, in the order of their names.
        test: mean accuracy on the test part over the included runs, with an interval for seeds and images. None means that it
            was not looked at.
        test_minus_validation: how much more accurate the included networks are on the test part.
    """

    group: Group
    runs: list[Evaluation]
    test: Interval | None
    test_minus_validation: Interval | None

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def left_out(self) -> dict[str, Verdict]:
        """Name -> verdict of the runs that are excluded."""
        return self.group.excluded

    @property
    def validation(self) -> Interval | None:
        """Mean accuracy on the validation part; None where every run is excluded."""
        return self.group.accuracy

    def as_json(self) -> dict[str, Any]:
        """Return the group's name, its runs and their means as JSON values."""
        return finite_fields(
            {
                "group": self.name,
                "runs": [run.as_json() for run in self.runs],
                "left_out": {name: vars(verdict) for name, verdict in self.left_out.items()},
                **{
                    part: interval and {"accuracy": interval.mean, "interval": interval.pair(), "n": interval.n}
                    for part, interval in (("validation", self.validation), ("test", self.test))
                },
                "test_minus_validation": agreement_json(self.test_minus_validation),
                **{
                    name: each and {"mean": each.mean, "interval": each.pair()}
                    for name, each in class_metrics(self.group).items()
                },
            }
        )


def evaluate_group(home: RunStore, name: str, *, test: bool = False) -> GroupEvaluation:
    """Evaluate every finished run of a group (or the one run of this name), and their mean accuracy.

    With folds each validation image is judged by the runs of its fold alone. On the test part all networks judge all images;
    each of them was trained on the other folds only, so the mean is that of networks with fewer training images.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: the runs were trained on different data, or none of them has a network to evaluate.
        DataError: as in `evaluate`.
    """
    results = home.find(name)
    if len({(result.run.unfolded.data.identity, result.folds) for result in results}) > 1:
        raise RunError(f"The runs of {name!r} were trained on different data; evaluate them one by one.")
    trained = [result for result in results if result.best]
    if not trained:
        raise RunError(f"No run of {name!r} has a network to evaluate: all diverged. {results[0].verdict.evidence}")
    datasets = {spec: data.load(spec) for spec in dict.fromkeys(result.run.data for result in trained)}
    runs = [evaluate_result(home, result, datasets[result.run.data], test=test) for result in trained]
    ranked = {run.seed: run for run, result in zip(runs, trained, strict=True) if result.verdict.ranked}
    tests = [run.test.correct for run in ranked.values() if run.test]
    group = Group(
        name,
        results,
        correct={seed: run.validation.correct for seed, run in ranked.items()},
        labels={seed: run.validation.labels for seed, run in ranked.items()},
        predicted={seed: run.validation.predicted for seed, run in ranked.items()},
    )
    if not tests:
        return GroupEvaluation(group, runs, None, None)
    on_test = np.stack(tests)
    difference = part_difference(on_test, group.table(group.correct), folds=group.folds)
    return GroupEvaluation(group, runs, accuracy_interval(on_test), difference)
