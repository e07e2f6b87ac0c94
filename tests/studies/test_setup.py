"""What a study is asked for."""

from __future__ import annotations

import pytest

from seedbed.errors import SpecError
from seedbed.studies.setup import Setup


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
def test_a_number_of_seeds_that_makes_no_sense_is_refused(seeds):
    with pytest.raises(SpecError, match="seeds = "):
        Setup.of("digits", seeds=seeds)
