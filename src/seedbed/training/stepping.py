"""Benchmark of training steps, in a process of its own: `python -m seedbed.training.stepping`.

It reads a `TimingRequest` as JSON from standard input, and writes lines of JSON to standard output: one for the device,
then one per case and round. Each round covers all cases, so that a temporary slowdown of the machine affects all of them.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.models.protocol import Hyperparameters
from seedbed.specs import DataSpec, Dense, Plan
from seedbed.training.feed import Chunk, Resident
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import MemberSettings, Program, TrainState


@dataclass(frozen=True)
class TimingRequest:
    """The measurements to make.

    Attributes:
        data: settings of a data spec.
        cases: hidden units and batch size of each case.
        rounds: number of measurements per case.
        seconds: approximate length of a measurement (s).
    """

    data: dict[str, Any]
    cases: Sequence[tuple[Sequence[int], int]]
    rounds: int
    seconds: float


class Stepper:
    """A dense network whose steps can be timed.

    Args:
        dataset: the images.
        hidden: units of the hidden layers.
        batch_size: images per step, at most the number of training images.
    """

    def __init__(self, dataset: Dataset, hidden: Sequence[int], batch_size: int) -> None:
        plan, facts = Plan(batch_size=batch_size), dataset.facts()
        on_cpu = jax.default_backend() == "cpu"
        population = models.build([Dense(hidden=tuple(hidden))], facts.image_shape, len(facts.classes), on_cpu=on_cpu)
        source = Resident(dataset.train, [0], batch_size)
        self._chunk: Chunk = next(source.chunks(0, 0, [[plan]]))
        self._steps = len(dataset.train) // batch_size
        self._program = Program(population, plan, 1, dataset.normalization)
        packed = jax.tree.map(lambda leaf: np.asarray(leaf)[None], population.pack(population.initial(0)))
        params, state = jax.device_put(packed, may_alias=False)
        self._train_state = TrainState(params, state, empty_slots(plan.optimizer, params))
        zero, alive = jax.device_put((np.zeros((1, 1), np.float32), np.ones((1, 1), bool)))
        self._settings = MemberSettings(Hyperparameters(zero, zero, zero), zero, alive)
        self._pace = 0.0
        for _ in range(2):  # the first call compiles, the second measures the pace
            self._pace = self._timed(min(8, self._steps))

    def seconds(self, about: float) -> float:
        """Mean time per step (s), measured over about `about` seconds."""
        total, steps = 0.0, 0
        while total < about:
            count = max(1, min(self._steps, int((about - total) / self._pace)))
            total += count * self._timed(count)
            steps += count
        return total / steps

    def _timed(self, steps: int) -> float:
        began = time.perf_counter()
        self._train_state, _ = self._program.run_segment(self._train_state, self._chunk.feed, self._settings, 0, steps)
        for leaf in jax.tree.leaves(self._train_state):
            leaf.block_until_ready()
        return (time.perf_counter() - began) / steps


def measured(request: TimingRequest) -> Iterator[dict[str, Any]]:
    """Yield the number of the case and its mean time per step (s), for each round and case."""
    dataset = data.load(DataSpec(**request.data))
    steppers = [Stepper(dataset, hidden, batch_size) for hidden, batch_size in request.cases]
    for _ in range(request.rounds):
        for number, stepper in enumerate(steppers):
            yield {"case": number, "seconds": stepper.seconds(request.seconds)}


def device() -> dict[str, Any]:
    """Description of this process's device: `platform`, `name`, and `memory` (bytes, None where JAX does not report it)."""
    first = jax.devices()[0]
    limit = (first.memory_stats() or {}).get("bytes_limit")
    return {"platform": first.platform, "name": first.device_kind, "memory": int(limit) if limit else None}


def main() -> None:
    """Serve the request on standard input."""
    request = TimingRequest(**json.loads(sys.stdin.readline()))
    for line in itertools.chain([device()], measured(request) if request.cases else ()):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
