"""A frontier of means, and what the intervals carry of it."""

from __future__ import annotations

import numpy as np
import pytest
from seedbed.studies.frontier import frontier

from seedbed.errors import StatisticsError
from studies.networks import net
from studies.samples import right

LADDER = ((25, 25), (50, 25), (100, 25), (200, 25), (400, 25))


def equal_nets(seed: int) -> list:
    """Five sizes that are all equally good: only chance tells them apart."""
    return [net(hidden, right(0.95, spread=0.01, seed=10 * seed + place)) for place, hidden in enumerate(LADDER)]


def test_of_equal_networks_the_means_make_steps_and_the_intervals_none():
    found = [frontier(equal_nets(seed)) for seed in range(20)]
    assert np.mean([len(one.on_means) for one in found]) > 1.5
    assert sum(len(one.steps) > 1 for one in found) <= 2
    assert all(one.steps[0].parameters == 20_535 for one in found)


def test_a_step_that_is_there_is_carried_and_what_chance_adds_is_not():
    cells = [net(LADDER[0], right(0.90, seed=1)), net(LADDER[1], right(0.95, seed=2)), net(LADDER[2], right(0.9505, seed=3))]
    found = frontier(cells)
    assert [cell.setting["hidden"] for cell in found.steps] == [(25, 25), (50, 25)]
    assert found.pairs == 3


def test_a_large_network_that_is_below_a_smaller_one_is_beaten_and_on_no_frontier():
    found = frontier([net(LADDER[0], right(0.95, seed=1)), net(LADDER[4], right(0.90, seed=2))])
    assert [cell.setting["hidden"] for cell in found.beaten] == [LADDER[4]]
    assert (
        [cell.setting["hidden"] for cell in found.on_means] == [cell.setting["hidden"] for cell in found.steps] == [LADDER[0]]
    )


def test_the_order_in_which_cells_come_does_not_matter():
    cells = equal_nets(3)
    assert [one.cell for one in frontier(cells).standings] == [one.cell for one in frontier(cells[::-1]).standings]


def test_one_seed_each_is_compared_on_the_images_alone():
    found = frontier([net(LADDER[0], right(0.80, seeds=1, seed=1)), net(LADDER[1], right(0.95, seeds=1, seed=2))])
    assert len(found.steps) == 2


def test_networks_without_a_run_in_their_mean_have_no_standing():
    broken = net(LADDER[1], right(0.9), verdicts=["collapsed"] * 5)
    assert [one.cell.setting["hidden"] for one in frontier([net(LADDER[0], right(0.9)), broken]).standings] == [LADDER[0]]
    with pytest.raises(StatisticsError, match="no frontier"):
        frontier([broken])
