"""Proposals: the same after the same trials, whoever asks, however often."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from searches.samples import space
from seedbed.searches.sampling import ALIKE, GROUP, STARTUP, propose

SPACE = space("params=20000", ("dense", "conv"))


def proposals(before: Sequence[FrozenTrial], count: int, seed: int = 5, **more: Any) -> list[dict[str, Any]]:
    settings = {"sampler": "tpe", "directions": ["maximize"], **more}
    return list(propose(SPACE, before, count, seed=seed, **settings))


def told(points: Sequence[dict[str, Any]], **more: Any) -> list[FrozenTrial]:
    """Trials whose value is the better the nearer the rate lies to 0.3."""
    values = [-abs(point["rate"] - 0.3) for point in points]
    return [
        create_trial(params=p, distributions=SPACE.dimensions(), value=v, **more) for p, v in zip(points, values, strict=True)
    ]


@pytest.fixture(scope="module")
def begun() -> list[FrozenTrial]:
    trials: list[FrozenTrial] = []
    while len(trials) < (STARTUP + 2) * GROUP:
        trials += told(proposals(trials, 2 * GROUP))
    return trials


def test_the_same_trials_give_the_same_proposals(begun: list[FrozenTrial]) -> None:
    assert proposals(begun, 4) == proposals(begun, 4)
    assert proposals(begun, 4) != proposals(begun, 4, seed=6)
    other = told([{**trial.params, "rate": 1 - trial.params["rate"]} for trial in begun])
    assert proposals(begun, 4) != proposals(other, 4)


def test_a_batch_can_be_cut_anywhere_and_goes_on_the_same(begun: list[FrozenTrial]) -> None:
    whole = proposals(begun, 2 * GROUP)
    for cut in (1, GROUP, GROUP + 3):
        running = [
            create_trial(params=point, distributions=SPACE.dimensions(), state=TrialState.RUNNING) for point in whole[:cut]
        ]
        assert proposals([*begun, *running], 2 * GROUP - cut) == whole[cut:]


def test_trials_in_a_row_share_a_program(begun: list[FrozenTrial]) -> None:
    points = [trial.params for trial in begun]
    for leader in range(0, len(points), GROUP):
        shared = [SPACE.shared(point) for point in points[leader : leader + GROUP]]
        assert all(each == shared[0] for each in shared)
        for first in range(leader, leader + GROUP, ALIKE):
            shapes = [SPACE.shape(point) for point in points[first : first + ALIKE]]
            assert all(each == shapes[0] for each in shapes)
            assert bool(shapes[0]) == (points[leader]["family"] == "conv")
        assert len({point["rate"] for point in points[leader : leader + GROUP]}) == GROUP


def test_the_first_groups_try_every_optimizer_and_both_families(begun: list[FrozenTrial]) -> None:
    leaders = [begun[number].params for number in range(0, STARTUP * GROUP, GROUP)]
    assert len({point["optimizer"] for point in leaders}) == STARTUP
    assert {point["family"] for point in leaders} == {"dense", "conv"}


def test_a_convolutional_group_tries_more_shapes_than_one(begun: list[FrozenTrial]) -> None:
    groups = [[trial.params for trial in begun[first : first + GROUP]] for first in range(0, len(begun), GROUP)]
    convolutional = [[str(SPACE.shape(point)) for point in group] for group in groups if group[0]["family"] == "conv"]
    assert convolutional
    assert all(len(set(shapes)) == GROUP / ALIKE for shapes in convolutional)


def test_what_was_good_is_proposed_more_often(begun: list[FrozenTrial]) -> None:
    def distance(points: Sequence[dict[str, Any]]) -> float:
        return float(np.mean([abs(point["rate"] - 0.3) for point in points]))

    assert distance(proposals(begun, 2 * GROUP)) < 0.7 * distance([trial.params for trial in begun[: STARTUP * GROUP]])


def test_random_proposals_share_nothing_and_learn_nothing(begun: list[FrozenTrial]) -> None:
    points = proposals(begun, GROUP, sampler="random")
    assert len({str(SPACE.shared(point)) for point in points}) > GROUP / 2
    other = told([{**trial.params, "rate": 0.99} for trial in begun])
    assert points == proposals(other, GROUP, sampler="random")


def test_two_directions_are_sampled_as_well(begun: list[FrozenTrial]) -> None:
    both = [
        create_trial(params=trial.params, distributions=SPACE.dimensions(), values=[trial.value, 10.0 * trial.number])
        for trial in begun
    ]
    found = proposals(both, 3, directions=["maximize", "minimize"])
    assert found == proposals(both, 3, directions=["maximize", "minimize"])
    assert len(found) == 3
