"""Native activations against their definitions in float64: outputs, gradients, saturated shares; infinities; misfits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, ndtr

from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.activations import LOGITS, NUMBERS, Units, activate, saturation
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kinds import ACTIVATIONS

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")

LANES = INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0
CLASSES = 3


def density(z: Any) -> Any:
    return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


IN_FLOAT64: dict[str, tuple[Any, Any]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "sigmoid": (expit, lambda z: expit(z) * (1 - expit(z))),
    "leaky_relu": (lambda z: np.where(z >= 0, z, 0.2 * z), lambda z: np.where(z >= 0, 1, 0.2)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))), lambda z: np.exp(np.minimum(z, 0))),
    "gelu": (lambda z: z * ndtr(z), lambda z: ndtr(z) + z * density(z)),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * (1 - expit(z)))),
}
"""Activation -> function and slope."""


def test_every_activation_has_its_number() -> None:
    assert list(NUMBERS) == list(ACTIVATIONS) == list(IN_FLOAT64)
    assert list(NUMBERS.values()) == list(range(len(NUMBERS)))


@st.composite
def layers(draw: Any) -> Units:
    """Each member's units: hidden ones, logits, or none."""
    kinds = draw(st.lists(st.sampled_from([*NUMBERS, "logits", ""]), min_size=1, max_size=6).filter(any))
    members = [
        (LOGITS, member, CLASSES) if kind == "logits" else (NUMBERS[kind], member, draw(st.integers(1, 12)))
        for member, kind in enumerate(kinds)
        if kind
    ]
    return Units(tuple(members), INSTRUCTION_SETS[draw(st.sampled_from(VARIANTS))])


@settings(max_examples=60, deadline=None)
@given(units=layers(), images=st.integers(1, 70), spread=st.sampled_from([0.01, 1.0, 8.0]), draws=st.data())
def test_outputs_gradients_and_shares_are_those_of_float64(units: Units, images: int, spread: float, draws: Any) -> None:
    count = 1 + max(member for _, member, _ in units.members)
    alive = np.array(draws.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    numbers = np.random.default_rng(images)
    z = (spread * numbers.normal(size=(units.rows, images))).astype(np.float32)
    logits, dlogits = (numbers.normal(size=(count * CLASSES, images)).astype(np.float32) for _ in range(2))
    (gathered, x), backward = jax.vjp(lambda logits, z: activate(units, logits, alive, z), logits, z)
    dx = numbers.normal(size=x.shape).astype(np.float32)
    of_logits, of_z = backward((dlogits, dx))
    shares = np.asarray(saturation(units, alive, x)) if len(x) else np.full(count, np.nan)
    np.testing.assert_array_equal(of_logits, dlogits)
    expected, wanted, row, hidden = logits.copy(), np.full(count, np.nan), 0, 0
    for number, member, size in units.members:
        own = slice(row, row + size)
        row += size
        if number == LOGITS:
            of_member = slice(member * CLASSES, (member + 1) * CLASSES)
            expected[of_member] = z[own] * alive[member]
            np.testing.assert_array_equal(of_z[own], dlogits[of_member] * alive[member])
            continue
        function, slope = list(IN_FLOAT64.values())[number]
        rows, precise = slice(hidden, hidden + size), z[own].astype(np.float64)
        hidden += size
        close(x[rows], function(precise) * alive[member], 4e-7, least=1)
        close(of_z[own], dx[rows] * slope(precise) * alive[member], 2e-6, least=1)
        if alive[member]:
            found = jnp.asarray(np.asarray(x[rows])[None])
            wanted[member] = ACTIVATIONS[list(NUMBERS)[number]].saturated(found, (1,))[0]
    np.testing.assert_array_equal(gathered, expected)
    close(shares, wanted, 1e-6, least=1)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("activation", NUMBERS)
def test_what_is_infinite_or_no_number_is_treated_as_by_xla(activation: str, variant: str) -> None:
    z = np.array([[-np.inf, -1e30, -200.0, -0.0, 0.0, 1e-30, 200.0, 1e30, np.inf, np.nan]], np.float32)
    units = Units(((NUMBERS[activation], 0, 1),), INSTRUCTION_SETS[variant])
    _, x = activate(units, jnp.zeros((CLASSES, z.size)), np.ones(1, bool), z)  # type: ignore[arg-type]
    expected = np.array(ACTIVATIONS[activation].function(jnp.asarray(z)))
    known = slice(1 if activation in ("gelu", "silu") else 0, None)  # of minus infinity these are infinity times 0
    np.testing.assert_allclose(np.asarray(x)[0, known], expected[0, known], rtol=1e-6, atol=1e-37)


UNITS = Units(((NUMBERS["tanh"], 0, 90), (LOGITS, 1, CLASSES), (NUMBERS["gelu"], 2, 150)), LANES)
ALL = np.ones(3, bool)


def numbers_of(units: Units, images: int) -> tuple[Any, Any]:
    draws = np.random.default_rng(0)
    return jnp.zeros((3 * CLASSES, images)), draws.normal(size=(units.rows, images)).astype(np.float32)


def test_the_same_call_gives_the_same_bits_from_any_thread_and_in_pieces() -> None:
    """With many images, a layer is divided among the program's threads."""
    logits, z = numbers_of(UNITS, 257)

    def both(z: Any) -> Any:
        gathered, x = activate(UNITS, logits, ALL, z)  # type: ignore[arg-type]
        return gathered, x, jax.grad(lambda z: activate(UNITS, logits, ALL, z)[1].sum())(z)  # type: ignore[arg-type]

    compiled = jax.jit(both, compiler_options=QUICK)
    first = compiled(z)
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: compiled(z), range(8)):
            assert jax.tree.all(jax.tree.map(np.array_equal, again, first))
    one = activate(UNITS, logits[:, :8], ALL, z[:, :8])  # type: ignore[arg-type]
    np.testing.assert_array_equal(one[1], first[1][:, :8])


def test_several_sets_of_networks_are_computed_one_by_one() -> None:
    logits, z = numbers_of(UNITS, 5)
    many = jax.vmap(lambda z: activate(UNITS, logits, ALL, z))(np.stack([z, 2 * z]))  # type: ignore[arg-type]
    for found, factor in zip(zip(*many, strict=True), (1, 2), strict=True):
        for part, expected in zip(found, activate(UNITS, logits, ALL, factor * z), strict=True):  # type: ignore[arg-type]
            np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize(
    "members", [((7, 0, 6),), ((-2, 0, 6),), ((0, 3, 6),), ((0, -1, 6),), ((0, 0, 5),), ((0, 0, 0), (0, 0, 6))]
)
def test_units_that_do_not_fit_the_arrays_are_an_error(members: tuple[tuple[int, int, int], ...]) -> None:
    logits, z = jnp.zeros((3 * CLASSES, 2)), np.ones((6, 2), np.float32)
    alive = jnp.ones(3, bool)
    right = Units(((0, 1, 6),), LANES)
    for part in activate(right, logits, alive, z):  # type: ignore[arg-type]
        part.block_until_ready()
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        activate(replace(right, members=members), logits, alive, z)[1].block_until_ready()  # type: ignore[arg-type]
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        saturation(replace(right, members=members), alive, z).block_until_ready()  # type: ignore[arg-type]


def test_logits_of_another_number_of_classes_are_an_error() -> None:
    units = Units(((LOGITS, 1, 4),), LANES)
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        activate(units, jnp.zeros((9, 2)), jnp.ones(3, bool), jnp.ones((4, 2)))[0].block_until_ready()


def test_vectors_that_no_processor_has_are_an_error() -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        activate(replace(UNITS, lanes=3), *numbers_of(UNITS, 2)[:1], jnp.asarray(ALL), numbers_of(UNITS, 2)[1])[
            1
        ].block_until_ready()
