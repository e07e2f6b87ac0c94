"""Steps over the layout of a population: both forms of computing them agree, and a registered optimizer takes XLA's."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from models.samples import QUICK, VARIANTS, Family, families
from seedbed.kernels.steps import RULES, StepValues
from seedbed.kinds import OPTIMIZERS
from seedbed.training import optimizers
from seedbed.training.optimizers import empty_slots, step_of

KERNELS = [family for family in families() if family.name.endswith("-kernels")]


def stepped(family: Family, optimizer: str) -> Any:
    """Parameters and slots after two steps; of three members the last is frozen."""
    population, params = family.population, family.packed[0]
    draws = np.random.default_rng(0)
    gradients = jax.tree.map(lambda leaf: draws.normal(size=leaf.shape).astype(np.float32), params)
    numbers = np.arange(1, len(family.specs) + 1, dtype=np.float32)
    values = StepValues(numbers / 10, numbers / 20, numbers / 30, numbers < len(numbers))  # type: ignore[arg-type]
    decays = numbers / 50 if "weight_decay" in OPTIMIZERS[optimizer].settings else 0 * numbers

    def twice(params: Any, slots: Any) -> Any:
        step = step_of(population, optimizer, params, values)
        for _ in range(2):
            params, slots = step(params, gradients, slots, numbers / 100, decays)  # type: ignore[arg-type]
        return params, slots

    return jax.jit(twice, compiler_options=QUICK)(params, empty_slots(optimizer, params))


@pytest.mark.parametrize("optimizer", sorted(RULES))
@pytest.mark.parametrize("family", KERNELS, ids=str)
def test_a_step_is_the_same_by_kernels_and_by_xla(family: Family, optimizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    native = optimizers.take_step
    monkeypatch.setattr(optimizers, "take_step", lambda name, *rest: taken.append(name) or native(name, *rest))  # type: ignore[func-returns-value]
    found = stepped(family, optimizer)
    assert taken == [optimizer] * 2 * len(jax.tree.leaves(family.packed[0]))
    monkeypatch.setattr(optimizers, "RULES", {})
    expected = stepped(family, optimizer)
    assert len(taken) == 2 * len(jax.tree.leaves(family.packed[0]))
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for new, right in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(new, right, rtol=2e-5, atol=2e-6)


@pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")
def test_every_optimizer_of_seedbed_has_a_native_rule() -> None:
    assert RULES.keys() == set(OPTIMIZERS)
