"""What it costs that nothing is lost: saves while training."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from bench import ours, processes
from bench.cases.engine import MIB
from bench.cases.networks import ALONE, CONV4, MIXED
from bench.contenders import OURS
from bench.job import Job, Net
from bench.sitting import Measured, Outcome, Settings, Table
from bench.summary import Summary, ratios, summarize
from seedbed.devices import WorkerKind, worker_environment

EVERY = 30.0
"""Seconds between saves, where the user does not say otherwise."""
OFTEN = 1.0
"""In the comparison of whole runs saves come so often that they can be seen at all."""

NETS = {"one dense net": ALONE, "20 different dense nets": MIXED, "the exercise's conv net": CONV4[:1]}


def saving(settings: Settings) -> Outcome:
    """A save's parts, timed directly; and runs that save every second beside runs that never do."""
    rows, raw, shares = [], {}, []
    for name, nets in NETS.items():
        job = _job(settings, nets)
        found = _directly(job, settings)
        longer = _whole_runs(settings, job)
        seconds = sum(found[part] for part in ("copying", "sending", "writing"))
        share = 100 * seconds / EVERY
        shares.append((share, name))
        raw[name] = {**found, "longer": vars(longer)}
        parts = [f"{1e3 * found[part]:.1f}" for part in ("copying", "sending", "writing")]
        rows.append([name, f"{found['bytes'] / MIB:.1f}", *parts, f"{share:.2f}", longer.text(3)])
    worst, which = max(shares)
    columns = [
        "population",
        "a save, MiB",
        "copying, ms",
        "sending, ms",
        "writing, ms",
        "share at 30 s, %",
        "at 1 s, over never",
    ]
    text = (
        f"The parts of a save of one worker's population, each the median of some tries: copying from the device (training "
        f"waits), packing and unpacking on the way to the driver, writing with fsync and hashes (in the driver, beside "
        f"training). Their share is of {EVERY:.0f} s, as if training waited for all of them. Last column: whole runs that save "
        f"every {OFTEN:.0f} s over runs that never do, round by round; at {EVERY:.0f} s the excess is a thirtieth of that."
    )
    measured = [Measured("saving", which, summarize([worst]))]
    return Outcome("saving", "Saves", text, [Table("", columns, rows)], measured, raw=raw)


def _job(settings: Settings, nets: tuple[Net, ...]) -> Job:
    conv = nets[0].family == "conv"
    epochs = 2 if settings.quick else 5 if conv else 10
    first = 2_000 if settings.quick else 11_000 if conv else None
    return Job(nets, epochs=epochs, first=first, device=settings.device)


def _directly(job: Job, settings: Settings) -> dict[str, float]:
    kind = WorkerKind("gpu") if settings.device == "gpu" else WorkerKind("cpu", threads=1)
    done = processes.run(processes.python("bench.saving", text=job.text(), environment=worker_environment(kind)))
    if done.code != 0:
        raise ours.TrialFailed(done.why)
    found: dict[str, float] = json.loads(done.output.splitlines()[-1])
    return found


def _whole_runs(settings: Settings, job: Job) -> Summary:
    """How many times as long a run takes that saves often; compiled programs are kept from a run before."""
    ours.trial(settings, job.changed(epochs=1))
    never: dict[str, Any] = {"save_every": None}
    contestants = {
        "never": (replace(OURS, options=never), job),
        "often": (replace(OURS, options={"save_every": OFTEN}), job),
    }
    trials = ours.rounds(settings, contestants, settings.rounds())
    spent = {name: [ours.answer(trial).facts["grow"] for trial in each] for name, each in trials.items()}
    return ratios(spent["never"], spent["often"])
