"""What a search is expected to take, before and after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile.engine import here
from searches.samples import Dying, asked, small
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.searches import forecast_search, run


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    with here(Dying) as patch:
        small(patch)
        yield


def test_a_search_that_is_there_takes_no_more_time_although_most_trials_were_pruned(tmp_path: Path) -> None:
    terms, execution = asked(), Execution(RunStore(tmp_path / "runs"), workers=1)
    before = forecast_search(terms, execution)
    assert before.left == before.runs
    assert before.seconds
    Dying.left = 10**9
    run(terms, execution)
    assert "pruned" in {listed.status for listed in execution.home.listing()}
    after = forecast_search(terms, execution)
    assert (after.left, after.seconds) == (0, 0.0)
