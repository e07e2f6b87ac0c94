"""Pruning: who stops, when, and that nobody else notices; exact also when the job is resumed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.errors import SpecError
from seedbed.specs import Dense, Plan
from seedbed.training import job as job_module
from seedbed.training import saves
from seedbed.training.members import EpochMetrics
from seedbed.training.pruning import Pruning
from seedbed.training.reports import Checkpoint, Outcome, Task
from training.samples import Ran, all_same_bits, digits, ran, same_bits, task

RULE = Pruning(rungs=(1, 2), keep=0.5)
PLANS = [Plan(epochs=4, batch_size=16, learning_rate=rate) for rate in (1e-5, 1e-2, 3e-3, 1e-5, 1e-4)]
FIVE = [Dense(hidden=(6,)), Dense(hidden=(8,)), Dense(hidden=(8,), dropout=0.2), Dense(hidden=(4,)), Dense(hidden=(5, 4))]


def row(accuracy: float, loss: float = 1.0) -> EpochMetrics:
    return {"validation_accuracy": accuracy, "validation_loss": loss, "train_loss": 1.0, "train_penalty": 0.0}


def population(**more: object) -> Task:
    return task(FIVE, PLANS, pruning=RULE, **more)


@pytest.fixture(scope="module", params=[0.0, 1e11], ids=["dropped", "kept"], autouse=True)
def whole(request: pytest.FixtureRequest) -> Iterator[Ran]:
    """Pruned members are dropped from the program, or stay in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_module, "WORTH_COMPILING", request.param)
        yield ran(population())


def test_the_better_share_of_those_who_reached_a_rung_goes_on() -> None:
    rows = {(0, 0): [row(0.5)], (0, 1): [row(0.9)], (0, 2): [row(0.7)], (0, 3): [row(0.9, loss=0.5)]}
    assert RULE.stopped(1, rows) == {(0, 0), (0, 2)}
    assert Pruning((1,), keep=0.6).stopped(1, rows) == {(0, 0)}, "rounded up"
    assert Pruning((3,)).stopped(1, rows) == set()
    later = {(0, 1): rows[0, 1] * 2, (0, 3): rows[0, 3] * 2, (0, 0): rows[0, 0]}
    assert RULE.stopped(2, later) == {(0, 1)}, "equal accuracies are told apart by the loss"


def test_a_member_is_ranked_by_its_best_epoch_so_far_and_one_without_figures_last() -> None:
    nan = float("nan")
    rows = {(0, 0): [row(0.8), row(0.2)], (0, 1): [row(0.1), row(0.7)], (0, 2): [row(0.99), row(nan, nan)]}
    assert RULE.stopped(2, rows) == {(0, 2)}
    assert Pruning((2,), keep=0.3).stopped(2, rows) == {(0, 1), (0, 2)}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.01, 1))
def test_somebody_always_goes_on(accuracies: list[float], keep: float) -> None:
    rows = {(0, n): [row(accuracy)] for n, accuracy in enumerate(accuracies)}
    assert len(Pruning((1,), keep).stopped(1, rows)) < len(rows)


@pytest.mark.parametrize("wrong", [{"rungs": (0,)}, {"rungs": (3, 2)}, {"rungs": (1, 1)}, {"rungs": (1,), "keep": 0.0}])
def test_rungs_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"(rungs|keep) ="):
        Pruning(**wrong)  # type: ignore[arg-type]


def test_the_expected_work_counts_those_who_are_left() -> None:
    rule = Pruning((2, 4), keep=0.5)
    assert [rule.work(at, 8) for at in (0, 1, 2, 3, 4, 8)] == [0, 1, 2, 2.5, 3, 4]
    assert rule.work(2, 2) == 2


def test_pruned_members_stop_at_their_rungs_and_say_so(whole: Ran) -> None:
    ends = {place: (outcome.history.epochs, outcome.pruned) for place, outcome in whole.outcomes.items()}
    assert sorted(ends.values()) == [(1, True), (1, True), (2, True), (4, False), (4, False)]
    assert ends[0, 0] == ends[0, 3] == (1, True), "the slowest rates are the worst"


def test_neighbours_of_pruned_members_are_left_as_they_would_be_to_the_last_bit() -> None:
    """Two of four that are never dropped from the program, because they are not the fewer half until the end."""
    rule = Pruning((1,), keep=0.75)
    pruned = ran(task(FIVE[:4], PLANS[:4], pruning=rule)).outcomes
    alone = ran(task(FIVE[:4], PLANS[:4])).outcomes
    stopped = [place for place, outcome in pruned.items() if outcome.pruned]
    assert len(stopped) == 1
    for place in pruned.keys() - set(stopped):
        same_bits(pruned[place], alone[place])
    whole, cut = alone[stopped[0]].history, pruned[stopped[0]].history
    assert all(np.array_equal(whole[name][:1], cut[name]) for name in whole.columns if name != "seconds")


def test_the_population_is_saved_before_the_first_of_it_ends(whole: Ran) -> None:
    kinds = [type(report) for report in whole.reports]
    assert kinds.index(Checkpoint) < kinds.index(Outcome)
    assert len(whole.checkpoints) == 1
    assert whole.checkpoints[0].state.alive == ((True,) * 5,)


def test_a_pruned_population_goes_on_bit_for_bit_from_any_save(whole: Ran) -> None:
    for at, saved in enumerate(ran(population(save_every=0.0)).checkpoints):
        plain = json.loads(json.dumps(saves.manifest(population(), saved, {}, 1)))
        again = saves.read("t", plain).task("t", saved.arrays, {})
        assert again.pruning == RULE
        rest = ran(replace(again, save_every=None))
        for place, outcome in rest.outcomes.items():
            same_bits(outcome, whole.outcomes[place])
            assert outcome.pruned == whole.outcomes[place].pruned
        assert len(rest.outcomes) == (5 if at == 0 else sum(map(sum, saved.state.alive)))


def test_a_member_that_diverged_is_not_called_pruned() -> None:
    plans = [PLANS[1], PLANS[1].changed(learning_rate=1e20), PLANS[2]]
    outcomes = ran(task(FIVE[:3], plans, pruning=Pruning((1,), keep=0.6))).outcomes
    assert [outcomes[0, n].pruned for n in range(3)] == [False] * 3
    assert outcomes[0, 1].history.epochs == 1


def test_two_seeds_abreast_are_ranked_together() -> None:
    both = ran(task(FIVE[1:3], PLANS[1:3], seeds=(0, 1), pruning=Pruning((1,), keep=0.5))).outcomes
    assert sum(outcome.pruned for outcome in both.values()) == 2
    again = ran(task(FIVE[1:3], PLANS[1:3], seeds=(0, 1), pruning=Pruning((1,), keep=0.5)))
    all_same_bits(Ran([*both.values()]), again)
    assert digits().spec.name == "digits"
