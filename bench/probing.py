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
from seedbed.models.protocol import Hyperparameters
from seedbed.training.feed import EvalBatches, Resident
from seedbed.training.optimizers import empty_slots
from seedbed.training.program import EvalSet, MemberSettings, Program, TrainState
from seedbed.training.reports import Task

TRIES = 3


def _first(job: Job) -> tuple[Task, data.Dataset]:
    found, dataset = tasks(job)
    return found[0], dataset


class _Bench:
    """One population with its program and its images on this process's device."""

    def __init__(self, task: Task, dataset: data.Dataset) -> None:
        self.runs = task.blocks[0]
        facts, self._scale = dataset.facts(), dataset.scale
        self.population = models.build(
            [run.model for run in self.runs],
            facts.image_shape,
            len(facts.classes),
            on_cpu=jax.default_backend() == "cpu",
        )
        self.program = Program(self.population, task.plan, 1, dataset.normalization)
        params, state = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], self.population.pack(self.population.initial(0)))
        self.train_state = TrainState(params, state, empty_slots(task.plan.optimizer, params))
        self.settings = self._settings()
        self.eval_set = next(iter(EvalBatches(dataset, self.population.eval_batch_size))).eval_set
        source = Resident(dataset.train, [self.runs[0].seed], task.plan.batch_size)
        self.chunk = next(source.chunks(0, 0, [[run.plan for run in self.runs]]))

    def _settings(self) -> MemberSettings:
        def of(name: str) -> Any:
            return jnp.asarray([[getattr(run.plan, name, 0.0) for run in self.runs]], jnp.float32)

        return MemberSettings(
            Hyperparameters(of("l1"), of("l2"), of("dropout")), of("momentum"), jnp.ones((1, len(self.runs)), bool)
        )

    def steps(self) -> None:
        """All steps of an epoch."""
        feed, stop = self.chunk.feed, self.chunk.stop
        self.train_state, _ = _done(self.program.run_segment(self.train_state, feed, self.settings, 0, stop))

    def evaluate(self) -> None:
        _done(self.program.evaluate(self.train_state, self.settings, self.eval_set))

    def norms(self) -> None:
        """What a segment does beside its steps: copies, and the norms of what the last step changed."""
        self.train_state, _ = _done(self.program.run_segment(self.train_state, self.chunk.feed, self.settings, 0, 0))

    def passes(self, *, probed: bool) -> Callable[[], None]:
        """Inference on all images of the evaluation, with or without the probes."""

        def whole(train_state: TrainState, settings: MemberSettings, images: EvalSet) -> Any:
            params, state, hyper = jax.tree.map(lambda leaf: leaf[0], (train_state.params, train_state.state, settings.hyper))

            def batch(part: Any) -> Any:
                seen = part.astype(jnp.float32) * jnp.float32(1 / self._scale)
                logits, _, probes = self.population.apply(params, state, seen, hyper, None)
                return (logits, probes) if probed else logits

            return jax.lax.map(batch, images.images)

        compiled = jax.jit(whole)

        def work() -> None:
            _done(compiled(self.train_state, self.settings, self.eval_set))

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
    segment, evaluated, norms = (_best(part) for part in (bench.steps, bench.evaluate, bench.norms))
    saturation = max(0.0, _best(bench.passes(probed=True)) - _best(bench.passes(probed=False)))
    parts = {"steps": segment - norms, "exam": evaluated, "norms": norms}
    return {"epoch": segment + evaluated, **parts, "saturation": saturation}


def main() -> None:
    """Times the parts."""
    print(json.dumps(measured(take())))


if __name__ == "__main__":
    main()
