"""A search from end to end: nothing twice, nothing lost, and no noisy winner believed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hostile.engine import ENGINE, check_sound, here, leftovers
from searches.samples import Dying, Killed, asked, small
from seedbed import storage
from seedbed.errors import RunError, RunExists, RunHalfDone, SpecError
from seedbed.groups import Group
from seedbed.records import Result
from seedbed.runs import RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.searches import Search, Terms, loop, save
from seedbed.searches import run as run_with
from seedbed.searches.finalists import Finalist, ranked
from seedbed.searches.latency import BATCH
from seedbed.searches.loop import chosen_trials
from seedbed.searches.store import journal
from seedbed.searches.stored import read_search


@pytest.fixture(scope="module", autouse=True)
def short() -> Iterator[None]:
    with here(Dying) as patch:
        small(patch)
        yield


def run(terms: Terms, home: RunStore, **more: Any) -> Search:
    """One worker, so that a batch is one population."""
    return run_with(terms, Execution(home, workers=1, **more))


@pytest.fixture(autouse=True)
def alive() -> None:
    Dying.left = 10**9


@pytest.fixture(scope="module")
def terms() -> Terms:
    return asked()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    return RunStore(tmp_path_factory.mktemp("whole") / "runs")


@pytest.fixture(scope="module")
def found(terms: Terms, home: RunStore) -> Search:
    """The search that nobody disturbs."""
    return run(terms, home)


def outcome(search: Search, home: RunStore) -> Any:
    """All that a search decided: its trials with their bits, its runs and their states; times are left out."""
    trials = [(t.number, t.name, t.run.identity, t.state, t.accuracy, dict(t.curve), dict(t.point)) for t in search.trials]
    best = [(one.name, one.trial.number, one.accuracy) for one in search.best]
    runs = {each.name: (each.status, each.record and each.record.identity) for each in home.listing()}
    return trials, best, runs


def test_every_trial_fits_the_budget_and_every_state_is_as_its_run_says(found: Search, home: RunStore) -> None:
    assert len(found.trials) == 6
    assert all(trial.model.units == 6 for trial in found.trials)
    statuses = {each.name: each.status for each in home.listing()}
    for trial in found.trials:
        assert statuses[trial.name] == ("pruned" if trial.state == "pruned" else "finished")
    assert set(Counter(trial.state for trial in found.trials)) >= {"complete", "pruned"}
    assert leftovers(home.root) == []


def test_trials_keep_metrics_only_and_the_best_keep_all(found: Search, home: RunStore) -> None:
    trial = found.trials[0].name
    assert sorted(path.name for path in home.folder(trial).iterdir()) == ["metrics.jsonl", "run.json"]
    assert home.weights(found.best[0].group.results[0].name, "best")


def test_the_best_are_trained_again_with_seeds_that_no_trial_had(found: Search, terms: Terms) -> None:
    assert {result.run.seed for result in found.results} == {1, 2}
    assert {trial.run.seed for trial in found.trials} == {0}
    for one in found.best:
        assert {result.run.setting for result in one.group.results} == {one.trial.run.setting}
        assert one.accuracy is not None
        assert one.accuracy.n == terms.seeds


def test_the_ranking_is_by_the_lower_end_not_by_the_luck_of_a_trial(found: Search) -> None:
    def finalist(number: int, trial: float, *right: int) -> Finalist:
        """One seed for each number of images, of a hundred, that are right."""
        correct = {seed: np.arange(100) < count for seed, count in enumerate(right)}
        run = found.best[0].group.results[0]
        group = Group(str(number), [replace(run, run=run.run.changed(seed=seed)) for seed in correct], correct=correct)
        return Finalist(replace(found.trials[0], number=number, accuracy=trial), group)

    lucky, steady, broken = finalist(0, 0.99, 100, 90), finalist(1, 0.93, 93, 93), finalist(2, 1.0)
    assert lucky.group.mean > steady.group.mean
    assert [one.name for one in ranked([broken, lucky, steady])] == ["1", "0", "2"]


def test_a_second_call_trains_nothing_and_says_the_same(found: Search, terms: Terms, home: RunStore, monkeypatch: Any) -> None:
    monkeypatch.setattr(ENGINE, "LocalExecutor", None)
    assert outcome(run(terms, home), home) == outcome(found, home)


def test_no_run_is_trained_twice(found: Search, terms: Terms, tmp_path: Path, monkeypatch: Any) -> None:
    """Also where the sampler proposes a setting again: here all of a batch are the same."""
    point = dict(found.trials[0].point)
    monkeypatch.setattr(loop, "propose", lambda space, before, count, **_: [point] * count)
    trained: list[str] = []
    search = run(
        replace(terms, trials=5), RunStore(tmp_path), on_event=lambda event: trained.extend(getattr(event, "names", ()))
    )
    assert {name for name in trained if "trial" in name} == {"s-trial-0"}
    assert {trial.name for trial in search.trials} == {"s-trial-0"}
    assert len({trial.accuracy for trial in search.trials}) == 1
    assert len(search.best) == 1


@pytest.mark.parametrize("reports", [1, 9, 20])
def test_killed_anywhere_and_resumed_a_search_ends_as_if_undisturbed(
    reports: int, found: Search, terms: Terms, home: RunStore, tmp_path: Path
) -> None:
    again = RunStore(tmp_path / "runs")
    kills = 0
    for each in (reports, reports + 5, reports + 2):
        Dying.left = each
        try:
            run(terms, again, resume=True)
        except Killed:
            kills += 1
    Dying.left = 10**9
    check_sound(again.root)
    assert kills > 0
    assert outcome(run(terms, again, resume=True), again) == outcome(found, home)
    assert leftovers(again.root) == []


@pytest.mark.parametrize("recorded", [0, 1, 4])
def test_a_batch_that_was_half_recorded_is_recorded_to_its_end(
    recorded: int, found: Search, terms: Terms, home: RunStore, tmp_path: Path
) -> None:
    """The journal is cut in the middle of a line; the runs are all there."""
    import shutil

    shutil.copytree(home.root, tmp_path / "runs")
    again = RunStore(tmp_path / "runs")
    path = journal(again, "s")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: 2 + recorded]) + lines[2 + recorded][:50])
    if recorded:
        with pytest.raises(RunHalfDone, match=f"after {recorded} of 6"):
            run(terms, again)
    assert outcome(run(terms, again, resume=True), again) == outcome(found, home)


def test_more_trials_go_on_where_fewer_stopped(found: Search, terms: Terms, home: RunStore, tmp_path: Path) -> None:
    shorter = run(replace(terms, trials=3), RunStore(tmp_path))
    assert [trial.run.identity for trial in shorter.trials] == [trial.run.identity for trial in found.trials[:3]]
    longer = run(terms, RunStore(tmp_path), resume=True)
    assert [(t.run.identity, t.accuracy) for t in longer.trials] == [(t.run.identity, t.accuracy) for t in found.trials]


def test_replace_begins_anew_and_leaves_other_runs_alone(found: Search, terms: Terms, tmp_path: Path) -> None:
    home = RunStore(tmp_path)
    run(replace(terms, trials=3), home)
    (tmp_path / "s-trial-0" / "mark").write_text("old")
    run(replace(terms, trials=3, prune=False), home, replace=True)
    names = [each.name for each in home.listing()]
    assert sum("trial" in name for name in names) == 3
    assert not (tmp_path / "s-trial-0" / "mark").exists()


def test_other_settings_under_the_same_name_are_refused(found: Search, terms: Terms, home: RunStore) -> None:
    with pytest.raises(RunExists, match="seed: 0 there, 1 here"):
        run(replace(terms, seed=1), home, resume=True)


def test_a_pruned_run_that_somebody_wants_whole_is_trained(found: Search, home: RunStore, tmp_path: Path) -> None:
    from seedbed.runs import NamedRun

    pruned = next(trial for trial in found.trials if trial.state == "pruned")
    with pytest.raises(RunHalfDone, match="is pruned, not finished"):
        home.find(pruned.name)
    (whole,) = train_runs([NamedRun("whole", "whole", pruned.run)], Execution(home))
    assert (whole.history.epochs, whole.pruned) == (4, False)
    assert home.weights("whole", "best")
    home.remove("whole")


def test_a_frontier_keeps_what_no_cheaper_one_beats_and_spreads(found: Search, terms: Terms) -> None:
    def trial(number: int, accuracy: float, parameters: int) -> Any:
        model = replace(found.trials[0].model, parameters=parameters, units=parameters)
        return replace(found.trials[0], number=number, name=str(number), accuracy=accuracy, model=model, state="complete")

    some = [
        trial(n, accuracy, size)
        for n, (accuracy, size) in enumerate([(0.5, 10), (0.9, 100), (0.4, 20), (0.95, 1000), (0.92, 110)])
    ]
    pareto = replace(terms, pareto=True)
    assert [each.number for each in chosen_trials(replace(pareto, finalists=9), some)] == [0, 1, 4, 3]
    assert [each.number for each in chosen_trials(replace(pareto, finalists=3), some)] == [0, 1, 3]
    assert [each.number for each in chosen_trials(replace(terms, finalists=2), some)] == [3, 4]


def test_folds_are_trained_one_by_one_and_judged_by_all_their_images(tmp_path: Path) -> None:
    terms = asked(folds=2, trials=1, finalists=1, epochs=1)
    assert terms.pruning.rungs == ()
    home = RunStore(tmp_path)
    search = run(terms, home)
    results = [home.find(f"{search.trials[0].name}-fold-{fold}")[0] for fold in (0, 1)]
    assert {result.run.data.fold for result in results} == {(0, 2), (1, 2)}
    best = np.mean([result.history["validation_accuracy"].max() for result in results])
    assert search.trials[0].accuracy == pytest.approx(best)
    (one,) = search.best
    assert one.accuracy is not None
    assert len(next(iter(one.group.correct.values()))) == sum(result.data.validation for result in results) == 1527
    with pytest.raises(RunError, match="--folds 1"):
        search.tested(home)
    stored = read_search(home, terms.name, groups := by_group(one.group.results))
    assert [each.accuracy for each in stored.best] == [one.accuracy]
    assert len(groups) == 2  # one for each fold, as they stand in the home
    missing = {name: [result for result in results if result.run.seed == 1] for name, results in groups.items()}
    [half, *_] = read_search(home, terms.name, {**groups, **dict([missing.popitem()])}).best
    assert list(half.group.by_seed) == [1]  # of the other seed a fold is missing


def by_group(results: Sequence[Result]) -> dict[str, list[Result]]:
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups


def test_what_was_found_is_written_and_is_the_contract(found: Search, tmp_path: Path) -> None:
    measured = found.measured()
    files = save(measured, tmp_path)
    plain = storage.read_json(tmp_path / "results.json")
    assert json.dumps(plain, allow_nan=False)
    assert plain["budget"] == {"units": 6}
    assert plain["trials"] == 6
    first = plain["best"][0]
    assert {"family", "parameters", "units", "operations"} <= first["model"].keys()
    assert first["validation"]["interval"][0] <= first["validation"]["mean"] <= first["validation"]["interval"][1]
    assert first["validation"]["n"] == 2
    for kind in ("single", "batch"):  # how they are measured: `test_latency.py`
        low, high = first["latency"][kind]["quartiles"]
        assert 0 < low <= first["latency"][kind]["seconds"] <= high
    assert first["latency"]["batch"]["images"] == BATCH
    assert {one["name"] for one in plain["pareto"]} <= {one["name"] for one in plain["best"]}
    assert (tmp_path / "trials.csv").read_text().count("\n") == 7
    assert all(path.stat().st_size > 0 for paths in files.values() for path in paths)


def test_the_winner_is_looked_at_on_the_test_part_only_on_request(found: Search, home: RunStore) -> None:
    before = len(home.looks())
    tested = found.tested(home)
    assert tested.test is not None
    assert tested.test.n == 2
    assert len(home.looks()) == before + 2
    assert "On the test part" in " ".join(tested.sentences())
    assert "On the test part" not in " ".join(found.sentences())


def test_sentences_say_what_was_tried_and_what_is_not_shown(found: Search) -> None:
    text = " ".join(found.sentences())
    assert "The best of 6 trials within 6 hidden units, by the lower end of its interval: dense" in text
    assert "optimistic, because this number selected the trial" in text
    assert ("better than" in text) or ("no clear difference" in text)


@pytest.mark.parametrize(
    "wrong", [{"trials": 0}, {"seeds": 1}, {"finalists": 0}, {"folds": 0}, {"sampler": "tp"}, {"name": "a.1"}]
)
def test_terms_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(wrong))):
        asked(**wrong)
