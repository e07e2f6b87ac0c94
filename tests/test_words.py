"""Numbers, counts, times and settings in words."""

from __future__ import annotations

import doctest

import pytest

from seedbed import words


def test_the_examples_of_the_docstrings_hold() -> None:
    found = doctest.testmod(words)
    assert (found.failed, found.attempted > 5) == (0, True)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 ms"),
        (0.04, "40 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.1 s"),
        (0.99, "1.0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3_599.6, "1 h"),
        (90_000, "25 h"),
    ],
)
def test_a_time_moves_to_the_next_unit_where_it_rounds_to_it(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(1e-3, "0.001"), (9.99e-4, "9.99e-4"), (0.1 + 0.2, "0.30000000000000004"), (1e6, "1e6")]
)
def test_a_setting_keeps_all_of_its_digits(number: float, text: str) -> None:
    assert words.value(number) == text
