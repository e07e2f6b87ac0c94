"""Cards: how sure an answer is, and the rules of their form."""

from __future__ import annotations

import pytest

from seedbed.groups import ACCURACY, Contrast, Difference, Group
from seedbed.groups.statements import Certainty
from seedbed.statistics import Decision, Interval
from seedbed.studies.cards import Card, accuracies_picture, curves_picture
from studies.reading import check, reading_ease


def difference(low: float, high: float, *, shown: bool) -> Difference:
    decision = Decision(Interval((low + high) / 2, low, high, 3), p=0.01, corrected_p=0.03, shown=shown, claims=4)
    return Difference(Contrast(None, None, measure=ACCURACY), ((0, 0),), "3 seeds", decision)  # type: ignore[arg-type]  # no group is read


@pytest.mark.parametrize(
    ("low", "high", "shown", "mark", "says"),
    [
        (0.01, 0.05, True, "clear", "also after correction for 4 comparisons"),
        (0.01, 0.05, False, "likely", "but not after correction for 4"),
        (-0.01, 0.05, False, "not shown", "includes 0"),
    ],
)
def test_an_answer_is_as_sure_as_its_difference(low, high, shown, mark, says):
    certainty = difference(low, high, shown=shown).certainty("Steps")
    assert certainty.mark == mark
    assert certainty.rule.startswith("Steps: the 95 % interval")
    assert says in certainty.rule


def test_what_was_not_compared_is_not_shown_and_says_why():
    certainty = Difference(Contrast(None, None, measure=ACCURACY), (), "no run is left", None).certainty()  # type: ignore[arg-type]
    assert certainty.mark == "not shown"
    assert "no run is left" in certainty.rule


@pytest.mark.parametrize(
    "answer",
    [
        "It is good. " * 13,
        "Regularization necessitates considerable experimentation regarding generalization capabilities.",
    ],
)
def test_a_long_or_difficult_answer_fails_the_check(answer):
    with pytest.raises(AssertionError):
        check(Card("What?", answer.strip(), Certainty("clear", "A rule.")))


def test_where_no_run_is_left_there_is_no_picture():
    assert accuracies_picture([("one", None)]) is None
    assert curves_picture([("one", Group("one", []))], "loss") is None


def test_short_words_are_easier_than_long_ones():
    assert reading_ease("The net is good.") > reading_ease("Convolutional architectures generalize.") + 50
