"""Randomness is a function of seed, purpose and counters; the numbers here are part of what resuming relies on."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from seedbed.randomness import device_seed, generator, minibatch_order


def test_the_numbers_never_change() -> None:
    """An older seedbed's half-done runs go on with them."""
    assert generator(0, "weights", 0).random(3).round(6).tolist() == WEIGHTS
    assert minibatch_order(3, 2, 8).tolist() == ORDER
    assert device_seed(7, "augmentation") == DRAW


WEIGHTS = [0.810244, 0.546126, 0.481701]
ORDER = [2, 5, 3, 7, 4, 1, 0, 6]
DRAW = 920_257_531


def test_every_seed_purpose_and_counter_has_a_stream_of_its_own() -> None:
    streams = [
        generator(seed, purpose, *counters).random(8)
        for seed in (0, 1, 2**32 - 1)
        for purpose in ("weights", "order", "dropout", "augmentation", "sample")
        for counters in ((), (0,), (1,), (0, 1))
    ]
    assert all(not np.array_equal(one, other) for one, other in combinations(streams, 2))


def test_an_epochs_order_visits_every_image_once_and_belongs_to_seed_and_epoch() -> None:
    orders = [minibatch_order(seed, epoch, 1000) for seed in (0, 1) for epoch in (0, 1)]
    assert all(np.array_equal(np.sort(order), np.arange(1000)) for order in orders)
    assert all(not np.array_equal(one, other) for one, other in combinations(orders, 2))
    assert np.array_equal(orders[3], minibatch_order(1, 1, 1000))
    assert orders[0].dtype == np.int32


def test_neighbouring_streams_are_not_correlated() -> None:
    draws = np.stack([generator(seed, "weights", 0).random(20_000) for seed in range(6)])
    off_diagonal = np.corrcoef(draws)[~np.eye(6, dtype=bool)]
    assert np.abs(off_diagonal).max() < 0.04
