"""How long a step of training takes, measured in a process of its own: `python -m seedbed.training.stepping`.

A `Request` comes as JSON on its standard input. On its standard output it writes a line of JSON that says what the device is,
then one for each case and round: rounds go over all cases, so that whatever slows the machine for a while slows none alone.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from seedbed import data, models
from seedbed.data import Dataset
from seedbed.models.protocol import Hyperparameters
from seedbed.specs import DataSpec, Dense, Plan
from seedbed.training.feed import Chunk, Resident
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import MemberSettings, Program, TrainState


@dataclass(frozen=True)
class Request:
    """What is to be measured.

    Attributes:
        data: a data spec, plain.
        cases: hidden units and batch size of each.
        rounds: how often each is measured.
        seconds: about how long each time.
    """

    data: dict[str, Any]
    cases: Sequence[tuple[Sequence[int], int]]
    rounds: int
    seconds: float


class Stepper:
    """A dense network whose steps can be timed.

    Args:
        hidden: units of its hidden layers.
        batch_size: images of a step, at most as many as there are.
    """

    def __init__(self, dataset: Dataset, hidden: Sequence[int], batch_size: int) -> None:
        plan, facts = Plan(batch_size=batch_size), dataset.facts()
        on_cpu = jax.default_backend() == "cpu"
        population = models.build([Dense(hidden=tuple(hidden))], facts.image_shape, len(facts.classes), on_cpu=on_cpu)
        source = Resident(dataset.train, [0], batch_size)
        self._chunk: Chunk = next(source.chunks(0, 0, [[plan]]))
        self._steps = len(dataset.train) // batch_size
        self._program = Program(population, plan, 1, dataset.scale)
        params, state = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[None]), population.pack(population.initial(0)))
        self._carry = TrainState(params, state, empty_slots(plan.optimizer, params))
        zero = jnp.zeros((1, 1), jnp.float32)
        self._settings = MemberSettings(Hyperparameters(zero, zero, zero), zero, jnp.ones((1, 1), bool))
        self._pace = 0.0
        for _ in range(2):  # compiles; then learns the pace
            self._pace = self._timed(min(8, self._steps))

    def seconds(self, about: float) -> float:
        """Seconds a step, over about so many seconds."""
        spent, steps = 0.0, 0
        while spent < about:
            some = max(1, min(self._steps, int((about - spent) / self._pace)))
            spent += some * self._timed(some)
            steps += some
        return spent / steps

    def _timed(self, steps: int) -> float:
        began = time.perf_counter()
        self._carry = self._program.run_segment(self._carry, self._chunk.feed, self._settings, 0, steps)
        for leaf in jax.tree.leaves(self._carry):
            leaf.block_until_ready()
        return (time.perf_counter() - began) / steps


def measured(request: Request) -> Iterator[dict[str, Any]]:
    """One mapping a case and round: its number among the cases, and seconds a step."""
    dataset = data.load(DataSpec(**request.data))
    steppers = [Stepper(dataset, hidden, batch_size) for hidden, batch_size in request.cases]
    for _ in range(request.rounds):
        for number, stepper in enumerate(steppers):
            yield {"case": number, "seconds": stepper.seconds(request.seconds)}


def device() -> dict[str, Any]:
    """What this process computes on: `platform`, `name`, and `memory` in bytes (None where jax does not say)."""
    found = jax.devices()[0]
    limit = (found.memory_stats() or {}).get("bytes_limit")
    return {"platform": found.platform, "name": found.device_kind, "memory": int(limit) if limit else None}


def main() -> None:
    """Serves the one request on standard input."""
    request = Request(**json.loads(sys.stdin.readline()))
    _say(device())
    for found in measured(request) if request.cases else ():
        _say(found)


def _say(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
