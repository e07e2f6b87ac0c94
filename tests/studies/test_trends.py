"""Gains per doubling of either layer."""

from __future__ import annotations

import numpy as np
import pytest

from groups.samples import net, right
from seedbed.errors import StatisticsError
from seedbed.studies.trends import doublings, slopes, weighted

FIRST, SECOND = (25, 50, 100), (25, 50)
BY_FIRST, BY_SECOND = 0.03, 0.01


def grid(seed: int = 0, *, first: float = BY_FIRST, second: float = BY_SECOND, images: int = 4000) -> list:
    """Nets whose accuracy rises by so much a doubling."""
    return [
        net((a, b), right(0.85 + first * i + second * j, images=images, seed=100 * seed + 10 * i + j))
        for i, a in enumerate(FIRST)
        for j, b in enumerate(SECOND)
    ]


def test_slopes_are_those_of_least_squares_on_the_means():
    cells = grid()
    table = np.array([[1, np.log2(a), np.log2(b)] for a, b in (cell.setting["hidden"] for cell in cells)])
    expected = np.linalg.lstsq(table, [cell.accuracy.mean for cell in cells], rcond=None)[0]
    found = slopes(cells)
    assert (found.first.mean, found.second.mean) == pytest.approx(expected[1:])
    assert found.difference.mean == pytest.approx(expected[1] - expected[2])


def test_intervals_hold_the_true_gains_and_tell_the_layers_apart():
    found = slopes(grid())
    assert found.first.low < BY_FIRST < found.first.high
    assert found.second.low < BY_SECOND < found.second.high
    assert found.difference.low > 0


def test_a_layer_without_effect_is_seldom_given_one():
    hits = sum(slopes(grid(seed, second=0.0, images=500)).second.excludes(0.0) for seed in range(60))
    assert hits <= 8


def test_doublings_give_gain_and_added_parameters_step_by_step():
    steps = doublings(grid())
    assert [(step.layer, step.narrow, step.wide) for step in steps] == [(1, 25, 50), (1, 50, 100), (2, 25, 50)]
    cells = {cell.setting["hidden"]: cell for cell in grid()}
    gains = [cells[50, b].accuracy.mean - cells[25, b].accuracy.mean for b in SECOND]
    assert steps[0].gain.mean == pytest.approx(np.mean(gains))
    assert steps[0].parameters == np.mean([cells[50, b].parameters - cells[25, b].parameters for b in SECOND])


def test_a_seed_that_one_network_lost_is_left_out_of_all():
    a = net((25, 25), right(0.9, seed=1), verdicts=["good_fit", "good_fit", "collapsed", "good_fit", "good_fit"])
    b = net((50, 25), right(0.95, seed=2))
    kept = [0, 1, 3, 4]
    expected = np.mean([b.correct[seed].mean() - a.correct[seed].mean() for seed in kept])
    assert weighted([a, b], [-1, 1]).mean == pytest.approx(expected)
    assert weighted([a, b], [-1, 1]).n == 4


def test_what_cannot_be_said_is_refused():
    with pytest.raises(StatisticsError, match="two widths"):
        slopes([net((25, b), right(0.9)) for b in SECOND])
    with pytest.raises(StatisticsError, match="no seed in common"):
        weighted([net((25, 25), right(0.9)), net((50, 25), right(0.9), seeds=[7, 8, 9, 10, 11])], [-1, 1])
