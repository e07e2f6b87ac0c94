"""Costs of the driver and of what lies between it and its workers, measured on this machine."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.cases.commands import seedbed
from bench.sitting import Settings
from seedbed import data
from seedbed.devices import WorkerKind
from seedbed.executor import LocalExecutor
from seedbed.executor.channel import Channel
from seedbed.executor.pool import AHEAD, Pool
from seedbed.populations import key_of
from seedbed.runs import FinishedRun, NamedRun, RunStore
from seedbed.scheduler import Execution, train_runs
from seedbed.specs import DataSpec, Dense, Plan, RunSpec
from seedbed.training.reports import Task

RUNS = 64
WORKERS = 2
MEMBERS = 8
"""Runs in a population."""
MESSAGE_BYTES = (1_000, 100_000, 1_000_000, 10_000_000)
WEIGHTS, ANSWERS = 178_110 * 4, 5_000 * 10 * 4
"""Bytes of the exercise's dense net, and of its answers to the validation images."""

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Line:
    """Seconds of a message: so much for being one, and so much for each of its bytes."""

    message: float
    byte: float


@dataclass(frozen=True)
class Costs:
    """Everything that `simulation` needs to know, in seconds and bytes.

    Attributes:
        shell: engine -> shell to shell, round by round, of the same 64 runs.
        run_epoch: of a worker, for an epoch of one run within a population.
        task: of a worker, for a task beside its epochs, its programs compiled before.
        worker: from hiring an actor to its first word.
        messages: engine -> what a message costs.
        row: of the driver, for storing an epoch's figures of one run.
        store: of the driver, for storing a finished run.
        save: of the driver, for storing a checkpoint, for each of its runs.
        run_bytes: of a finished run's report.
        checkpoint_bytes: of a checkpoint, for each of its runs.
    """

    shell: dict[str, list[float]]
    run_epoch: float
    task: float
    worker: float
    messages: dict[str, Line]
    row: float
    store: float
    save: float
    run_bytes: float
    checkpoint_bytes: float


def measured(settings: Settings) -> Costs:
    """All of them; takes about ten minutes, and a quiet machine."""
    from seedbed.executor.ray import cluster

    worker, task, epoch = worker_costs(settings)
    row, store, save = driver_costs(settings)
    lines = {"local": line(local_messages, settings), "ray": line(ray_messages, settings)}
    cluster.close()  # the races start their own
    shell = races(settings)
    sizes = {"run_bytes": 2 * WEIGHTS + ANSWERS, "checkpoint_bytes": 4 * WEIGHTS + ANSWERS}  # Adam keeps two of its own
    return Costs(shell, epoch, task, worker, lines, row, store, save, **sizes)


def races(settings: Settings) -> dict[str, list[float]]:
    """The same 64 runs by each engine in turns, shell to shell; a first round that compiles is not counted."""
    size = "--epochs 1 --first 1000" if settings.quick else "--epochs 4"
    seconds: dict[str, list[float]] = {engine: [] for engine in ENGINES}
    for turn in range(settings.rounds() + 1):
        for engine in ENGINES if turn % 2 else ENGINES[::-1]:
            words = f"train -m r -d --seeds {RUNS} {size} --workers {WORKERS} --engine {engine} --json"
            done = seedbed(settings, words)
            if done.code != 0:
                raise RuntimeError(f"{words}: {done.why}")
            if turn:
                seconds[engine].append(done.seconds)
    return seconds


# The worker's side


def worker_costs(settings: Settings) -> tuple[float, float, float]:
    """Of an actor: seconds to come up, for a task beside its epochs, and for an epoch of a run."""
    from seedbed.executor.ray import RayExecutor, cluster

    cluster.connected(None, WORKERS)
    few, many = (1, 2) if settings.quick else (1, 5)
    _train_once()  # compiles
    with RayExecutor([WorkerKind()]) as executor:
        reports = executor.run([_task(few, seed=0)])
        ready = _seconds(lambda: next(reports))
        list(reports)
        short, long = (_train(executor, epochs=epochs, seed=epochs) for epochs in (few, many))
    epoch = (long - short) / (many - few)
    return ready, max(0.0, short - few * epoch), epoch / MEMBERS


def _train_once() -> None:
    with LocalExecutor([WorkerKind()]) as executor:
        _train(executor, 1, seed=0)


def _train(executor: Pool, epochs: int, seed: int) -> float:
    """Trains one population to its end; seconds."""
    return _seconds(lambda: list(executor.run([_task(epochs, seed)])))


def _task(epochs: int, seed: int) -> Task:
    """Some of the exercise's dense nets on MNIST, as one population."""
    spec = data.resolve(DataSpec(name="mnist"))
    plans = [Plan(epochs=epochs, l2=n * 1e-6) for n in range(MEMBERS)]
    block = tuple(RunSpec(model=Dense(), plan=plan, data=spec, seed=seed) for plan in plans)
    return Task(key_of(block), (block,), save_every=None)


# What lies between


def line(messages: Callable[[int, int], float], settings: Settings) -> Line:
    """The line through seconds over bytes that is nearest in proportion."""
    sizes = np.array(MESSAGE_BYTES, float)
    counts = [max(8, min(2_000, int(2e8 / size)) // (20 if settings.quick else 1)) for size in MESSAGE_BYTES]
    seconds = np.array([messages(size, count) / count for size, count in zip(MESSAGE_BYTES, counts, strict=True)])
    design = np.stack([1 / seconds, sizes / seconds], axis=1)
    message, byte = np.linalg.lstsq(design, np.ones(len(sizes)))[0]
    return Line(float(max(message, 0.0)), float(max(byte, 0.0)))


SENDER = """
import sys, numpy
from seedbed.executor.channel import Channel
channel = Channel(sys.stdin.buffer, sys.stdout.buffer)
size, count = channel.receive()
for _ in range(count):
    channel.send(numpy.zeros(size, numpy.uint8))
"""


def local_messages(size: int, count: int) -> float:
    """Seconds for so many messages through the pipe of a local worker."""
    with subprocess.Popen([sys.executable, "-c", SENDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        channel = Channel(process.stdout, process.stdin)  # type: ignore[arg-type]
        channel.send((size, count))
        channel.receive()
        began = time.perf_counter()
        for _ in range(count - 1):
            channel.receive()
        return time.perf_counter() - began


class Sender:
    """An actor that sends."""

    def send(self, size: int, count: int) -> Iterator[Any]:
        for _ in range(count):
            yield np.zeros(size, np.uint8)


def ray_messages(size: int, count: int) -> float:
    """Seconds for so many messages from an actor, streamed as a worker's reports are."""
    from seedbed.executor.ray import cluster

    ray = cluster.connected(None, WORKERS).ray
    actor = ray.remote(num_cpus=1)(Sender).remote()
    stream = actor.send.options(num_returns="streaming", _generator_backpressure_num_objects=AHEAD).remote(size, count)
    ray.get(next(stream))
    began = time.perf_counter()
    for each in stream:
        ray.get(each)
    seconds = time.perf_counter() - began
    ray.kill(actor)
    return seconds


# The driver's side


def driver_costs(settings: Settings) -> tuple[float, float, float]:
    """Seconds of the driver for an epoch's figures of a run, for a finished run, and for a checkpoint, a run in it."""
    first = 1_000 if settings.quick else None
    run = RunSpec(model=Dense(), plan=Plan(epochs=1), data=DataSpec(name="mnist", first=first))
    home = RunStore(settings.scratch / "driver")
    [found] = train_runs([NamedRun("a", "a", run)], Execution(home))
    copies = [NamedRun(f"b-{n}", "b", found.run.changed(seed=n + 1)) for n in range(20 if settings.quick else 200)]
    row = found.history.row(1)
    kept: dict[str, Any] = {
        "best": home.weights("a", "best"),
        "last": home.weights("a", "last"),
        "predictions": home.predictions("a"),
    }
    with home.claim(copies):
        appended = _seconds(lambda: [home.append(entry.name, [row]) for entry in copies])  # type: ignore[func-returns-value]
        endings = [FinishedRun(entry, replace(found, run=entry.run), home.scale("a"), **kept) for entry in copies]
        stored = _seconds(lambda: home.finish(*endings))
    arrays = {str(n): np.zeros(4 * WEIGHTS + ANSWERS, np.uint8) for n in range(MEMBERS)}
    saved = [_seconds(lambda: home.save_population("k", arrays, {"epoch": 1})) for _ in range(5)]
    return appended / len(copies), stored / len(copies), float(np.median(saved)) / MEMBERS


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
