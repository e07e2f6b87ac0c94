"""Initial weights drawn without compiled programs, against JAX's own."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from seedbed.models.keras_backend import keras_session
from seedbed.models.keras_drawing import drawn_uniform, quick_draws, threefry

ROUNDING = 2.0**-23


@pytest.mark.parametrize(("shape", "low", "high"), [((5,), 0.0, 1.0), ((3, 3, 2, 7), -0.07, 0.07), ((0, 4), -1.0, 2.0)])
def test_uniform_numbers_are_those_of_jax(shape: tuple[int, ...], low: float, high: float) -> None:
    """Where tests compile without fused multiply-add, JAX rounds once more."""
    for seed in (0, 2**31 - 1):
        key = jax.random.PRNGKey(seed)
        np.testing.assert_array_equal(threefry(np.asarray(key), 11), jax.random.bits(key, (11,), "uint32"))
        expected = jax.random.uniform(key, shape, minval=low, maxval=high)
        np.testing.assert_allclose(drawn_uniform(np.asarray(key), shape, low, high), expected, rtol=0, atol=ROUNDING)


def test_seeding_leaves_tensorflow_alone_unless_the_process_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keras would import it for its seed, if it is installed, which takes seconds in each process."""
    imported: list[str] = []
    tensorflow = SimpleNamespace(random=SimpleNamespace(set_seed=lambda seed: imported.append(f"seed {seed}")))
    rng = importlib.import_module("keras.src.utils.rng_utils")
    lazy = type(rng.tf)("tensorflow")
    monkeypatch.setattr(lazy, "initialize", lambda: imported.append("import"))
    monkeypatch.setattr(rng, "tf", lazy)
    with keras_session(seed=3):
        pass
    assert imported == []
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    monkeypatch.setattr(lazy, "module", tensorflow)
    with keras_session(seed=3):
        pass
    assert imported == ["import", "seed 3"]


def test_initializers_draw_the_same_weights_as_without() -> None:
    def drawn() -> list[np.ndarray]:
        with keras_session(seed=3) as keras:
            initializers = keras.initializers.GlorotUniform(), keras.initializers.HeNormal(), keras.initializers.HeUniform(7)
            return [np.asarray(initializer((4, 6))) for initializer in initializers]

    expected = drawn()
    with quick_draws():
        for one, other in zip(drawn(), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=ROUNDING)


def test_draws_in_a_trace_stay_random() -> None:
    with keras_session(seed=3) as keras, quick_draws():
        draw = jax.jit(lambda key: keras.random.uniform((3,), seed=key))
        one, other = draw(jax.random.PRNGKey(1)), draw(jax.random.PRNGKey(2))
    assert not np.array_equal(one, other)
