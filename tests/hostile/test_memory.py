"""What a worker takes, against what the planner thinks beforehand that it takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from seedbed import data
from seedbed.devices import WorkerKind
from seedbed.executor import LocalExecutor
from seedbed.kernels.library import SWITCH
from seedbed.populations import key_of
from seedbed.specs import Conv, DataSpec, Dense, ModelSpec, Plan, RunSpec
from seedbed.training.footprint import footprint
from seedbed.training.reports import Failed, Task

TOO_CAREFUL = 1.6
"""The estimate over what is taken without native kernels, at most; with them, compiling takes a half of that or less."""

POPULATIONS: dict[str, Sequence[ModelSpec]] = {
    "wide": [Dense(hidden=(2000, 1500))],
    "many": [Dense(hidden=(16,))] * 64,
    "conv": [Conv(filters=(32, 32))] * 2,
}


def _private_peak(pid: int) -> int:
    """Bytes: the peak of a process's memory less the pages of files that it maps, which only grow."""
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    kib = {row[0].rstrip(":"): int(row[1]) for row in rows if row[0] in ("VmHWM:", "RssFile:")}
    return 1024 * (kib["VmHWM"] - kib["RssFile"])


def _worker() -> int:
    """The one worker that this process has."""
    [worker] = [child for child in psutil.Process().children() if "seedbed.executor.worker" in child.cmdline()]
    return worker.pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("kernels", ["", "off"])
def test_a_worker_takes_about_what_was_estimated_and_not_more(name: str, kernels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, kernels)
    spec = data.resolve(DataSpec(name="digits"))
    plan = Plan(epochs=1, batch_size=128)
    block = tuple(RunSpec(model=model, plan=plan.changed(l2=n / 1000), data=spec) for n, model in enumerate(POPULATIONS[name]))
    with LocalExecutor([WorkerKind()]) as executor:
        reports = [report for _, report in executor.run([Task(key_of(block), (block,), save_every=0.0)])]
        peak = _private_peak(_worker())
    assert not any(isinstance(report, Failed) for report in reports)
    estimated = footprint(block, data.load(spec).facts())
    assert peak <= estimated.total - estimated.message
    assert not kernels or estimated.total - estimated.message <= TOO_CAREFUL * peak
