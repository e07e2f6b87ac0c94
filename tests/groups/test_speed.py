"""Speed of learning: times to an accuracy, runs that never arrive, and ratios that do not claim what is not known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from figures.samples import result
from seedbed.groups import Group
from seedbed.groups.speed import LEVELS, SpeedRatio, TimesToLevel, common_level, levels, speed_ratios
from seedbed.records import History
from seedbed.statistics import mean_over_ranges

EPOCHS = 40


def arriving(name: str, epochs: Sequence[int | None], level: float = 0.95) -> Group:
    """A group whose runs have this accuracy from these epochs on, or never; 10 minibatches an epoch."""
    results = []
    for seed, epoch in enumerate(epochs):
        accuracy = np.full(EPOCHS, 0.5)
        accuracy[(epoch or EPOCHS + 1) - 1 :] = level
        made = result(seed, name=name)
        columns = {**{key: np.full(EPOCHS, 0.5) for key in made.history.columns}, "validation_accuracy": accuracy}
        columns["seconds"] = np.full(EPOCHS, 0.25)
        results.append(replace(made, history=History(columns), data=replace(made.data, train=1280)))
    return Group(name, results)


def ratio(a: Group, b: Group) -> SpeedRatio:
    [found] = speed_ratios([(a, b)])
    assert found is not None
    return found


def test_times_are_medians_in_steps_epochs_and_seconds():
    times = TimesToLevel.of(arriving("a", [8, 9, 12]), 0.95)
    assert [times.median(unit) for unit in ("steps", "epochs", "seconds")] == [90, 9, 2.25]
    assert (times.text, times.never, times.reached()) == ("90", 0, [80, 90, 120])
    assert times.summary == "90 steps, 9 epochs, 2 s"


def test_a_run_that_never_arrives_counts_as_later_than_all_others():
    times = TimesToLevel.of(arriving("a", [8, None, 12]), 0.95)
    assert (times.text, times.never, times.total) == ("120 (1 of 3 never)", 1, 3)
    lost = TimesToLevel.of(arriving("a", [8, None, None]), 0.95)
    assert (lost.median(), lost.text, lost.interval) == (None, "- (2 of 3 never)", None)
    assert lost.as_json()["reached"] == [80]


def test_a_group_that_is_four_times_slower_is_called_slower():
    fast, slow = arriving("relu", [8, 9, 9, 10, 9]), arriving("sigmoid", [36, 38, 35, 40, 37])
    for found in (ratio(fast, slow), ratio(slow, fast)):
        assert found.shown
        assert found.sentence.startswith(
            "sigmoid learns more slowly than relu: it needs 4.1 times as many minibatches to reach 95 %"
        )
    [low, high] = ratio(slow, fast).ratio.pair()
    assert low < 35 / 9 < 37 / 9 < 38 / 8 < high


def test_equal_speeds_are_not_called_one_time_as_many():
    alike = ratio(arriving("a", [8, 30, 12, 25, 9]), arriving("b", [9, 25, 12, 30, 8]))
    assert ": a needs about as many minibatches to reach 95 %" in alike.sentence
    part = ratio(arriving("a", [8, 30, None, 25, 9]), arriving("b", [9, 25, 40, 30, 8]))
    assert ": a needs at least as many minibatches to reach 90 %" in part.sentence


def test_one_epoch_apart_may_be_the_grid_of_epochs():
    """Epoch 1 and epoch 2 in every seed: the times may differ by a moment."""
    assert not ratio(arriving("a", [2, 2, 2, 2, 2]), arriving("b", [3, 3, 3, 3, 3])).shown
    assert speed_ratios([(arriving("a", [1, 1, 1]), arriving("b", [1, 1, 1]))]) == [None]


def test_runs_that_never_arrive_give_a_least_ratio_and_are_counted():
    found = ratio(arriving("slow", [None, 36, 38, None, 37]), arriving("fast", [5, 6, 5, 5, 6]))
    assert math.isinf(found.ratio.high)
    assert found.shown
    assert "it needs at least 7" in found.sentence
    assert found.sentence.endswith("or more). Never there: 2 of 5 runs of slow.")
    assert found.as_json()["interval"][1] is None
    assert found.as_json()["never"] == [2, 0]


def test_the_highest_level_that_all_reach_is_compared():
    a, b = arriving("a", [4, 5, 6], level=0.98), arriving("b", [9, 9, 9], level=0.93)
    assert ratio(a, b).level == 0.90
    assert common_level([a, b]) == 0.90
    assert levels([a, b]) == LEVELS
    assert levels([b]) == (0.90,)


def test_where_no_level_is_reached_shares_of_the_best_accuracy_take_their_place():
    assert levels([arriving("a", [4], level=0.6)]) == (0.54, 0.57, 0.594)


def test_equal_groups_are_seldom_called_different():
    random, shown = np.random.default_rng(0), 0
    for _ in range(150):
        common = random.normal(1.5, 0.3, size=5)
        epochs = [np.ceil(np.exp(common + 0.3 * random.standard_normal(5))).astype(int).tolist() for _ in range(2)]
        found = speed_ratios([(arriving("a", epochs[0]), arriving("b", epochs[1]))])[0]
        shown += bool(found and found.shown)
    assert shown <= 9


def test_holm_goes_over_all_pairs():
    a, b = arriving("a", [8, 9, 9, 10, 9]), arriving("b", [16, 18, 17, 18, 19])
    for found in speed_ratios([(a, b)] * 3):
        assert found is not None
        assert found.corrected_p == pytest.approx(3 * found.p)


def test_a_mean_of_ranges_holds_wherever_the_values_lie():
    (low, high), p = mean_over_ranges([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])
    assert low < 1.0 < 2.0 < high
    assert p > 0.05
    assert mean_over_ranges([-math.inf, 1.0], [1.0, 2.0])[0][0] == -math.inf
