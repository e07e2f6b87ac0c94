"""Engines: workers as processes on this machine, or as actors of Ray, here or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import get_args

from seedbed import devices
from seedbed.devices import EngineName, WorkerKind
from seedbed.errors import DeviceError, SpecError, nearest
from seedbed.executor.local import LocalExecutor
from seedbed.executor.protocol import Executor

ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class Engine:
    """An engine that starts workers.

    Args:
        name: "local" starts processes on this machine, "ray" actors of a Ray cluster.
        address: address of a running cluster, `HOST:PORT` of its head, or "auto". None starts a cluster on this machine alone.

    Raises:
        SpecError: the engine is unknown, or the address is not valid.
    """

    name: EngineName = "local"
    address: str | None = None

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise SpecError(f"engine = {self.name!r} is not known.{nearest(self.name, ENGINES)} Known: {', '.join(ENGINES)}.")
        if self.address is None:
            return
        if self.name != "ray":
            raise SpecError(f"address = {self.address!r}: only a Ray cluster has one; give --engine ray with it.")
        host, _, port = self.address.rpartition(":")
        if self.address != "auto" and not (host and port.isdecimal() and "/" not in host):
            raise SpecError(
                f"address = {self.address!r}: it must read HOST:PORT, as `ray start --head` prints it, or auto for the "
                f"cluster that this machine belongs to."
            )

    def check(self, device: str, workers: int | None, runs: int) -> None:
        """Check that such workers are available, before any run is claimed; does not start a cluster.

        Raises:
            DeviceError: there is no GPU though one is required, Ray is not installed, or no cluster answers at the address.
        """
        if self.name == "ray":
            if find_spec("ray") is None:
                raise DeviceError("--engine ray: Ray is not installed. `pip install 'seedbed[ray]'`, or use --engine local.")
            if self.address is not None:
                self.kinds(device, workers, runs)
                return
        devices.workers(device, workers, runs)

    def kinds(self, device: str, workers: int | None, runs: int) -> list[WorkerKind]:
        """The workers for a number of runs, from `devices.workers`, or from the cluster at the address.

        Raises:
            DeviceError: there is no such device, or the cluster cannot be reached.
        """
        if self.address is None:
            return devices.workers(device, workers, runs)
        from seedbed.executor.ray import cluster

        return cluster.connected(self.address).kinds(device, workers, runs)

    def executor(self, kinds: Sequence[WorkerKind]) -> AbstractContextManager[Executor]:
        """The executor that dispatches tasks to these workers."""
        if self.name == "local":
            return LocalExecutor(kinds)
        from seedbed.executor.ray import RayExecutor

        return RayExecutor(kinds, self.address)


LOCAL = Engine()
