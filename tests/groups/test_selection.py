"""Choosing among groups: a frontier of means and what the differences show of it, and tests in a fixed order."""

from __future__ import annotations

import numpy as np
import pytest

from groups.samples import net, right
from seedbed.errors import StatisticsError
from seedbed.groups import Group, fixed_sequence, size_frontier

LADDER = ((25, 25), (50, 25), (100, 25), (200, 25), (400, 25))


def equal_nets(seed: int) -> list[Group]:
    """Five sizes that are all equally good: only chance tells them apart."""
    return [net(hidden, right(0.95, spread=0.01, seed=10 * seed + place)) for place, hidden in enumerate(LADDER)]


def hidden(groups: list[Group]) -> list[object]:
    return [each.setting["hidden"] for each in groups]


def test_of_equal_networks_the_means_make_steps_and_the_differences_none():
    found = [size_frontier(equal_nets(seed)) for seed in range(20)]
    assert np.mean([len(one.on_means) for one in found]) > 1.5
    assert sum(len(one.steps) > 1 for one in found) <= 2
    assert all(one.steps[0].parameters == 20_535 for one in found)


def test_a_step_that_is_there_is_shown_and_what_chance_adds_is_not():
    groups = [net(LADDER[0], right(0.90, seed=1)), net(LADDER[1], right(0.95, seed=2)), net(LADDER[2], right(0.9505, seed=3))]
    found = size_frontier(groups)
    assert hidden(found.steps) == [(25, 25), (50, 25)]
    assert found.pairs == 3


def test_a_large_network_that_is_below_a_smaller_one_is_beaten_and_on_no_frontier():
    found = size_frontier([net(LADDER[0], right(0.95, seed=1)), net(LADDER[4], right(0.90, seed=2))])
    assert hidden(found.beaten) == [LADDER[4]]
    assert hidden(found.on_means) == hidden(found.steps) == [LADDER[0]]


def test_the_order_in_which_groups_come_does_not_matter():
    groups = equal_nets(3)
    forward, backward = size_frontier(groups), size_frontier(groups[::-1])
    for name in ("groups", "on_means", "steps", "beaten"):
        assert getattr(forward, name) == getattr(backward, name)
    assert forward.groups == groups


def test_one_seed_each_is_compared_on_the_images_alone():
    found = size_frontier([net(LADDER[0], right(0.80, seeds=1, seed=1)), net(LADDER[1], right(0.95, seeds=1, seed=2))])
    assert len(found.steps) == 2


def test_networks_without_a_common_seed_make_no_step():
    found = size_frontier([net(LADDER[0], right(0.80, seeds=2)), net(LADDER[1], right(0.95, seeds=2), seeds=[7, 8])])
    assert len(found.on_means) == 2
    assert hidden(found.steps) == [LADDER[0]]


def test_networks_without_a_run_in_their_mean_have_no_standing():
    broken = net(LADDER[1], right(0.9), verdicts=["collapsed"] * 5)
    assert hidden(size_frontier([net(LADDER[0], right(0.9)), broken]).groups) == [LADDER[0]]
    with pytest.raises(StatisticsError, match="no frontier"):
        size_frontier([broken])


@pytest.mark.parametrize(
    ("holds", "made"),
    [([True, True, True], 3), ([True, False, True], 2), ([False, True, True], 1), ([], 0)],
)
def test_tests_in_a_fixed_order_end_at_the_first_that_fails(holds, made):
    asked = []

    def holding(place: int) -> bool:
        asked.append(place)
        return holds[place]

    assert list(fixed_sequence(range(len(holds)), holding)) == list(range(made))
    assert asked == list(range(made))  # what comes after the first failure is not even asked


def test_a_fixed_sequence_takes_no_item_before_the_last_one_was_tested():
    taken = []
    steps = fixed_sequence((taken.append(place) or place for place in range(5)), lambda place: place < 1)
    assert next(steps) == 0
    assert taken == [0]
    assert list(steps) == [1]
    assert taken == [0, 1]
