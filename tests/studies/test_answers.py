"""What a study announces before anything is trained, and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from groups.samples import run
from seedbed.studies.answers import Cost
from studies.samples import SMALL


def test_a_study_announces_five_contrasts_at_most_and_each_once():
    assert replace(SMALL, contrasts=tuple("abcde")).contrasts == ("a", "b", "c", "d", "e")
    for names in ("abcdef", "aa"):
        with pytest.raises(ValueError, match="at most 5 different contrasts"):
            replace(SMALL, contrasts=tuple(names))


def test_a_run_that_is_there_twice_costs_once():
    one, other = run(0, 0.9), run(1, 0.9)
    cost = Cost.of([one, other, one], measuring=4.0)
    assert (cost.runs, cost.measuring) == (2, 4.0)
    assert cost.seconds == one.seconds.total + other.seconds.total
