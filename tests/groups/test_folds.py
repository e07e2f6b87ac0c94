"""Seeds that validate on folds in turn."""

from __future__ import annotations

import pytest

from seedbed.errors import SpecError
from seedbed.groups.folds import fold_seeds, on_fold
from seedbed.specs import DataSpec, RunSpec


def test_without_folds_a_run_is_what_it_was() -> None:
    run = RunSpec(data=DataSpec(name="digits"))
    assert on_fold(run, 3, 1).identity == run.changed(seed=3).identity


def test_seeds_take_turns_at_the_folds_so_that_more_of_them_keep_the_first() -> None:
    run = RunSpec(data=DataSpec(name="digits"))
    assert [on_fold(run, seed, 3).data.fold for seed in range(5)] == [(0, 3), (1, 3), (2, 3), (0, 3), (1, 3)]
    with pytest.raises(SpecError, match="name a fold already"):
        on_fold(on_fold(run, 0, 3), 0, 3)


def test_the_number_of_seeds_is_a_multiple_of_the_folds() -> None:
    assert fold_seeds(1, None, default=5) == (0, 1, 2, 3, 4)
    assert fold_seeds(3, None, default=5, first=2) == (2, 3, 4, 5, 6, 7)
    assert fold_seeds(3, [4, 5, 6], default=5) == (4, 5, 6)
    with pytest.raises(SpecError, match=r"4 seeds on 3 folds: .* multiple of 3, .* 6 would do"):
        fold_seeds(3, range(4), default=5)
    with pytest.raises(SpecError, match="each other"):
        fold_seeds(3, [0, 1, 3], default=5)
    with pytest.raises(SpecError, match="folds = 0"):
        fold_seeds(0, None, default=5)
