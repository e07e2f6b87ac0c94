"""Contrasts: what may be called better, and what may not."""

from __future__ import annotations

import numpy as np
import pytest
from seedbed.studies.bench import Bench
from seedbed.studies.cells import Measure
from seedbed.studies.contrasts import Planned, settled

from seedbed.errors import StatisticsError
from studies.samples import cell, right

MANY = [cell(right(0.93, spread=0.004, seed=10 + place), l2=float(place)) for place in range(2, 9)]


def one(a, b, **how):
    return settled([Planned("a against b", a, b, "A", "B", **how)], [a, b, *MANY])[0]


def test_a_clear_difference_is_told_with_its_interval_whichever_side_it_is_on():
    low, high = cell(right(0.90, seed=1)), cell(right(0.96, seed=2), l2=1)
    for found in (one(high, low), one(low, high)):
        assert found.shown
    assert one(high, low).sentence.startswith("A is better than B by 6.")
    assert one(low, high).sentence.startswith("B is better than A by 6.")
    verdict = one(high, low).verdict
    assert verdict is not None
    assert 0 < verdict.interval.low < 0.06 < verdict.interval.high
    assert one(high, low).outcome == "A is better"


def test_single_runs_half_a_point_apart_are_not_called_better():
    """A published report called 400-100 better than 400-200 from single runs that were 0.5 points apart."""
    random = np.random.default_rng(3)
    first = random.random(5000) < 0.975
    second = first.copy()
    second[np.flatnonzero(first)[:110]] = False
    second[np.flatnonzero(~first)[:85]] = True
    a, b = cell(first), cell(second, l2=1)
    assert first.mean() - second.mean() == pytest.approx(0.005)
    found = settled([Planned("a against b", a, b, "400-100", "400-200")], [a, b])[0]
    assert not found.shown
    assert "no difference shown; the interval reaches from" in found.sentence
    assert "better" not in found.sentence


def test_what_one_pair_of_networks_shows_is_told_of_these_two_only():
    a, b = cell(right(0.97, 1)), cell(right(0.90, 1), l2=1)
    found = settled([Planned("a against b", a, b, "A", "B")], [a, b])[0]
    assert found.shown
    assert "one network each on 1,000 images" in found.method
    assert found.sentence.endswith("This is about these two networks; it says nothing of other seeds.")


@pytest.mark.parametrize("kind", ["diverged", "collapsed"])
def test_a_setting_whose_runs_broke_is_never_ranked(kind):
    """A published report concluded that settings were bad from accuracies of 9.80 %, which were NaNs."""
    broken = cell(right(0.098), verdicts=[kind] * 5, l2=1)
    found = one(broken, cell(right(0.97)))
    assert found.verdict is None
    assert found.outcome == "not compared"
    assert "cannot be compared: no run of A is left, 5 of 5 diverged or collapsed" in found.sentence
    assert found.as_json()["difference"] is None


def test_one_broken_run_of_five_does_not_pull_the_mean_down():
    table = right(0.95, seed=4)
    table[2] = False
    mixed, whole = cell(table, verdicts=["ok", "ok", "collapsed", "ok", "ok"], l2=1), cell(right(0.95, seed=5))
    found = one(mixed, whole)
    assert found.seeds == (0, 1, 3, 4)
    assert not found.shown


def test_holm_counts_all_of_a_studys_contrasts():
    pairs = [(cell(right(0.93, seed=20 + n)), cell(right(0.93, seed=40 + n), l2=1)) for n in range(4)]
    planned = [Planned(f"{n}", a, b, "A", "B") for n, (a, b) in enumerate(pairs)]
    together = settled(planned, [each for pair in pairs for each in pair])
    assert all(found.verdict is not None and found.verdict.confidence == pytest.approx(1 - 0.05 / 4) for found in together)
    assert all("98.75 % interval" in found.sentence for found in together)


def test_five_contrasts_at_most():
    a, b = cell(right(0.9)), cell(right(0.9), l2=1)
    with pytest.raises(StatisticsError, match="at most 5"):
        settled([Planned(f"{n}", a, b, "A", "B") for n in range(6)], [a, b])


def test_a_contrast_that_was_not_announced_carries_no_verdict():
    a, b = cell(right(0.9)), cell(right(0.9), l2=1)
    bench = Bench(None, None, ("a against b",))  # type: ignore[arg-type]
    with pytest.raises(StatisticsError, match="'found later' was not announced"):
        bench.settle([Planned("found later", a, b, "A", "B")])
    bench.settle([Planned("a against b", a, b, "A", "B")])
    with pytest.raises(StatisticsError, match="settled already"):
        bench.settle([Planned("a against b", a, b, "A", "B")])


def test_another_measure_is_compared_over_the_seeds_and_called_higher_not_better():
    steps = Measure("steps to 95 %", lambda result: float(result.history["steps"][-1]), unit="steps", digits=0)
    cells = [cell(right(0.95, seed=n), l2=float(n), steps=100.0 + 50 * (n == 1)) for n in range(6)]
    for place, each in enumerate(cells):
        for result in each.kept:
            result.history.columns["steps"] = (
                result.history["steps"] + np.random.default_rng(place * 10 + result.run.seed).random()
            )
    found = settled([Planned("a against b", cells[1], cells[0], "A", "B", measure=steps)], cells)[0]
    assert found.shown
    assert found.sentence.startswith("In steps to 95 % A lies above B by 50 steps")
    assert "images" not in found.method


def test_the_variance_of_the_study_finds_what_two_seeds_alone_would_not():
    a, b = cell(right(0.955, 2, 5000, seed=1)), cell(right(0.93, 2, 5000, seed=2), l2=1)
    alone, together = settled([Planned("x", a, b, "A", "B")], [a, b])[0], one(a, b)
    assert alone.verdict is not None
    assert together.verdict is not None
    width = [found.verdict.interval.high - found.verdict.interval.low for found in (alone, together)]
    assert width[1] < width[0]
