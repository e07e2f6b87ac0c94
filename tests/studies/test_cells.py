"""Cells: names of runs, means with what they leave out, and sweeps that reach beyond their ends."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from seedbed.studies.cells import ACCURACY, Measure, at_last, best, by, group_name, marks, wanted

from seedbed.errors import SpecError
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec, checked_name
from seedbed.statistics import interval_of
from seedbed.studies.edges import beyond, swept
from seedbed.studies.setup import Setup
from studies.samples import cell, right


@pytest.mark.parametrize(
    "run",
    [
        RunSpec(),
        RunSpec(model=Dense(hidden=(400,) * 30, activation="leaky_relu"), plan=Plan(l2=1.23456789e-5, learning_rate=0.0123)),
        RunSpec(model=Conv(filters=(20, 10, 5)), data=DataSpec(name="my images/ü", first=1000, label_noise=0.2, permutation=3)),
    ],
)
def test_runs_have_names_that_every_system_takes(run):
    assert checked_name(f"{group_name(run)}.1000")


def test_a_setting_has_one_name_whatever_its_seed_and_no_other_has_it():
    base = RunSpec(data=DataSpec(name="digits"))
    assert group_name(base) == group_name(base.changed(seed=7))
    other = base.changed(plan=Plan(learning_rate=0.0010000001))
    assert group_name(base) != group_name(other)


def test_accuracy_at_the_best_epoch_holds_the_images_chance_and_at_the_last_only_the_seeds():
    one = cell(right(0.95, spread=0.01))
    assert one.mean(ACCURACY) == one.accuracy
    assert one.accuracy is not None
    assert one.last is not None
    assert one.accuracy.high - one.accuracy.low != pytest.approx(one.last.high - one.last.low)
    shown = one.as_json()
    assert {"mean", "interval", "last", "n", "setting", "parameters", "units"} <= shown.keys()
    json.dumps(shown, allow_nan=False)


def test_best_and_last_epoch_are_both_kept():
    one = cell(right(0.95))
    for result in one.kept:
        result.history["validation_accuracy"][-1] -= 0.2
    assert one.as_json()["last"]["mean"] == pytest.approx(one.as_json()["mean"] - 0.2, abs=0.005)


def test_broken_runs_are_counted_beside_and_in_no_mean():
    table = right(0.95)
    table[0] = False
    one = cell(table, verdicts=["collapsed", "ok", "diverged", "undertrained", "ok"], l2=0.1)
    assert (one.n, one.left_out, one.total) == (3, 2, 5)
    assert one.accuracy is not None
    assert one.accuracy.mean > 0.9
    said = marks([one, cell(right(0.9))])
    assert said == [
        "1 of 10 runs diverged and is in no mean: 1 of 5 with l2 0.1.",
        "1 of 10 runs collapsed and is in no mean: 1 of 5 with l2 0.1.",
        "1 of 10 runs was still improving at the last epoch: 1 of 5 with l2 0.1.",
    ]


def test_a_cell_without_runs_is_never_the_best():
    broken = cell(right(0.99), verdicts=["diverged"] * 5, l2=1)
    whole = cell(right(0.5))
    assert broken.accuracy is None
    assert best([broken, whole]) is whole
    assert best([broken]) is None
    assert by([broken, whole], l2=0.0) is whole
    with pytest.raises(KeyError):
        by([broken, whole], l2=3)


def test_what_a_run_does_not_have_is_left_out_of_its_measures_mean():
    reached = Measure("epochs to 95 %", lambda result: float(result.run.seed) if result.run.seed else math.nan)
    found = cell(right(0.95)).mean(reached)
    assert found is not None
    assert (found.n, found.mean) == (4, 2.5)
    assert cell(right(0.95)).mean(Measure("never", lambda _: math.nan)) is None
    alone = interval_of([3.0])
    assert alone is not None
    assert math.isnan(alone.low)
    assert at_last("loss", "train_loss").of(cell(right(0.9)).kept[0]) > 0


# Ends of sweeps


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


class Shelf:
    """A bench whose cells are there already: accuracy falls with the distance of log10(l2) from `peak`."""

    def __init__(self, peak: float) -> None:
        self.peak, self.asked = peak, []

    def train(self, wanted):
        self.asked += [one.setting["l2"] for one in wanted]
        return [
            cell(right(0.95 - 0.02 * abs(math.log10(one.setting["l2"]) - self.peak)), l2=one.setting["l2"]) for one in wanted
        ]


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
    shelf = Shelf(peak)
    base = RunSpec()

    def make(l2):
        return wanted(base, [{"l2": l2}])[0]

    found = swept(shelf, "l2", [make(l2) for l2 in (1e-3, 1e-2, 1e-1)], make)
    assert shelf.asked == tried
    assert found.marks == said
    assert [one.setting["l2"] for one in found.cells] == sorted(tried)


# What is asked for


def test_a_setup_counts_seeds_and_keeps_fresh_ones_apart():
    setup = Setup.of("digits", seeds=3, seed=4)
    assert setup.seeds == (4, 5, 6)
    assert setup.fresh == (7, 8, 9)
    assert setup.asked == ("--data", "digits", "--seeds", "3", "--seed", "4")
    assert Setup.of("digits").seeds == (0, 1, 2, 3, 4)
    assert len(Setup.of("digits", quick=True).seeds) == 3
    assert setup.amounts(5000, 1000) == [410, 150]
    assert setup.epochs(400, 1257, least=10, most=60) == 40


@pytest.mark.parametrize("seeds", [0, -1, 10**6, [], [1, 1]])
def test_a_number_of_seeds_that_makes_no_sense_is_told(seeds):
    with pytest.raises(SpecError, match="seeds = "):
        Setup.of("digits", seeds=seeds)


def test_seed_spread_is_seen_in_both_intervals():
    rows = np.array([right(0.95, 1)[0], right(0.85, 1)[0], right(0.90, 1)[0]])
    found = cell(rows).last
    assert found is not None
    assert found.high - found.low > 0.2
