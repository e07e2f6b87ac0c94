"""What was tried and claimed, and how it is told."""

from __future__ import annotations

from dataclasses import replace

from seedbed.sizing import Smallest
from seedbed.sizing.attempts import Attempt, best_so_far, claimed
from seedbed.specs import DataSpec
from seedbed.statistics import Interval
from sizing.samples import chosen_by, tried

ONE = tried(30, 0.96, l2=1e-4)
CLAIM = Attempt(ONE.candidate, "claim", "c", 30, (1000, 1001), Interval(0.955, 0.951, 0.959, 2), 0, 2.0)


def test_a_setting_of_which_a_run_failed_ranks_behind_all_others() -> None:
    assert replace(ONE, accuracy=chosen_by(0.99, 1), left_out=1).score < tried(10, 0.1).score
    assert best_so_far([replace(ONE, accuracy=chosen_by(0.99, 1), left_out=1), tried(10, 0.1)]).startswith(
        "the best: dense 10, relu, 10 par"
    )


def test_a_claim_of_which_a_run_failed_does_not_hold() -> None:
    failed = replace(CLAIM, accuracy=None, left_out=1)
    assert not failed.holds(0.5)
    assert claimed(failed) == "dense 30, relu, 30 parameters: 1 of 2 seeds diverged or collapsed"


def test_rounds_and_tests_are_told_in_a_sentence() -> None:
    assert best_so_far([tried(10, 0.9), ONE]) == "the best: dense 30, relu, 30 parameters, 96.00 % on the images for choosing"
    assert best_so_far([tried(10, None)]) == "every run diverged or collapsed"
    expected = (
        "validation accuracy 95.50 % (95.10 % to 95.90 %, 95 % interval over 2 fresh seeds and the images) at the last epoch"
    )
    assert claimed(CLAIM) == f"dense 30, relu, 30 parameters: {expected}"


def test_a_setting_that_was_tried_in_several_rounds_counts_once() -> None:
    again = replace(ONE, seeds=(0, 1), seconds=2.0)
    found = Smallest("s", 0.9, DataSpec(), [ONE, again, tried(10, 0.8)], [CLAIM], stopped=False)
    assert (found.settings, found.runs, found.seconds) == (3, 5, 5.0)


def test_the_smallest_that_holds_is_confirmed_and_without_one_the_nearest_is_told() -> None:
    small = replace(CLAIM, parameters=20, accuracy=Interval(0.95, 0.945, 0.956, 2))
    found = Smallest("s", 0.94, DataSpec(), [ONE], [CLAIM, small], stopped=False)
    assert (found.confirmed, found.nearest, found.settled) == (small, small, True)
    short = replace(found, target=0.948)
    assert (short.confirmed, short.nearest) == (CLAIM, CLAIM)
    neither = replace(found, target=0.97)
    assert (neither.confirmed, neither.nearest, neither.settled) == (None, CLAIM, False)
    assert not replace(found, stopped=True).settled
