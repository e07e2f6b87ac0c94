"""The order of the tests, and what a false claim costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seedbed.sizing.attempts import Attempt
from seedbed.sizing.claims import in_order, sequences
from seedbed.statistics import Interval
from sizing.samples import tried

FRONT = [tried(10, 0.94), tried(20, 0.95), tried(30, 0.96), tried(40, 0.97)]


def sizes(orders: Sequence[Sequence[Attempt]]) -> list[list[int]]:
    return [[one.parameters for one in order] for order in orders]


def test_tests_go_from_the_smallest_safe_size_down_and_the_second_chance_from_the_next_that_is_sure() -> None:
    assert sizes(sequences(FRONT, 0.955, 0.99)) == [[30, 20, 10], [40]]
    assert sizes(sequences(FRONT, 0.945, 0.99)) == [[20, 10], [40, 30]]
    assert sizes(sequences(FRONT, 0.93, 0.965)) == [[10], [40, 30, 20]]
    assert sizes(sequences(FRONT, 0.93, 0.955)) == [[10], [30, 20]]
    assert sizes(sequences(FRONT, 0.945, 0.945)) == [[20, 10], [30]]


def test_where_no_size_is_safe_the_largest_comes_first() -> None:
    assert sizes(sequences(FRONT, 0.99, 0.995)) == [[40, 30, 20, 10], []]


def lows(found: dict[int, float], trained: list[int]):
    """A test in which the interval of each size begins at the given value."""

    def test(chosen: Sequence[Attempt]) -> list[Attempt]:
        trained.extend(one.parameters for one in chosen)
        return [
            Attempt(one.candidate, "claim", "g", one.parameters, (1000,), Interval(1.0, found[one.parameters], 1.0, 5), 0, 1.0)
            for one in chosen
        ]

    return test


def test_testing_ends_with_the_first_failure_though_a_smaller_size_would_pass() -> None:
    trained: list[int] = []
    found = list(
        in_order(sequences(FRONT, 0.97, 0.99), 0.9, lows({40: 0.95, 30: 0.89, 20: 0.95, 10: 0.95}, trained), at_once=1)
    )
    assert [(claim.parameters, claim.holds(0.9)) for claim in found] == [(40, True), (30, False)]
    assert trained == [40, 30]


def test_what_was_trained_together_with_a_failure_and_behind_it_is_no_claim() -> None:
    trained: list[int] = []
    found = list(
        in_order(sequences(FRONT, 0.97, 0.99), 0.9, lows({40: 0.95, 30: 0.89, 20: 0.95, 10: 0.95}, trained), at_once=3)
    )
    assert [claim.parameters for claim in found] == [40, 30]
    assert trained == [40, 30, 20]


def test_larger_sizes_have_a_second_chance_only_if_the_very_first_fails() -> None:
    trained: list[int] = []
    found = list(
        in_order(sequences(FRONT, 0.945, 0.99), 0.9, lows({40: 0.95, 30: 0.95, 20: 0.8, 10: 0.95}, trained), at_once=1)
    )
    assert [claim.parameters for claim in found] == [20, 40, 30]
    trained.clear()
    list(in_order(sequences(FRONT, 0.945, 0.99), 0.9, lows({40: 0.95, 30: 0.95, 20: 0.95, 10: 0.8}, trained), at_once=1))
    assert trained == [20, 10]


def test_a_target_itself_is_not_above_the_target() -> None:
    [claim] = in_order([[FRONT[0]]], 0.9, lows({10: 0.9}, []), at_once=1)
    assert not claim.holds(0.9)


def test_a_false_claim_is_as_rare_as_one_interval_that_misses() -> None:
    """Twelve sizes, the six smaller ones exactly at the target: whoever takes the smallest that passes is wrong in a seventh of
    the cases if chance is each size's own; the order from large to small is wrong in one of forty."""
    chance, wrong, naive = np.random.default_rng(0), 0, 0
    front = [tried(size, 0.9 + 0.001 * size) for size in range(1, 13)]
    for _ in range(2000):
        noise = chance.standard_normal(12)
        low = {size: 0.9 + (noise[size - 1] - 1.96) * 0.01 + (0.1 if size > 6 else 0.0) for size in range(1, 13)}
        held = [claim.parameters for claim in in_order([front[::-1]], 0.9, lows(low, []), at_once=1) if claim.holds(0.9)]
        wrong += min(held) <= 6
        naive += any(low[size] > 0.9 for size in range(1, 7))
    assert naive / 2000 > 0.1
    assert wrong / 2000 < 0.04
