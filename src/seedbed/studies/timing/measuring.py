"""Measure how fast this machine's devices train, in worker processes, one measurement at a time.

A training is measured as `seedbed train` runs it, with its planner and its workers. Repeats take turns over all cases, so that
a temporary slowdown of the machine affects all of them.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psutil

from seedbed import devices, populations
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor import LocalExecutor, probe
from seedbed.records import DataFacts
from seedbed.runs import RunStore
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec
from seedbed.studies.timing.kept import MeasurementLog, measurements
from seedbed.studies.timing.records import Net, TimedStep, TimedTraining, Timings
from seedbed.training.events import Note, OnEvent
from seedbed.training.reports import Begun, Failed, Outcome, Segment, Task

NETS: Mapping[Net, Dense | Conv] = {"dense": Dense(), "conv": Conv()}
"""The exercise's two networks."""

STEPPING, PATIENCE = "seedbed.training.stepping", 600.0
"""The module that times single steps, and the time limit of its process for all of them (s)."""


@dataclass(frozen=True)
class Extent:
    """The extent of the measurements.

    Attributes:
        nets: numbers of networks of each kind that train together.
        epochs: epochs of a whole training.
        repeats: trainings of each case, each in new workers.
        seconds: time into which the epochs of later repeats fit, from two to `epochs` of them (s); the first repeat has two.
        steps: hidden units and batch sizes whose steps are timed.
        lone_steps: whether they are timed where a device has no other to be compared with.
        rounds, step_seconds: repeats of these timings, and the time of each (s).
        cold: whether to compile in an empty folder first, to time both compiling and reading compiled programs.
    """

    nets: Mapping[Net, Sequence[int]]
    epochs: int
    repeats: int
    seconds: float
    steps: Sequence[tuple[tuple[int, ...], int]]
    lone_steps: bool
    rounds: int
    step_seconds: float
    cold: bool


@dataclass(frozen=True)
class Stopwatch:
    """Measures the times that are missing in a log.

    Attributes:
        device: "auto", "cpu" or "gpu".
        on_event: called with a `Note` before each measurement.
    """

    spec: DataSpec
    facts: DataFacts
    extent: Extent
    device: str
    quick: bool
    on_event: OnEvent

    def measure(self, home: RunStore, *, again: bool) -> tuple[Timings, float]:
        """Read this machine's timings from the home, and measure the missing ones.

        Args:
            again: whether to measure everything again.

        Returns:
            The timings, and the time of all of their measurements, now or earlier (s).

        Raises:
            DeviceError: a GPU is requested and there is none; or a device does not answer.
            WorkerError: a worker died or failed.
            HomeInUse, StorageError: see `measurements`.
        """
        devices.workers(self.device, None, 1)
        software = {"system": platform.platform()[:160], "python": platform.python_version(), "versions": devices.versions()}
        hardware = {"processor": devices.processor()[:160], "cores": devices.cores(), "gpus": devices.gpus()}
        key = {**software, **hardware, "device": self.device, "data": self.spec.identity, "quick": self.quick}
        with measurements(home, "device", key, again=again) as log:
            if not log.of("machine"):
                known, unusable = _find_devices(self.device)
                seen = {
                    "memory": psutil.virtual_memory().total,
                    "devices": [found for found, _ in known],
                    "unusable": unusable,
                }
                day = datetime.now(UTC).date().isoformat()
                log.add("machine", machine=software | seen, kinds=[vars(kind) for _, kind in known], day=day)
            [machine] = log.of("machine")
            kinds = [WorkerKind(kind["device"], kind["threads"], kind["index"]) for kind in machine["kinds"]]
            names = [device["name"] for device in machine["machine"]["devices"]]
            self._time_trainings(log, kinds, names)
            self._time_steps(log, kinds, names)
            images = {name: getattr(self.facts, name) for name in ("train", "validation", "image_shape")}
            images |= {"name": self.spec.name, "classes": len(self.facts.classes)}
            found: dict[str, Any] = {f"{kind}s": [row[kind] for row in log.of(kind)] for kind in ("training", "step")}
            found |= {"measured": machine["day"], "quick": self.quick, "epochs": self.extent.epochs, "images": images}
            timings = Timings(**found, machine=machine["machine"])
            return timings, float(sum(row.get("wall", 0.0) for row in log.rows))

    def _time_trainings(self, log: MeasurementLog, kinds: Sequence[WorkerKind], names: Sequence[str]) -> None:
        """Time all cases, once per round."""
        done = defaultdict(list)
        for row in log.of("training"):
            training = TimedTraining(**row["training"])
            done[training.case].append(training)
        several = [(net, count) for net, counts in self.extent.nets.items() for count in counts]
        cases = [(device, net, count) for device in range(len(kinds)) for net, count in several]
        missing = [case for turn in range(self.extent.repeats) for case in cases if turn >= len(done[case])]
        with tempfile.TemporaryDirectory(prefix="seedbed-programs-") as programs:
            compiled = dict.fromkeys(cases, "anew" if self.extent.cold else "as found")
            for number, case in enumerate(missing, start=1):
                device, net, count = case
                many = "alone" if count == 1 else f"{count} together"
                self.on_event(
                    Note(f"Measuring the {net} net, {many}, on {names[device]}: training {number} of {len(missing)}.")
                )
                began, busy = time.perf_counter(), min(1.0, psutil.cpu_percent(interval=0.2) / 100)
                workers = devices.workers("cpu", None, count) if kinds[device].device == "cpu" else [kinds[device]]
                workers = [replace(kind, programs=programs if self.extent.cold else "") for kind in workers]
                measured = timed(workers, self._tasks(net, count, self._epochs(done[case]), workers))
                measured |= {"device": device, "net": net, "nets": count, "workers": len(workers), "compiled": compiled[case]}
                done[case].append(TimedTraining(**measured, busy=busy))
                log.add("training", training=done[case][-1].plain(), wall=time.perf_counter() - began)
                if self.extent.cold:
                    compiled[case] = "from the cache"

    def _epochs(self, before: Sequence[TimedTraining]) -> int:
        """The epochs of the next repeat: two the first time, then as many as fit."""
        fitting = round(self.extent.seconds / before[0].epoch) if before else 0
        return max(2, min(self.extent.epochs, fitting))

    def _tasks(self, net: Net, nets: int, epochs: int, workers: Sequence[WorkerKind]) -> list[Task]:
        """Plan networks that differ in a penalty too small to matter: a population as sweeps make them."""
        plans = [Plan(epochs=epochs, l2=number * 1e-9) for number in range(nets)]
        runs = [RunSpec(model=NETS[net], plan=plan, data=self.spec) for plan in plans]
        limits = populations.ON_GPU if workers[0].device == "gpu" else populations.ON_CPU
        tasks = populations.plan(runs, self.facts, limits=limits, workers=len(workers))
        return [replace(task, save_every=None) for task in tasks]

    def _time_steps(self, log: MeasurementLog, kinds: Sequence[WorkerKind], names: Sequence[str]) -> None:
        """Time the steps of all widths and batch sizes, in one process per device."""
        extent, done = self.extent, {row["step"]["device"] for row in log.of("step")}
        request = {"data": self.spec.plain(), "cases": extent.steps, "rounds": extent.rounds, "seconds": extent.step_seconds}
        wanted = bool(extent.steps) and (extent.lone_steps or len(kinds) > 1)
        for device in [device for device in range(len(kinds)) if wanted and device not in done]:
            self.on_event(Note(f"Measuring single steps on {names[device]}: {len(extent.steps)} widths and batch sizes."))
            began = time.perf_counter()
            _, *found = probe.replies(kinds[device], STEPPING, request, patience=PATIENCE)
            wall = (time.perf_counter() - began) / len(found)
            for each in found:
                hidden, size = extent.steps[each["case"]]
                step = TimedStep(device=device, hidden=hidden, batch_size=size, seconds=each["seconds"])
                log.add("step", step=step.plain(), wall=wall)


def timed(workers: Sequence[WorkerKind], tasks: Sequence[Task]) -> dict[str, Any]:
    """Train the tasks, and return `setup`, `compile`, `epochs` and `whole` of a `TimedTraining`.

    Raises:
        WorkerError: a worker died.
        SeedbedError: the error of a worker.
    """
    ready: dict[str, float] = {}
    epochs: dict[int, float] = defaultdict(float)
    compiling, whole, began = 0.0, 0.0, time.perf_counter()
    with LocalExecutor(list(workers)) as executor:
        for task, report in executor.run(list(tasks)):
            now = time.perf_counter() - began
            match report:
                case Begun() if task.key in ready:
                    raise WorkerError("A worker died while its speed was measured. The same command resumes from here.")
                case Begun():
                    ready[task.key] = now
                case Segment() if report.rows:
                    epochs[report.epoch] += sum(row["seconds"] for row in report.rows.values()) / len(workers)
                case Outcome():
                    compiling, whole = compiling + report.compile_seconds / len(workers), now
                case Failed():
                    raise report.error
    setup = sorted(ready.values())[: len(workers)][-1]
    return {"setup": setup, "compile": compiling, "epochs": tuple(epochs[number] for number in sorted(epochs)), "whole": whole}


def _find_devices(device: str) -> tuple[list[tuple[dict[str, Any], WorkerKind]], list[str]]:
    """The devices to measure, each with its worker, and what cannot be used. Of equal GPUs, one is measured."""
    cores, gpus = devices.cores(), devices.gpus()
    cpu = {"kind": "cpu", "name": _one_line(devices.processor()), "cores": cores, "memory": 0}
    known = [(cpu, WorkerKind("cpu", threads=cores))] if device != "gpu" else []
    if gpus and (device == "cpu" or not devices.jax_has_cuda()):
        why = "--device cpu" if device == "cpu" else "JAX was installed without CUDA (pip install 'seedbed[cuda]')"
        return known, [f"{gpus} GPU{'s' * (gpus > 1)}: {why}"]
    unusable = []
    for kind in [WorkerKind("gpu", index=index) for index in range(gpus)]:
        try:
            [seen] = probe.replies(kind, STEPPING, {"data": {}, "cases": [], "rounds": 0, "seconds": 0.0})
        except DeviceError as error:
            unusable.append(_one_line(str(error)))
            continue
        gpu = {"kind": "gpu", "name": _one_line(seen["name"]), "cores": 0, "memory": seen["memory"] or 0}
        if all(gpu != other for other, _ in known):
            known.append((gpu, kind))
    if not known:
        raise DeviceError(f"No GPU can be used: {'; '.join(unusable)}. Use --device cpu.")
    return known, unusable


def _one_line(text: str) -> str:
    """The text on one line, as records take it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return plain[:160].strip() or "unknown"
