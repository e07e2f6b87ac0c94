"""Latency of a network: for one image, and for a batch, measured on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from seedbed.devices import signals_held_back
from seedbed.records import DataFacts
from seedbed.specs import ModelSpec

BATCH = 256
"""Images of a batch."""

ROUNDS = 31
SHORTEST = 2e-3
"""Least seconds of a round: short calls are repeated within it."""


@dataclass(frozen=True)
class Latency:
    """Seconds per image: medians over rounds, with the quartiles around them.

    Attributes:
        single: latency of an image by itself.
        batch: seconds per image in a batch of `images`.
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
    """Measure the latencies of networks with initial weights, in turns, so that a slow spell affects all.

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
    quartiles = [(quantiles(single, n=4), quantiles([each / BATCH for each in batch], n=4)) for single, batch in rounds]
    return [Latency(s[1], (s[0], s[2]), b[1], (b[0], b[2]), BATCH, device) for s, b in quartiles]


def _call(network: ModelSpec, data: DataFacts, images: int) -> Callable[[], object]:
    """Compile a prediction for a number of images, and return a call of it."""
    import numpy as np

    from seedbed.models.inference import alone

    population, answer = alone(network, data.image_shape, len(data.classes))
    params, state = population.pack(population.initial(0))
    x = np.random.default_rng(0).random((images, *data.image_shape), dtype=np.float32)
    np.asarray(answer(params, state, x))
    return lambda: np.asarray(answer(params, state, x))


def _timed(call: Callable[[], object]) -> float:
    """Time one call, as the mean of as many as together take long enough for the clock."""
    count, began = 0, time.perf_counter()
    while True:
        call()
        count += 1
        spent = time.perf_counter() - began
        if spent >= SHORTEST:
            return spent / count
