"""A search that is read from its journal is the search that was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostile.engine import here
from searches.samples import asked, small
from seedbed.exports import export
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.searches import run
from seedbed.searches.naming import finalist_group, finalist_number, own_runs, trial_group
from seedbed.searches.stored import read_search


@pytest.mark.parametrize("goals", [{}, {"metric": "balanced", "class_weight": "balanced", "select": "last"}])
def test_what_its_trials_go_by_is_read_back(goals: dict[str, Any], tmp_path: Path) -> None:
    terms, home = asked(trials=3, finalists=1, **goals), RunStore(tmp_path / "runs")
    with here() as patch:
        small(patch)
        found = run(terms, Execution(home, workers=1))
    groups = {finalist.group.name: finalist.group.results for finalist in found.best}
    stored = read_search(home, terms.name, groups)
    assert stored.terms.settings() == terms.settings()
    assert [each.name for each in stored.best] == [each.name for each in found.best]
    assert [trial.accuracy for trial in stored.trials] == [trial.accuracy for trial in found.trials]
    by_object, by_name = (
        export(what, "csv", tmp_path / f"{number}.csv", home=home.root).files[0].read_text()
        for number, what in enumerate((found, terms.name))
    )
    assert by_object == by_name


@pytest.mark.parametrize("name", ["s-trial-7", "s-trial-7-fold-0", "s-best-7.1", "s-best-7-fold-0.1"])
def test_the_runs_of_a_search_are_known_by_their_names(name: str) -> None:
    assert own_runs("s").fullmatch(name)
    for other in ("t", "s-trial", "s-trial-7"):
        assert not own_runs(other).fullmatch(name)


def test_groups_are_named_as_they_are_read() -> None:
    assert (trial_group("s", 7), finalist_group("s", 7)) == ("s-trial-7", "s-best-7")
    assert [finalist_number("s", group) for group in ("s-best-7", "s-best-7-fold-0", "s-trial-7", "best-7")] == [
        7,
        7,
        None,
        None,
    ]
