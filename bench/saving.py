"""What one save of a population costs: the first population of a job, the parts of a save timed one by one.

`python -m bench.saving` takes a job, in the environment of a worker, and prints seconds as JSON.
"""

from __future__ import annotations

import json
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.contenders.ours import tasks
from bench.job import take
from seedbed.runs import RunStore
from seedbed.training import saves
from seedbed.training.job import Job
from seedbed.training.programs import Programs
from seedbed.training.reports import Segment, Task

TRIES = 7


def _trained(task: Task, dataset: Any) -> Job:
    """A job after its first epoch."""
    job = Job(task, dataset, Programs())
    for report in job.reports():
        if isinstance(report, Segment) and report.rows:
            break
    return job


def _parts(job: Job, task: Task, root: Path) -> dict[str, float]:
    """Seconds of each part, and the bytes of a save."""
    names = {(0, member): f"r-{member}" for member in range(len(task.blocks[0]))}
    copying, checkpoint = _median(job.checkpoint)
    packing, message = _median(lambda: pickle.dumps(checkpoint, protocol=5))
    unpacking, received = _median(lambda: pickle.loads(message))
    home = RunStore(root)
    writing, _ = _median(
        lambda: home.save_population(task.key, received.arrays, saves.manifest(task, received, names, threads=1))
    )
    return {"copying": copying, "sending": packing + unpacking, "writing": writing, "bytes": float(len(message))}


def _median(work: Callable[[], Any]) -> tuple[float, Any]:
    """The median of some tries, and what the last one gave."""
    seconds, result = [], None
    for _ in range(TRIES):
        began = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), result


def main() -> None:
    """Prints what it measured."""
    (task, *_), dataset = tasks(take())
    job = _trained(task, dataset)
    with tempfile.TemporaryDirectory(prefix="seedbed-bench-home-") as home:
        print(json.dumps(_parts(job, task, Path(home))))


if __name__ == "__main__":
    main()
