"""From points to runs: every one within the budget, by construction."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searches.samples import COLOUR, MNIST, space
from seedbed import populations
from seedbed.errors import SpecError
from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.searches import Budget, Space
from seedbed.searches.space import rungs
from seedbed.specs import Conv, Dense


@st.composite
def points(draw: st.DrawFn, of: Space) -> dict[str, Any]:
    """Any point of a space, the ends of its dimensions too."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    point: dict[str, Any] = {}
    for name, dimension in of.dimensions().items():
        if isinstance(dimension, CategoricalDistribution):
            point[name] = draw(st.sampled_from(dimension.choices))
        elif isinstance(dimension, FloatDistribution):
            point[name] = draw(st.floats(dimension.low, dimension.high))
        else:
            point[name] = draw(st.integers(dimension.low, dimension.high))
    return point


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(),
    images=st.sampled_from([MNIST, COLOUR]),
    kind=st.sampled_from(["units", "params", "flops"]),
    limit=st.integers(1, 10**7),
    sizes=st.booleans(),
)
def test_every_point_is_a_network_within_the_budget(
    data: st.DataObject, images: DataFacts, kind: str, limit: int, sizes: bool
) -> None:
    budget = Budget(kind=kind, limit=limit)
    families = []
    for family in ("dense", "conv"):
        smallest = {"dense": Dense(hidden=(1,)), "conv": Conv(filters=(1,), kernel=3, pool=2, head="average")}[family]
        if budget.cost(facts(smallest, images.image_shape, len(images.classes))) <= limit:
            families.append(family)
    if not families:
        return
    where = Space(budget, tuple(families), images, space().spec, 10, sizes=sizes)
    run = where.run(data.draw(points(where)), seed=3)
    assert budget.cost(facts(run.model, images.image_shape, len(images.classes))) <= limit
    assert run.seed == 3
    assert run.plan.epochs == 10
    assert run.plan.batch_size <= images.train


@given(data=st.data(), limit=st.integers(1, 400))
@settings(deadline=None)
def test_a_dense_network_has_all_the_units_that_it_may(data: st.DataObject, limit: int) -> None:
    where = space(f"units={limit}")
    assert sum(where.run(data.draw(points(where)), 0).model.hidden) == limit  # type: ignore[union-attr]


@given(data=st.data(), kind=st.sampled_from(["params", "flops"]))
@settings(deadline=None)
def test_one_unit_more_in_the_first_layer_would_be_too_much(data: st.DataObject, kind: str) -> None:
    where = space(f"{kind}=50000")
    first, *later = where.run(data.draw(points(where)), 0).model.hidden  # type: ignore[union-attr]
    assert where.budget.cost(facts(Dense(hidden=(first + 1, *later)), MNIST.image_shape, 10)) > 50_000


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_who_shares_what_is_of_the_program_trains_in_one_population(data: st.DataObject) -> None:
    where = space("params=20000", ("dense", "conv"), COLOUR)
    leader = data.draw(points(where))
    common = where.shared(leader) | where.shape(leader)
    members = [leader, *({**data.draw(points(where)), **common} for _ in range(3))]
    runs = list({run.identity: run for run in (where.run(point, 0) for point in members)}.values())
    tasks = populations.plan(runs, COLOUR, limits=populations.ON_CPU, workers=1)
    assert len(tasks) == 1


def test_a_budget_that_no_network_fits_is_told() -> None:
    with pytest.raises(SpecError, match=r"flops=300: no dense network for images of 28 x 28 x 1 and 10 classes"):
        space("flops=300")


def test_smaller_networks_are_proposed_where_sizes_are_searched() -> None:
    where = space("params=100000", sizes=True)
    point = {"layers": 2, "first": 0.6, "second": 0.5, "activation": "relu", "drops": False, "dropout": 0.1, "penalty": "l2"}
    point |= {"strength": 1.0, "optimizer": "nesterov", "rate": 0.0, "momentum": 0.9, "decay": 0.0, "schedule": "cosine"}
    point |= {"batch_size": 128}
    sizes = [facts(where.run({**point, "size": size}, 0).model, MNIST.image_shape, 10).parameters for size in (0.0, 0.5, 1.0)]
    assert sizes == sorted(sizes)
    assert sizes[0] < 100_000 / 29 < 90_000 < sizes[-1] <= 100_000
    plan = where.run({**point, "size": 1.0}, 0).plan
    assert (plan.l2, plan.l1, plan.learning_rate, plan.momentum) == (1e-3, 0.0, 0.003, 0.9)


@pytest.mark.parametrize(("epochs", "expected"), [(1, ()), (2, (1,)), (6, (2, 3)), (10, (2, 5)), (20, (4, 10))])
def test_the_rungs_lie_at_a_fifth_and_at_half(epochs: int, expected: tuple[int, ...]) -> None:
    assert rungs(epochs) == expected
