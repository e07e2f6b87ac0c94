"""Evaluate a finished run's best network on the training, validation and, on request, test images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seedbed import data, words
from seedbed.data import Dataset, Part
from seedbed.errors import DataError, RunError
from seedbed.evaluation.agreement import agreement_json, part_difference
from seedbed.network import Network, load_network
from seedbed.records import Result, Verdict, finite_fields
from seedbed.runs import RunStore
from seedbed.specs import Metric
from seedbed.statistics import (
    Calibration,
    ClassFigures,
    Interval,
    MetricTable,
    calibration,
    confusion,
    losses,
    per_class,
    wilson,
)

CLASS_METRICS: tuple[Metric, Metric] = ("balanced", "f1")

AT_ONCE = 10_000
"""Images that are gathered at once; a part may be larger than the memory."""


@dataclass(frozen=True)
class Mistake:
    """An image with a wrong prediction.

    Attributes:
        index: position in the part.
        source: index in the original file, or file name.
        label, predicted: names of the true and of the predicted class.
        confidence: probability of the predicted class.
        true_probability: probability of the true class.
    """

    index: int
    source: str
    label: str
    predicted: str
    confidence: float
    true_probability: float

    def as_json(self) -> dict[str, Any]:
        """A mistake as `evaluate --json` has it."""
        fields = vars(self) | {"probability of the true class": self.true_probability}
        return {name: value for name, value in fields.items() if name != "true_probability"}


@dataclass(frozen=True, eq=False)
class PartEvaluation:
    """The quality of a network's predictions on one part.

    Attributes:
        loss: mean cross-entropy (nats).
        accuracy: share of correct predictions with Wilson's 95 % interval; its `n` is the number of images.
        confusion: counts `(C, C)`, one row per true class.
        per_class: precision and recall per class.
        calibration: expected calibration error and reliability bins.
        mistakes: wrong predictions, the most confident first.
        correct: whether each image was classified correctly, `(n,)`.
        labels, predicted: true and predicted class of each image, `(n,)`.
        balanced_accuracy, macro_f1: metrics that count all classes alike, with 95 % intervals.
    """

    loss: float
    accuracy: Interval
    confusion: NDArray[np.int64]
    per_class: list[ClassFigures]
    calibration: Calibration
    mistakes: list[Mistake]
    correct: NDArray[np.bool_]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]
    balanced_accuracy: Interval
    macro_f1: Interval

    def __repr__(self) -> str:
        """What a notebook shows: accuracy and loss, not each image."""
        low, high = self.accuracy.pair()
        percent = words.percent(self.accuracy.mean, 2)
        return f"accuracy {percent} (95 % interval: {words.ends(low, high)}; {self.accuracy.n:,} images), loss {self.loss:.4f}"

    def as_json(self, classes: Sequence[str]) -> dict[str, Any]:
        """The evaluation of one part as `evaluate --json` has it."""
        return {
            "loss": self.loss,
            "accuracy": self.accuracy.mean,
            "interval": self.accuracy.pair(),
            "n": self.accuracy.n,
            "balanced_accuracy": _share(self.balanced_accuracy),
            "macro_f1": _share(self.macro_f1),
            "confusion": self.confusion.tolist(),
            "mistakes": [mistake.as_json() for mistake in self.mistakes],
            "per_class": [
                {"class": name, "n": scores.n, "precision": _share(scores.precision), "recall": _share(scores.recall)}
                for name, scores in zip(classes, self.per_class, strict=True)
            ],
            "calibration": {
                "ece": self.calibration.ece,
                "bins": [
                    {name: getattr(scores, name) for name in ("low", "high", "confidence")}
                    | {"n": scores.accuracy.n, **_share(scores.accuracy)}
                    for scores in self.calibration.bins
                ],
            },
        }


def _share(interval: Interval | None) -> Any:
    return None if interval is None else {"share": interval.mean, "interval": interval.pair()}


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluation of one run's best network.

    Attributes:
        train_loss, train_accuracy, train_n: metrics on the whole training part with its training labels, and its size.
        validation: evaluation on the validation part.
        test: evaluation on the test part; None unless requested.
        looks: number of evaluations of this run on the test part, including this one.
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

    def __repr__(self) -> str:
        """What a notebook shows: a line for each part."""
        parts = [f"training: accuracy {words.percent(self.train_accuracy, 2)}, loss {self.train_loss:.4f}"]
        parts.append(f"validation: {self.validation!r}")
        if self.test:
            parts.append(f"test: {self.test!r}; {words.counted(self.looks, 'look')} at this part")
        return "\n".join([f"Evaluation of {self.name!r} at epoch {self.epoch}: {self.verdict}", *parts])

    @property
    def test_minus_validation(self) -> Interval | None:
        """How much more accurate the network is on the test part; None where that was not looked at."""
        return part_difference(self.test.correct, self.validation.correct) if self.test else None

    def as_json(self) -> dict[str, Any]:
        """The contract of `evaluate --json`."""
        return finite_fields(
            {name: getattr(self, name) for name in ("name", "seed", "epoch", "parameters", "classes")}
            | {
                "verdict": vars(self.verdict),
                "train": {"loss": self.train_loss, "accuracy": self.train_accuracy, "n": self.train_n},
                "validation": self.validation.as_json(self.classes),
                "test": {**self.test.as_json(self.classes), "looks": self.looks} if self.test else None,
                "test_minus_validation": agreement_json(self.test_minus_validation),
            }
        )


def evaluate(home: RunStore, name: str, *, test: bool = False) -> Evaluation:
    """Evaluate one run's best network on its data.

    Args:
        home: store of the runs.
        name: name of a run, or of a group with one finished run.
        test: whether to evaluate on the test part too. Each look is recorded in the home.

    Raises:
        UnknownRun, RunHalfDone: no finished run has this name.
        RunError: the name is that of a group of several runs, or the run diverged in its first epoch.
        DataError: `test` is requested without a test part, or the data cannot be found.
    """
    result, *others = home.find(name)
    if others:
        names = ", ".join(run.name for run in (result, *others))
        raise RunError(f"{name!r} is a group of {len(others) + 1} runs ({names}). Evaluate one of them, or the whole group.")
    if not result.best:
        raise RunError(f"Run {result.name!r} has no best network to evaluate: it diverged. {result.verdict.evidence}")
    return evaluate_result(home, result, data.load(result.run.data), test=test)


def evaluate_result(home: RunStore, result: Result, dataset: Dataset, *, test: bool) -> Evaluation:
    """Evaluate a run that is loaded already, with its data."""
    if test and dataset.test is None:
        raise DataError(_no_test(result))
    network = load_network(home, result)
    on_train = part_probabilities(network, dataset.train)
    labels = dataset.train.labels
    on_validation = _assessed(network, dataset.validation)
    on_test, looks = None, 0
    if test and dataset.test is not None:
        on_test = _assessed(network, dataset.test)
        home.look(result.name, {"accuracy": on_test.accuracy.mean, "interval": on_test.accuracy.pair(), "loss": on_test.loss})
        looks = len(home.looks(result.name))
    return Evaluation(
        name=result.name,
        seed=result.run.seed,
        epoch=result.best,
        parameters=result.model.parameters,
        verdict=result.verdict,
        classes=dataset.classes,
        train_loss=float(losses(on_train, labels).mean()),
        train_accuracy=float((on_train.argmax(axis=1) == labels).mean()),
        train_n=len(labels),
        validation=on_validation,
        test=on_test,
        looks=looks,
    )


def _no_test(result: Result) -> str:
    if result.run.data.protocol == "handout":
        return (
            f"Run {result.name!r} was trained with the handout protocol, which calls the test images validation, so that "
            f"there is no test part. Train with --protocol honest to have one."
        )
    return f"Run {result.name!r}: its data set {result.run.data.name!r} has no test part."


def part_probabilities(network: Network, part: Part) -> NDArray[np.float32]:
    """Predict class probabilities, `(n, C)`, for the images of a part."""
    blocks = np.array_split(np.arange(len(part)), range(AT_ONCE, len(part), AT_ONCE))
    return np.concatenate([network.probabilities(part.take(rows)) for rows in blocks])


def _assessed(network: Network, part: Part) -> PartEvaluation:
    return assess(part_probabilities(network, part), part, network.classes)


def assess(probabilities: NDArray[np.float32], part: Part, classes: Sequence[str]) -> PartEvaluation:
    """Evaluate predictions for the images of a part.

    Args:
        probabilities: predicted class probabilities, `(n, C)`.
        part: the images with their labels.
        classes: C names.
    """
    predicted = probabilities.argmax(axis=1)
    correct = predicted == part.labels
    balanced, f1 = (MetricTable.of(metric, part.labels, predicted, len(classes)).interval() for metric in CLASS_METRICS)
    matrix = confusion(part.labels, predicted, len(classes))
    return PartEvaluation(
        loss=float(losses(probabilities, part.labels).mean()),
        accuracy=wilson(int(correct.sum()), len(correct)),
        confusion=matrix,
        per_class=per_class(matrix),
        calibration=calibration(probabilities, part.labels),
        mistakes=_mistakes(probabilities, part, classes),
        correct=correct,
        labels=part.labels.astype(np.int64),
        predicted=predicted,
        balanced_accuracy=balanced,
        macro_f1=f1,
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
