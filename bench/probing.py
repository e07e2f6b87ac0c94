"""What the probes of an epoch cost: the first population of a job, its parts timed one by one.

`python -m bench.probing` takes a job, in the environment of a worker, and prints seconds as JSON.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from bench.contenders.ours import tasks
from bench.job import Job, take
from seedbed import data, models
from seedbed.models.protocol import Knobs
from seedbed.training.feed import Resident, Sheets
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import Carry, Exam, Program, Settings
from seedbed.training.reports import Task

TRIES = 3


def _first(job: Job) -> tuple[Task, data.Dataset]:
    found, dataset = tasks(job)
    return found[0], dataset


class _Bench:
    """One population with its program and its images on this process's device."""

    def __init__(self, task: Task, dataset: data.Dataset) -> None:
        self.runs = task.blocks[0]
        facts, self.scale = dataset.facts(), dataset.scale
        self.population = models.build(
            [run.model for run in self.runs],
            facts.image_shape,
            len(facts.classes),
            on_cpu=jax.default_backend() == "cpu",
        )
        self.program = Program(self.population, task.plan, 1, self.scale)
        params, state = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], self.population.pack(self.population.initial(0)))
        self.carry = Carry(params, state, empty_slots(task.plan.optimizer, params))
        self.settings = self._settings()
        self.exam = next(iter(Sheets(dataset, self.population.exam_batch))).exam
        source = Resident(dataset.train, [self.runs[0].seed], task.plan.batch_size)
        self.stretch = next(source.stretches(0, 0, [[run.plan for run in self.runs]]))

    def _settings(self) -> Settings:
        def of(name: str) -> Any:
            return jnp.asarray([[getattr(run.plan, name, 0.0) for run in self.runs]], jnp.float32)

        return Settings(Knobs(of("l1"), of("l2"), of("dropout")), of("momentum"), jnp.ones((1, len(self.runs)), bool))

    def steps(self) -> None:
        """All steps of an epoch."""
        feed, stop = self.stretch.feed, self.stretch.stop
        self.carry = _done(self.program.run_segment(self.carry, feed, self.settings, 0, stop))

    def examine(self) -> None:
        _done(self.program.examine(self.carry, self.settings, self.exam))

    def norms(self) -> None:
        """What an epoch's last step does beside its step: a copy, and the norms of what changed."""
        before = jax.tree.map(jnp.copy, self.carry)
        _done(self.program.norms(before, self.carry, self.stretch.feed.rates[:, 0], self.settings.momentum))

    def passes(self, *, probed: bool) -> Callable[[], None]:
        """Inference on all images of the exam, with or without the probes."""

        def whole(carry: Carry, settings: Settings, images: Exam) -> Any:
            params, state, knobs = jax.tree.map(lambda leaf: leaf[0], (carry.params, carry.state, settings.knobs))

            def chunk(part: Any) -> Any:
                seen = part.astype(jnp.float32) * jnp.float32(1 / self.scale)
                logits, _, probes = self.population.apply(params, state, seen, knobs, None)
                return (logits, probes) if probed else logits

            return jax.lax.map(chunk, images.images)

        compiled = jax.jit(whole)

        def work() -> None:
            _done(compiled(self.carry, self.settings, self.exam))

        return work


def _done(result: Any) -> Any:
    """The result, once the device has it."""
    for leaf in jax.tree.leaves(result):
        leaf.block_until_ready()
    return result


def _best(work: Callable[[], None]) -> float:
    """Seconds, the best of some; the first time compiles."""
    work()
    times = []
    for _ in range(TRIES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return float(np.min(times))


def measured(job: Job) -> dict[str, float]:
    """Seconds of an epoch's parts, of the job's first population."""
    bench = _Bench(*_first(job))
    steps, examined, norms = (_best(part) for part in (bench.steps, bench.examine, bench.norms))
    saturation = max(0.0, _best(bench.passes(probed=True)) - _best(bench.passes(probed=False)))
    epoch = steps + examined + norms
    return {"epoch": epoch, "steps": steps, "exam": examined, "norms": norms, "saturation": saturation}


def main() -> None:
    """Times the parts."""
    print(json.dumps(measured(take())))


if __name__ == "__main__":
    main()
