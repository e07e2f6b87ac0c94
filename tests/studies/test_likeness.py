"""Which smaller net a penalized one behaves like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from groups.samples import group, right
from seedbed.errors import StatisticsError
from seedbed.groups import Group
from seedbed.records import History
from seedbed.studies.likeness import likeness


def net(quality: float, *, noise: float = 0.0, seed: int = 0) -> Group:
    """Accuracy, gap and curves that go with `quality`; runs of different seeds differ by `noise`."""
    made = group(right(0.9), l2=abs(quality))
    random = np.random.default_rng(seed)
    for result in made.kept:
        level = quality + noise * random.standard_normal()
        columns: dict[str, Any] = {
            "validation_accuracy": np.full(6, 0.9 + 0.05 * level),
            "train_loss": np.exp(-level) * np.linspace(2, 1, 6),
            "validation_loss": np.exp(-level) * np.linspace(2, 1, 6) + 0.1 * level,
        }
        result.history.columns.update(History(columns).columns)
    return made


LADDER = [net(1.0), net(0.6), net(0.2)]


def test_the_nearest_net_is_found_and_in_how_many_seeds_it_is_the_nearest():
    (found,) = likeness([net(0.62)], LADDER)
    assert found.nearest is LADDER[1]
    assert (found.agreeing, found.agreement) == (5, "5 of 5 seeds")
    assert found.is_like


def test_what_lies_between_two_nets_is_not_decided():
    ladder = [net(level, noise=0.1, seed=place) for place, level in enumerate((1.0, 0.6, 0.2))]
    (found,) = likeness([net(0.8, noise=0.1, seed=9)], ladder)
    assert 0 < found.agreeing < found.seeds == 5
    assert sum(found.shares) == pytest.approx(1)
    assert found.shares[2] == 0


def test_what_is_far_from_all_is_like_none():
    (found,) = likeness([net(-3.0)], LADDER)
    assert not found.is_like


def test_broken_runs_are_passed_over_and_one_net_is_no_ladder():
    broken = group(right(0.9), verdicts=["diverged"] * 5)
    assert likeness([broken], LADDER) == []
    with pytest.raises(StatisticsError, match="Two references"):
        likeness([net(0.5)], [LADDER[0], broken])
