"""Wordings that studies share: numbers, intervals, and the lines under figures."""

from __future__ import annotations

import math

import pytest

from groups.samples import group, right
from seedbed.groups.caveats import excluded
from seedbed.statistics import Interval
from seedbed.studies.setup import Setup
from seedbed.studies.texts import BANDS, interval_text, share_text, sized, subtitle

ALONE = Interval(0.62, math.nan, math.nan, 1)


@pytest.mark.parametrize(
    ("interval", "form", "text"),
    [
        (Interval(0.97, 0.96, 0.98, 5), {}, "97.00 (96.00 to 98.00)"),
        (Interval(0.0262, -0.0022, 0.0546, 3), {"unit": "points"}, "2.62 points (-0.22 to 5.46)"),
        (Interval(-0.00001, -0.1, 0.00001, 5), {"digits": 4, "factor": 1}, "0.0000 (-0.1000 to 0.0000)"),
        (ALONE, {"digits": 0}, "62 (n = 1)"),
        (None, {"unit": "%"}, "not known"),
    ],
)
def test_a_mean_stands_with_its_interval_and_a_rounded_zero_has_no_sign(interval, form, text):
    assert interval_text(interval, **form) == text


def test_the_interval_of_a_share_ends_at_0_and_1_and_an_unknown_one_stays_unknown():
    assert share_text(Interval(0.97, 0.9, 1.1, 5), 0) == "97 % (90 to 100)"
    assert share_text(ALONE, 0) == "62 % (n = 1)"
    assert share_text(None) == "not known"


def test_networks_are_named_with_their_size():
    assert sized("400-100", 355_110) == "400-100 (355,110 parameters)"


def test_a_subtitle_says_how_many_seeds_there_are_and_how_many_runs_are_excluded():
    setup = Setup.of("digits", seeds=3)
    whole, part = (
        group(right(0.9)),
        group(right(0.9), verdicts=["good_fit", "good_fit", "diverged", "collapsed", "good_fit"], l2=1.0),
    )
    assert subtitle(setup, [whole], BANDS) == [f"digits; n = 5 seeds per setting; {BANDS}"]
    assert subtitle(setup, [whole, part], BANDS, "more") == [
        f"digits; n = 3 to 5 seeds per setting; {BANDS}",
        "2 of 10 runs excluded: diverged or collapsed",
        "more",
    ]
    assert excluded([whole]) == ""
    assert excluded([part]) == "2 of 5 runs excluded"
