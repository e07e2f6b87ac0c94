"""What a study is asked for."""

from __future__ import annotations

import pytest

from seedbed.errors import SpecError
from seedbed.groups import Request
from seedbed.specs import Dense, Plan
from seedbed.studies.setup import Setup


def test_a_setup_counts_seeds_and_keeps_fresh_ones_apart():
    setup = Setup.of("digits", seeds=3, seed=4)
    assert setup.seeds == (4, 5, 6)
    assert setup.fresh == (7, 8, 9)
    assert setup.asked == ("--data", "digits", "--seeds", "3", "--seed", "4")
    assert Setup.of("digits").seeds == (0, 1, 2, 3, 4)
    assert len(Setup.of("digits", quick=True).seeds) == 3
    assert Setup.of("digits", folds=1).amounts(5000, 1000) == [410, 150]
    assert setup.epochs(400, 1257, least=10, most=60) == 40


def test_few_validation_images_are_made_more_by_as_many_folds_as_fit_the_seeds():
    folds = {seeds: Setup.of("digits", seeds=seeds).folds for seeds in (1, 2, 3, 4, 5, 6, 11)}
    assert folds == {1: 1, 2: 1, 3: 3, 4: 4, 5: 5, 6: 3, 11: 1}
    setup = Setup.of("digits", quick=True)
    assert (setup.folds, setup.facts.train + setup.facts.validation) == (3, 1527)
    assert "1,527 images in 3 folds" in setup.summary
    assert Setup.of("digits", protocol="handout").folds == 1


def test_asked_folds_are_kept_and_repeated():
    setup = Setup.of("digits", folds=4)
    assert (setup.seeds, setup.folds) == (tuple(range(8)), 4)
    assert setup.asked == ("--data", "digits", "--folds", "4")
    request = setup.seeded(Request("a", setup.run(Dense(), Plan()), ()))
    assert [entry.run.data.fold for entry in request.entries] == [(seed % 4, 4) for seed in range(8)]
    assert request.name == "a-folds_4"
    for wrong in ({"folds": 4, "seeds": 6}, {"folds": 4, "protocol": "handout"}, {"folds": 0}):
        with pytest.raises(SpecError, match="fold"):
            Setup.of("digits", **wrong)  # type: ignore[arg-type]


def test_a_part_of_the_training_images_is_studied_where_it_is_asked_for():
    setup = Setup.of("digits", first=500, folds=1)
    assert (setup.facts.train, setup.facts.validation) == (500, 270)
    assert setup.asked == ("--data", "digits", "--first", "500", "--folds", "1")
    assert setup.run(Dense(), Plan()).data.first == 500
    assert setup.amounts(5000, 1000) == [160, 62]
    with pytest.raises(SpecError, match="first = 5"):
        Setup.of("digits", first=5, folds=1)


def test_nets_that_are_compared_by_where_they_end_train_until_they_are_done_on_small_data():
    small = Setup.of("digits", folds=1)
    assert small.lasting(40) == Plan(epochs="auto")
    assert small.length(small.lasting(40)) == "500 epochs at most, until the validation loss has not fallen for 10"
    assert small.length(Plan(epochs=40)) == "40 epochs"
    for changes in ({"quick": True}, {"epochs": "own"}, {"protocol": "handout", "epochs": 7}):
        setup = Setup.of("digits", **changes)
        assert setup.lasting(40) == Plan(epochs=40)
    assert setup.run(Dense(), setup.lasting(40)).plan.epochs == 7
    assert Setup.of("digits", epochs="own").asked[-1] == "--epochs=own"


@pytest.mark.parametrize("seeds", [0, -1, 10**6, [], [1, 1]])
def test_a_number_of_seeds_that_makes_no_sense_is_refused(seeds):
    with pytest.raises(SpecError, match="seeds = "):
        Setup.of("digits", seeds=seeds)
