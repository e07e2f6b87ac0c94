"""Balanced accuracy and macro F1: values, intervals and differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from bench.inference.classes import WORLDS, ClassWorld
from sklearn.metrics import balanced_accuracy_score, f1_score

from seedbed.errors import StatisticsError
from seedbed.specs import Metric
from seedbed.statistics import (
    MetricTable,
    accuracy_difference,
    accuracy_interval,
    metric_difference,
    metric_value,
    wilson,
)

METRICS: tuple[Metric, ...] = ("accuracy", "balanced", "f1")
UNEVEN = ClassWorld("uneven", (120, 30, 6), (0.9, 0.8, 0.6))


def answers(seeds: int, seed: int = 0, world: ClassWorld = UNEVEN) -> Any:
    random = np.random.default_rng(seed)
    return world.answers(random, seeds, world.difficulty(random))


def of_scikit_learn(metric: Metric, labels: Any, predicted: Any) -> float:
    if metric == "f1":
        return float(f1_score(labels, predicted, average="macro", zero_division=0))
    return float(balanced_accuracy_score(labels, predicted) if metric == "balanced" else np.mean(labels == predicted))


def value(metric: Metric, labels: Any, predicted: Any, classes: int = 3) -> float:
    hits, called, there = (np.bincount(each, minlength=classes) for each in (labels[labels == predicted], predicted, labels))
    return float(metric_value(metric, hits, called, there))


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_those_of_scikit_learn_and_of_the_rows_means(metric: Metric) -> None:
    predicted = answers(4)
    table = MetricTable.of(metric, UNEVEN.labels, predicted, 3)
    expected = [of_scikit_learn(metric, UNEVEN.labels, row) for row in predicted]
    np.testing.assert_allclose([value(metric, UNEVEN.labels, row) for row in predicted], expected)
    np.testing.assert_allclose(table.values.mean(axis=1), expected)
    assert table.interval().mean == pytest.approx(np.mean(expected))


def test_classes_without_images_do_not_count() -> None:
    labels, predicted = np.array([0, 0, 2, 2]), np.array([0, 2, 2, 2])
    for metric in METRICS:
        assert value(metric, labels, predicted) == pytest.approx(of_scikit_learn(metric, labels, predicted))


@pytest.mark.parametrize("metric", ["balanced", "f1"])
def test_an_images_value_says_how_the_metric_moves_when_it_counts_more(metric: Metric) -> None:
    labels, predicted = UNEVEN.labels, answers(1)[0]
    influence = MetricTable.of(metric, labels, predicted, 3).values[0] - value(metric, labels, predicted)
    for image in (0, 60, 119, 130, 149, 150, 155):
        more = [np.append(each, np.repeat(each[image], 1)) for each in (labels, predicted)]
        moved = value(metric, *more) - value(metric, labels, predicted)
        assert moved == pytest.approx(influence[image] / len(labels), abs=0.15 * abs(influence[image]) / len(labels) + 1e-5)


@pytest.mark.parametrize("metric", ["balanced", "f1"])
def test_one_image_that_becomes_wrong_moves_the_metric_by_its_class_effect(metric: Metric) -> None:
    labels, predicted = UNEVEN.labels, answers(1)[0]
    effects = MetricTable.of(metric, labels, predicted, 3).effects
    for label in range(3):
        image = int(np.flatnonzero((labels == label) & (predicted == label))[0])
        lost = []
        for other in {0, 1, 2} - {label}:
            changed = predicted.copy()
            changed[image] = other
            lost.append(value(metric, labels, predicted) - value(metric, labels, changed))
        assert max(lost) == pytest.approx(effects[label], rel=0.15 if metric == "f1" else 1e-9)


def test_the_accuracy_is_as_everywhere_else() -> None:
    one, other = (MetricTable.of("accuracy", UNEVEN.labels, answers(3, seed), 3) for seed in (0, 1))
    assert one.interval() == accuracy_interval(one.values)
    assert metric_difference(one, other).mean == accuracy_difference(one.values, other.values).mean


def test_a_tiny_class_that_is_all_right_keeps_the_interval_wide() -> None:
    labels = np.repeat([0, 1], [300, 3])
    low = MetricTable.of("balanced", labels, labels, 2).interval().low
    of_parts = [1 - wilson(n, n).low for n in (300, 3)]  # Zou, Huang, Zhang 2009: of each class by itself
    assert 0 <= (1 - math.hypot(*of_parts) / 2) - low < 0.15
    assert MetricTable.of("balanced", np.repeat([0, 1], 150), np.repeat([0, 1], 150), 2).interval().low > 0.97


def test_no_difference_is_shown_that_rests_on_three_images() -> None:
    labels = np.repeat([0, 1], [300, 3])
    wrong = labels.copy()
    wrong[-3:-1] = 0
    same, other = (MetricTable.of("balanced", labels, np.tile(each, (5, 1)), 2) for each in (labels, wrong))
    difference = metric_difference(same, other).interval()
    assert difference.mean == pytest.approx(1 / 3)
    assert not difference.excludes()
    assert not metric_difference(same, same).interval().excludes()


@pytest.mark.parametrize("metric", ["balanced", "f1"])
def test_intervals_cover_the_truth_and_equal_settings_are_not_told_apart(metric: Metric) -> None:
    random, world = np.random.default_rng(0), WORLDS[1]
    covered, shown = [], []
    for _ in range(150):
        difficulty = world.difficulty(random)
        a, b = (MetricTable.of(metric, world.labels, world.answers(random, 3, difficulty), 2) for _ in range(2))
        interval = a.interval()
        covered.append(interval.low <= world.truth(metric) <= interval.high)
        shown.append(metric_difference(a, b).interval().excludes())
    assert np.mean(covered) >= 0.92
    assert np.mean(shown) <= 0.08


@pytest.mark.parametrize("metric", METRICS)
def test_networks_of_folds_are_counted_together(metric: Metric) -> None:
    predicted = answers(2).astype(float)
    fold = np.arange(len(UNEVEN.labels)) % 2
    predicted[0, fold == 1] = predicted[1, fold == 0] = np.nan
    table = MetricTable.of(metric, UNEVEN.labels, predicted, 3, folds=2)
    together = np.where(fold == 0, predicted[0], predicted[1]).astype(int)
    assert table.interval().mean == pytest.approx(of_scikit_learn(metric, UNEVEN.labels, together))
    assert np.isnan(table.values).sum() == len(fold)


def test_what_cannot_be_compared_is_refused() -> None:
    one = MetricTable.of("balanced", UNEVEN.labels, answers(3), 3)
    for other in (MetricTable.of("f1", UNEVEN.labels, answers(3), 3), MetricTable.of("balanced", UNEVEN.labels, answers(2), 3)):
        with pytest.raises(StatisticsError, match="same metric"):
            metric_difference(one, other)
    with pytest.raises(StatisticsError, match="prediction"):
        MetricTable.of("f1", [0, 1], [[0.0, np.nan]], 2)
