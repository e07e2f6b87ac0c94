"""The fewest parameters, within two layers and freely: sentences and tables of both ways."""

from __future__ import annotations

import pytest

from groups.samples import net, right
from seedbed.records import DataFacts
from seedbed.sizing import Smallest
from seedbed.sizing.attempts import Attempt, Candidate
from seedbed.specs import DataSpec, Dense, Plan
from seedbed.statistics import Interval
from seedbed.studies.fewest import Fewest, Size
from seedbed.studies.questions import fewest_parameters
from seedbed.studies.setup import Setup

ABOVE, BELOW = Interval(0.97, 0.96, 0.98, 5), Interval(0.95, 0.94, 0.96, 5)
SETUP = Setup(DataSpec(name="mnist"), DataFacts(55_000, 5_000, 10_000, tuple("0123456789"), (28, 28, 1)), (0, 1, 2))


def size(width: int, accuracy: Interval | None) -> Size:
    verdicts = ["good_fit"] * 5 if accuracy else ["diverged", *["good_fit"] * 4]
    return Size(width, net((width, 3 * width), right(0.95), verdicts=verdicts), accuracy)


def claim(width: int, accuracy: Interval | None) -> Attempt:
    candidate = Candidate(Dense(hidden=(width,)), Plan())
    return Attempt(candidate, "claim", f"net-{width}", 795 * width, (3, 4, 5, 6, 7), accuracy, int(accuracy is None), 1.0)


@pytest.fixture
def within() -> Fewest:
    return Fewest(0.95, [size(64, ABOVE), size(32, ABOVE), size(16, None)], all_held=False)


@pytest.fixture
def free() -> Smallest:
    return Smallest("search", 0.95, SETUP.data, [], [claim(20, ABOVE), claim(10, BELOW)], stopped=False)


def test_the_short_answer_names_the_smallest_net_of_both_ways(within, free):
    short = fewest_parameters._short(within, free)
    assert short.startswith("clearly above 95 % within two ReLU layers: 32-96 (")
    assert short.endswith("parameters) with 97.00 % (96.00 to 98.00), and freely: dense 20, relu (15,900 parameters)")
    none = fewest_parameters._short(Fewest(0.97, [size(64, BELOW)], all_held=False), None)
    assert none == "clearly above 97 % within two ReLU layers: no tested net"


def test_the_first_net_that_failed_is_named_with_its_accuracy_or_its_excluded_runs(within):
    said = fewest_parameters._tested_sentence(within)
    assert "32-96 (" in said
    assert said.endswith("parameters) with 1 of 5 runs excluded.")
    assert "every tested net (1 in all)" in fewest_parameters._tested_sentence(Fewest(0.95, [size(64, ABOVE)], True))
    assert "already the first net" in fewest_parameters._tested_sentence(Fewest(0.95, [size(64, BELOW)], False))


def test_published_nets_are_compared_with_both_ways(within, free):
    [said] = fewest_parameters._published_sentences([within], {0.95: free})
    assert (
        "of the smallest net within two layers and 1.08 times the parameters (17,150 / 15,900) of the smallest net freely"
        in said
    )
    assert fewest_parameters._published_sentences([Fewest(0.97, [size(64, BELOW)], False)], {}) == []


def test_the_table_and_the_figure_hold_the_nets_of_both_ways(within, free):
    nets = [fewest_parameters._free_net(each) for each in (*free.claims, claim(5, None))]
    rows = fewest_parameters._table(nets).texts
    assert rows[0][2:] == ["15,900", "5 of 5", "97.00 (96.00 to 98.00)", "yes", ""]
    assert rows[2][3:] == ["4 of 5", "not known", "", ""]
    [figure] = fewest_parameters._figures(SETUP, [(each, each.test in [free.confirmed]) for each in nets])
    assert figure.name == "units_fewest_parameters"
    assert fewest_parameters._json(within, free)["two_layers"]["hidden"] == [32, 96]
