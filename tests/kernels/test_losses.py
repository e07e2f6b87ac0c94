"""Native gradients of the cross-entropy against float64: weights of images and of classes, large logits, what is no number."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from kernels.samples import SCORED, logits_and_labels
from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kernels.losses import loss_gradients

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")

LANES = INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0


@settings(max_examples=60, deadline=None)
@given(**SCORED, balanced=st.booleans())
def test_gradients_are_those_of_float64(
    members: int, classes: int, images: int, spread: float, balanced: bool, variant: str
) -> None:
    logits, labels, draws = logits_and_labels(members, classes, images, spread)
    weights = draws.random(images).astype(np.float32)
    of_classes = draws.random((members, classes)).astype(np.float32) if balanced else None
    found = loss_gradients(logits, labels, weights, of_classes, INSTRUCTION_SETS[variant])  # type: ignore[arg-type]
    whole = weights * (1.0 if of_classes is None else of_classes.astype(float)[:, labels])
    expected = softmax(logits.astype(np.float64), axis=1) - np.eye(classes)[labels].T
    close(found, expected * np.broadcast_to(whole, (members, images))[:, None], 4e-7, least=1)


def call(logits: Any, labels: Any = (0, 1), weights: Any = (0.5, 0.5), of_classes: Any = None, lanes: int = LANES) -> Any:
    given_labels, given_weights = jnp.asarray(np.array(labels, np.int32)), jnp.asarray(weights, jnp.float32)
    return np.asarray(loss_gradients(jnp.asarray(logits, jnp.float32), given_labels, given_weights, of_classes, lanes))


def test_a_logit_that_is_no_number_spoils_its_own_image_only() -> None:
    found = call([[[np.nan, 1.0], [0.0, 2.0]]])
    assert np.isnan(found[0, :, 0]).all()
    assert np.isfinite(found[0, :, 1]).all()


def test_the_same_call_gives_the_same_bits_from_any_thread_and_for_several_sets_of_networks() -> None:
    draws = np.random.default_rng(0)
    logits = jnp.asarray(draws.normal(size=(2, 5, 10, 33)), jnp.float32)
    labels, weights = jnp.asarray(draws.integers(10, size=33), jnp.int32), jnp.ones(33)
    of_sets = jax.vmap(lambda own: loss_gradients(own, labels, weights, None, LANES))
    compiled = jax.jit(of_sets, compiler_options=QUICK)
    first = compiled(logits)
    np.testing.assert_array_equal(first[1], loss_gradients(logits[1], labels, weights, None, LANES))
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: compiled(logits), range(8)):
            np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"labels": (0, 2)}, "a class that there is not"),
        ({"labels": (-1, 0)}, "a class that there is not"),
        ({"labels": (0, 1, 0)}, "the shapes do not fit"),
        ({"weights": (1.0,)}, "the shapes do not fit"),
        ({"of_classes": jnp.ones((1, 3))}, "the shapes do not fit"),
        ({"lanes": 3}, "no such vectors"),
    ],
)
def test_what_does_not_fit_is_an_error(wrong: dict[str, Any], message: str) -> None:
    logits = [[[0.0, 1.0], [2.0, 3.0]]]
    assert call(logits).shape == (1, 2, 2)
    with pytest.raises((jax.errors.JaxRuntimeError, ValueError), match=message):  # JAX raises either
        call(logits, **wrong)
