"""Sizes tested from large to small, up to the first that fails."""

from __future__ import annotations

import pytest

from groups.samples import net, right
from seedbed.groups import Request
from seedbed.specs import RunSpec
from seedbed.statistics import Interval, accuracy_interval
from seedbed.studies import fewest as fewest_module
from seedbed.studies.fewest import LEAST_SEEDS, Size, fewest, fresh_seeds, in_order
from seedbed.studies.setup import Setup
from studies.samples import driven


def size(width: int, low: float) -> Size:
    return Size(width, net((width, width), right(0.95)), Interval(low + 0.01, low, low + 0.02, 5))


@pytest.fixture
def trained(monkeypatch):
    """Networks whose interval ends at an accuracy that their width gives; what was trained is written down."""
    asked: list[int] = []
    lows: dict[int, float] = {}

    def tested(_study, widths, _make):
        asked.extend(widths)
        yield from ()
        return [size(width, lows[width]) for width in widths]

    monkeypatch.setattr(fewest_module, "tested", tested)
    return asked, lows


def search(widths, target=0.95, between=3):
    _, ((found,), tried) = driven(fewest(None, widths, [target], None, between=between), iter)  # type: ignore[arg-type]
    return found, tried


def test_a_net_counts_only_if_its_whole_interval_is_above():
    assert size(10, 0.9501).holds(0.95)
    assert not size(10, 0.95).holds(0.95)
    assert not Size(10, net((10, 10), right(0.95)), None).holds(0.95)


def test_the_smallest_is_found_between_the_first_sizes(trained):
    asked, lows = trained
    lows |= {width: 0.95 + (width - 26.5) / 1000 for width in range(10, 70)}
    found, tried = search([16, 32, 64])
    assert found.smallest.width == 28
    assert asked == [64, 32, 16, 28, 24, 20]
    assert [one.width for one in found.order] == [64, 32, 16, 28, 24]
    assert [one.width for one in tried] == [64, 32, 28, 24, 20, 16]
    assert not found.all_held


def test_what_comes_after_the_first_failure_is_not_claimed(trained):
    _, lows = trained
    lows |= {64: 0.97, 32: 0.94, 16: 0.96} | dict.fromkeys((40, 48, 56), 0.94)
    found, _ = search([64, 32, 16])
    assert found.smallest.width == 64
    assert [one.width for one in in_order([size(w, lows[w]) for w in (64, 32, 16)], 0.95)] == [64, 32]


def test_no_net_is_claimed_where_the_largest_fails_and_all_held_is_said(trained):
    _, lows = trained
    lows |= {64: 0.94, 32: 0.97}
    assert search([64, 32])[0].smallest is None
    lows |= {64: 0.97}
    found, _ = search([64, 32])
    assert found.smallest.width == 32
    assert found.all_held


def test_seeds_are_fresh_and_five_at_least():
    setup = Setup.of("digits", seeds=2)
    assert fresh_seeds(setup) == (2, 3, 4, 5, 6)
    assert len(fresh_seeds(Setup.of("digits", seeds=8))) == 8
    assert len(fresh_seeds(setup)) == LEAST_SEEDS


@pytest.mark.parametrize("verdicts", [["good_fit"] * 5, ["diverged", *["good_fit"] * 4]])
def test_the_last_epoch_is_judged_and_a_run_that_failed_leaves_no_claim(verdicts):
    made = net((25, 25), right(0.9), last=right(0.8), verdicts=verdicts)

    class Study:
        setup = Setup.of("digits", seeds=2)

        def train(self, requests, seeds):
            assert (len(requests), seeds) == (1, (2, 3, 4, 5, 6))
            return (yield requests)

    steps = fewest_module.tested(Study(), [25], lambda _: Request("a", RunSpec(), ()))  # type: ignore[arg-type]
    _, [found] = driven(steps, lambda _: [made])
    assert (found.width, found.group) == (25, made)
    assert found.accuracy == (accuracy_interval(right(0.8)) if verdicts[0] == "good_fit" else None)
