"""Differences: what may be called better, and what may not."""

from __future__ import annotations

import numpy as np
import pytest

from groups.samples import folded, group, right
from seedbed.groups import LAST_ACCURACY, Contrast, Group, Measure, differences
from seedbed.statistics import accuracy_difference, paired_difference


def one(a: Group, b: Group, **how):
    return differences([Contrast(a, b, "A", "B", **how)])[0]


def test_a_clear_difference_is_told_with_its_interval_whichever_side_it_is_on():
    low, high = group(right(0.90, seed=1)), group(right(0.96, seed=2), l2=1)
    for found in (one(high, low), one(low, high)):
        assert found.shown
        assert found.higher is high
    assert one(high, low).sentence.startswith("A is more accurate than B by 6.")
    assert one(low, high).sentence.startswith("B is more accurate than A by 6.")
    decision = one(high, low).decision
    assert decision is not None
    assert 0 < decision.interval.low < 0.06 < decision.interval.high
    assert one(high, low).outcome == "A is better"


def test_the_difference_depends_on_its_two_groups_alone():
    """So the same runs have the same interval in every command, whatever else is compared."""
    a, b = group(right(0.955, spread=0.01, seed=1)), group(right(0.95, spread=0.01, seed=2), l2=1)
    others = [Contrast(group(right(0.9, seed=n)), group(right(0.5, seed=n + 9), l2=1)) for n in range(3)]
    alone, together = one(a, b), differences([Contrast(a, b), *others])[0]
    assert alone.decision is not None
    assert together.decision is not None
    assert alone.decision.interval == together.decision.interval
    assert alone.decision.p == together.decision.p
    found = accuracy_difference(np.stack(list(a.correct.values())), np.stack(list(b.correct.values())))
    assert (alone.decision.interval, alone.decision.p) == (found.interval(0.95), found.p)


def test_single_runs_half_a_point_apart_are_not_called_better():
    """A published report called 400-100 better than 400-200 from single runs that were 0.5 points apart."""
    random = np.random.default_rng(3)
    first = random.random(5000) < 0.975
    second = first.copy()
    second[np.flatnonzero(first)[:110]] = False
    second[np.flatnonzero(~first)[:85]] = True
    a, b = group(first), group(second, l2=1)
    assert first.mean() - second.mean() == pytest.approx(0.005)
    found = differences([Contrast(a, b, "400-100", "400-200")], margin=0.005)[0]
    assert not found.shown
    assert found.higher is None
    assert found.statements[0].statistics.startswith(
        "No clear difference between 400-100 and 400-200 in accuracy: 400-100 is ahead by 0.50 points"
    )
    assert found.decision is not None
    low, high = (100 * end for end in found.decision.interval.pair())
    assert low < 0 < high
    assert f" (95 % interval: {-low:.2f} worse to {high:.2f} better). " in found.statements[0].statistics


@pytest.mark.parametrize("seeds", [1, 5])
def test_one_differing_prediction_never_makes_a_winner(seeds):
    """Where few predictions differ no variance can be estimated: an interval of their own spread would exclude 0."""
    first = np.ones((seeds, 270), dtype=bool)
    second = first.copy()
    second[-1, 7] = False
    for a, b in ((first, second), (second, first)):
        found = one(group(a), group(b, l2=1))
        assert not found.shown
        assert found.decision is not None
        assert found.decision.interval.low < 0 < found.decision.interval.high
        assert found.outcome == "no difference shown"


def test_equal_predictions_are_not_ahead_of_each_other():
    found = one(group(right(0.9, images=270)), group(right(0.9, images=270), l2=1))
    reach = "(95 % interval: 1.11 worse to 1.11 better)"
    same = f"No clear difference between A and B in accuracy: both have the same mean {reach}."
    assert found.statements[0].statistics == same
    assert "Nor in loss: both have the same (95 % interval: 0 to 0)." in found.sentence
    assert not found.shown


def test_equal_predictions_of_many_images_are_called_equivalent():
    found = one(group(right(0.9)), group(right(0.9), l2=1))
    assert found.equivalent
    assert found.statements[0].statistics.startswith("A and B are equally accurate within 1 point: both have the same mean (")
    assert "No clear difference in loss: " in found.sentence
    [other] = differences([Contrast(group(right(0.9)), group(right(0.9), l2=1))], margin=0.002)
    assert not other.equivalent
    assert other.as_json()["equivalent"]["margin"] == 0.002


def test_a_clear_difference_below_the_margin_is_both():
    rows = np.ones((5, 5000), dtype=bool)
    worse = rows.copy()
    worse[:, :30] = False
    found = one(group(rows), group(worse, l2=1))
    assert (found.shown, found.equivalent) == (True, True)
    assert found.statements[0].statistics.startswith("A is more accurate than B by 0.60 points (95 % interval: ")
    assert found.statements[0].statistics.endswith(" This is less than 1 point.")


def test_holm_goes_over_all_equivalences():
    pair = Contrast(group(right(0.9, images=400)), group(right(0.9, images=400), l2=1))
    [alone] = differences([pair])
    assert alone.equivalent
    for found in differences([pair] * 9):
        assert found.equivalence is not None
        assert found.equivalence.corrected_p == pytest.approx(9 * found.equivalence.p)
        assert not found.equivalent


def with_losses(made: Group, mean: float, seed: int = 0) -> Group:
    random = np.random.default_rng([seed, round(1e3 * mean)])
    made.losses.update({key: mean * random.exponential(size=len(row)) for key, row in made.correct.items()})
    return made


def test_the_loss_decides_where_accuracy_cannot():
    a, b = with_losses(group(right(0.95)), 0.1), with_losses(group(right(0.95)), 0.2)
    found = one(a, b)
    assert found.loss is not None
    assert found.loss.shown
    assert not found.shown
    assert found.sentence.startswith("A and B are equally accurate")
    assert found.statements[1].answer.startswith("The loss does differ: A has the lower one, by 0.1")
    assert found.as_json()["loss"]["shown"]


def test_accuracy_and_loss_that_disagree_are_the_finding():
    a, b = with_losses(group(right(0.96, seed=1)), 0.3), with_losses(group(right(0.90, seed=2)), 0.1)
    for found in (one(a, b), differences([Contrast(b, a, "B", "A")])[0]):
        assert "But B has the lower loss, by 0.2" in found.sentence
        assert "disagree: A is right more often, and B gives the right class more probability" in found.sentence
    agreeing = one(with_losses(group(right(0.96, seed=1)), 0.1), with_losses(group(right(0.90, seed=2)), 0.3))
    assert "Its loss is lower too, by 0.2" in agreeing.sentence


def test_what_one_pair_of_networks_shows_is_told_of_these_two_only():
    found = one(group(right(0.97, 1)), group(right(0.90, 1), l2=1))
    assert found.shown
    assert found.networks == ("l2-0.0.0", "l2-1.0")
    assert "one network each on 1,000 images" in found.method
    assert found.sentence.endswith("This is about these two networks; it says nothing about other seeds.")


@pytest.mark.parametrize("kind", ["diverged", "collapsed"])
def test_a_setting_whose_runs_broke_is_never_ranked(kind):
    """A published report concluded that settings were bad from accuracies of 9.80 %, which were NaNs."""
    broken = group(right(0.098), verdicts=[kind] * 5, l2=1)
    found = one(broken, group(right(0.97)))
    assert found.decision is None
    assert found.higher is None
    assert found.loss is None
    assert found.outcome == "not compared"
    assert found.sentence == "A and B cannot be compared: no run of A is left, 5 of 5 diverged or collapsed."
    assert found.as_json()["difference"] is None


def test_one_broken_run_of_five_does_not_pull_the_mean_down():
    table = right(0.95, seed=4)
    table[2] = False
    mixed, whole = (
        group(table, verdicts=["good_fit", "good_fit", "collapsed", "good_fit", "good_fit"], l2=1),
        group(right(0.95, seed=5)),
    )
    found = one(mixed, whole)
    assert found.seeds == (0, 1, 3, 4)
    assert not found.shown


def test_groups_of_folds_are_compared_over_the_images_of_all_folds():
    a, b = right(0.95, 3, seed=1), right(0.85, 3, seed=2)
    a_folds, b_folds = (folded({seed: [row[:500], row[500:]] for seed, row in enumerate(table)}) for table in (a, b))
    found, whole = one(a_folds, b_folds), one(group(a), group(b, l2=1))
    assert found.decision is not None
    assert whole.decision is not None
    assert found.decision.interval.mean == pytest.approx(whole.decision.interval.mean)
    widths = [each.decision.interval.high - each.decision.interval.low for each in (found, whole)]
    assert widths[0] == pytest.approx(widths[1], rel=0.2)


def test_holm_goes_over_all_contrasts_and_changes_no_interval():
    """Three weak differences, each shown by itself: the correction shows none, and says of how many claims."""
    pairs = [
        (group(right(0.945, spread=0.004, seed=20 + n)), group(right(0.93, spread=0.004, seed=40 + n), l2=1)) for n in range(3)
    ]
    equal = (group(right(0.93, seed=1)), group(right(0.93, seed=2), l2=1))
    together = differences([Contrast(a, b, "A", "B") for a, b in [*pairs, equal]])
    for found, (a, b) in zip(together, [*pairs, equal], strict=True):
        alone = one(a, b)
        assert found.decision is not None
        assert alone.decision is not None
        assert found.decision.interval == alone.decision.interval
        assert found.decision.claims == 4
        assert found.decision.corrected_p >= alone.decision.corrected_p == alone.decision.p
        assert "95 % interval" in found.sentence
    corrected = sorted(found.decision.corrected_p / found.decision.p for found in together if found.decision)
    assert corrected[-1] == pytest.approx(4)


def test_a_difference_that_only_the_correction_takes_away_says_so():
    rows = np.zeros((3, 400), dtype=bool)
    rows[:, :380] = True
    weak = rows.copy()
    weak[:, 373:380] = False
    alone = one(group(rows), group(weak, l2=1))
    assert alone.decision is not None
    assert 0.005 < alone.decision.p < 0.05
    assert alone.shown
    same = [Contrast(group(rows), group(rows, l2=1)) for _ in range(9)]
    found = differences([Contrast(group(rows), group(weak, l2=1), "A", "B"), *same])[0]
    assert not found.shown
    assert found.decision is not None
    assert found.decision.interval.low > 0
    corrected = f"after correction for 10 comparisons (p = {found.decision.corrected_p:.2g}):"
    assert found.sentence.startswith(f"No clear difference between A and B in accuracy {corrected} A is ahead by 1.75 points")
    assert " better to " in found.statements[0].statistics


def test_another_measure_is_compared_over_the_seeds_and_called_higher_not_better():
    steps = Measure("steps to 95 %", lambda result: float(result.history["steps"][-1]), unit="steps", digits=0)
    groups = [group(right(0.95, seed=n), l2=float(n), steps=100.0 + 50 * n) for n in (0, 1)]
    for place, each in enumerate(groups):
        for result in each.kept:
            result.history.columns["steps"] = (
                result.history["steps"] + np.random.default_rng(place * 10 + result.run.seed).random()
            )
    found = one(groups[1], groups[0], measure=steps)
    assert found.shown
    assert found.outcome == "A is higher"
    assert found.sentence.startswith("A has a higher steps to 95 % than B, by 50 steps (95 % interval: ")
    assert "images" not in found.method
    assert found.decision is not None
    values = [list(each.values(steps).values()) for each in (groups[1], groups[0])]
    assert found.decision.interval == paired_difference(*values)
    assert found.loss is None


def test_the_last_epoch_is_compared_by_its_own_predictions():
    a, b = group(right(0.95), last=right(0.7)), group(right(0.95), l2=1, last=right(0.9))
    found = one(a, b, measure=LAST_ACCURACY)
    assert found.higher is b
    assert found.images == 1000
    without = one(group(right(0.95)), b, measure=LAST_ACCURACY)
    assert without.decision is None
    assert "no seed has a validation accuracy at the last epoch in both" in without.sentence


def test_where_it_is_compared_stands_before_the_sentence():
    small = right(0.9, images=270)
    assert one(group(small), group(small, l2=1), where="on 400 images").sentence.startswith("On 400 images: no clear")
