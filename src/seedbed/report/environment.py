"""The environment of a report: machine, versions, and how fast its workers multiply matrices."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from seedbed import devices
from seedbed.errors import DeviceError
from seedbed.executor import probe
from seedbed.records import Result


@dataclass(frozen=True)
class Environment:
    """The environment in which a report was made.

    Attributes:
        versions: versions of the libraries behind the results, as the runs recorded them; several where they differ.
        workers: number of workers that train side by side, each on one core or GPU.
        sgemm: operations per second of one worker, multiplying square float32 matrices while the others do the same, measured
            during the report; None where it could not be measured.
        problem: why it could not be measured.
        devices: devices of the runs.
    """

    system: str
    python: str
    processor: str
    cores: int
    gpus: int
    versions: dict[str, str]
    workers: int
    sgemm: float | None
    problem: str = ""
    devices: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


def examine(results: Sequence[Result], device: str, workers: int | None) -> Environment:
    """Describe this machine, and measure it for about two seconds."""
    kinds = devices.workers(device, workers, runs=1_000)
    sgemm, problem = None, ""
    try:
        with ThreadPoolExecutor(len(kinds)) as pool:
            speeds = [answer["gflops"] for answer in pool.map(probe.ask, kinds)]
        sgemm = 1e9 * sum(speeds) / len(speeds)
    except DeviceError as error:
        problem = str(error)
    return Environment(
        system=platform.platform(),
        python=platform.python_version(),
        processor=devices.processor(),
        cores=devices.cores(),
        gpus=devices.gpus(),
        versions=_versions(results),
        workers=len(kinds),
        sgemm=sgemm,
        problem=problem,
        devices=tuple(sorted({result.device for result in results})),
    )


def _versions(results: Sequence[Result]) -> dict[str, str]:
    versions: dict[str, dict[str, None]] = {}
    for result in results:
        for name, version in result.versions.items():
            versions.setdefault(name, {})[version] = None
    return {name: ", ".join(each) for name, each in versions.items()}
