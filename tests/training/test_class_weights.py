"""Classes that count alike: in the loss, in the metrics of an epoch, and in which epoch is the best."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss

from seedbed.data import Dataset
from seedbed.diagnosis import LastPredictions, diagnose
from seedbed.records import EpochColumns, best_epoch, objective
from seedbed.specs import ClassWeight, Dense, Metric, Plan
from training.samples import Ran, digits, ran, task

NET = Dense(hidden=(8,))


@cache
def uneven() -> Dataset:
    """Digits of which the training part has 80 of "0" and 8 of "8", and a few of the others."""
    whole = digits(1257)
    rng = np.random.default_rng(0)

    def some(part, counts):
        rows = [rng.permutation(np.flatnonzero(part.labels == label))[:count] for label, count in enumerate(counts)]
        chosen = np.sort(np.concatenate(rows))
        return replace(part, rows=part.rows[chosen], labels=part.labels[chosen])

    most = [80, 60, 0, 0, 0, 0, 0, 0, 8, 0]
    return replace(
        whole,
        train=some(whole.train, [count or 4 for count in most]),
        validation=some(whole.validation, [27, 20, *[2] * 6, 9, 2]),
    )


def trained(*weights: ClassWeight, metric: Metric = "accuracy", epochs: int = 12, **plan: object) -> Ran:
    settings = {"batch_size": 32, "learning_rate": 0.01, "metric": metric, **plan}
    plans = [Plan(epochs=epochs, class_weight=weight, **settings) for weight in weights]  # type: ignore[arg-type]
    return ran(task([NET] * len(plans), plans), uneven())


@pytest.fixture(scope="module")
def both() -> Ran:
    return trained("none", "balanced")


def test_an_epochs_metrics_are_those_of_its_predictions(both: Ran) -> None:
    labels = uneven().validation.labels
    for outcome in both.outcomes.values():
        last, row = outcome.last_probabilities, outcome.history.row(outcome.history.epochs)
        answers = last.argmax(axis=1)
        assert row["validation_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, answers))
        assert row["validation_macro_f1"] == pytest.approx(f1_score(labels, answers, average="macro", zero_division=0))


def test_the_balanced_loss_is_that_of_weighted_images_and_only_of_runs_with_weights(both: Ran) -> None:
    labels = uneven().validation.labels
    counts = np.bincount(labels)
    plain, weighted = both.outcomes[0, 0], both.outcomes[0, 1]
    expected = log_loss(labels, weighted.last_probabilities, sample_weight=1 / counts[labels], labels=range(10))
    assert weighted.history["validation_balanced_loss"][-1] == pytest.approx(expected, rel=1e-5)
    assert "validation_balanced_loss" not in plain.history.columns


def test_a_member_with_weights_leaves_its_neighbour_as_it_is_alone(both: Ran) -> None:
    alone = trained("none").outcomes[0, 0]
    np.testing.assert_allclose(alone.history["train_loss"], both.outcomes[0, 0].history["train_loss"], rtol=2e-5)


def test_weights_help_the_small_classes(both: Ran) -> None:
    plain, weighted = (outcome.history["validation_balanced_accuracy"][-4:].mean() for outcome in both.outcomes.values())
    assert weighted > plain + 0.03


def test_the_best_epoch_and_patience_go_by_the_metric_and_the_loss_that_the_plan_names() -> None:
    outcome = trained("balanced", metric="balanced", select="accuracy", epochs=40, patience=4).outcomes[0, 0]
    columns = EpochColumns("validation_balanced_accuracy", "validation_balanced_loss")
    history = outcome.history
    best = best_epoch(history, "accuracy", columns)
    assert history["validation_balanced_accuracy"][best - 1] == history["validation_balanced_accuracy"].max()
    assert history.epochs == best + 4 < 40
    answers = outcome.probabilities.argmax(axis=1)
    assert balanced_accuracy_score(uneven().validation.labels, answers) == pytest.approx(
        history["validation_balanced_accuracy"][best - 1]
    )


def test_a_network_that_is_right_on_all_classes_alike_is_not_called_guessing() -> None:
    labels = np.repeat([0, 1], [190, 10])
    answers = np.where(np.arange(200) % 8 == 0, 1 - labels, labels)  # right on seven of eight images of either class
    probabilities = np.where(answers[:, None] == [0, 1], 0.8, 0.2).astype(np.float32)
    history = trained("balanced", epochs=12).outcomes[0, 0].history
    flat = {name: np.full(12, 0.3 if name.endswith("loss") else 0.875) for name in history.columns}
    dataset = replace(uneven(), classes=("a", "b"))
    facts = replace(dataset.facts(), validation=200, train=1000, validation_counts=(190, 10))
    for weight, kind in (("none", "no_better_than_guessing"), ("balanced", "underfits")):
        run = task([NET], Plan(epochs=12, class_weight=weight)).blocks[0][0]  # type: ignore[arg-type]
        last = LastPredictions.of(probabilities, labels, run.plan.class_weight)
        assert diagnose(replace(history, columns=flat), run, facts, last).kind == kind


def test_verdicts_judge_the_losses_that_training_minimizes(both: Ran) -> None:
    history = both.outcomes[0, 1].history
    assert objective(history, Plan()) is history
    judged = objective(history, Plan(class_weight="balanced"))
    assert np.array_equal(judged["validation_loss"], history["validation_balanced_loss"])
    assert np.array_equal(judged["train_loss"], history["train_balanced_loss"])
