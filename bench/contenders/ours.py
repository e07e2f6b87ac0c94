"""seedbed: the networks as one call of `grow`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from bench.job import Answer, Job, Net, give, take
from seedbed import data, devices, populations
from seedbed.data import Dataset
from seedbed.records import Result
from seedbed.runs import NamedRun
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import Conv, DataSpec, Dense, Keras, ModelSpec, Plan, RunSpec
from seedbed.training.events import Event, Progress, Started
from seedbed.training.reports import Task

OWN_NETWORKS = Path(__file__).parents[1] / "own_networks.py"


def spec(net: Net, job: Job) -> RunSpec:
    """The run that a network and its job come to."""
    plan = Plan(epochs=job.epochs, batch_size=job.batch, learning_rate=net.rate, l2=net.l2)
    return RunSpec(
        model=_model(net), plan=plan, data=DataSpec(name=job.data, first=job.first, protocol=job.protocol), seed=net.seed
    )


def _model(net: Net) -> ModelSpec:
    if net.family == "keras":
        return Keras.of(f"{OWN_NETWORKS}:{net.own}")
    return Conv() if net.family == "conv" else Dense(hidden=net.hidden, activation=net.activation)


def tasks(job: Job) -> tuple[list[Task], Dataset]:
    """The populations that `train_runs` makes of the job's networks, and their images."""
    runs = [spec(net, job) for net in job.nets]
    resolved = data.resolve(runs[0].data)
    dataset = data.load(resolved)
    limits = populations.ON_GPU if job.device == "gpu" else populations.ON_CPU
    workers = 1 if job.device == "gpu" else min(devices.cores(), len(runs))
    planned = populations.plan([run.changed(data=resolved) for run in runs], dataset.facts(), limits=limits, workers=workers)
    return planned, dataset


class _Watch:
    """When each population began and ended, to tell which ones followed each other in one worker."""

    def __init__(self) -> None:
        self.began: dict[tuple[str, ...], float] = {}
        self.ended: dict[tuple[str, ...], float] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self.began[event.names] = time.monotonic()
        if isinstance(event, Progress):
            names = next((names for names in self.began if event.names and event.names[0] in names), event.names)
            self.ended[names] = time.monotonic()

    def chains(self) -> list[list[tuple[str, ...]]]:
        """Populations one after the other, worker by worker."""
        chains: list[list[tuple[str, ...]]] = []
        for names in sorted(self.began, key=self.began.__getitem__):
            free = [chain for chain in chains if self.ended.get(chain[-1], 0.0) <= self.began[names]]
            if free:
                free[0].append(names)
            else:
                chains.append([names])
        return chains


def _epoch(results: list[Result]) -> float:
    """Seconds of an epoch of one population; a run's seconds are its share. Compilation is not counted in them."""
    seconds = np.sum([result.history["seconds"] for result in results], axis=0)
    return float(np.median(seconds[1:] if len(seconds) > 1 else seconds))


def main() -> None:
    """Trains the job's networks in a home of its own; the job's options go to `train_runs`."""
    job, watch = take(), _Watch()
    runs = [NamedRun(f"net-{number}", f"net-{number}", spec(net, job)) for number, net in enumerate(job.nets)]
    with tempfile.TemporaryDirectory(prefix="seedbed-bench-home-") as home:
        began = time.perf_counter()
        execution = Execution.of(home=home, device=job.device, on_event=watch)
        results = {r.name: r for r in train_runs(runs, execution, **job.options)}
        spent = time.perf_counter() - began
    chains = [[[results[name] for name in names] for names in chain] for chain in watch.chains()]
    epoch = max(sum(map(_epoch, chain)) for chain in chains)
    warm = max(sum(result.seconds.compile for population in chain for result in population) for chain in chains)
    accuracies = [float(result.history["validation_accuracy"][-1]) for result in results.values()]
    programs = [sum(result.seconds.compile for result in population) for chain in chains for population in chain]
    give(Answer(epoch, warm, accuracies, {"grow": spent, "workers": len(chains), "programs": programs}))


if __name__ == "__main__":
    main()
