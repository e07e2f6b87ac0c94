"""A finished run's best network on the training, the validation and, when it is asked for, the test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, models
from seedbed.data import Dataset, Part
from seedbed.errors import DataError, RunError
from seedbed.models.architecture import weight_shapes
from seedbed.records import Result, Verdict, finite
from seedbed.runs import RunStore
from seedbed.specs import Keras
from seedbed.statistics import (
    Calibration,
    ClassFigures,
    Interval,
    accuracy_interval,
    calibration,
    confusion,
    per_class,
    wilson,
)

AT_ONCE = 10_000
"""Images that are gathered at once; a part may be larger than the memory."""

LEAST = float(np.finfo(np.float32).tiny)
"""Probabilities below this count as this in the loss: 87 nats, where float32 would say infinitely many."""


@dataclass(frozen=True)
class Mistake:
    """An image that was given a wrong class.

    Attributes:
        index: its position in the part.
        source: its index in the original file, or its file name.
        label, predicted: classes by their names.
        confidence: the probability of the predicted class; `true_probability`: of the label.
    """

    index: int
    source: str
    label: str
    predicted: str
    confidence: float
    true_probability: float

    def as_json(self) -> dict[str, Any]:
        """The contract's words."""
        return {
            "index": self.index,
            "source": self.source,
            "label": self.label,
            "predicted": self.predicted,
            "confidence": self.confidence,
            "probability of the true class": self.true_probability,
        }


@dataclass(frozen=True, eq=False)
class PartEvaluation:
    """A network's answers to one part.

    Attributes:
        loss: mean cross-entropy in nats.
        accuracy: share right, with Wilson's 95 % interval; its `n` is the number of images.
        confusion: counts `(C, C)`, row the true class.
        per_class: precision and recall, one a class.
        calibration: expected calibration error and reliability bins.
        mistakes: the most confident first.
        correct: `(n,)`, whether each image was right.
    """

    loss: float
    accuracy: Interval
    confusion: NDArray[np.int64]
    per_class: list[ClassFigures]
    calibration: Calibration
    mistakes: list[Mistake]
    correct: NDArray[np.bool_]

    def as_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """The contract's `validation` and `test`, and more beside."""
        return {
            "loss": self.loss,
            "accuracy": self.accuracy.mean,
            "interval": self.accuracy.pair(),
            "n": self.accuracy.n,
            "confusion": self.confusion.tolist(),
            "mistakes": [mistake.as_json() for mistake in self.mistakes],
            "per_class": [
                {"class": name, "n": one.n, "precision": _share(one.precision), "recall": _share(one.recall)}
                for name, one in zip(classes, self.per_class, strict=True)
            ],
            "calibration": {
                "ece": self.calibration.ece,
                "bins": [
                    {
                        "low": one.low,
                        "high": one.high,
                        "confidence": one.confidence,
                        "n": one.accuracy.n,
                        **_share(one.accuracy),
                    }
                    for one in self.calibration.bins
                ],
            },
        }


def _share(interval: Interval | None) -> Any:
    return None if interval is None else {"share": interval.mean, "interval": interval.pair()}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What one run's best network achieves.

    Attributes:
        train_loss, train_accuracy, train_n: on the whole training part, with the labels that it was trained on.
        test: None unless it was looked at; `looks` counts how often this run's was, this time included.
    """

    name: str
    seed: int
    epoch: int
    parameters: int
    verdict: Verdict
    classes: tuple[str, ...]
    train_loss: float
    train_accuracy: float
    train_n: int
    validation: PartEvaluation
    test: PartEvaluation | None
    looks: int

    def as_json(self) -> dict[str, Any]:
        """The contract of `evaluate --json`."""
        test = {**self.test.as_json(self.classes), "looks": self.looks} if self.test else None
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "seed": self.seed,
                "epoch": self.epoch,
                "parameters": self.parameters,
                "verdict": {"kind": self.verdict.kind, "evidence": self.verdict.evidence},
                "classes": self.classes,
                "train": {"loss": self.train_loss, "accuracy": self.train_accuracy, "n": self.train_n},
                "validation": self.validation.as_json(self.classes),
                "test": test,
            }
        )
        return plain


@dataclass(frozen=True, eq=False)
class GroupEvaluation:
    """A group's runs, one by one and together.

    Attributes:
        runs: those that can be evaluated, in the order of their names.
        left_out: name -> verdict of the runs that do not enter the means: diverged or collapsed.
        validation, test: mean accuracy over the runs that are not left out, with an interval for both sources of chance;
            None where all are left out, or the test part was not looked at.
    """

    name: str
    runs: list[Evaluation]
    left_out: dict[str, Verdict]
    validation: Interval | None
    test: Interval | None

    def as_json(self) -> dict[str, Any]:
        """As `train --json`: the group's name and its runs; the means beside."""
        plain: dict[str, Any] = finite(
            {
                "group": self.name,
                "runs": [run.as_json() for run in self.runs],
                "left_out": {name: vars(verdict) for name, verdict in self.left_out.items()},
                "validation": _mean(self.validation),
                "test": _mean(self.test),
            }
        )
        return plain


def _mean(interval: Interval | None) -> dict[str, Any] | None:
    return None if interval is None else {"accuracy": interval.mean, "interval": interval.pair(), "n": interval.n}


def evaluate(home: RunStore, name: str, *, test: bool = False) -> Evaluation:
    """One run's best network on its data.

    Args:
        name: of a run, or of a group with one finished run.
        test: look at the test part too. Each look is written into the home's ledger, for everyone to see.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: the name is that of a group of several runs, or the run diverged before its first epoch was over.
        DataError: `test` is asked for, and there is no test part; or the data cannot be found.
    """
    found = home.find(name)
    if len(found) > 1:
        names = ", ".join(result.name for result in found)
        raise RunError(f"{name!r} is a group of {len(found)} runs ({names}). Evaluate one of them, or the group as a whole.")
    result = found[0]
    if not result.best:
        raise RunError(f"Run {result.name!r} has no best network to evaluate: it diverged. {result.verdict.evidence}")
    return _evaluate(home, result, data.load(result.run.data), test=test)


def evaluate_group(home: RunStore, name: str, *, test: bool = False) -> GroupEvaluation:
    """Every finished run of a group (or the one run of this name), and their mean accuracy.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: the runs were trained on different data, or none of them has a network to evaluate.
        DataError: as in `evaluate`.
    """
    found = home.find(name)
    if len({result.run.data.identity for result in found}) > 1:
        raise RunError(f"The runs of {name!r} were trained on different data; evaluate them one by one.")
    left_out = {result.name: result.verdict for result in found if not result.verdict.ranked}
    trained = [result for result in found if result.best]
    if not trained:
        raise RunError(f"No run of {name!r} has a network to evaluate: all diverged. {found[0].verdict.evidence}")
    dataset = data.load(found[0].run.data)
    runs = [_evaluate(home, result, dataset, test=test) for result in trained]
    ranked = [run for run in runs if run.name not in left_out]
    validation = accuracy_interval(np.stack([run.validation.correct for run in ranked])) if ranked else None
    tests = [run.test.correct for run in ranked if run.test]
    return GroupEvaluation(name, runs, left_out, validation, accuracy_interval(np.stack(tests)) if tests else None)


def _evaluate(home: RunStore, result: Result, dataset: Dataset, *, test: bool) -> Evaluation:
    if test and dataset.test is None:
        raise DataError(_no_test(result))
    train_answers = answers(home, result, dataset, dataset.train)
    validation = _assessed(answers(home, result, dataset, dataset.validation), dataset.validation, dataset.classes)
    seen, looks = None, 0
    if test and dataset.test is not None:
        seen = _assessed(answers(home, result, dataset, dataset.test), dataset.test, dataset.classes)
        home.look(result.name, {"accuracy": seen.accuracy.mean, "interval": seen.accuracy.pair(), "loss": seen.loss})
        looks = len(home.looks(result.name))
    labels = dataset.train.labels
    return Evaluation(
        name=result.name,
        seed=result.run.seed,
        epoch=result.best,
        parameters=result.model.parameters,
        verdict=result.verdict,
        classes=dataset.classes,
        train_loss=_loss(train_answers, labels),
        train_accuracy=float((train_answers.argmax(axis=1) == labels).mean()),
        train_n=len(labels),
        validation=validation,
        test=seen,
        looks=looks,
    )


def _no_test(result: Result) -> str:
    if result.run.data.protocol == "handout":
        return (
            f"Run {result.name!r} was trained with the handout protocol, which calls the test images validation: none are "
            f"left for a test. Train with --protocol honest to have a test part."
        )
    return f"Run {result.name!r}: its data set {result.run.data.name!r} has no test part, so there is nothing to look at."


def answers(home: RunStore, result: Result, dataset: Dataset, part: Part) -> NDArray[np.float32]:
    """The best network's class probabilities, `(n, C)`, for the images of a part."""
    model = result.run.model
    expected = None if isinstance(model, Keras) else weight_shapes(model, dataset.image_shape, len(dataset.classes))
    weights = home.weights(result.name, "best", expected)
    found = [
        models.probabilities(model, weights, part.take(rows), scale=dataset.scale, classes=len(dataset.classes))
        for rows in np.array_split(np.arange(len(part)), range(AT_ONCE, len(part), AT_ONCE))
    ]
    return np.concatenate(found)


def _loss(probabilities: NDArray[np.float32], labels: NDArray[np.int32]) -> float:
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_label, LEAST)).mean())


def _assessed(probabilities: NDArray[np.float32], part: Part, classes: Sequence[str]) -> PartEvaluation:
    predicted = probabilities.argmax(axis=1)
    correct = predicted == part.labels
    matrix = confusion(part.labels, predicted, len(classes))
    return PartEvaluation(
        loss=_loss(probabilities, part.labels),
        accuracy=wilson(int(correct.sum()), len(correct)),
        confusion=matrix,
        per_class=per_class(matrix),
        calibration=calibration(probabilities, part.labels),
        mistakes=_mistakes(probabilities, part, classes),
        correct=correct,
    )


def _mistakes(probabilities: NDArray[np.float32], part: Part, classes: Sequence[str]) -> list[Mistake]:
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != part.labels)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    return [
        Mistake(
            index=int(index),
            source=part.source(int(index)),
            label=classes[part.labels[index]],
            predicted=classes[predicted[index]],
            confidence=float(confidence[index]),
            true_probability=float(probabilities[index, part.labels[index]]),
        )
        for index in wrong
    ]
