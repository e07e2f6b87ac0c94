"""Statements: marks follow from decisions, and short answers leave the statistics out."""

from __future__ import annotations

import re

import pytest

from groups.samples import group, right
from seedbed.groups import Contrast, differences
from seedbed.groups.statements import Certainty
from seedbed.statistics import Decision, Equivalence, Interval

STATISTICS = re.compile(r"interval|p = |\(")


def decided(low: float, high: float, *, shown: bool, claims: int = 4) -> Decision:
    return Decision(Interval((low + high) / 2, low, high, 3), p=0.01, corrected_p=0.03, shown=shown, claims=claims)


EQUAL, UNEQUAL = (Equivalence(0.005, p=0.01, corrected_p=0.02, shown=shown) for shown in (True, False))


@pytest.mark.parametrize(
    ("decision", "equivalence", "mark", "says"),
    [
        (decided(0.01, 0.05, shown=True), None, "clear", "excludes 0, also after correction for 4 comparisons."),
        (decided(0.01, 0.05, shown=True, claims=1), None, "clear", "excludes 0."),
        (decided(0.01, 0.05, shown=False), UNEQUAL, "likely", "but not after correction for 4"),
        (decided(-0.01, 0.05, shown=False), UNEQUAL, "not shown", "includes 0"),
        (decided(-0.001, 0.002, shown=False), EQUAL, "clear", "less than 0.5 points"),
        (decided(-0.001, 0.002, shown=False), None, "not shown", "includes 0"),
    ],
)
def test_an_answer_is_as_sure_as_its_decision(decision, equivalence, mark, says):
    certainty = Certainty.of(decision, equivalence)
    assert certainty.mark == mark
    assert says in certainty.rule


def test_a_short_answer_has_the_number_and_none_of_the_statistics():
    worse, better = group(right(0.90, seed=1)), group(right(0.96, seed=2), l2=1)
    [found] = differences([Contrast(better, worse, "A", "B")])
    accuracy, loss = found.statements
    assert re.fullmatch(r"A is more accurate than B by \d\.\d\d points\.", accuracy.answer)
    assert "95 % interval" in accuracy.statistics
    assert (accuracy.mark, loss.mark) == ("clear", "clear")
    assert loss.answer.startswith("Its loss is lower too, by ")
    assert found.sentence == f"{accuracy.sentence} {loss.sentence}"


def test_a_difference_that_the_correction_hides_is_likely_and_says_who_is_ahead():
    a, b = group(right(0.90, images=400, seed=1)), group(right(0.96, images=400, seed=2), l2=1)
    [alone] = differences([Contrast(a, b, "A", "B")])
    assert alone.shown
    [found] = differences([Contrast(a, b, "A", "B")], others=10**9)
    assert found.statements[0].mark == "likely"
    assert found.statements[0].answer.startswith("B is ahead of A in accuracy, by ")
    assert not STATISTICS.search(found.statements[0].answer)


def test_a_loss_that_does_not_differ_is_left_to_the_statistics():
    [found] = differences([Contrast(group(right(0.9)), group(right(0.9), l2=1), "A", "B")])
    [equal] = found.statements
    assert equal.mark == "clear"
    assert equal.answer == "A and B are equally accurate within 1 point: both have the same mean."
    assert "No clear difference in loss" in found.sentence


def test_what_is_said_of_two_networks_says_so_in_short_too():
    [found] = differences([Contrast(group(right(0.9, images=300)[:1]), group(right(0.9, images=300, seed=4)[:1], l2=1))])
    assert found.statements[0].answer.endswith("This is about these two networks; it says nothing about other seeds.")
