"""Sizes tested from large to small, up to the first that fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from seedbed.statistics import Interval, accuracy_interval
from seedbed.studies import fewest as room
from seedbed.studies.fewest import LEAST_SEEDS, Rung, fewest, fresh_seeds, in_order, last_accuracy
from studies.networks import net
from studies.samples import right


def size(width: int, low: float) -> Rung:
    return Rung(width, net((width, width), right(0.95)), Interval(low + 0.01, low, low + 0.02, 5))


@pytest.fixture
def trained(monkeypatch):
    """Networks whose interval ends at an accuracy that their width gives; what was trained is written down."""
    asked: list[int] = []
    lows: dict[int, float] = {}

    def tested(_bench, widths, _make):
        asked.extend(widths)
        return [size(width, lows[width]) for width in widths]

    monkeypatch.setattr(room, "tested", tested)
    return asked, lows


def search(widths, target=0.95, between=3):
    (found,), tried = fewest(None, widths, [target], None, between=between)  # type: ignore[arg-type]
    return found, tried


def test_a_net_counts_only_if_its_whole_interval_is_above():
    assert size(10, 0.9501).holds(0.95)
    assert not size(10, 0.95).holds(0.95)
    assert not Rung(10, net((10, 10), right(0.95)), None).holds(0.95)


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
    from seedbed.studies.setup import Setup

    setup = Setup.of("digits", seeds=2)
    assert fresh_seeds(setup) == (2, 3, 4, 5, 6)
    assert len(fresh_seeds(Setup.of("digits", seeds=8))) == 8
    assert len(fresh_seeds(setup)) == LEAST_SEEDS


def test_the_last_epoch_is_judged_and_a_run_that_failed_leaves_no_claim():
    made = net((25, 25), right(0.9))
    labels = np.zeros(1000, dtype=int)

    class RunStore:
        def predictions(self, name):
            correct = right(0.8, seed=int(name[-1]))[0]
            last = np.stack([correct, ~correct], axis=1).astype(float)
            return {"validation_probabilities": 1 - last, "last_validation_probabilities": last, "validation_labels": labels}

    named = replace(made, results=[replace(result, name=f"a.{n}") for n, result in enumerate(made.results)])
    expected = accuracy_interval(np.stack([right(0.8, seed=n)[0] for n in range(5)]))
    assert last_accuracy(RunStore(), named) == expected  # type: ignore[arg-type]
    assert last_accuracy(RunStore(), net((25, 25), right(0.9), verdicts=["diverged", *["ok"] * 4])) is None  # type: ignore[arg-type]
