"""Sweeps whose best value lies at their end."""

from __future__ import annotations

import math

import pytest

from groups.samples import group, right
from seedbed.specs import RunSpec
from seedbed.studies.context import requests
from seedbed.studies.edges import beyond, swept
from studies.samples import driven


@pytest.mark.parametrize(
    ("values", "at", "ends", "found"),
    [
        ([0, 1e-3, 1e-2, 1e-1], 1e-1, {}, 1.0),
        ([0, 1e-3, 1e-2, 1e-1], 1e-1, {"most": 0.5}, None),
        ([0, 1e-3, 1e-2], 1e-3, {}, None),
        ([0, 1e-3, 1e-2], 0, {}, None),
        ([25, 50, 100], 25, {"least": 10}, 12.5),
        ([25, 50, 100], 50, {}, None),
        ([8], 8, {}, None),
    ],
)
def test_a_sweep_goes_on_beyond_the_end_where_its_best_lies_at_its_own_pace(values, at, ends, found):
    assert beyond(values, at, **ends) == found


class Peaked:
    """A study whose groups are there already: accuracy falls with the distance of log10(l2) from `peak`."""

    def __init__(self, peak: float) -> None:
        self.peak, self.asked = peak, []

    def train(self, requests):
        self.asked += [one.setting["l2"] for one in requests]
        return (yield requests)

    def groups(self, requests):
        strengths = [one.setting["l2"] for one in requests]
        return [group(right(0.95 - 0.02 * abs(math.log10(l2) - self.peak)), l2=l2) for l2 in strengths]


LARGEST = "The best l2, 0.1, was the largest that was tried, so 1 was tried too"
SMALLEST = "The best l2, 0.001, was the smallest that was tried, so 1e-4 was tried too"


@pytest.mark.parametrize(
    ("peak", "tried", "said"),
    [
        (-2, [1e-3, 1e-2, 1e-1], []),
        (-1, [1e-3, 1e-2, 1e-1, 1.0], [f"{LARGEST}; it is not better."]),
        (2, [1e-3, 1e-2, 1e-1, 1.0], [f"{LARGEST}; it is better still, so the best may lie beyond."]),
        (-4, [1e-3, 1e-2, 1e-1, 1e-4], [f"{SMALLEST}; it is better still, so the best may lie beyond."]),
    ],
)
def test_a_best_value_at_the_end_extends_the_sweep_once_and_says_so(peak, tried, said):
    study = Peaked(peak)
    base = RunSpec()

    def make(l2):
        return requests(base, [{"l2": l2}])[0]

    _, found = driven(swept(study, "l2", [make(l2) for l2 in (1e-3, 1e-2, 1e-1)], make), study.groups)
    assert study.asked == tried
    assert found.caveats == said
    assert [one.setting["l2"] for one in found.cells] == sorted(tried)
