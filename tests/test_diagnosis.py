"""Verdicts on curves whose fate is known, and the sentences that probes give."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from seedbed.diagnosis import diagnose, explain
from seedbed.records import METRICS, History

DIGITS = tuple("0123456789")
EPOCHS = np.arange(1, 21)


def history(
    validation_loss: ArrayLike, *, train_loss: ArrayLike | None = None, accuracy: ArrayLike | None = None, **probes: ArrayLike
) -> History:
    loss = np.asarray(validation_loss, dtype=np.float64)
    train = 0.02 + 0.3 * np.exp(-np.arange(len(loss)) / 5) if train_loss is None else np.asarray(train_loss, dtype=np.float64)
    right = np.full(len(loss), 0.97) if accuracy is None else np.asarray(accuracy, dtype=np.float64)
    figures = dict(zip(METRICS, (train, np.zeros(len(loss)), right, loss, right), strict=True))
    return History({**figures, **{name.replace("__", "/"): np.asarray(probe, float) for name, probe in probes.items()}})


def noisy(curve: ArrayLike, sd: float = 0.002, seed: int = 0) -> Any:
    return np.asarray(curve) + sd * np.random.default_rng(seed).normal(size=np.shape(curve))


FLAT = noisy(np.full(20, 0.1))
FALLING = noisy(0.1 + np.exp(-EPOCHS / 10))
RISING = noisy(0.1 + np.exp(-EPOCHS) + 0.003 * np.maximum(0, EPOCHS - 6))


def test_a_loss_that_is_not_finite_is_divergence_whatever_else_holds() -> None:
    loss = [2.0, 1.0, math.nan]
    verdict = diagnose(history(loss, accuracy=[0.3, 0.912, 0.098]), np.full(100, 7), DIGITS)
    assert (verdict.kind, verdict.evidence) == (
        "diverged",
        "The loss was not finite at epoch 3; its best before was 91.2 % at epoch 2.",
    )


@pytest.mark.parametrize("epochs", range(1, 21))
def test_divergence_at_any_epoch_is_told(epochs: int) -> None:
    loss = [*FALLING[: epochs - 1], math.nan]
    assert diagnose(history(loss), np.full(100, 7), DIGITS).kind == "diverged"


def test_an_infinite_training_loss_is_divergence_too() -> None:
    verdict = diagnose(history([1.0, 1.0], train_loss=[math.inf, 1.0]), None, DIGITS)
    assert verdict == type(verdict)("diverged", "The loss was not finite at epoch 1; its best before was 97.0 % at epoch 1.")


def test_one_class_for_nearly_all_images_is_collapse_and_its_name_is_told() -> None:
    predicted = np.full(1000, 7)
    predicted[:2] = 1
    verdict = diagnose(history(FLAT, accuracy=np.full(20, 0.098)), predicted, DIGITS)
    assert (verdict.kind, verdict.evidence) == (
        "collapsed",
        "It predicts class '7' for 99.8 % of the validation images.",
    )


def test_a_class_that_is_merely_frequent_is_no_collapse() -> None:
    predicted = np.where(np.arange(1000) % 20 == 0, 1, 0)
    assert diagnose(history(FLAT), predicted, ("no", "yes")).kind == "ok"


def test_a_run_that_fell_back_to_guessing_has_collapsed() -> None:
    accuracy = np.where(EPOCHS < 5, 0.9, 0.098)
    verdict = diagnose(history(np.where(EPOCHS < 5, 0.3, 2.3), accuracy=accuracy), np.arange(1000) % 10, DIGITS)
    assert verdict.kind == "collapsed"
    assert "fell from 90.0 % at epoch 1 to 9.8 % at epoch 20" in verdict.evidence


def test_a_loss_that_still_falls_is_undertraining_with_its_slope() -> None:
    verdict = diagnose(history(FALLING, train_loss=FALLING), None, DIGITS)
    assert verdict.kind == "undertrained"
    assert verdict.evidence.startswith("The validation loss was still falling in the last 7 epochs: -0.018 per epoch")
    assert "95 % interval -0.0" in verdict.evidence


def test_an_accuracy_that_still_rises_on_a_flat_loss_is_undertraining() -> None:
    verdict = diagnose(history(np.full(20, 2.29), accuracy=0.1 + 0.01 * EPOCHS), None, DIGITS)
    assert verdict.kind == "undertrained"
    assert "+1 points per epoch" in verdict.evidence


def test_patience_ends_a_run_for_good() -> None:
    assert diagnose(history(FALLING, train_loss=FALLING), None, DIGITS, stopped_early=True).kind == "ok"


def test_a_fall_that_is_sure_but_tiny_is_not_worth_going_on() -> None:
    assert diagnose(history(0.1 - 1e-6 * EPOCHS), None, DIGITS).kind == "ok"


def test_overfitting_is_told_with_both_amounts() -> None:
    verdict = diagnose(history(RISING), None, DIGITS)
    assert verdict.kind == "overfitting"
    assert verdict.evidence == (
        "The validation loss rose by 33 % since its minimum: from 0.105 around epoch 6 to 0.14 over the last 3 epochs, "
        "while the training loss fell from 0.13 to 0.0267."
    )


def test_a_validation_loss_that_rises_with_the_training_loss_is_not_overfitting() -> None:
    assert diagnose(history(RISING, train_loss=RISING), None, DIGITS).kind == "ok"


def test_noise_alone_is_rarely_called_anything() -> None:
    kinds = Counter(diagnose(history(noisy(np.full(20, 0.1), 0.01, seed)), None, DIGITS).kind for seed in range(400))
    assert kinds["overfitting"] <= 8
    assert kinds["undertrained"] <= 16


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_short_run_is_not_judged_by_its_slope(epochs: int) -> None:
    verdict = diagnose(history(FALLING[:epochs]), None, DIGITS)
    assert (verdict.kind, "too few epochs" in verdict.evidence) == ("ok", True)


# Why


def test_saturation_is_told_with_the_measured_shares() -> None:
    shares = {"saturation__dense_0": [0.12, 0.4, 0.63], "saturation__dense_1": [0.0, 0.01, 0.02]}
    assert explain(history([1, 1, 1], **shares), "sigmoid") == [
        "In layer dense_0 63 % of the sigmoid units are saturated at epoch 3 (12 % at epoch 1)."
    ]
    assert explain(history([1, 1, 1], **shares), "relu")[0].startswith("In layer dense_0 63 % of the relu units are off for")


def test_where_nothing_saturates_the_largest_share_is_told() -> None:
    found = explain(history([1, 1], saturation__dense_0=[0, 0.01], saturation__dense_1=[0, 0.052]))
    assert found == ["At the last epoch no layer has more than 5.2 % of its units saturated (dense_1)."]


def test_a_vanishing_gradient_is_told_in_the_networks_order() -> None:
    norms = {f"gradient__dense_{number}": [10.0 ** (number - 10)] * 3 for number in (0, 10, 9)}
    found = explain(history([1, 1, 1], **norms))
    assert found == [
        "The gradient shrinks 10000000000 times on its way from the last layer to the first "
        "(median norms: 1 at dense_10, 1e-10 at dense_0)."
    ]


def test_a_layer_without_gradient_does_not_learn() -> None:
    assert explain(history([1, 1], gradient__dense_0=[0, 0], gradient__dense_1=[1, 1])) == [
        "The gradient of dense_0 is 0: it does not learn."
    ]


def test_steps_and_norms_are_told_where_they_are_out_of_the_ordinary() -> None:
    usual = explain(history([1, 1], update__dense_0=[1e-3, 1e-3], weights__dense_0=[10, 11]))
    found = explain(history([1, 1], update__dense_0=[1e-7, 1e-7], weights__dense_0=[10, 30]))
    assert usual == []
    assert found == [
        "Layer dense_0 hardly moves: each step changes its weights by 1e-07 of their norm (median over epochs).",
        "The norm of the weights of dense_0 went from 10 at epoch 1 to 30 at epoch 2.",
    ]


def test_without_probes_nothing_is_explained() -> None:
    assert explain(history([1, 1])) == []
    assert explain(history([1, 1], saturation__dense_5=[math.nan, math.nan])) == []
