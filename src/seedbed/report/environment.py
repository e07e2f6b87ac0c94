"""Where a report was made, with what, and how fast the same workers multiply matrices."""

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
    """Where a report was made.

    Attributes:
        versions: package -> version, as the runs recorded it; several where they differ.
        workers: how many train side by side, each on one core or GPU.
        sgemm: operations per second of one worker that multiplies square float32 matrices while the others do the same,
            measured with the report; None where it could not be measured.
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
    """Look at this machine, and measure it for two seconds or so."""
    kinds = devices.workers(device, workers, runs=1_000)
    sgemm, problem = None, ""
    try:
        with ThreadPoolExecutor(len(kinds)) as pool:
            speeds = [found["gflops"] for found in pool.map(probe.ask, kinds)]
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
    found: dict[str, dict[str, None]] = {}
    for result in results:
        for name, version in result.versions.items():
            found.setdefault(name, {})[version] = None
    return {name: ", ".join(versions) for name, versions in found.items()}
