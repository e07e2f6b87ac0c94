"""Verdicts on real curves that a person judged, and on made curves at the edges of each rule."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import ArrayLike

from seedbed.diagnosis import LastPredictions, diagnose
from seedbed.diagnosis.verdicts import RULES
from seedbed.records import METRICS, DataFacts, History, Verdict, VerdictKind
from seedbed.specs import Dense, Plan, RunSpec

from .curves import JudgedCurve, judged_curves

CURVES = judged_curves()
DISPUTED = {"mnist_5000_4units": "still_improving", "mnist_32_l2": "good_fit"}
"""Curves on which rule and eye differ: the first gains 1.2 points in 20 epochs, the second's last five epochs are too noisy."""

EPOCHS = np.arange(1, 21)
DIGITS = tuple("0123456789")
EVEN = np.full(10, 27)


def history(
    loss: ArrayLike, train_loss: ArrayLike | None = None, accuracy: ArrayLike = 0.96, train: ArrayLike = 0.965
) -> History:
    validation = np.asarray(loss, dtype=np.float64)
    columns = (0.9 * validation if train_loss is None else train_loss, 0.0, train, validation, accuracy)
    return History({name: np.broadcast_to(column, len(validation)) for name, column in zip(METRICS, columns, strict=True)})


def verdict(
    curve: History,
    predicted: ArrayLike = EVEN,
    labels: ArrayLike = EVEN,
    *,
    error: float = 0.02,
    pruned: bool = False,
    **plan: Any,
) -> Verdict:
    run = RunSpec(model=Dense(hidden=(200, 100)), plan=Plan(**{"epochs": curve.epochs, **plan}))
    images = int(np.sum(labels))
    data = DataFacts(5 * images, images, images, DIGITS[: len(np.asarray(labels))], (8, 8, 1))
    return diagnose(curve, run, data, LastPredictions(np.asarray(labels), np.asarray(predicted), error), pruned=pruned)


def only(label: int, images: int = 270, classes: int = 10) -> Any:
    counts = np.zeros(classes, dtype=np.int64)
    counts[label] = images
    return counts


def noisy(curve: ArrayLike, sd: float = 0.002, seed: int = 0) -> Any:
    return np.asarray(curve) + sd * np.random.default_rng(seed).normal(size=np.shape(curve))


FLAT = noisy(np.full(20, 0.1))
FALLING = noisy(0.1 + np.exp(-EPOCHS / 10))


@pytest.mark.parametrize("curve", CURVES, ids=[curve.name for curve in CURVES])
def test_the_rules_judge_a_real_curve_as_a_person_did(curve: JudgedCurve) -> None:
    given = diagnose(curve.history, curve.run, curve.data, curve.last)
    assert given.kind == DISPUTED.get(curve.name, curve.judged), f"{curve.seen}; {given}"


def test_the_judged_curves_have_every_kind() -> None:
    assert {curve.judged for curve in CURVES} == set(get_args(VerdictKind))
    assert len(CURVES) >= 40


def test_every_kind_but_the_last_has_a_rule_in_its_order() -> None:
    assert [*RULES, "good_fit"] == list(get_args(VerdictKind))


@pytest.mark.parametrize("epochs", range(1, 21))
def test_divergence_at_any_epoch_goes_first(epochs: int) -> None:
    given = verdict(history([*FALLING[: epochs - 1], math.nan]), only(7))
    assert given.kind == "diverged"
    assert f"not finite at epoch {epochs}" in given.evidence


def test_an_infinite_penalty_is_divergence_too() -> None:
    curve = History({**history(FLAT).columns, "train_penalty": np.where(EPOCHS == 20, math.inf, 0.0)})
    assert verdict(curve).kind == "diverged"


def test_one_answer_for_all_images_is_collapse_and_its_name_is_given() -> None:
    given = verdict(history(np.full(20, 2.303), accuracy=0.1, train=0.1), only(7) - only(7, 2) + only(1, 2))
    assert given.kind == "collapsed"
    assert given.evidence == "It answers '7' for 99.3 % of the validation images, and 90.0 % of them are of other classes."


def test_a_perfect_network_on_a_class_under_one_per_cent_has_not_collapsed() -> None:
    labels = [298, 2]
    given = verdict(history(0.002 + FALLING / 100, accuracy=1.0, train=1.0), labels, labels)
    assert given.kind == "good_fit"


def test_a_network_that_never_answers_a_class_under_one_per_cent_is_no_better_than_guessing() -> None:
    given = verdict(history(FLAT, accuracy=298 / 300, train=298 / 300), [300, 0], [298, 2])
    assert given.kind == "no_better_than_guessing"
    assert "Always answering the largest class gives 99.3 %" in given.evidence


def test_one_answer_while_the_loss_falls_is_no_collapse_yet() -> None:
    assert verdict(history(2.3 - 0.05 * EPOCHS, accuracy=0.1, train=0.1), only(7)).kind == "still_improving"
    assert verdict(history([2.31, 2.30], accuracy=0.1, train=0.1), only(7)).kind == "too_short"
    assert verdict(history([2.31, 80.0], accuracy=0.1, train=0.1), only(7)).kind == "collapsed"


def test_a_run_that_fell_back_to_guessing_has_collapsed() -> None:
    accuracy = np.where(EPOCHS < 5, 0.9, 0.1)
    given = verdict(history(np.where(EPOCHS < 5, 0.3, 2.3), accuracy=accuracy, train=accuracy))
    assert given.kind == "collapsed"
    assert "fell from 90.0 % at epoch 1 to 10.0 % at the end" in given.evidence


@pytest.mark.parametrize("epochs", [1, 2, 4])
def test_a_short_run_is_not_judged(epochs: int) -> None:
    assert verdict(history(FALLING[:epochs])).kind == "too_short"


def test_a_run_that_a_search_stopped_is_too_short_whatever_its_length() -> None:
    given = verdict(history(FALLING), pruned=True, epochs=80)
    assert (given.kind, given.advice) == ("too_short", "Try --epochs 80.")


def test_a_falling_loss_is_still_improving_with_its_slope_and_the_epochs_to_try() -> None:
    given = verdict(history(FALLING))
    assert given.kind == "still_improving"
    assert given.evidence.startswith("The validation loss was still falling in the last 7 epochs: -0.018 per epoch")
    assert given.advice == "Try --epochs 50 --resume."


def test_no_run_that_has_all_its_training_images_right_is_still_improving() -> None:
    assert verdict(history(FALLING, train=1.0)).kind != "still_improving"
    assert verdict(history(FALLING, train=0.997)).kind != "still_improving"


def test_a_fall_that_is_sure_but_tiny_is_not_worth_continuing() -> None:
    assert verdict(history(0.1 - 1e-6 * EPOCHS + np.where(EPOCHS == 1, 1.0, 0.0))).kind == "good_fit"


def test_a_fall_that_never_slows_is_worth_continuing_however_small() -> None:
    given = verdict(history(2.4 - 0.001 * EPOCHS, accuracy=0.1, train=0.1), learning_rate=1e-6)
    assert (given.kind, "--lr 0.001" in given.advice) == ("still_improving", True)


def test_patience_that_stops_a_falling_loss_was_too_short_and_otherwise_right() -> None:
    rising_at_the_end = np.where(EPOCHS > 14, FALLING[13] + 0.001 * EPOCHS, FALLING)
    assert verdict(history(FALLING), epochs=100, patience=5).kind == "still_improving"
    assert verdict(history(rising_at_the_end), epochs=100, patience=5).kind == "good_fit"


def test_overfitting_is_shown_with_both_amounts() -> None:
    train = 0.02 + 0.3 * np.exp(-(EPOCHS - 1) / 5)
    given = verdict(history(noisy(0.1 + np.exp(-EPOCHS) + 0.003 * np.maximum(0, EPOCHS - 6)), train))
    assert given.kind == "overfitting"
    assert given.evidence == (
        "The validation loss rose by 33 % since its minimum: from 0.105 around epoch 6 to 0.14 over the last 3 epochs, "
        "while the training loss fell from 0.13 to 0.0267."
    )
    assert given.advice.startswith("Try to stop earlier, --epochs 6 or --patience 5, or --l2 1e-4")


def test_a_validation_loss_that_rises_with_the_training_loss_is_not_overfitting() -> None:
    assert verdict(history(0.1 + np.exp(-EPOCHS) + 0.003 * np.maximum(0, EPOCHS - 6))).kind != "overfitting"


def test_a_gap_beyond_chance_is_given_with_its_intervals() -> None:
    given = verdict(history(FLAT, 0.014, accuracy=0.96, train=1.0))
    assert given.kind == "fits_training_better"
    assert "a gap of 4.0 points (95 % interval 1.7 to 7.1)" in given.evidence
    assert "The loss is 0.014 and 0.099, the gap's 95 % interval 0.043 to 0.13" in given.evidence


def test_a_gap_within_chance_is_a_good_fit() -> None:
    assert verdict(history(FLAT, 0.06, accuracy=0.97, train=0.985)).kind == "good_fit"


def test_underfitting_names_the_classes_that_are_never_predicted() -> None:
    predicted = EVEN.copy()
    predicted[[3, 8]], predicted[0] = 0, 81
    given = verdict(history(np.full(20, 0.6), accuracy=0.75, train=0.77), predicted)
    assert (given.kind, "It never answers '3' and '8'." in given.evidence) == ("underfits", True)


def test_without_predictions_the_history_alone_is_judged() -> None:
    curve, data = history(FLAT, 0.014, accuracy=0.96, train=1.0), DataFacts(1350, 270, 270, DIGITS, (8, 8, 1))
    assert diagnose(curve, RunSpec(plan=Plan(epochs=20)), data).kind == "fits_training_better"


def test_noise_alone_rarely_changes_a_verdict() -> None:
    kinds = Counter(verdict(history(noisy(np.full(20, 0.1), 0.01, seed), 0.09)).kind for seed in range(400))
    assert kinds["overfitting"] <= 8
    assert kinds["still_improving"] <= 16
