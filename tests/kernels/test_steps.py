"""Native steps of optimizers against their rules in float64, over drawn layouts; bits, places, and calls that do not fit."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kernels.steps import RULES, StepLayout, StepValues, take_step
from seedbed.kinds import OPTIMIZERS

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")

MEMBERS = 3
LANES = INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0


def values(alive: list[bool]) -> tuple[StepValues, Any, Any]:
    """Values, rates and decays of three members; the first has neither penalty nor decay."""
    momentum, l1, l2 = (np.array(numbers, np.float32) for numbers in ((0.9, 0.5, 0.0), (0, 0.03, 0.1), (0, 0.2, 0.05)))
    rates, decays = np.array([0.1, 0.02, 0.3], np.float32), np.array([0, 0.01, 0.05], np.float32)
    return StepValues(momentum, l1, l2, np.array(alive)), rates, decays  # type: ignore[arg-type]


def arrays(optimizer: str, count: int) -> list[Any]:
    """Weights, one of them 0, gradients, and slots, which are not negative where they hold squares."""
    draws = np.random.default_rng(count)
    found = [draws.normal(size=count).astype(np.float32) for _ in range(2 + len(OPTIMIZERS[optimizer].slots))]
    found[0][0] = 0
    if OPTIMIZERS[optimizer].adaptive:
        found[-1] = np.abs(found[-1])
    return found


def by_hand(optimizer: str, of: Any, w: Any, g: Any, *slots: Any) -> tuple[Any, ...]:
    """One step with values of each number, in the precision of the arrays."""
    rate, decay, momentum, l1, l2 = of
    g = g + 2 * l2 * w + l1 * np.sign(w)
    w = w - decay * w
    if optimizer == "sgd":
        return (w - rate * g,)
    if optimizer in ("momentum", "nesterov"):
        velocity = momentum * slots[0] - rate * g
        return (w + velocity if optimizer == "momentum" else w + momentum * velocity - rate * g), velocity
    if optimizer == "rmsprop":
        square = 0.9 * slots[0] + 0.1 * g**2
        return w - rate * g / np.sqrt(square + 1e-7), square
    mean, square = 0.9 * slots[0] + 0.1 * g, 0.999 * slots[1] + 0.001 * g**2
    return w - rate * mean / (np.sqrt(square) + 1e-7), mean, square


@settings(max_examples=60, deadline=None)
@given(
    optimizer=st.sampled_from(sorted(RULES)),
    ranges=st.lists(st.tuples(st.integers(0, MEMBERS - 1), st.integers(1, 90)), min_size=1, max_size=6),
    alive=st.lists(st.booleans(), min_size=MEMBERS, max_size=MEMBERS),
    kernel=st.booleans(),
    variant=st.sampled_from(VARIANTS or ["none"]),
)
def test_a_step_is_the_rule_in_float64_and_leaves_frozen_members_as_they_are(
    optimizer: str, ranges: list[tuple[int, int]], alive: list[bool], kernel: bool, variant: str
) -> None:
    owners = np.repeat([member for member, _ in ranges], [count for _, count in ranges])
    stay, rates, decays = values(alive)
    old = arrays(optimizer, len(owners))
    layout = StepLayout.of(owners, len(owners), kernel=kernel)
    found = take_step(optimizer, layout, INSTRUCTION_SETS[variant], stay, rates, decays, *old)
    of_kernels = [part * kernel for part in (decays, stay.l1, stay.l2)]
    of = [np.asarray(part, np.float64)[owners] for part in (rates, of_kernels[0], stay.momentum, *of_kernels[1:])]
    expected = by_hand(optimizer, of, *(array.astype(np.float64) for array in old))
    moving = np.array(alive)[owners]
    for new, right, before in zip(found, expected, (old[0], *old[2:]), strict=True):
        close(np.asarray(new)[moving], right[moving], 3e-6, least=1)
        np.testing.assert_array_equal(np.asarray(new)[~moving], before[~moving])


LONG = 200_000
"""Numbers that several threads divide."""


def test_the_same_step_gives_the_same_bits_from_any_thread() -> None:
    layout, given_values = StepLayout(((0, 1000), (1, LONG - 1000)), kernel=True), values([True] * MEMBERS)
    w, *others = arrays("adam", LONG)

    def step(w: Any, *others: Any) -> tuple[Any, ...]:
        return take_step("adam", layout, LANES, *given_values, w, *others)

    compiled = jax.jit(step, compiler_options=QUICK)
    first = compiled(w, *others)
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: compiled(w, *others), range(8)):
            assert jax.tree.all(jax.tree.map(np.array_equal, again, first))


def test_in_a_loop_of_steps_nothing_is_copied() -> None:
    layout, given_values = StepLayout(((0, LONG),), kernel=True), values([True] * MEMBERS)
    w, g, *slots = arrays("adam", LONG)

    def steps(moved: tuple[Any, ...], g: Any) -> Any:
        def step(_: Any, moved: tuple[Any, ...]) -> tuple[Any, ...]:
            return take_step("adam", layout, LANES, *given_values, moved[0], g * moved[0], *moved[1:])

        return jax.lax.fori_loop(0, 5, step, moved)

    compiled = jax.jit(steps, donate_argnums=0).lower((w, *slots), g).compile().as_text()
    assert "seedbed_step" in compiled
    assert not re.findall(rf"f32\[{LONG}\]\S* copy\(", compiled)


def test_a_network_of_many_millions_of_weights_takes_a_step() -> None:
    w, g = np.zeros((1, 2**24 + 3), np.float32), np.ones((1, 2**24 + 3), np.float32)
    layout = StepLayout(((1, w.size),), kernel=True)
    (moved,) = take_step("sgd", layout, LANES, *values([True] * MEMBERS), w, g)  # type: ignore[arg-type]
    assert np.array_equal(moved, np.full_like(w, -0.02))


def test_an_array_without_numbers_stays() -> None:
    nothing = jnp.zeros((MEMBERS, 0))
    found = take_step("sgd", StepLayout((), kernel=False), LANES, *values([True] * MEMBERS), nothing, nothing)
    assert found == (nothing,)


@pytest.mark.parametrize("ranges", [((0, 3),), ((0, 5),), ((3, 4),), ((-1, 4),), ((0, 0), (1, 4)), ((0, 3), (1, 2**40)), ()])
def test_ranges_that_do_not_fit_the_arrays_are_an_error(ranges: tuple[tuple[int, int], ...]) -> None:
    given_arrays = arrays("adam", 4)
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        jax.block_until_ready(
            take_step("adam", StepLayout(ranges, kernel=True), LANES, *values([True] * MEMBERS), *given_arrays)
        )


def test_other_shapes_that_do_not_fit_are_an_error() -> None:
    layout, (stay, rates, decays) = StepLayout(((0, 4),), kernel=True), values([True] * MEMBERS)
    w, g, first, second = arrays("adam", 4)
    wrong: tuple[tuple[Any, ...], ...] = (
        (stay, rates[:2], decays, w, g, first, second),
        (stay._replace(alive=stay.alive[:2]), rates, decays, w, g, first, second),
        (stay._replace(alive=stay.l1), rates, decays, w, g, first, second),
        (stay, rates, decays, w, g[:3], first, second),
        (stay, rates, decays, w, g, first[:3], second),
        (stay, rates, decays, w, g, first),
    )
    for arguments in wrong:
        with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
            jax.block_until_ready(take_step("adam", layout, LANES, *arguments))
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        jax.block_until_ready(take_step("adam", layout, 3, stay, rates, decays, w, g, first, second))
