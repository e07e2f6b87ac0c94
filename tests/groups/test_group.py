"""Groups: means over seeds and images, what they exclude, and folds."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from groups.samples import folded, group, right, run
from seedbed import statistics
from seedbed.errors import RunError
from seedbed.groups import Group, at_last, best, by
from seedbed.records import VerdictKind
from seedbed.specs import DataSpec
from seedbed.statistics import accuracy_interval


def test_an_accuracy_holds_the_images_chance_at_both_epochs_where_predictions_were_kept():
    table, last = right(0.95, spread=0.01), right(0.94, spread=0.01, seed=1)
    whole = group(table, last=last)
    assert whole.accuracy == accuracy_interval(table)
    assert whole.last == accuracy_interval(last)
    shown = whole.as_json()
    assert {"mean", "interval", "last", "n", "setting", "parameters", "units"} <= shown.keys()
    json.dumps(shown, allow_nan=False)


def test_without_predictions_of_the_last_epoch_its_interval_holds_the_seeds_alone():
    one = group(right(0.95, spread=0.01))
    assert one.accuracy is not None
    assert one.last is not None
    assert one.accuracy.high - one.accuracy.low != pytest.approx(one.last.high - one.last.low)
    some = group(right(0.95, spread=0.01), last=right(0.5))
    del some.last_correct[3]
    assert some.last == one.last


def test_an_interval_over_few_seeds_ends_at_all_right():
    found = group(right(0.99, 2, spread=0.02)).last
    assert found is not None
    assert found.high == 1.0
    assert found.low > 0


def test_best_and_last_epoch_are_both_kept():
    one = group(right(0.95))
    for result in one.kept:
        result.history["validation_accuracy"][-1] -= 0.2
    assert one.as_json()["last"]["mean"] == pytest.approx(one.as_json()["mean"] - 0.2, abs=0.005)


def test_seed_spread_is_seen_in_both_intervals():
    rows = np.array([right(0.95, 1)[0], right(0.85, 1)[0], right(0.90, 1)[0]])
    for found in (group(rows).last, group(rows).accuracy):
        assert found is not None
        assert found.high - found.low > 0.2


def test_broken_runs_are_counted_beside_and_in_no_mean():
    table = right(0.95)
    table[0] = False
    one = group(table, verdicts=["collapsed", "good_fit", "diverged", "still_improving", "good_fit"], l2=0.1)
    assert (one.n, one.left_out, one.total) == (3, 2, 5)
    assert one.accuracy is not None
    assert one.accuracy.mean > 0.9
    assert {name: verdict.kind for name, verdict in one.excluded.items()} == {"l2-0.1.0": "collapsed", "l2-0.1.2": "diverged"}
    assert one.improving == ["l2-0.1.3"]
    assert one.verdicts == {"good_fit": 2, "collapsed": 1, "diverged": 1, "still_improving": 1}


def test_a_group_without_runs_is_never_the_best():
    broken = group(right(0.99), verdicts=["diverged"] * 5, l2=1)
    whole = group(right(0.5))
    assert broken.accuracy is None
    assert broken.mean == -np.inf
    assert best([broken, whole]) is whole
    assert best([broken]) is None
    assert by([broken, whole], l2=0.0) is whole
    with pytest.raises(KeyError):
        by([broken, whole], l2=3)


# Claims


def test_a_claim_is_about_the_last_epoch_over_seeds_and_images():
    last = right(0.8, spread=0.01)
    assert group(right(0.95), last=last).claimed() == accuracy_interval(last)


@pytest.mark.parametrize("kind", ["diverged", "collapsed"])
def test_a_group_with_an_excluded_seed_claims_nothing(kind):
    assert group(right(0.95), verdicts=[kind, *["good_fit"] * 4], last=right(0.95)).claimed() is None


def test_a_claim_without_predictions_of_the_last_epoch_is_refused_with_the_way_out():
    some = group(right(0.95), last=right(0.95))
    del some.last_correct[2]
    with pytest.raises(RunError, match=r"'l2-0.0.2' kept no predictions of its last epoch.*seedbed runs remove l2-0.0.2"):
        some.claimed()


# Folds

FOLDS = {0: [[True, True], [True, False, True]], 1: [[True, False], [True, True, True]], 2: [[True, True], [False] * 3]}


def test_the_folds_of_a_seed_are_judged_together():
    made = folded(FOLDS)
    assert (made.n, made.total, len(made.kept)) == (3, 3, 6)
    assert made.accuracy is not None
    assert made.accuracy.mean == pytest.approx(np.mean([4 / 5, 4 / 5, 2 / 5]))
    assert made.runs[1].name == "a-fold-0.1"


def test_a_seed_of_which_one_fold_collapsed_is_excluded_whole():
    made = folded(FOLDS, broken={(2, 1): "collapsed"})
    assert (made.n, made.total, made.left_out) == (2, 3, 1)
    assert list(made.included) == [0, 1]
    assert [result.name for result in made.kept] == ["a-fold-0.0", "a-fold-1.0", "a-fold-0.1", "a-fold-1.1"]
    assert list(made.excluded) == ["a-fold-1.2"]
    assert made.accuracy is not None
    assert made.accuracy.mean == pytest.approx(4 / 5)
    assert made.claimed() is None


def test_groups_read_from_a_home_join_the_predictions_of_their_folds():
    made = folded(FOLDS, broken={(2, 1): "collapsed"})

    class RunStore:
        def predictions(self, name):
            fold, seed = name.removeprefix("a-fold-").split(".")
            correct = np.array(FOLDS[int(seed)][int(fold)])
            shares = np.stack([np.where(correct, 0.9, 0.2), np.where(correct, 0.1, 0.8)], axis=1)
            last = {"last_validation_probabilities": 1 - shares} if seed == "0" else {}
            return {"validation_probabilities": shares, "validation_labels": np.zeros(len(correct), int), **last}

    read = Group.read(RunStore(), "a", made.results)  # type: ignore[arg-type]
    assert {seed: row.tolist() for seed, row in read.correct.items()} == {
        0: [True, True, True, False, True],
        1: [True, False, True, True, True],
    }
    assert read.last_correct.keys() == {0}
    assert (read.last_correct[0] == ~read.correct[0]).all()
    assert np.exp(-read.losses[1]) == pytest.approx([0.9, 0.2, 0.9, 0.9, 0.9])


def in_turn(correct: list[list[bool]], *, folds: int, broken: dict[int, VerdictKind] | None = None) -> Group:
    """A group whose seeds validate on the folds in turn; each row is what the seed's run has right of its own fold."""
    results = []
    for seed, row in enumerate(correct):
        made = run(seed, float(np.mean(row)), (broken or {}).get(seed, "ok"))
        results.append(replace(made, run=made.run.changed(data=DataSpec(name="digits", fold=(seed % folds, folds)))))
    found = Group("a", results)
    found.correct.update({seed: np.array(correct[seed]) for seed in found.included})
    return found


TURNS = [[True, True], [True, False, True], [False, True], [True, True, True]]


def test_seeds_that_validate_in_turn_judge_each_image_of_their_fold():
    made = in_turn(TURNS, folds=2)
    assert (made.n, made.total, made.folds) == (4, 4, 2)
    rows = [[1, 1, np.nan, np.nan, np.nan], [np.nan, np.nan, 1, 0, 1], [0, 1, np.nan, np.nan, np.nan]]
    np.testing.assert_array_equal(made.table(made.correct, [0, 1, 2]), rows)
    assert made.accuracy is not None
    assert made.accuracy.mean == pytest.approx(np.mean([0.5, 1, 1, 0.5, 1]))
    assert made.run.data.fold is None


def test_a_fold_without_a_network_leaves_its_images_out():
    made = in_turn(TURNS, folds=2, broken={1: "collapsed", 3: "diverged"})
    assert (made.n, made.left_out) == (2, 2)
    assert made.table(made.correct).shape == (2, 2)
    assert made.accuracy is not None
    assert made.accuracy.mean == pytest.approx(0.75)


def test_a_value_per_run_of_a_group_of_folds_has_the_corrected_interval():
    made = in_turn(TURNS, folds=2)
    found = made.interval([1.0, 2.0, 3.0, 4.0])
    assert found is not None
    assert found == statistics.mean_interval([1.0, 2.0, 3.0, 4.0], folds=2)
    plain = statistics.mean_interval([1.0, 2.0, 3.0, 4.0])
    assert found.high - found.low == pytest.approx((plain.high - plain.low) * np.sqrt((1 / 4 + 1) / (1 / 4)))


def test_no_interval_reaches_beyond_what_a_measure_can_be():
    made = group(right(0.95), validation_loss=0.1)
    for seed, result in enumerate(made.results):
        result.history.columns["validation_loss"][:] = 0.001 if seed else 5.0
    found = made.measured(at_last("validation loss", "validation_loss"))
    assert found is not None
    assert found.low == 0.0
    shares = made.interval([0.5, 1.0], statistics.SHARE)
    assert shares is not None
    assert shares.pair() == [0.0, 1.0]


def test_the_one_run_that_is_left_of_several_has_no_interval():
    whole, one_left = (group(right(0.95, seeds=3), verdicts=kinds) for kinds in ([], ["ok", "collapsed", "diverged"]))
    assert whole.accuracy is not None
    assert one_left.accuracy is not None
    assert (one_left.n, one_left.total) == (1, 3)
    assert np.isfinite(whole.accuracy.low)
    assert np.isnan(one_left.accuracy.pair()).all()
    assert one_left.as_json()["interval"] == [None, None]
    assert np.isfinite(group(right(0.95, seeds=1)).accuracy.low)  # type: ignore[union-attr]
