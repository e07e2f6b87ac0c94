"""Which setting mattered: told from trials of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from searches.samples import space
from seedbed.searches import importance
from seedbed.searches.importance import LEAST_TRIALS, importances
from seedbed.searches.sampling import propose


def test_what_decides_the_accuracy_comes_first_and_nothing_else_is_far_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "RESAMPLES", 8)
    where = space()
    points = list(propose(where, [], 60, seed=1, sampler="random", directions=["maximize"]))
    values = [-abs(point["rate"] - 0.3) for point in points]
    found = importances(points, values, where.dimensions())
    assert found[0].dimension == "rate"
    assert found[0].low > 0.5
    assert all(one.low <= one.share <= one.high for one in found)
    assert sum(one.share for one in found[1:]) < 0.3
    assert found == importances(points, values, where.dimensions()), "the same trials, the same shares"


def test_few_or_equal_trials_say_nothing() -> None:
    where = space()
    points = list(propose(where, [], LEAST_TRIALS, seed=1, sampler="random", directions=["maximize"]))
    assert importances(points[:-1], list(np.arange(LEAST_TRIALS - 1.0)), where.dimensions()) == []
    assert importances(points, [0.5] * LEAST_TRIALS, where.dimensions()) == []
