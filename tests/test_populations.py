"""The planner: every run once, few programs, even deals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seedbed import devices
from seedbed.errors import ModelError
from seedbed.kinds import OPTIMIZERS
from seedbed.models import facts
from seedbed.populations import (
    ON_CPU,
    ON_GPU,
    Limits,
    halves,
    key_of,
    plan,
    restricted,
    want_of_memory,
    workers_that_fit,
)
from seedbed.records import DataFacts
from seedbed.runs import NamedRun
from seedbed.scheduler import planning
from seedbed.specs import Conv, DataSpec, Dense, Keras, ModelSpec, Plan, RunSpec
from seedbed.training.footprint import Site, certainly, footprint
from seedbed.training.members import JobState
from seedbed.training.reports import Checkpoint, Task

DATA = DataFacts(train=1000, validation=100, test=100, classes=tuple("0123456789"), image_shape=(28, 28, 1))
DIGITS = DataSpec(name="digits")


def runs(models: Sequence[ModelSpec], plans: Sequence[Plan] = (Plan(),), seeds: int = 1) -> list[RunSpec]:
    return [RunSpec(model=m, plan=p, data=DIGITS, seed=s) for s, m, p in product(range(seeds), models, plans)]


def planned(wanted: Sequence[RunSpec], limits: Limits = ON_CPU, workers: int = 2) -> list[Task]:
    """Tasks, seen to be lawful: every run once, within the limits, equal settings in all blocks, nothing empty."""
    tasks = plan(wanted, DATA, limits=limits, workers=workers)
    assert Counter(run.identity for task in tasks for block in task.blocks for run in block) == Counter(
        run.identity for run in wanted
    )
    for task in tasks:
        assert 1 <= len(task.blocks) <= limits.blocks
        assert all(len({run.seed for run in block}) == 1 for block in task.blocks)
        assert len({tuple(run.setting for run in block) for block in task.blocks}) == 1
        assert 1 <= len(task.blocks[0]) <= limits.members
        weights = sum(parameters(run) for run in task.blocks[0])
        assert weights <= limits.parameters or len(task.blocks[0]) == 1
        assert len({(run.model.family, run.plan.static) for block in task.blocks for run in block}) == 1
    assert len({task.key for task in tasks}) == len(tasks)
    return tasks


def parameters(run: RunSpec) -> int:
    return facts(run.model, DATA.image_shape, len(DATA.classes)).parameters


def cost(task: Task) -> int:
    return sum(
        facts(run.model, DATA.image_shape, len(DATA.classes)).operations * run.plan.epochs
        for block in task.blocks
        for run in block
    )


MODELS: list[ModelSpec] = [
    Dense(hidden=()),
    Dense(hidden=(10,)),
    Dense(hidden=(400, 200), activation="tanh"),
    Dense(hidden=(30,), dropout=0.5),
    Conv(),
    Conv(dropout=0.5),
    Conv(filters=(4,)),
]
PLANS = [
    Plan(),
    Plan(epochs=3, learning_rate=0.1),
    Plan(l2=1e-3),
    Plan(batch_size=32),
    Plan(optimizer="sgd"),
    Plan(augment="shift"),
]


@settings(max_examples=60, deadline=None)
@given(
    chosen=st.sets(st.tuples(st.sampled_from(MODELS), st.sampled_from(PLANS), st.integers(0, 4)), min_size=1, max_size=40),
    members=st.integers(1, 6),
    most=st.sampled_from([50_000, 500_000, 10_000_000]),
    blocks=st.integers(1, 3),
    workers=st.integers(1, 5),
)
@example(
    chosen={(MODELS[0], PLANS[0], 0), (MODELS[0], PLANS[1], 0), (MODELS[1], PLANS[0], 0), (MODELS[2], PLANS[0], 0)},
    members=2,
    most=500_000,
    blocks=1,
    workers=1,
)  # three cheap settings and a costly one: equal costs would be too many members
def test_every_run_is_planned_once_within_the_limits(
    chosen: set[tuple[ModelSpec, Plan, int]], members: int, most: int, blocks: int, workers: int
) -> None:
    wanted = [RunSpec(model=m, plan=p, data=DIGITS, seed=s) for m, p, s in chosen]
    planned(wanted, Limits(members, most, blocks), workers)


def test_the_same_settings_share_a_program_whatever_the_seed() -> None:
    wanted = runs([Dense(hidden=(n,)) for n in (10, 20, 30)], [Plan(), Plan(l2=0.1)], seeds=6)
    tasks = planned(wanted)
    assert len(tasks) == 6
    assert len({task.program for task in tasks}) == 1
    shuffled = [wanted[at] for at in np.random.default_rng(0).permutation(len(wanted))]
    assert {task.key for task in planned(shuffled)} == {task.key for task in tasks}


def test_what_is_compiled_in_separates_and_what_is_data_does_not() -> None:
    together = [Plan(learning_rate=0.1), Plan(l1=0.1), Plan(l2=0.2), Plan(epochs=4), Plan(schedule="cosine"), Plan(patience=2)]
    assert len(planned(runs([Dense(hidden=(5,)), Dense(hidden=(7, 3), activation="tanh")], together), workers=1)) == 1
    apart = [Plan(), Plan(batch_size=32), Plan(optimizer="sgd"), Plan(augment="shift"), Plan(precision="bf16")]
    assert len(planned(runs([Dense(hidden=(5,))], apart), workers=1)) == 5
    shapes: list[ModelSpec] = [
        Conv(),
        Conv(filters=(4,)),
        Conv(dropout=0.1),
        Dense(hidden=(5,)),
        Dense(hidden=(5,), dropout=0.1),
    ]
    assert len(planned(runs(shapes), workers=1)) == 5


def test_members_of_equal_activation_and_shape_are_neighbours() -> None:
    mixed = [Dense(hidden=h, activation=a) for h in ((5,), (6, 6)) for a in ("relu", "tanh", "sigmoid")]
    wanted = runs(mixed, [Plan(l2=l2) for l2 in (0.0, 0.1, 0.2)])
    (task,) = planned(wanted, workers=1)
    shapes = [run.model for run in task.blocks[0]]
    changes = sum(one != other for one, other in pairwise(shapes))
    assert changes == len(mixed) - 1


@pytest.mark.parametrize(("seeds", "workers", "parts"), [(1, 1, 1), (1, 2, 2), (2, 2, 2), (1, 4, 4), (3, 2, 6), (4, 4, 4)])
def test_the_tasks_can_be_dealt_out_evenly(seeds: int, workers: int, parts: int) -> None:
    wanted = runs([Dense(hidden=(20,))], [Plan(l2=0.01 * n, epochs=5_000) for n in range(8)], seeds)
    tasks = planned(wanted, workers=workers)
    assert len(tasks) == parts
    assert len({len(task.blocks[0]) for task in tasks}) == 1


def test_seeds_of_one_network_of_the_users_own_are_planned_without_building_it(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("def build():\n    raise RuntimeError('built')\n")
    own = Keras.of(f"{tmp_path / 'net.py'}:build")
    tasks = plan(runs([own], seeds=3), DATA, limits=ON_CPU, workers=2)
    assert [[run.seed for _, run in task.runs] for task in tasks] == [[0], [1], [2]]
    assert not any(want_of_memory(task, DATA, 0) for task in tasks)
    with pytest.raises(ModelError, match="built"):
        plan(runs([own], [Plan(), Plan(learning_rate=0.1)]), DATA, limits=ON_CPU, workers=2)


@pytest.mark.parametrize(
    ("seeds", "cores", "workers"), [(1, 2, 1), (2, 2, 2), (3, 2, 1), (5, 2, 1), (11, 2, 2), (5, 8, 2), (100, 16, 15)]
)
def test_seeds_of_one_network_of_the_users_own_share_the_cores_evenly(
    seeds: int, cores: int, workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "cores", lambda: cores)
    (tmp_path / "net.py").write_text("def build():\n    pass\n")
    own = Keras.of(f"{tmp_path / 'net.py'}:build")

    def entries(model: ModelSpec) -> list[NamedRun]:
        return [NamedRun(f"a.{run.seed}", "a", run) for run in runs([model], seeds=seeds)]

    assert planning.fastest_workers(entries(own)) == workers
    assert planning.fastest_workers(entries(Dense())) is None


def test_settings_that_train_quickly_stay_in_one_program() -> None:
    wanted = runs([Dense(hidden=(20,))], [Plan(l2=0.01 * n, epochs=5) for n in range(8)], seeds=3)
    assert [len(task.blocks[0]) for task in planned(wanted, workers=2)] == [8, 8, 8]


def test_a_population_outgrows_the_caches_only_where_it_trains_briefly() -> None:
    brief, long = (
        planned(runs([Dense(hidden=(200,))], [Plan(l2=0.01 * n, epochs=epochs) for n in range(12)]), workers=1)
        for epochs in (10, 1_000)
    )
    assert [len(task.blocks[0]) for task in brief] == [12]
    assert [len(task.blocks[0]) for task in long] == [6, 6]
    assert all(sum(map(parameters, task.blocks[0])) <= (ON_CPU.cached or 0) for task in long)


def test_parts_of_a_mixed_population_cost_about_the_same_and_the_costly_come_first() -> None:
    models = [Dense(hidden=(first, second)) for first, second in product((25, 50, 100, 200, 400), (25, 50, 100, 200))]
    tasks = planned(runs(models), workers=2)
    costs = [cost(task) for task in tasks]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) % 2 == 0
    largest = max(facts(m, DATA.image_shape, 10).operations for m in models) * Plan().epochs
    assert max(costs) - min(costs) <= 2 * largest


def test_a_lone_network_too_large_for_the_limits_is_planned_all_the_same() -> None:
    assert len(planned(runs([Dense(hidden=(4000,))]))) == 1


def test_seeds_train_abreast_on_a_gpu() -> None:
    tasks = planned(runs([Dense(hidden=(20,))], [Plan(l2=n / 10) for n in range(3)], seeds=20), ON_GPU, workers=1)
    assert [len(task.blocks) for task in tasks] == [16, 4]


def test_the_number_of_programs_does_not_grow_with_the_seeds() -> None:
    wanted = runs([Dense(hidden=(n,)) for n in (10, 20)], [Plan(l2=n / 10) for n in range(5)], seeds=50)
    assert len({task.program for task in planned(wanted)}) == 1


def test_halves_hold_the_same_runs_and_one_run_has_none() -> None:
    (task,) = planned(runs([Dense(hidden=(20,))], [Plan(l2=n / 10) for n in range(5)]), workers=1)
    parts = halves(task)
    assert [len(part.blocks[0]) for part in parts] == [2, 3]
    assert parts[0].blocks[0] + parts[1].blocks[0] == task.blocks[0]
    assert halves(planned(runs([Dense()]))[0]) == []
    assert {part.key for part in parts}.isdisjoint({task.key})


def test_halves_of_blocks_keep_the_settings_together() -> None:
    (task,) = planned(runs([Dense(hidden=(20,))], [Plan(), Plan(l2=1.0)], seeds=3), ON_GPU, workers=1)
    assert [len(part.blocks) for part in halves(task)] == [1, 2]


def test_halves_go_on_from_the_checkpoint_without_those_who_are_done() -> None:
    (task,) = planned(runs([Dense(hidden=(20,))], [Plan(l2=n / 10) for n in range(4)]), workers=1)
    arrays = {f"0.{setting}/weights/dense_0/bias": np.full(2, setting) for setting in (0, 2, 3)}
    rows = {(0, setting): [{"train_loss": float(setting)}] for setting in range(4)}
    state = JobState(1, 2, (0, 2, 3), ((True, False, True),), rows, 1.0)
    whole = Task(task.key, task.blocks, resume=Checkpoint(arrays, state))
    one, other = halves(whole)
    assert [[run.identity for run in part.blocks[0]] for part in (one, other)] == [
        [task.blocks[0][0].identity],
        [task.blocks[0][setting].identity for setting in (2, 3)],
    ]
    assert other.resume is not None
    assert other.resume.state.alive == ((False, True),)
    assert {name: array[0] for name, array in other.resume.arrays.items()} == {
        "0.0/weights/dense_0/bias": 2,
        "0.1/weights/dense_0/bias": 3,
    }
    assert other.resume.state.rows == {(0, 0): rows[0, 2], (0, 1): rows[0, 3]}
    assert (other.resume.state.epoch, other.resume.state.step) == (1, 2)


def test_a_populations_key_is_a_name_that_depends_on_runs_and_order() -> None:
    one, other = runs([Dense(hidden=(5,)), Dense(hidden=(6,))])
    assert key_of([one, other]) == key_of(iter([one, other])) != key_of([other, one])
    assert len(key_of([one])) == 24


# Memory

MIB = 2**20
WIDE = [Dense(hidden=(1500 + n,)) for n in range(8)]


def parts(memory: int | None, limits: Limits = ON_CPU, seeds: int = 1) -> list[int]:
    """Sizes of the populations that eight wide networks come to where a worker has so many bytes."""
    roomy = replace(limits, parameters=10**9, memory=memory)
    tasks = planned(runs(WIDE, seeds=seeds), roomy, workers=1)
    return sorted((len(task.blocks) * len(task.blocks[0]) for task in tasks), reverse=True)


def test_memory_divides_populations_and_only_as_far_as_it_must() -> None:
    whole = footprint(runs(WIDE), DATA)
    assert parts(None) == parts(whole.total) == [8]
    assert parts(whole.total - 1) == [4, 4]
    assert parts(whole.fixed + whole.growing // 4) == [2, 2, 2, 2]
    assert parts(whole.fixed) == parts(0) == [1] * 8


def test_memory_that_seems_to_be_gone_does_not_divide_what_takes_little_anyway() -> None:
    small = runs([Dense(hidden=(16,))], [Plan(l2=n / 100) for n in range(30)])
    assert len(planned(small, replace(ON_CPU, memory=0), workers=1)) == 1


def test_seeds_abreast_are_fewer_before_settings_are() -> None:
    assert parts(None, ON_GPU, seeds=4) == [32]
    whole = footprint(runs(WIDE), DATA, Site(on_cpu=False), blocks=4)
    assert whole.process == 0
    roomy = replace(ON_GPU, parameters=10**9, memory=whole.total - 1)
    tasks = plan(runs(WIDE, seeds=4), DATA, limits=roomy, workers=1, site=Site(on_cpu=False))
    assert [(len(task.blocks), len(task.blocks[0])) for task in tasks] == [(2, 8), (2, 8)]


def test_fewer_workers_where_not_all_have_room_for_the_largest_network() -> None:
    wanted = runs([*WIDE, Dense(hidden=(2,))])
    each = footprint(runs([WIDE[-1]]), DATA).total
    for memory, workers in ((10 * each, 4), (3 * each, 3), (2 * each - 1, 1), (0, 1)):
        assert workers_that_fit(wanted, DATA, memory=memory, workers=4) == workers
    assert workers_that_fit([], DATA, memory=0, workers=4) == 1


def test_a_lone_network_that_cannot_fit_is_told_with_its_size_and_a_way_out() -> None:
    (task,) = planned(runs([Dense(hidden=(4000, 4000))]))
    needed = certainly(task.plan, 19_184_010)
    assert want_of_memory(task, DATA, needed) == ""
    assert want_of_memory(task, DATA, needed - 1) == (
        "Out of memory: a network of 19,184,010 parameters with 'adam' takes at least 0.4 GiB, and 0.4 GiB are free. "
        "Use a smaller network, or a machine with more memory."
    )


@pytest.mark.parametrize("optimizer", tuple(OPTIMIZERS))
def test_slots_are_counted_as_the_optimizer_keeps_them(optimizer: str) -> None:
    from seedbed.training.optimizers import empty_slots

    found, plain = (certainly(Plan(optimizer=name), 178_110) for name in (optimizer, "sgd"))
    kept = len(empty_slots(optimizer, {}))
    assert found * 3 == plain * (3 + kept)


def test_a_task_without_the_settings_that_nobody_wants_keeps_the_order_of_the_others() -> None:
    (task,) = planned(runs([Dense(hidden=(width,)) for width in (3, 4, 5)], seeds=2), limits=ON_GPU, workers=1)
    first, second, third = task.blocks[0]
    assert restricted(task, {run.identity for block in task.blocks for run in block}) is task
    assert restricted(task, set()) is None
    left = restricted(task, {first.identity, task.blocks[1][2].identity})
    assert left is not None
    assert [run.setting for run in left.blocks[0]] == [first.setting, third.setting]
    assert len(left.blocks) == 2
    assert left.key != task.key
    assert second.identity not in {run.identity for run in left.blocks[0]}
