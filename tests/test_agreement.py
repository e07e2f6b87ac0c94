"""Test accuracy against validation accuracy: the interval's level, and the sentence."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.evaluation import agreement_sentence, part_difference
from seedbed.statistics import images_interval, share_difference, wilson


def right(share: float, images: int) -> np.ndarray:
    return np.arange(images) < share * images


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 10), 0.6075, 1.0)],
)
def test_the_interval_of_two_shares_is_newcombes_table(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    found = share_difference(wilson(*first), wilson(*second))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_networks_that_fail_on_the_same_images_count_as_one() -> None:
    one = images_interval(right(0.9, 300))
    assert images_interval([right(0.9, 300)] * 5).pair() == pytest.approx(one.pair(), abs=2e-3)


def test_the_same_networks_on_two_samples_of_images_rarely_differ_by_more_than_chance() -> None:
    random = np.random.default_rng(0)

    def correct(images: int) -> np.ndarray:
        return random.random((3, images)) >= random.beta(0.02, 0.18, images)  # images of unequal difficulty, shared by all

    alarms = [part_difference(correct(270), correct(400)).excludes() for _ in range(400)]
    assert np.mean(alarms) <= 0.08


def test_a_difference_is_given_with_its_meaning() -> None:
    lower, higher = part_difference(right(0.9, 1000), right(0.97, 300)), part_difference(right(0.97, 1000), right(0.85, 300))
    assert agreement_sentence(lower).startswith(
        "The test accuracy is 7.0 points below the validation accuracy (95 % interval -"
    )
    assert "optimistic: report the test accuracy" in agreement_sentence(lower)
    assert "easier than the validation images" in agreement_sentence(higher)


def test_a_difference_within_chance_is_said_to_be_none() -> None:
    sentence = agreement_sentence(part_difference(right(0.96, 1000), right(0.97, 300)))
    assert sentence.startswith("Test and validation accuracy differ by no more than chance: -1.0 points on the test part")
