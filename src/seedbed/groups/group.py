"""A group: one setting with its runs, their common scores, and the excluded ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from seedbed import words
from seedbed.errors import RunError
from seedbed.groups.fields import Setting
from seedbed.groups.measures import MEASURES, Measure
from seedbed.records import Result, Verdict, finite_fields
from seedbed.runs import RunStore
from seedbed.specs import DataSpec, RunSpec
from seedbed.statistics import (
    SHARE,
    UNLIMITED,
    Floats,
    Interval,
    MetricTable,
    ValueRange,
    accuracy_interval,
    interval_of,
    losses,
)

Epoch = Literal["best", "last"]
BySeed = dict[int, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Group:
    """One setting with its runs: one per seed.

    With folds, the seeds validate on them in turn, so that each run judges the images of its own fold; runs of a search have
    one run per seed and fold instead. A seed of which a run diverged or collapsed is excluded: it enters no mean, and is
    counted.

    Attributes:
        name: common part of the runs' names, without seeds.
        results: all runs, seed by seed, and within a seed fold by fold.
        setting: the fields that vary among several groups, with this group's values; for tables and axes.
        correct: seed -> `(images,)`, whether each validation image of its folds was right at the best epoch.
        last_correct: the same at the last epoch, for the seeds whose runs kept those predictions.
        losses: seed -> `(images,)`, each validation image's cross-entropy at the best epoch.
        labels, predicted, last_predicted: seed -> `(images,)`, the true classes, and those predicted at either epoch.
        pooled: the groups of other settings that this one stands for, whose metrics are averaged; usually none.
    """

    name: str
    results: list[Result]
    setting: Setting = field(default_factory=dict)
    correct: BySeed = field(default_factory=dict)
    last_correct: BySeed = field(default_factory=dict)
    losses: BySeed = field(default_factory=dict)
    labels: BySeed = field(default_factory=dict)
    predicted: BySeed = field(default_factory=dict)
    last_predicted: BySeed = field(default_factory=dict)
    pooled: tuple[Group, ...] = ()

    def __repr__(self) -> str:
        """What a notebook shows: a line, not each run and image."""
        return f"Group({self.name!r}: {words.counted(len(self.results), 'run')})"

    @classmethod
    def read(cls, home: RunStore, name: str, results: Sequence[Result], setting: Setting | None = None) -> Self:
        """Make the group of these runs, with their predictions from the home.

        Raises:
            RunError, CorruptFile: the predictions of a run are missing or damaged.
        """
        group = cls(name, list(results), setting or {})
        for seed, runs in group.included.items():
            predictions = [home.predictions(result.name) for result in runs]
            labels = np.concatenate([each["validation_labels"] for each in predictions])
            best = np.concatenate([each["validation_probabilities"] for each in predictions])
            group.labels[seed], group.predicted[seed] = labels, best.argmax(axis=1)
            group.correct[seed], group.losses[seed] = group.predicted[seed] == labels, losses(best, labels)
            if all("last_validation_probabilities" in each for each in predictions):
                last = np.concatenate([each["last_validation_probabilities"] for each in predictions])
                group.last_predicted[seed] = last.argmax(axis=1)
                group.last_correct[seed] = group.last_predicted[seed] == labels
        return group

    # Its runs

    @property
    def run(self) -> RunSpec:
        """Settings of the runs, with the first of the seeds; the data with their one validation part."""
        return self.results[0].run.unfolded

    @property
    def measure(self) -> Measure:
        """The measure that the runs' plan goes by, at the best epoch."""
        return MEASURES[self.results[0].run.plan.metric if self.results else "accuracy"]

    @property
    def parameters(self) -> int:
        return self.results[0].model.parameters

    @property
    def folds(self) -> int:
        """Number of folds of cross-validation; 1 means one validation part."""
        return self.results[0].folds

    @cached_property
    def by_seed(self) -> dict[int, list[Result]]:
        """Seed -> its runs."""
        by_seed: dict[int, list[Result]] = {}
        for result in self.results:
            by_seed.setdefault(result.run.seed, []).append(result)
        return by_seed

    @cached_property
    def included(self) -> dict[int, list[Result]]:
        """Seed -> its runs, of the seeds that enter means."""
        return {seed: runs for seed, runs in self.by_seed.items() if all(result.included for result in runs)}

    @property
    def runs(self) -> dict[int, Result]:
        """Seed -> its run (of folds, that of the first), of the seeds that enter means."""
        return {seed: runs[0] for seed, runs in self.included.items()}

    @property
    def kept(self) -> list[Result]:
        """The runs that enter means."""
        return [result for runs in self.included.values() for result in runs]

    @property
    def excluded(self) -> dict[str, Verdict]:
        """Name -> verdict of the runs because of which their seeds are excluded."""
        return {result.name: result.verdict for result in self.results if not result.included}

    @property
    def improving(self) -> list[str]:
        """The runs that were still improving at their last epoch."""
        return [result.name for result in self.kept if result.verdict.kind == "still_improving"]

    @property
    def total(self) -> int:
        """Number of seeds that were trained."""
        return len(self.by_seed)

    @property
    def n(self) -> int:
        """Number of seeds that enter means."""
        return len(self.included)

    @property
    def left_out(self) -> int:
        """Number of seeds that are excluded."""
        return self.total - self.n

    @property
    def verdicts(self) -> dict[str, int]:
        """Verdict -> number of its runs, the most frequent first."""
        return dict(Counter(result.verdict.kind for result in self.results).most_common())

    @property
    def seconds(self) -> float:
        """Time of all runs in the workers."""
        return sum(result.seconds.total for result in self.results)

    @property
    def label(self) -> str:
        """The setting in words."""
        return words.setting(self.setting)

    # Its scores

    def table(self, values: BySeed, seeds: Sequence[int] | None = None) -> Floats:
        """Return values by seed and image as `(seeds, images)`, as `statistics` takes them.

        Fold by fold; NaN where the run of a seed did not judge an image, because it belongs to another fold.

        Args:
            values: `correct`, `last_correct` or `losses`.
            seeds: seeds of the rows. None means all that have values.
        """
        rows = list(values) if seeds is None else list(seeds)
        places = [self.fold(seed) for seed in rows]
        widths = {place: len(values[seed]) for place, seed in sorted(zip(places, rows, strict=True))}
        starts = dict(zip(widths, np.cumsum([0, *widths.values()]), strict=False))
        table = np.full((len(rows), sum(widths.values())), np.nan)
        for row, place, seed in zip(table, places, rows, strict=True):
            row[starts[place] : starts[place] + widths[place]] = values[seed]
        return table

    def fold(self, seed: int) -> int:
        """Number of the fold on which the run of a seed validates, from 0; 0 where it validates on all of them."""
        runs = self.by_seed[seed]
        fold = runs[0].run.data.fold if len(runs) == 1 else None
        return fold[0] if fold else 0

    def parts(self, seeds: Sequence[int]) -> list[DataSpec]:
        """Return the data whose validation images the runs of some seeds judge; of folds, all in the order of `table`."""
        judges = {self.fold(seed): seed for seed in sorted(seeds, key=self.fold)}
        return [result.run.data for seed in judges.values() for result in self.by_seed[seed]]

    def interval(self, values: Sequence[float], limits: ValueRange = UNLIMITED) -> Interval | None:
        """Return the mean of one value per run, with Student's interval; None where no value is finite.

        Args:
            limits: range of possible values, beyond which the interval does not reach.
        """
        return interval_of(values, folds=self.folds, limits=limits)

    def _share(self, right: BySeed) -> Interval:
        interval = accuracy_interval(self.table(right), folds=self.folds)
        if len(right) == 1 < self.total:  # the one that is left of several tells nothing about other seeds
            return Interval(interval.mean, np.nan, np.nan, 1)
        return interval

    @cached_property
    def accuracy(self) -> Interval | None:
        """Mean validation accuracy at the best epoch, over seeds and images; None where every seed is excluded.

        Where one seed of several is left, its ends are not known (NaN).
        """
        return self._share(self.correct) if self.correct else None

    @cached_property
    def last(self) -> Interval | None:
        """Mean validation accuracy at the last epoch; over the seeds alone where a run kept no predictions of it."""
        if self.last_correct and self.last_correct.keys() == self.included.keys():
            return self._share(self.last_correct)
        return self.interval([float(result.history["validation_accuracy"][-1]) for result in self.kept], SHARE)

    def claimed(self) -> Interval | None:
        """Return `last` for a claim: None where a seed is excluded.

        Raises:
            RunError: a run kept no predictions of its last epoch.
        """
        if self.left_out:
            return None
        missing = [result.name for seed, runs in self.included.items() if seed not in self.last_correct for result in runs]
        if missing:
            raise RunError(
                f"Run {missing[0]!r} kept no predictions of its last epoch; an older seedbed trained it. "
                f"Remove it with `seedbed runs remove {missing[0]}`, and it is trained again."
            )
        return self.last

    @cached_property
    def score(self) -> Interval | None:
        """Mean of the metric that the runs go by (`Plan.metric`): usually `accuracy`."""
        return self.measured(self.measure)

    @property
    def mean(self) -> float:
        """Mean score at the best epoch, for rankings; minus infinity where every seed is excluded."""
        return self.score.mean if self.score else -np.inf

    def right(self, epoch: Epoch = "best") -> BySeed:
        """Return seed -> whether each validation image was right at an epoch."""
        return self.correct if epoch == "best" else self.last_correct

    def judged(self, epoch: Epoch = "best") -> BySeed:
        """Return seed -> predicted class of each validation image at an epoch; of pooled groups, those of the first."""
        if self.pooled:
            first, *others = (group.judged(epoch) for group in self.pooled)
            return {seed: each for seed, each in first.items() if all(seed in other for other in others)}
        return self.predicted if epoch == "best" else self.last_predicted

    def metric_table(self, measure: Measure, seeds: Sequence[int] | None = None) -> MetricTable:
        """Return a metric of predictions, seed by seed and image by image.

        Args:
            seeds: seeds of the rows. None means all that have predictions.
        """
        predicted = self.judged(measure.epoch)
        rows = list(predicted) if seeds is None else seeds
        if self.pooled:
            tables = [group.metric_table(measure, rows) for group in self.pooled]
            values, effects = (np.mean([getattr(table, name) for table in tables], axis=0) for name in ("values", "effects"))
            return replace(tables[0], values=values, effects=effects)
        labels, answers = self.table(self.labels, rows), self.table(predicted, rows)
        return MetricTable.of(measure.metric, labels, answers, len(self.results[0].data.classes), folds=self.folds)

    def values(self, measure: Measure) -> dict[int, float]:
        """Return seed -> the measure, for the seeds that enter means; the mean of folds."""
        return {seed: float(np.mean([measure.of(result) for result in runs])) for seed, runs in self.included.items()}

    def measured(self, measure: Measure) -> Interval | None:
        """Return the mean of a measure over the seeds with Student's interval; None where no run has it.

        The interval of an accuracy is over seeds and images. With one seed, that of other measures is unknown (NaN).
        """
        if measure.both and measure.metric == "accuracy":
            return self.accuracy if measure.epoch == "best" else self.last
        if measure.both and self.judged(measure.epoch):
            interval = self.metric_table(measure).interval()
            single = self.n == 1 < self.total  # says nothing about other seeds
            return Interval(interval.mean, np.nan, np.nan, 1) if single else interval
        return self.interval(list(self.values(measure).values()), measure.limits)

    def as_json(self, **measures: Interval | None) -> dict[str, Any]:
        """Return the group as JSON values (NaN is null); `measures` are further means by their names."""
        return finite_fields(
            {
                **self.setting,
                "group": self.name,
                "label": self.label,
                "setting": self.setting,
                "parameters": self.parameters,
                "units": self.results[0].model.units,
                "seeds": list(self.by_seed),
                "folds": self.folds,
                "n": self.n,
                **_mean_json(self.accuracy),
                **{name: _mean_json(each) for name, each in class_metrics(self).items()},
                "last": _mean_json(self.last) if self.last else None,
                "loss": np.nanmean(self.table(self.losses), axis=0).mean() if self.losses else None,
                "verdicts": self.verdicts,
                "left_out": {name: vars(verdict) for name, verdict in self.excluded.items()},
                "still_improving": self.improving,
                "measures": {name: {**_mean_json(each), "n": each.n} if each else None for name, each in measures.items()},
            }
        )


def shows_classes(groups: Sequence[Group]) -> bool:
    """Whether accuracy alone does not say enough: classes are uneven, or the runs weigh or count them alike."""
    results = [result for group in groups for result in group.results[:1]]
    asked = ((each.run.plan.metric, each.run.plan.class_weight) != ("accuracy", "none") for each in results)
    return any(result.data.uneven for result in results) or any(asked)


def class_metrics(group: Group) -> dict[str, Interval | None]:
    """The metrics that count all classes alike, at the best epoch; none where accuracy says enough."""
    if not (shows_classes([group]) and group.judged()):
        return {}
    return {"balanced_accuracy": group.measured(MEASURES["balanced"]), "macro_f1": group.measured(MEASURES["f1"])}


def _mean_json(interval: Interval | None) -> dict[str, Any]:
    return {"mean": interval and interval.mean, "interval": interval and interval.pair()}


def best(groups: Sequence[Group], measure: Measure | None = None) -> Group | None:
    """The group with the highest mean, the first of equal ones; None where no run is left in any.

    Args:
        measure: what the means are of. None means the metric that the runs go by.
    """
    means = {place: mean.mean for place, group in enumerate(groups) if (mean := group.measured(measure or group.measure))}
    return groups[max(means, key=means.__getitem__)] if means else None


def by(groups: Sequence[Group], **setting: Any) -> Group:
    """Return the one group with these values.

    Raises:
        KeyError: there is none, or several.
    """
    matching = [group for group in groups if setting.items() <= group.setting.items()]
    if len(matching) != 1:
        raise KeyError(f"{len(matching)} groups have {setting}")
    return matching[0]
