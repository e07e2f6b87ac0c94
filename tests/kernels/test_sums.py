"""Native sums against float64: scores of images by their classes, norms by their owners; ties, what is no number, misfits."""

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
from scipy.special import logsumexp

from kernels.samples import SCORED, logits_and_labels
from models.samples import QUICK, VARIANTS, close
from seedbed.kernels.calls import ranges_of
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kernels.sums import add_scores, norms

pytestmark = pytest.mark.skipif(not VARIANTS, reason="the kernels were not built here")

LANES = INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 0


def by_hand(logits: Any, labels: Any, weights: Any) -> Any:
    """The scores `(M, 3, C)` in float64."""
    logits = np.asarray(logits, np.float64)
    losses = logsumexp(logits, axis=1) - logits[:, labels, np.arange(len(labels))]
    called, label = (np.eye(logits.shape[1])[of] for of in (np.argmax(logits, axis=1), labels))
    seen = called * weights[:, None]
    return np.stack([(seen * label).sum(1), seen.sum(1), losses * weights @ label], 1)


@settings(max_examples=60, deadline=None)
@given(**SCORED, part=st.integers(0, 1))
def test_scores_are_those_of_float64_and_are_added_to_one_part(
    members: int, classes: int, images: int, spread: float, part: int, variant: str
) -> None:
    logits, labels, draws = logits_and_labels(members, classes, images, spread)
    weights = (draws.random(images) < 0.8).astype(np.float32)
    before = draws.normal(size=(2, members, 3, classes)).astype(np.float32)
    found = np.asarray(add_scores(before, np.int32(part), logits, labels, weights, INSTRUCTION_SETS[variant]))  # type: ignore[arg-type]
    close(found[part] - before[part], by_hand(logits, labels, weights), 2e-6, least=1)
    np.testing.assert_array_equal(found[1 - part], before[1 - part])


def scored(logits: Any, label: int, variant: str) -> Any:
    """Scores `(3, C)` of a single image."""
    column, one = np.array(logits, np.float32)[None, :, None], np.ones(1, np.float32)
    nothing = np.zeros((1, 1, 3, len(logits)), np.float32)
    return np.asarray(add_scores(nothing, np.int32(0), column, np.int32([label]), one, INSTRUCTION_SETS[variant]))[0, 0]  # type: ignore[arg-type]


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_called_is_what_argmax_says_for_ties_and_what_is_no_number(variant: str) -> None:
    for logits in (
        [1, 2, 2],
        [2, 2, 1],
        [np.nan, 1, 2],
        [1, np.nan, 2],
        [1, np.nan, np.nan],
        [np.nan] * 3,
        [np.inf, 1, np.inf],
    ):
        found = scored(logits, 1, variant)
        assert np.argmax(found[1]) == int(jnp.argmax(jnp.asarray(logits, jnp.float32)))
        assert np.isnan(found[2, 1]) == (not np.isfinite(logits).all())


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses_are_right_where_a_network_is_sure(variant: str) -> None:
    for distance in (1e-3, 1.0, 20.0, 60.0, 86.9, 88.0, 200.0, 1e30):
        right, wrong = scored([distance, 0], 0, variant)[2, 0], scored([distance, 0], 1, variant)[2, 1]
        assert right == pytest.approx(np.log1p(np.exp(-distance)), rel=1e-6, abs=6e-8)
        assert wrong == pytest.approx(distance + np.log1p(np.exp(-distance)), rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    ranges=st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 3, 8, 65, 700, 3_000])), min_size=1, max_size=6),
    variant=SCORED["variant"],
)
def test_norms_are_those_of_float64_by_owner(ranges: list[tuple[int, int]], variant: str) -> None:
    owners = np.repeat([owner for owner, _ in ranges], [count for _, count in ranges])
    x = np.random.default_rng(len(owners)).normal(size=len(owners)).astype(np.float32)
    found = norms(x, tuple(ranges), 4, INSTRUCTION_SETS[variant])  # type: ignore[arg-type]
    wide = x.astype(np.float64)
    close(found, [np.bincount(owners, of, minlength=4) for of in (wide, np.abs(wide), wide**2)], 1e-6, least=1)


def test_ranges_join_neighbouring_numbers_of_an_owner() -> None:
    assert ranges_of(np.array([0, 0, 2, 2, 0, 1]), 6) == ((0, 2), (2, 2), (0, 1), (1, 1))
    assert ranges_of(np.array([[0], [0], [2], [1]]), 4 * 784) == ((0, 1568), (2, 784), (1, 784))
    assert ranges_of(np.array([], np.int32), 0) == ()


def batches() -> tuple[Any, ...]:
    draws = np.random.default_rng(3)
    parts, logits = np.int32([0, 1, 1]), draws.normal(size=(3, 40, 10, 50)).astype(np.float32)
    return parts, logits, draws.integers(10, size=(3, 50)).astype(np.int32), np.ones((3, 50), np.float32)


def summed(*pieces: Any) -> Any:
    """The scores of some batches."""

    def batch(sums: Any, piece: Any) -> tuple[Any, None]:
        return add_scores(sums, *piece, LANES), None

    return jax.lax.scan(batch, jnp.zeros((2, 40, 3, 10)), pieces)[0]


def test_scores_of_batches_are_added_in_place_with_the_same_bits_from_any_thread() -> None:
    compiled = jax.jit(summed, compiler_options=QUICK).lower(*batches()).compile()
    text = compiled.as_text()
    assert "seedbed_scores" in text
    assert not re.findall(r"f32\[2,40,3,10\]\S* copy\(", text[: text.index("ENTRY")])
    first = np.asarray(compiled(*batches()))
    _, logits, labels, weights = batches()
    close(first[1], by_hand(logits[1], labels[1], weights[1]) + by_hand(logits[2], labels[2], weights[2]), 2e-6)
    with ThreadPoolExecutor(4) as threads:
        for again in threads.map(lambda _: compiled(*batches()), range(8)):
            np.testing.assert_array_equal(again, first)


@pytest.mark.parametrize("ranges", [((0, 3),), ((0, 5),), ((3, 4),), ((-1, 4),), ((0, 0), (1, 4)), ((0, 3), (1, 2**40)), ()])
def test_ranges_that_do_not_fit_are_an_error(ranges: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
        jax.block_until_ready(norms(np.ones(4, np.float32), ranges, 3, LANES))  # type: ignore[arg-type]


def test_scores_of_shapes_that_do_not_fit_are_an_error() -> None:
    sums, part, logits = np.zeros((2, 3, 3, 4), np.float32), np.int32(1), np.zeros((3, 4, 5), np.float32)
    labels, weights = np.zeros(5, np.int32), np.ones(5, np.float32)
    wrong: tuple[tuple[Any, ...], ...] = (
        (sums, np.int32(2), logits, labels, weights),
        (sums, np.int32(-1), logits, labels, weights),
        (sums, np.float32(1), logits, labels, weights),
        (sums, part, logits[:2], labels, weights),
        (sums, part, logits[0], labels, weights),
        (sums, part, logits, labels[:4], weights),
        (sums, part, logits, weights, weights),
        (sums, part, logits, labels, weights[:4]),
        (sums[0], part, logits, labels, weights),
    )
    for arguments in wrong:
        with pytest.raises(jax.errors.JaxRuntimeError, match="the shapes do not fit"):
            jax.block_until_ready(add_scores(*arguments, LANES))
    with pytest.raises(jax.errors.JaxRuntimeError, match="no such vectors"):
        jax.block_until_ready(add_scores(sums, part, logits, labels, weights, 3))  # type: ignore[arg-type]


def test_images_of_unknown_classes_and_without_weight_do_not_count() -> None:
    logits, labels = np.full((1, 2, 3), np.nan, np.float32), np.int32([2, -1, 0])
    weights, nothing = np.float32([1, 1, 0]), np.zeros((1, 1, 3, 2), np.float32)
    assert not np.asarray(add_scores(nothing, np.int32(0), logits, labels, weights, LANES)).any()  # type: ignore[arg-type]
