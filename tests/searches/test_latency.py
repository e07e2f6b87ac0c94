"""Latency by a clock that stands still but for the calls: what is measured does not depend on what else a machine does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from searches.samples import COLOUR
from seedbed.searches import latency
from seedbed.searches.latency import BATCH, ROUNDS, SHORTEST, latencies
from seedbed.specs import Dense


class Clock:
    """Stands for the module `time`."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def call(self, seconds: Callable[[int], float]) -> Callable[[], object]:
        """A call that takes so many seconds, by its number from 0 on."""
        made: list[int] = []

        def called() -> None:
            self.now += seconds(len(made))
            made.append(1)

        return called


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(latency, "time", clock)
    return clock


def test_a_latency_is_the_median_round_per_image_with_its_quartiles(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round takes longer than the one before it, and a batch 16 times as long as one image."""
    order: list[tuple[object, int]] = []

    def call(network: object, _: object, images: int) -> Callable[[], object]:
        def seconds(number: int) -> float:
            order.append((network, images))
            return (1 + number) * SHORTEST * (1 if images == 1 else 16)

        return clock.call(seconds)

    monkeypatch.setattr(latency, "_call", call)
    found = latencies(("a", "b"), COLOUR)  # type: ignore[arg-type]
    assert order == [("a", 1), ("a", BATCH), ("b", 1), ("b", BATCH)] * ROUNDS
    for each in found:
        assert each.single == pytest.approx(16 * SHORTEST)
        assert each.single_quartiles == pytest.approx((8 * SHORTEST, 24 * SHORTEST))
        assert each.batch == pytest.approx(16 * SHORTEST / 16)
        assert each.batch_quartiles == pytest.approx((8 * SHORTEST / 16, 24 * SHORTEST / 16))
        assert each.as_json()["batch"]["images"] == BATCH == 256


def test_short_calls_are_repeated_until_the_clock_can_tell(clock: Clock) -> None:
    counted: list[int] = []

    def seconds(number: int) -> float:
        counted.append(number)
        return SHORTEST / 8

    assert latency._timed(clock.call(seconds)) == pytest.approx(SHORTEST / 8)
    assert len(counted) in (8, 9)  # the last bit of a sum


@pytest.mark.parametrize("images", [1, BATCH])
def test_a_call_is_a_prediction_for_so_many_images(images: int) -> None:
    probabilities = np.asarray(latency._call(Dense(hidden=(3,)), COLOUR, images)())
    assert probabilities.shape[-2:] in {(images, len(COLOUR.classes)), (len(COLOUR.classes), images)}
    assert probabilities.size == images * len(COLOUR.classes)
