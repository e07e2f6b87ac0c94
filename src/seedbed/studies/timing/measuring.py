"""Measures how fast this machine's devices train, in worker processes, one measurement at a time.

A training is measured as `train_runs` would do it: the same planner, the same workers. Repeats go round over all cases, so that
whatever slows the machine for a while slows none of them alone.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from seedbed import devices, populations
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor import LocalExecutor
from seedbed.records import DataFacts
from seedbed.runs import RunStore
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec
from seedbed.studies.timing.kept import Kept, measurements
from seedbed.studies.timing.records import Compiled, Device, Images, Machine, Net, Step, Timings, Training
from seedbed.training.reports import Begun, Failed, Outcome, Segment, Task

NETS: Mapping[Net, Dense | Conv] = {"dense": Dense(), "conv": Conv()}
"""The exercise's own two."""

PATIENCE = 600.0
"""Seconds that a process may take for all of its steps."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        nets: how many of each network train together.
        epochs: of a whole training.
        repeats: trainings of each case, each in workers of its own.
        seconds: a repeat but the first, which has two epochs, has as many epochs as fit; from two to `epochs`.
        steps: hidden units and batch sizes whose steps are timed.
        rounds, step_seconds: how often, and for how long each time.
        cold: compile in an empty folder first, so that both are known: compiling, and reading what was compiled.
    """

    nets: Mapping[Net, Sequence[int]]
    epochs: int
    repeats: int
    seconds: float
    steps: Sequence[tuple[tuple[int, ...], int]]
    rounds: int
    step_seconds: float
    cold: bool


@dataclass(frozen=True)
class Case:
    """So many networks of a kind, trained together on a device."""

    device: int
    net: Net
    nets: int


def measure(
    home: RunStore, spec: DataSpec, facts: DataFacts, extent: Extent, *, device: str, quick: bool, again: bool, say: Say
) -> tuple[Timings, float]:
    """This machine's timings: those in the home, and what is missing there, measured now.

    Args:
        device: "auto", "cpu" or "gpu".
        again: measure all of it anew.
        say: is told what is being measured.

    Returns:
        The timings, and the seconds that all of their measurements took, whenever that was.

    Raises:
        DeviceError: a GPU is asked for and there is none; or a device does not answer.
        WorkerError: a worker died or failed.
        HomeInUse, StorageError: see `measurements`.
    """
    devices.workers(device, None, 1)
    images = Images(
        name=spec.name,
        train=facts.train,
        validation=facts.validation,
        image_shape=facts.image_shape,
        classes=len(facts.classes),
    )
    key = {**_fingerprint(), "device": device, "data": spec.identity, "quick": quick}
    with measurements(home, "device", key, again=again) as kept:
        bench = _Stopwatch(kept, spec, facts, extent, device, say)
        bench.trainings()
        bench.steps()
        timings = Timings(
            measured=bench.day, quick=quick, images=images, epochs=extent.epochs, machine=bench.machine, **bench.found()
        )
        return timings, bench.seconds


def _fingerprint() -> dict[str, Any]:
    """What tells this machine from others, without asking jax."""
    return {
        "system": platform.platform()[:160],
        "python": platform.python_version(),
        "versions": devices.versions(),
        "processor": devices.processor()[:160],
        "cores": devices.cores(),
        "gpus": devices.gpus(),
    }


@dataclass
class _Stopwatch:
    """Measures what is not kept yet."""

    kept: Kept
    spec: DataSpec
    facts: DataFacts
    extent: Extent
    device: str
    say: Say
    kinds: list[WorkerKind] = field(default_factory=list)

    def __post_init__(self) -> None:
        described = self.kept.of("machine")
        if not described:
            self._describe()
            described = self.kept.of("machine")
        self.machine = Machine(**described[0]["machine"])
        self.day = str(described[0]["day"])
        self.kinds = [WorkerKind(one["device"], one["threads"], one["index"]) for one in described[0]["kinds"]]

    def _describe(self) -> None:
        import psutil

        known, kinds, unusable = _devices(self.device)
        seen = _fingerprint()
        self.kept.add(
            "machine",
            machine={
                **{name: seen[name] for name in ("system", "python", "versions")},
                "memory": psutil.virtual_memory().total,
                "devices": [device.plain() for device in known],
                "unusable": unusable,
            },
            kinds=[vars(kind) for kind in kinds],
            day=datetime.now(UTC).date().isoformat(),
        )

    @property
    def seconds(self) -> float:
        """That all measurements took."""
        return float(sum(row.get("wall", 0.0) for row in self.kept.rows))

    def found(self) -> dict[str, Any]:
        return {
            "trainings": [row["training"] for row in self.kept.of("training")],
            "steps": [row["step"] for row in self.kept.of("step")],
        }

    # Trainings

    def trainings(self) -> None:
        """All cases, once a round."""
        cases = [
            Case(number, net, nets)
            for number in range(len(self.kinds))
            for net, several in self.extent.nets.items()
            for nets in several
        ]
        missing = [(turn, case) for turn in range(self.extent.repeats) for case in cases if turn >= len(self._of(case))]
        with tempfile.TemporaryDirectory(prefix="seedbed-programs-") as empty:
            compiled: set[Case] = set()
            for number, (_, case) in enumerate(missing, start=1):
                many = "alone" if case.nets == 1 else f"{case.nets} together"
                self.say(
                    f"Measuring the {case.net} net, {many}, on {self.machine.devices[case.device].name}: training {number} of "
                    f"{len(missing)}."
                )
                how: Compiled = "from the cache" if case in compiled else "anew"
                self._train(case, how if self.extent.cold else "as found", empty if self.extent.cold else "")
                compiled.add(case)

    def _of(self, case: Case) -> list[Training]:
        found = [Training(**row["training"]) for row in self.kept.of("training")]
        return [one for one in found if (one.device, one.net, one.nets) == (case.device, case.net, case.nets)]

    def _train(self, case: Case, compiled: Compiled, programs: str) -> None:
        import psutil

        began = time.perf_counter()
        busy = psutil.cpu_percent(interval=0.2) / 100
        kinds = [replace(kind, programs=programs) for kind in self._workers(case)]
        found = timed(kinds, self._tasks(case, kinds))
        training = Training(
            device=case.device,
            net=case.net,
            nets=case.nets,
            workers=len(kinds),
            compiled=compiled,
            busy=float(min(1.0, busy)),
            **found,
        )
        self.kept.add("training", training=training.plain(), wall=time.perf_counter() - began)

    def _workers(self, case: Case) -> list[WorkerKind]:
        """As `train_runs` would choose them on this device."""
        kind = self.kinds[case.device]
        return devices.workers("cpu", None, case.nets) if kind.device == "cpu" else [kind]

    def _tasks(self, case: Case, kinds: Sequence[WorkerKind]) -> list[Task]:
        """Networks that differ in a penalty too small to matter: a population as sweeps make them."""
        plan = Plan(epochs=self._epochs(case))
        runs = [
            RunSpec(model=NETS[case.net], plan=plan.changed(l2=number * 1e-9), data=self.spec) for number in range(case.nets)
        ]
        limits = populations.ON_GPU if kinds[0].device == "gpu" else populations.ON_CPU
        tasks = populations.plan(runs, self.facts, limits=limits, workers=len(kinds))
        return [replace(task, save_every=None) for task in tasks]

    def _epochs(self, case: Case) -> int:
        """Two the first time; then as many as fit, by the pace of those after the first."""
        before = self._of(case)
        if not before:
            return 2
        return max(2, min(self.extent.epochs, round(self.extent.seconds / statistics.median(before[0].epochs[1:]))))

    # Steps

    def steps(self) -> None:
        """The steps of all cases on each device, in one process a device."""
        for number, kind in enumerate(self.kinds):
            known = [Step(**row["step"]) for row in self.kept.of("step")]
            if not self.extent.steps or any(step.device == number for step in known):
                continue
            sizes = f"{len(self.extent.steps)} widths and batch sizes"
            self.say(f"Measuring single steps on {self.machine.devices[number].name}: {sizes}.")
            began = time.perf_counter()
            rows = list(_steps(kind, number, self.spec, self.extent))
            wall = time.perf_counter() - began
            for row in rows:
                self.kept.add("step", step=row.plain(), wall=wall / len(rows))


def timed(kinds: Sequence[WorkerKind], tasks: Sequence[Task]) -> dict[str, Any]:
    """Trains the tasks and says where the time went: `setup`, `compile`, `epochs` and `whole`, as `Training` has them.

    Raises:
        WorkerError: a worker died.
        SeedbedError: what a worker failed with.
    """
    ready: dict[str, float] = {}
    epochs: dict[int, float] = {}
    compiling, whole = 0.0, 0.0
    began = time.perf_counter()
    with LocalExecutor(list(kinds)) as executor:
        for task, report in executor.run(list(tasks)):
            now = time.perf_counter() - began
            match report:
                case Begun() if task.key in ready:
                    raise WorkerError("A worker died while its speed was measured. The same command goes on from here.")
                case Begun():
                    ready[task.key] = now
                case Segment() if report.rows:
                    spent = sum(row["seconds"] for row in report.rows.values())
                    epochs[report.epoch] = epochs.get(report.epoch, 0.0) + spent / len(kinds)
                case Outcome():
                    compiling += report.compile_seconds / len(kinds)
                    whole = now
                case Failed():
                    raise report.error
    setup = sorted(ready.values())[: len(kinds)][-1]
    return {"setup": setup, "compile": compiling, "epochs": tuple(epochs[number] for number in sorted(epochs)), "whole": whole}


def _steps(kind: WorkerKind, device: int, spec: DataSpec, extent: Extent) -> Iterator[Step]:
    asked = {
        "data": spec.plain(),
        "cases": [[list(hidden), size] for hidden, size in extent.steps],
        "rounds": extent.rounds,
        "seconds": extent.step_seconds,
    }
    for found in _asked(kind, asked)[1:]:
        hidden, size = extent.steps[found["case"]]
        yield Step(device=device, hidden=hidden, batch_size=size, seconds=found["seconds"])


# Which devices there are


def _devices(device: str) -> tuple[list[Device], list[WorkerKind], list[str]]:
    """The devices to measure with the workers for them, and what was found and cannot be used. Of equal GPUs, one."""
    known, kinds, unusable = [], [], []
    if device != "gpu":
        cores = devices.cores()
        known.append(Device(kind="cpu", name=_named(devices.processor()), cores=cores))
        kinds.append(WorkerKind("cpu", threads=cores))
    found = devices.gpus() if device != "cpu" else 0
    if found and not devices.jax_has_cuda():
        return known, kinds, [f"{found} GPU{'s' * (found > 1)}: JAX was installed without CUDA (pip install 'seedbed[cuda]')"]
    for index in range(found):
        kind = WorkerKind("gpu", index=index)
        try:
            seen = _asked(kind, {"data": {}, "cases": [], "rounds": 0, "seconds": 0.0})[0]
        except DeviceError as error:
            unusable.append(_named(str(error)))
            continue
        one = Device(kind="gpu", name=_named(seen["name"]), memory=seen["memory"] or 0)
        if one not in known:
            known.append(one)
            kinds.append(kind)
    if not known:
        raise DeviceError(f"No GPU can be used: {'; '.join(unusable)}. Use --device cpu.")
    return known, kinds, unusable


def _named(text: str) -> str:
    """A text of this machine as records take it."""
    plain = "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))
    return plain[:160].strip() or "unknown"


def _asked(kind: WorkerKind, request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a process on this device says to a request of `training.stepping`: first what it is, then times.

    Raises:
        DeviceError: it does not answer, or says why it cannot.
    """
    command = [sys.executable, "-m", "seedbed.training.stepping"]
    environment = os.environ | devices.worker_environment(kind)
    try:
        answer = subprocess.run(
            command,
            input=json.dumps(request) + "\n",
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise DeviceError(f"jax on the {kind.device} gave no answer within {PATIENCE:.0f} s.") from None
    if answer.returncode != 0:
        said = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise DeviceError(f"jax cannot be used on the {kind.device}: {said[-1]}")
    return [json.loads(line) for line in answer.stdout.splitlines()]
