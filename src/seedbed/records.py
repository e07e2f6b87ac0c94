"""Results of runs as columns of plain numbers. No files, no arrays of a framework, no settings of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from seedbed import words
from seedbed.specs import Metric, Plan, RunSpec, Select

EpochSeries = NDArray[np.float64]
VerdictKind = Literal[
    "diverged",
    "collapsed",
    "too_short",
    "still_improving",
    "no_better_than_guessing",
    "overfitting",
    "fits_training_better",
    "underfits",
    "good_fit",
]
"""The kinds of verdicts in the order of their precedence; docs/understand/verdicts.md has their rules in words."""

METRICS = ("train_loss", "train_penalty", "train_accuracy", "validation_loss", "validation_accuracy")
"""The columns that every history has. Losses are mean cross-entropies in nats, accuracies shares in [0, 1]."""


def limits(column: str) -> tuple[float, float]:
    """Ends of the range that a column of a history can have, and so can a mean and its interval.

    >>> limits("validation_accuracy"), limits("train_loss"), limits("saturation/dense_0")
    ((0.0, 1.0), (0.0, inf), (0.0, 1.0))
    """
    share = column.endswith(("_accuracy", "_f1")) or column.startswith("saturation/")
    return (0.0, 1.0) if share else (0.0, math.inf)


METRIC_COLUMNS: dict[Metric, str] = {
    "accuracy": "validation_accuracy",
    "balanced": "validation_balanced_accuracy",
    "f1": "validation_macro_f1",
}
"""Metric of a plan -> its column of a history."""


LATER_COLUMNS = tuple(METRIC_COLUMNS.values())[1:]
"""The columns that histories of older versions lack."""


class EpochColumns(NamedTuple):
    """The columns of a history that say how good an epoch is."""

    metric: str = "validation_accuracy"
    loss: str = "validation_loss"

    @classmethod
    def of(cls, plan: Plan) -> EpochColumns:
        """The columns that a plan goes by."""
        return cls(METRIC_COLUMNS[plan.metric], BALANCED_LOSSES[1] if plan.class_weight == "balanced" else "validation_loss")


BY_ACCURACY = EpochColumns()

BALANCED_LOSSES = ("train_balanced_loss", "validation_balanced_loss")
"""Columns of runs with balanced class weights: the mean over the classes of the mean cross-entropy of their images."""


def objective(history: History, plan: Plan) -> History:
    """The history with the losses that training minimizes as `train_loss` and `validation_loss`."""
    if plan.class_weight != "balanced" or not history.columns.keys() >= set(BALANCED_LOSSES):
        return history
    train, validation = (history[name] for name in BALANCED_LOSSES)
    return History({**history.columns, "train_loss": train, "validation_loss": validation})


@dataclass(frozen=True)
class History:
    """The metrics of a run, one row per epoch, epoch 1 first.

    Attributes:
        columns: name -> values `(epochs,)`. The names are `METRICS`, those of `METRIC_COLUMNS`, `BALANCED_LOSSES` of runs with
            class weights, `seconds` (duration of the epoch), and probes as `kind/layer`, for example `saturation/dense_0`.
    """

    columns: dict[str, EpochSeries]

    def __repr__(self) -> str:
        """What a notebook shows: the names, not the numbers."""
        return f"History({self.epochs} epochs of {', '.join(self.columns)})"

    @property
    def epochs(self) -> int:
        return len(self.columns["validation_accuracy"])

    def __getitem__(self, name: str) -> EpochSeries:
        return self.columns[name]

    def row(self, epoch: int) -> dict[str, float]:
        """The metrics of one epoch, counted from 1."""
        return {name: float(column[epoch - 1]) for name, column in self.columns.items()}

    @classmethod
    def from_rows(cls, rows: list[dict[str, float]]) -> History:
        """Build a history from one mapping per epoch; a missing metric is NaN."""
        missing = dict.fromkeys([*METRICS, *chain.from_iterable(rows)], math.nan)
        values = np.array([list((missing | row).values()) for row in rows], dtype=np.float64).reshape(len(rows), len(missing))
        return cls(dict(zip(missing, np.ascontiguousarray(values.T), strict=True)))

    def probes(self, kind: str) -> dict[str, EpochSeries]:
        """The probes of one kind: layer -> `(epochs,)`."""
        return {name.split("/", 1)[1]: column for name, column in self.columns.items() if name.startswith(kind + "/")}


def best_epoch(history: History, select: Select, columns: EpochColumns = BY_ACCURACY) -> int:
    """The epoch, from 1, that a rule selects (`Plan.select`); ties by lower validation loss, then the first.

    Args:
        columns: metric and loss that the rule goes by.

    Returns:
        0 where no epoch has a finite validation loss.
    """
    scores = epoch_scores(history, select, columns)
    best = max(scores, default=NO_SCORE)
    return scores.index(best) + 1 if best > NO_SCORE else 0


SMOOTHED = 5
"""Epochs of which "smoothed" takes the mean accuracy."""

Score = tuple[float, float]

NO_SCORE = (-math.inf, -math.inf)
"""Score of an epoch that cannot be the best."""


def epoch_scores(history: History, select: Select, columns: EpochColumns = BY_ACCURACY) -> list[Score]:
    """Score of each epoch of a run by a rule, the higher the better."""
    accuracies, losses = history[columns.metric].tolist(), history[columns.loss].tolist()
    numbers = range(1, history.epochs + 1)
    return [score(select, n, accuracies[max(0, n - SMOOTHED) : n], losses[n - 1]) for n in numbers]


def score(select: Select, epoch: int, accuracies: Sequence[float], loss: float) -> Score:
    """Score of one epoch by a rule, the higher the better.

    Args:
        select: rule, see `Plan`.
        epoch: number of the epoch, from 1.
        accuracies: validation accuracies (or another metric) of the epoch, last, and of up to `SMOOTHED - 1` before it.
        loss: its validation loss.
    """
    total = math.fsum(accuracies)
    if not math.isfinite(total + loss):
        return NO_SCORE
    match select:
        case "smoothed":
            return round(total / len(accuracies), 12), -loss  # equal means tie whatever their terms are
        case "accuracy":
            return accuracies[-1], -loss
        case "loss":
            return -loss, -loss
        case "last":
            return epoch, -loss


OPTIMISM: dict[Select, float] = {"smoothed": 0.25, "loss": 0.14, "accuracy": 0.49, "last": 0.0}
"""Mean excess of the validation accuracy over that on new images, at the epoch that a rule selected (standard errors of the
accuracy; docs/benchmarks/epochs.md)."""


def watched(select: Select) -> Select:
    """The rule of the epoch from which patience counts."""
    return "accuracy" if select == "accuracy" else "loss"


def patience_is_over(history: History, plan: Plan) -> bool:
    """Whether a run's patience is exhausted at the history's end."""
    return 0 < plan.patience <= history.epochs - best_epoch(history, watched(plan.select), EpochColumns.of(plan))


@dataclass(frozen=True)
class Verdict:
    """The diagnosis of a run.

    Attributes:
        kind: its kind; stable.
        evidence: the numbers that show it, in one or two sentences.
        advice: options of `seedbed train` to try next, in one sentence.
    """

    kind: VerdictKind
    evidence: str
    advice: str

    @property
    def label(self) -> str:
        """The kind in words, for tables and sentences."""
        return words.kind(self.kind)

    @property
    def finding(self) -> str:
        """The kind with its evidence, without advice."""
        return f"{words.capital(self.label)}. {self.evidence}"

    def __str__(self) -> str:
        return f"{self.finding} {self.advice}"

    @property
    def ranked(self) -> bool:
        """Whether the run is part of means and rankings; one that diverged or collapsed is excluded and counted separately."""
        return self.kind not in ("diverged", "collapsed")


RAW_PIXELS = "raw pixels"
"""Trait of a network that takes pixels as stored, not from 0 to 1."""

SAME_START = "same start"
"""Trait of a network whose initial weights do not depend on the seed."""


@dataclass(frozen=True)
class ModelFacts:
    """The size of a network: trainable parameters, operations per image (two per multiply-add), hidden units.

    `traits` holds what else is to be known of a network of the user's own: `RAW_PIXELS`, `SAME_START`.
    """

    parameters: int
    operations: int
    units: int
    traits: tuple[str, ...] = ()


PictureFit = Literal["stretch", "crop", "pad"]
FITS: tuple[PictureFit, ...] = get_args(PictureFit)
Ground = Literal["white", "black"]


@dataclass(frozen=True)
class PictureRule:
    """How picture files and the values of images belong together, as learned from the training part.

    Attributes:
        black, white: the values that stand for black and white, one for all channels or one for each.
        fit: what is done to a picture of other proportions: stretched, cropped around its centre, or padded.
        deep: the value that is white in picture files of more than 8 bits; None where the training part has no such files.
        ground: what is behind transparent pixels.
    """

    black: tuple[float, ...]
    white: tuple[float, ...]
    fit: PictureFit = "pad"
    deep: float | None = None
    ground: Ground = "white"

    def shares(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Brightness of values `(..., c)`: 0 where they are black, 1 where white; not clipped."""
        black, white = (np.asarray(values, dtype=np.float32) for values in (self.black, self.white))
        return np.asarray((images - black) / (white - black), dtype=np.float32)

    def values(self, shares: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """The values `(..., c)` of these shares, the inverse of `shares`; rounded for whole-number types."""
        black, white = (np.asarray(values, dtype=np.float64) for values in (self.black, self.white))
        values = black + np.asarray(shares, dtype=np.float64) * (white - black)
        return (np.rint(values) if dtype.kind in "iu" else values).astype(dtype)

    def shown(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """Values `(..., c)` as bytes that a screen shows: black is 0, white is 255."""
        if images.dtype == np.uint8 and (self.black, self.white) == ((0.0,), (255.0,)):
            return images
        return np.rint(np.clip(self.shares(images), 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class Normalization:
    """What networks get of stored values: `(values / scale - mean) / deviation`.

    Attributes:
        scale: divisor that brings the values to their range.
        mean, deviation: those of the divided values; one for all channels or one for each.
    """

    scale: float
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)

    @property
    def centres(self) -> bool:
        """Whether it does more than to divide by the scale."""
        return (self.mean, self.deviation) != ((0.0,), (1.0,))

    def scaled(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Stored values divided by the scale."""
        return images.astype(np.float32) / np.float32(self.scale)

    def inputs(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """What a network gets of stored images `(..., c)`."""
        scaled = self.scaled(images)
        if not self.centres:
            return scaled
        mean, deviation = (np.asarray(values, dtype=np.float32) for values in (self.mean, self.deviation))
        return np.asarray((scaled - mean) / deviation, dtype=np.float32)


UNEVEN = 1.5
"""Ratio of the largest class to the smallest one from which classes are uneven; that of MNIST is 1.24."""


@dataclass(frozen=True)
class DataFacts:
    """The number of images per part (0 where there is no test part), the names of the classes, the shape of the images.

    Attributes:
        pictures: how picture files become such images; None in records of older versions.
        normalization: what networks get of these images; None in records of older versions, which divide by the run's scale.
        validation_counts: number of validation images of each class; empty in records of older versions.
    """

    train: int
    validation: int
    test: int
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    pictures: PictureRule | None = None
    normalization: Normalization | None = None
    validation_counts: tuple[int, ...] = ()

    @property
    def uneven(self) -> bool:
        """Whether classes differ so much in size that accuracy alone misleads."""
        return bool(self.validation_counts) and max(self.validation_counts) >= UNEVEN * min(self.validation_counts)

    @property
    def largest_class(self) -> tuple[str, float]:
        """Name of the class with the most validation images, and its share of them; needs `validation_counts`."""
        most = max(self.validation_counts)
        return self.classes[self.validation_counts.index(most)], most / sum(self.validation_counts)


@dataclass(frozen=True)
class Seconds:
    """The durations of a run's phases (seconds); in a population, the run's share of them."""

    compile: float
    training: float
    total: float


@dataclass(frozen=True)
class Result:
    """A finished run, as `train_runs` returns it and figures, statistics and reports take it.

    A run that was `pruned` stopped at a rung of a search before its last epoch; it is not comparable with whole runs. `form`
    names the form in which it was computed: native kernels, matrix products, or XLA's own; "" if there is only one, or it is
    not known.
    """

    name: str
    group: str
    run: RunSpec
    model: ModelFacts
    data: DataFacts
    history: History
    verdict: Verdict
    seconds: Seconds
    device: str
    folder: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    pruned: bool = False
    form: str = ""

    def __repr__(self) -> str:
        """What a notebook shows: a line, not all settings and sizes."""
        at = f"best epoch {self.best} of {self.history.epochs}"
        return f"Result({self.name!r}: {self.run.model.title}, seed {self.run.seed}, {at}, {self.verdict.label})"

    @cached_property
    def best(self) -> int:
        """The epoch whose network is kept, from 1; 0 where no epoch has a finite validation loss."""
        return best_epoch(self.history, self.run.plan.select, EpochColumns.of(self.run.plan))

    @property
    def optimism(self) -> float:
        """Mean excess of the plan's metric at such a best epoch over that on new images, as a share.

        A metric that counts all classes alike is as certain as an accuracy of `C**2 / sum(1 / n)` images of each n per class.
        """
        if not self.best:
            return 0.0
        plan, counts = self.run.plan, [count for count in self.data.validation_counts if count]
        images = len(counts) ** 2 / sum(1 / n for n in counts) if plan.metric != "accuracy" else self.data.validation
        value = float(self.history[METRIC_COLUMNS[plan.metric]][self.best - 1])
        return OPTIMISM[plan.select] * math.sqrt(value * (1 - value) / images)

    @property
    def folds(self) -> int:
        """Number of folds of cross-validation, one of which the run validates on; 1 means one validation part."""
        return self.run.data.fold[1] if self.run.data.fold else 1

    @property
    def included(self) -> bool:
        """Whether the run enters means: it neither diverged nor collapsed, and an epoch has a finite validation loss."""
        return self.verdict.ranked and bool(self.best)

    def named(self, name: str, group: str, folder: str) -> Result:
        return replace(self, name=name, group=group, folder=folder)

    def summary(self) -> dict[str, Any]:
        """All but the curve, as JSON values: the contract of `train --json` (NaN is null)."""
        return finite_fields(
            {
                "name": self.name,
                "group": self.group,
                "folder": self.folder,
                "seed": self.run.seed,
                "identity": self.run.identity,
                "model": {**self.run.model.plain(), **vars(self.model)},
                "data": {**self.run.data.plain(), **vars(self.data), "name": self.run.data.name},
                "plan": self.run.plan.plain(),
                "device": self.device,
                "form": self.form,
                "best": self._at(self.best),
                "last": self._at(self.history.epochs),
                "verdict": vars(self.verdict),
                "seconds": vars(self.seconds),
            }
        )

    def as_json(self) -> dict[str, Any]:
        """The summary with the whole curve."""
        return {**self.summary(), "curve": [self._at(epoch) for epoch in range(1, self.history.epochs + 1)]}

    def _at(self, epoch: int) -> dict[str, Any] | None:
        if epoch < 1:
            return None
        row = self.history.row(epoch)
        train = {name: row[f"train_{name}"] for name in ("loss", "penalty", "accuracy")}
        validation = {name: row[f"validation_{name}"] for name in ("loss", "accuracy")}
        further = ("balanced_accuracy", "macro_f1", "balanced_loss")
        validation |= {name: row[f"validation_{name}"] for name in further if f"validation_{name}" in row}
        return finite_fields({"epoch": epoch, "train": train, "validation": validation})


def finite_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """`finite` of an object's fields."""
    return {name: finite(value) for name, value in fields.items()}


PLAIN = (int, str, bool, type(None))


def finite(value: Any) -> Any:
    """Replace every NaN and infinity by None, tuples by lists, NumPy's numbers by Python's and records by their fields."""
    kind = type(value)
    if kind is float:  # first, since most values are
        return value if math.isfinite(value) else None
    if kind in PLAIN:
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return finite(asdict(value))
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.ndarray):
        return finite(value.tolist())
    if isinstance(value, np.generic):
        return finite(value.item())
    return value
