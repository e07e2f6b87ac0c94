"""Sums over the owners of a vector's numbers."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.models.segments import CHUNK, Owned, sums


@pytest.mark.parametrize(
    "lengths",
    [(1,), (CHUNK,), (CHUNK - 1, 1), (3, 2 * CHUNK, 5), (CHUNK, CHUNK), (1, 1, 1, 5 * CHUNK + 7, 2), (10 * CHUNK, 1)],
    ids=str,
)
def test_each_owner_gets_what_is_its_own(lengths: tuple[int, ...]) -> None:
    owners = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    numbers = np.random.default_rng(0).standard_normal((2, len(owners))).astype(np.float32)
    expected = [[row[owners == owner].sum() for owner in range(len(lengths))] for row in numbers]
    np.testing.assert_allclose(sums([(Owned(owners), numbers)], len(lengths)), expected, rtol=1e-5, atol=1e-5)


def test_vectors_add_up_and_who_has_nothing_gets_nothing() -> None:
    one, other = np.array([0, 0, 2], np.int32), np.repeat(np.int32([0, 3]), [2 * CHUNK, 1])
    found = sums([(Owned(one), np.ones((1, 3), np.float32)), (Owned(other), np.ones((1, 2 * CHUNK + 1), np.float32))], 5)
    np.testing.assert_array_equal(found, [[2 + 2 * CHUNK, 0, 1, 1, 0]])
