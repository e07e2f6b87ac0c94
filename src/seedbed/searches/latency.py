"""How long a network takes to answer: one image, and a batch of them, measured here and now."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.devices import signals_held_back
from seedbed.records import DataFacts
from seedbed.specs import ModelSpec

BATCH = 256
"""Images of a batch."""

ROUNDS = 31
SHORTEST = 2e-3
"""Seconds that a round takes at least: short calls are repeated within it."""


@dataclass(frozen=True)
class Latency:
    """Seconds an image: medians over rounds, with the quartiles around them.

    Attributes:
        single: of an image that comes alone.
        batch: of one among `images` that come together.
    """

    single: float
    single_quartiles: tuple[float, float]
    batch: float
    batch_quartiles: tuple[float, float]
    images: int
    device: str

    def as_json(self) -> dict[str, Any]:
        return {
            "single": {"seconds": self.single, "quartiles": self.single_quartiles},
            "batch": {"seconds": self.batch, "quartiles": self.batch_quartiles, "images": self.images},
            "device": self.device,
        }


def latencies(networks: Sequence[ModelSpec], data: DataFacts) -> list[Latency]:
    """The latencies of networks, whose weights do not matter for it; measured in turns, so that a slow spell meets all.

    From arrays in memory to probabilities in memory, by this process's default device and threads, after compilation.
    """
    with signals_held_back():
        import jax

    calls = [(_call(network, data, 1), _call(network, data, BATCH)) for network in networks]
    rounds: list[tuple[list[float], list[float]]] = [([], []) for _ in calls]
    for _ in range(ROUNDS):
        for pair, times in zip(calls, rounds, strict=True):
            for call, seconds in zip(pair, times, strict=True):
                seconds.append(_timed(call))
    device = jax.devices()[0].device_kind
    return [_summary(single, [each / BATCH for each in batch], device) for single, batch in rounds]


def _call(network: ModelSpec, data: DataFacts, images: int) -> Callable[[], object]:
    """A compiled answer to so many images."""
    import numpy as np

    from seedbed.models.inference import alone

    population, answer = alone(network, data.image_shape, len(data.classes))
    params, state = population.pack(population.initial(0))
    x = np.random.default_rng(0).random((images, *data.image_shape), dtype=np.float32)
    np.asarray(answer(params, state, x))
    return lambda: np.asarray(answer(params, state, x))


def _timed(call: Callable[[], object]) -> float:
    """Seconds of one call, as the mean of so many that together take long enough for the clock."""
    count, began = 0, time.perf_counter()
    while True:
        call()
        count += 1
        spent = time.perf_counter() - began
        if spent >= SHORTEST:
            return spent / count


def _summary(single: list[float], batch: list[float], device: str) -> Latency:
    one, many = statistics.quantiles(single, n=4), statistics.quantiles(batch, n=4)
    return Latency(one[1], (one[0], one[2]), many[1], (many[0], many[2]), BATCH, device)
