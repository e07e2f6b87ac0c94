"""The course of a run: what the rules of the verdicts read, each number once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from seedbed.records import DataFacts, EpochSeries, History, best_epoch
from seedbed.specs import ClassWeight, RunSpec
from seedbed.statistics import Interval, MetricTable, losses, slope, wilson
from seedbed.statistics.interval import special

SHORTEST, LONGEST = 5, 20
"""Bounds of the last epochs that the trend is taken over (a third of the run); a shorter run has no trend."""

WORTHWHILE = 0.05
"""A trend matters if as many epochs more would remove this share of the loss or of the mistakes, at its cautious end."""

OF_ALL_GAINED = 0.2
"""Or if they would add this share to all that the loss fell since the first epoch."""

OF_GUESSING = 0.5
"""A network that makes at most this share of the mistakes of guessing is better than guessing, however few the images."""

SMOOTHED = 5
"""The values at the end are medians over at most this number of epochs."""


RISE = 0.03
"""Lowest relative rise of the validation loss that is called overfitting."""

FALL = 0.03
"""Lowest fall of the validation accuracy that is called overfitting."""

NORMAL_MEDIAN = 0.6745
"""Median of |x| for a standard normal x."""

FALSE_ALARM = 0.01
"""Chance that noise alone is called overfitting."""


@dataclass(frozen=True, eq=False)
class LastPredictions:
    """What the last network answers for the validation images, in sums.

    Attributes:
        labels, predicted: number of images of each class, and of answers with it, int `(C,)`.
        loss_error: standard error of the mean loss over the images (nats).
        balanced_accuracy: mean over the classes of the share of their images that are right.
    """

    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    loss_error: float
    balanced_accuracy: Interval | None = None

    @classmethod
    def of(cls, probabilities: NDArray[np.float32], labels: NDArray[np.integer], class_weight: ClassWeight = "none") -> Self:
        """Sum up predicted probabilities `(n, C)` for images with these labels `(n,)`.

        Args:
            class_weight: weights of the loss, see `Plan`.
        """
        images, classes = probabilities.shape
        answers, counts = probabilities.argmax(axis=1), np.bincount(labels, minlength=classes)
        each = losses(probabilities, labels)
        if class_weight == "balanced":
            each = each * (images / (counts > 0).sum() / np.maximum(counts, 1))[labels]
        error = float(each.std(ddof=1)) / math.sqrt(images) if images > 1 else math.nan
        balanced = MetricTable.of("balanced", labels, answers, classes).interval() if images > 1 else None
        return cls(counts, np.bincount(answers, minlength=classes), error, balanced)


@dataclass(frozen=True)
class Trend:
    """A significant and worthwhile improvement over the last epochs.

    Attributes:
        column: the improving column of the history.
        change: change of the column per epoch, with its interval.
        window: number of epochs that it is taken over.
    """

    column: str
    change: Interval
    window: int


@dataclass(frozen=True)
class Turn:
    """A rise of the validation loss, or of the mistakes, since the minimum, beyond noise, while the training loss fell.

    Attributes:
        column: the column of the history that turned.
        epoch: epoch of the minimum, from 1.
        base, end: means of the three epochs around the minimum, and of the last `width` epochs.
    """

    column: str
    epoch: int
    base: float
    end: float
    width: int

    @property
    def change(self) -> float:
        return self.end - self.base

    @classmethod
    def of(cls, history: History, column: str) -> Self | None:
        """The turn of a column; None where it did not turn."""
        values, train_loss = history[column], history["train_loss"]
        if column == "validation_accuracy":
            values = 1 - values
        lowest = int(np.argmin(values))
        width = min(3, len(values) - 1 - lowest)
        if width < 2 or not train_loss[-1] < train_loss[lowest]:
            return None
        base, end = float(values[max(0, lowest - 1) : lowest + 2].mean()), float(values[-width:].mean())
        turn = cls(column, lowest + 1, base, end, width)
        return turn if turn.change > _reach_of_noise(values, width) else None


def _reach_of_noise(values: EpochSeries, width: int) -> float:
    """Largest distance by noise alone of a mean of `width` epochs above the lowest running mean of three.

    The noise comes from the second differences of neighbouring epochs, which a steady trend leaves alone, by their median,
    which the steep first epochs leave alone; the quantile allows for the minimum having been looked for among all epochs.

    Source: Gasser, Sroka, Jennen-Steinmetz 1986, "Residual variance and residual pattern in nonlinear regression".
    """
    noise = float(np.median(np.abs(np.diff(values, 2)))) / NORMAL_MEDIAN / math.sqrt(6)
    freedom = max(1.0, (len(values) - 2) / 2)
    quantile = float(special().stdtrit(freedom, 1 - FALSE_ALARM / len(values)))
    return quantile * noise * math.sqrt(1 / width + 1 / 3)


@dataclass(frozen=True, eq=False)
class Course:
    """A run's history with the numbers that several rules need.

    Attributes:
        last: answers of the last network. None where they are not known (a search keeps metrics only).
        pruned: whether a search stopped the run.
    """

    history: History
    run: RunSpec
    data: DataFacts
    last: LastPredictions | None
    pruned: bool

    @property
    def epochs(self) -> int:
        return self.history.epochs

    @property
    def short(self) -> bool:
        return self.pruned or self.epochs < SHORTEST

    @property
    def stopped_early(self) -> bool:
        """Whether patience ended the run, so that its last epochs promise no further gain."""
        return not self.pruned and self.run.plan.patience > 0 and self.epochs < self.run.plan.epochs

    @property
    def patience_was_right(self) -> bool:
        """Whether patience ended the run and the validation loss had stopped falling too."""
        lowest = int(np.argmin(self.history["validation_loss"])) + 1
        return self.stopped_early and lowest <= self.epochs - self.run.plan.patience

    def end(self, column: str) -> float:
        """The value of a column at the end: the median of the last epochs, a quarter of a run of fewer than 20."""
        return float(np.median(self.history[column][-min(SMOOTHED, max(1, self.epochs // 4)) :]))

    @cached_property
    def best(self) -> int:
        """Epoch of the highest validation accuracy."""
        return best_epoch(self.history, "accuracy")

    @property
    def peak(self) -> float:
        """Highest validation accuracy."""
        return float(self.history["validation_accuracy"][self.best - 1])

    def accuracy(self, part: str) -> Interval:
        """Accuracy of a part at the end; training accuracies are measured on as many images as the validation part has."""
        images = self.data.validation if part == "validation" else min(self.data.train, self.data.validation)
        right = min(max(self.end(f"{part}_accuracy"), 0.0), 1.0)
        return wilson(right * images, images)

    @cached_property
    def guessing(self) -> float:
        """Accuracy on the validation images of always answering the largest class."""
        if self.last is None:
            return 1 / max(1, len(self.data.classes))
        return float(self.last.labels.max() / self.last.labels.sum())

    def guesses(self, part: str) -> bool:
        """Whether the accuracy of a part is not shown to be above that of guessing, and the mistakes are nearly as many.

        A network that is to be right on small classes too may be wrong more often than guessing; then its balanced accuracy
        must not be shown to be above that of guessing either.
        """
        accuracy = self.accuracy(part)
        poor = accuracy.low <= self.guessing and 1 - accuracy.mean > OF_GUESSING * (1 - self.guessing)
        return poor and not self.balances

    @cached_property
    def balances(self) -> bool:
        """Whether the run goes by all classes alike, and its last network is better at that than guessing."""
        plan, balanced = self.run.plan, self.last and self.last.balanced_accuracy
        asked = plan.class_weight == "balanced" or plan.metric != "accuracy"
        return bool(asked and balanced and balanced.low > 1 / len(self.data.classes))

    @cached_property
    def guessing_loss(self) -> float:
        """Loss of always answering with the shares of the classes: their entropy (nats)."""
        if self.last is None or self.run.plan.class_weight == "balanced":
            return math.log(max(1, len(self.data.classes)))
        shares = self.last.labels[self.last.labels > 0] / self.last.labels.sum()
        return float(-(shares * np.log(shares)).sum())

    @cached_property
    def trend(self) -> Trend | None:
        """The improvement of the validation loss, or else of the accuracy, over the last third of the epochs."""
        window = min(LONGEST, max(SHORTEST, math.ceil(self.epochs / 3)))
        if self.epochs < window or self.patience_was_right:
            return None
        loss, accuracy = (self.history[name][-window:] for name in ("validation_loss", "validation_accuracy"))
        falling, rising = slope(loss).interval(), slope(accuracy).interval()
        gained = float(self.history["validation_loss"][0] - loss[-1])
        worthwhile = min(WORTHWHILE * loss[-1], OF_ALL_GAINED * gained) if gained > 0 else WORTHWHILE * loss[-1]
        if falling.high < 0 and -falling.high * window >= worthwhile:
            return Trend("validation_loss", falling, window)
        if rising.low > 0 and not falling.low > 0 and rising.low * window >= WORTHWHILE * (1 - accuracy[-1]):
            return Trend("validation_accuracy", rising, window)
        return None

    @cached_property
    def turn(self) -> Turn | None:
        """The rise of the validation loss, or else the fall of the accuracy, that is called overfitting."""
        loss, mistakes = (Turn.of(self.history, column) for column in ("validation_loss", "validation_accuracy"))
        if loss and loss.change >= RISE * loss.base:
            return loss
        return mistakes if mistakes and mistakes.change >= FALL else None
