"""What is said of runs that are excluded, or were still improving."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from groups.samples import folded, group, right, run
from seedbed.groups import caveats, optimism
from seedbed.records import Result
from seedbed.specs import Select


def broken(l2: float, *verdicts):
    return group(right(0.95, len(verdicts)), verdicts=verdicts, l2=l2)


def test_each_kind_is_counted_over_all_groups_and_named_where_it_happened():
    one = broken(0.1, "collapsed", "good_fit", "diverged", "still_improving", "good_fit")
    assert caveats([one, group(right(0.9))]) == [
        "1 of 10 runs diverged and is excluded: 1 of 5 with l2 0.1.",
        "1 of 10 runs collapsed and is excluded: 1 of 5 with l2 0.1.",
        "1 of 10 runs was still improving at the last epoch: 1 of 5 with l2 0.1.",
    ]


def test_of_several_groups_each_has_its_own_count():
    groups = [
        broken(0.1, "diverged", "good_fit"),
        broken(0.5, "good_fit", "good_fit"),
        broken(1.0, "diverged", "diverged", "still_improving"),
    ]
    assert caveats(groups) == [
        "3 of 7 runs diverged and are excluded: 1 of 2 with l2 0.1; 2 of 3 with l2 1.",
        "1 of 7 runs was still improving at the last epoch: 1 of 3 with l2 1.",
    ]


def test_what_happened_to_all_runs_needs_no_list_of_settings():
    groups = [broken(0.1, "still_improving"), broken(0.5, "still_improving", "still_improving")]
    assert caveats(groups) == ["3 of 3 runs were still improving at the last epoch."]


def test_groups_can_be_called_by_their_names():
    groups = [broken(0.1, "still_improving", "still_improving"), group(right(0.9))]
    assert caveats(groups, name=True) == ["2 of 7 runs were still improving at the last epoch: 2 of 2 of l2-0.1."]


def test_a_group_that_stands_alone_needs_no_name():
    assert caveats([broken(0.1, "collapsed", "good_fit")]) == ["1 of 2 runs collapsed and is excluded."]


@pytest.mark.parametrize(("settings", "end"), [(6, "l2 6."), (8, "l2 6; and 2 more settings.")])
def test_many_settings_are_counted_beyond_the_sixth(settings, end):
    fine = group(right(0.9))
    [said] = caveats([*(broken(float(place), "diverged") for place in range(1, settings + 1)), fine])
    assert said.startswith(
        f"{settings} of {settings + len(fine.results)} runs diverged and are excluded: 1 of 1 with l2 1; 1 of 1 with l2 2;"
    )
    assert said.endswith(f"1 of 1 with {end}")


def test_folds_are_counted_run_by_run():
    made = folded({0: [[True], [True]], 1: [[True], [False]]}, broken={(1, 1): "collapsed"})
    assert caveats([made]) == ["1 of 4 runs collapsed and is excluded."]


def test_sound_runs_have_no_caveats():
    assert caveats([group(right(0.9)), group(right(0.8), l2=1)]) == []


def selected(images: int, select: Select) -> Result:
    made = run(0, 0.9)
    made.history["validation_accuracy"][-1] = 0.8
    plan = made.run.plan.changed(select=select)
    return replace(made, run=made.run.changed(plan=plan), data=replace(made.data, validation=images))


def test_how_optimistic_a_selected_epoch_is_follows_from_the_images_and_the_rule():
    [sentence] = optimism([selected(270, "smoothed")] * 2)
    assert sentence.startswith("The best epoch was selected on these 270 images")
    assert "by 0.5 points" in sentence  # 0.25 standard errors of 1.83 points
    assert "by 0.9 points" in optimism([selected(270, "accuracy")])[0]


def test_nothing_is_said_where_optimism_does_not_matter():
    assert optimism([selected(270, "last")]) == []
    assert optimism([selected(5_000, "accuracy")]) == []
    assert optimism([]) == []
    rising = selected(270, "smoothed")
    rising.history["validation_accuracy"][:] = np.linspace(0.8, 0.9, rising.history.epochs)
    assert optimism([rising]) == [], "the best epoch is the last one"
    assert optimism([run(0, 0.9, "diverged")]) == []
