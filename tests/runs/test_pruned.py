"""Runs that came to their end in a search: pruned ones, and whole ones that kept no weights. They pass for what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from runs.samples import entry, finish, result
from seedbed.errors import RunHalfDone
from seedbed.records import Result
from seedbed.runs import FinishedRun, NamedRun, RunStore


@pytest.fixture
def home(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path)


def metrics_only(home: RunStore, of: NamedRun, *, pruned: bool) -> Result:
    with home.claim([of], whole=False):
        return home.finish(FinishedRun(of, replace(result(of, 2), pruned=pruned), 16.0))[0]


def test_a_pruned_run_says_so_and_is_finished_to_nobody(home: RunStore) -> None:
    assert metrics_only(home, entry("a"), pruned=True).pruned
    assert home.status("a") == "pruned"
    assert [each.status for each in home.listing()] == ["pruned"]
    assert home.results() == []
    assert home.find_identities([entry("a").run.identity]) == {}
    with pytest.raises(RunHalfDone, match="'a' is pruned, not finished"):
        home.find("a")


@pytest.mark.parametrize("pruned", [True, False])
def test_a_search_takes_it_for_done_and_whoever_wants_it_whole_trains_it(pruned: bool, home: RunStore) -> None:
    stored = metrics_only(home, entry("a"), pruned=pruned)
    with home.claim([entry("a")], whole=False) as claim:
        assert claim.todo == ()
        assert claim.done["a"].as_json() == stored.as_json()
        assert claim.done["a"].pruned == pruned
    with home.claim([entry("a")]) as claim:
        assert [each.name for each in claim.todo] == ["a"]
        assert claim.half_done == frozenset()
        assert home.epochs("a") == 0, "it begins anew"
        finish(home, entry("a"))
    assert home.status("a") == "finished"


def test_a_whole_run_without_weights_is_found_but_not_where_weights_are_wanted(home: RunStore) -> None:
    metrics_only(home, entry("a"), pruned=False)
    identity = entry("a").run.identity
    assert home.find_identities([identity]).keys() == {identity}
    assert home.find_identities([identity], whole=True) == {}
    with home.claim([entry("b")]):
        finish(home, entry("b"))
    assert home.find_identities([identity], whole=True)[identity].name == "b"


def test_a_whole_run_serves_a_search_as_well(home: RunStore) -> None:
    with home.claim([entry("a")]):
        finish(home, entry("a"))
    with home.claim([entry("a")], whole=False) as claim:
        assert claim.todo == ()
