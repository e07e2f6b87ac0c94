"""Numbers that can be read off runs, and their means over a group."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from groups.samples import group, right
from seedbed.groups import ACCURACY, LAST_ACCURACY, Measure, at_last
from seedbed.records import History
from seedbed.statistics import interval_of


def test_accuracy_is_that_of_the_best_epoch_and_a_column_that_of_the_last():
    made = group(right(0.9)).kept[0]
    accuracies = np.array([0.5, 0.9, 0.8, 0.7, 0.6, 0.55])
    result = replace(made, history=History({**made.history.columns, "validation_accuracy": accuracies}))
    assert ACCURACY.of(result) == 0.8, "0.5, 0.9 and 0.8 have the highest mean"
    best = replace(result, run=result.run.changed(plan=result.run.plan.changed(select="accuracy")))
    assert ACCURACY.of(best) == 0.9
    assert LAST_ACCURACY.of(result) == 0.55
    assert at_last("loss", "train_loss").of(result) == result.history["train_loss"][-1] > 0


def test_a_run_without_a_value_is_excluded_from_its_measures_mean():
    reached = Measure("epochs to 95 %", lambda result: float(result.run.seed) if result.run.seed else math.nan)
    found = group(right(0.95)).measured(reached)
    assert found is not None
    assert (found.n, found.mean) == (4, 2.5)
    assert group(right(0.95)).measured(Measure("never", lambda _: math.nan)) is None


def test_one_value_has_a_mean_and_an_interval_that_is_not_known():
    alone = interval_of([3.0])
    assert alone is not None
    assert alone.mean == 3.0
    assert math.isnan(alone.low)


def test_an_accuracy_is_measured_over_seeds_and_images_and_another_measure_over_the_seeds():
    made = group(right(0.95, spread=0.01), last=right(0.94, spread=0.01))
    assert made.measured(ACCURACY) == made.accuracy
    assert made.measured(LAST_ACCURACY) == made.last
    over_seeds = made.measured(Measure("the same number", ACCURACY.of))
    assert over_seeds is not None
    assert made.accuracy is not None
    assert over_seeds.mean == pytest.approx(made.accuracy.mean)
    assert over_seeds.high - over_seeds.low != pytest.approx(made.accuracy.high - made.accuracy.low)
