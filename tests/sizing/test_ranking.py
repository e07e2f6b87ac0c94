"""The arithmetic between the steps of a search."""

from __future__ import annotations

import pytest

from seedbed.sizing import ranking
from seedbed.statistics import wilson
from sizing.samples import tried


def test_on_the_front_is_what_no_smaller_one_equals() -> None:
    front = ranking.best_by_size([tried(30, 0.95), tried(10, 0.90), tried(20, 0.90), tried(40, 0.94), tried(5, None)])
    assert [one.parameters for one in front] == [10, 30]


def test_of_each_kind_the_best_comes_first_and_what_failed_not_at_all() -> None:
    found = ranking.best_of_each(
        [tried(10, 0.9, l2=0.1), tried(11, 0.9), tried(20, 0.95), tried(21, None)], lambda one: one.parameters // 10
    )
    assert [one.parameters for one in found] == [20, 10]


@pytest.mark.parametrize(
    ("error", "size"),
    [(0.1, 1000), (0.05, 2000), (0.0707, 1414), (0.025, 4000), (0.2, 1000), (0.02, None)],
)
def test_the_crossing_is_read_off_the_straight_lines_between_the_logarithms(error: float, size: float | None) -> None:
    found = ranking.crossing([(1000, 0.1), (2000, 0.05), (4000, 0.025)], error)
    assert found == (pytest.approx(size, rel=1e-2) if size else None)


def test_where_nothing_was_measured_nothing_is_crossed() -> None:
    assert ranking.crossing([], 0.1) is None


def test_the_slope_is_that_of_a_power_law_and_stays_within_what_is_believed() -> None:
    assert ranking.slope([(size, 3 * size**-0.7) for size in (100, 200, 400, 800)]) == pytest.approx(-0.7)
    assert ranking.slope([(100, 0.1), (101, 0.01)]) == ranking.SLOPES[0]
    assert ranking.slope([(100, 0.1)]) == pytest.approx(-0.85)


def test_moving_along_a_power_law_ends_where_it_says() -> None:
    assert ranking.moved(1000, 3 * 1000**-0.7, 3 * 2500**-0.7, -0.7) == pytest.approx(2500)


@pytest.mark.parametrize("target", [0.1, 0.9, 0.95, 0.99, 0.9999])
@pytest.mark.parametrize("images", [270, 10_000])
def test_what_is_needed_lies_above_the_target_by_the_intervals_reach(target: float, images: int) -> None:
    needed = ranking.needed(target, images)
    assert target < needed < 1
    if needed < (1 + target) / 2 - 1e-9:
        effective = ranking.SEEDS_SHARE * images
        assert wilson(needed * effective, effective).low == pytest.approx(target, abs=1e-4)


def test_perfection_is_measured_to_half_a_mistake() -> None:
    assert ranking.points([tried(10, 1.0)], 500) == [(10, 0.001)]
