"""This process's connection to a Ray cluster, either a running one or one that it starts on this machine.

Ray allows one connection per process; it is kept for the next executor and ends with the process.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any

from seedbed import devices
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor.channel import OWN_GROUP
from seedbed.executor.protocol import Death
from seedbed.threads import meanwhile

KNOCK_SECONDS = 5.0
"""Time limit for the head of a cluster to accept a connection at its port (s)."""

CONNECT_SECONDS = 60.0
"""Time limit for starting or joining a cluster (s); Ray itself has none."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Environment variables that disable Ray's usage reports."""

_TOKEN = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")


@dataclass(frozen=True)
class Cluster:
    """A connection to a cluster.

    Attributes:
        ray: the module `ray`.
        address: address as given by the user; None if this process started the cluster.
        cores, gpus: numbers of cores and GPUs of a cluster that this process started.
    """

    ray: Any
    address: str | None
    cores: int = 0
    gpus: int = 0

    @property
    def alone(self) -> bool:
        """Whether all workers are on this process's machine, and so share its caches."""
        return self.address is None

    def machines(self) -> list[tuple[int, int]]:
        """Numbers of cores and GPUs of each machine that is alive."""
        alive = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return [(int(has.get("CPU", 0)), int(has.get("GPU", 0))) for has in alive]

    def reserved(self, threads: int) -> int:
        """Cores to reserve for a worker with this number of threads: at most as many as the largest machine has."""
        return threads if self.alone else max(1, min(threads, max(cores for cores, _ in self.machines())))

    def kinds(self, device: str, number: int | None, runs: int) -> list[WorkerKind]:
        """The workers for a number of runs; see `devices.workers`.

        Raises:
            DeviceError: a GPU is required and the cluster has none, or the cluster has no cores.
        """
        machines = self.machines()
        on_gpu = device == "gpu" or (device == "auto" and any(gpus for _, gpus in machines) and self._jax_has_cuda())
        return share(machines, on_gpu, number, runs)

    def _jax_has_cuda(self) -> bool:
        """Whether JAX can use a GPU on a machine that has one."""
        asked = self.ray.remote(num_cpus=0, num_gpus=0.001)(devices.jax_has_cuda)
        return bool(self.ray.get(asked.remote()))


def share(machines: Sequence[tuple[int, int]], on_gpu: bool, number: int | None, runs: int) -> list[WorkerKind]:
    """The workers for a number of runs: one per GPU, or one per core, or fewer with more threads, each within one machine.

    Args:
        machines: numbers of cores and GPUs of each machine.
        on_gpu: whether to compute on GPUs.
        number: largest number of workers. None means no limit.
        runs: number of networks to train.

    Raises:
        DeviceError: there is no GPU, or no core.
    """
    cores, gpus = (sum(column) for column in zip(*machines, strict=True))
    if on_gpu and not gpus:
        raise DeviceError("--device gpu: the Ray cluster has no GPU. Use --device cpu.")
    if not on_gpu and not cores:
        raise DeviceError("The Ray cluster offers no cores (`ray start --num-cpus` sets how many).")
    if on_gpu:
        return [WorkerKind("gpu")] * min(gpus, number or gpus, runs)
    workers = min(cores, number or cores, runs)
    threads = max(1, cores // workers)
    while threads > 1 and sum(has // threads for has, _ in machines) < workers:
        threads -= 1
    return [WorkerKind("cpu", threads=threads)] * workers


# Connecting

_lock = threading.Lock()
_current: Cluster | None = None
_head: subprocess.Popen[bytes] | None = None
_before: dict[str, str | None] = {}
"""Token variables of the environment before they were set for a cluster that this process started."""


def check(address: str) -> None:
    """Check that something listens at the address of a cluster.

    Raises:
        DeviceError: no connection is accepted.
    """
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DeviceError(
            f"--address {address}: no Ray cluster answers there ({why}). `ray start --head` prints the address of one; without "
            f"--address one is started on this machine."
        ) from None


def connected(address: str | None, cores: int = 0, gpus: int = 0) -> Cluster:
    """Wait for the connection; Ctrl-C interrupts the wait. See `opening`."""
    future = opening(address, cores, gpus)
    while True:
        with contextlib.suppress(TimeoutError):
            return future.result(timeout=0.2)


def opening(address: str | None, cores: int, gpus: int) -> Future[Cluster]:
    """Connect in a separate thread, since Ray would change the main thread's SIGTERM handler, and starting takes seconds.

    Args:
        address: address of a running cluster. None starts one on this machine.
        cores, gpus: least numbers of cores and GPUs of a cluster that is started.

    Returns:
        The future connection; it raises `DeviceError` if there is no cluster.
    """
    future = meanwhile(_opened, address, cores, gpus)

    def give_up() -> None:
        late = f"--engine ray: no cluster after {CONNECT_SECONDS:.0f} s{f' at --address {address}' if address else ''}."
        with contextlib.suppress(InvalidStateError):  # the connection was first
            future.set_exception(DeviceError(late))

    patience = threading.Timer(CONNECT_SECONDS, give_up)
    patience.daemon = True
    patience.start()
    future.add_done_callback(lambda _: patience.cancel())
    return future


def _opened(address: str | None, cores: int, gpus: int) -> Cluster:
    global _current
    with _lock:
        large_enough = _current and (address is not None or (_current.cores >= cores and _current.gpus >= gpus))
        if _current and _current.ray.is_initialized() and _current.address == address and large_enough:
            return _current
        close()
        _check_unconnected()
        cores = max(cores, devices.cores())
        try:
            ray = _attached(address) if address else _started(cores, gpus)
        except DeviceError:
            close()
            raise
        _current = Cluster(ray, address) if address else Cluster(ray, None, cores, gpus)
        atexit.register(close)  # registered after Ray's own handler, which waits for half a second, and so run before it
        return _current


def _check_unconnected() -> None:
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        raise DeviceError(
            "--engine ray: this process is already connected to a Ray cluster, and only one connection is possible. Call "
            "ray.shutdown() first; use --address for a running cluster."
        )


def _attached(address: str) -> Any:
    os.environ.update(_QUIET)
    check(address)
    import ray

    _heed_environment(ray, loopback=False)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # Ray raises many types
        raise DeviceError(f"--address {address}: {_why(error)}") from None
    return ray


def _why(error: Exception) -> str:
    reason = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if isinstance(error, ConnectionError) or "token" in reason.lower():
        return (
            f"{reason.rstrip('.')}. Is it the head of a Ray cluster, which this machine belongs to? If it wants a token, set "
            f"RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the output of `ray get-auth-token` there."
        )
    return f"this Ray cluster cannot be used: {reason}"


def _started(cores: int, gpus: int) -> Any:
    """Start a cluster on this machine, in a process that ends with this one."""
    global _head
    _before.update({name: os.environ.get(name) for name in _TOKEN})
    os.environ.update(_QUIET | dict(zip(_TOKEN, ("token", secrets.token_hex(32)), strict=True)))
    with tempfile.TemporaryFile() as errors:
        _head = subprocess.Popen(
            [sys.executable, "-m", "seedbed.executor.ray.head", str(cores), str(gpus)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            **OWN_GROUP,
        )
        try:
            import ray  # while the cluster starts

            _heed_environment(ray, loopback=True)
            assert _head.stdout is not None
            address = json.loads(_head.stdout.readline() or "{}")["address"]
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except Exception as error:
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or [f"{type(error).__name__}: {error}"]
            raise DeviceError(
                f"--engine ray: Ray could not be started on this machine ({lines[-1]}). Use --engine local."
            ) from None
    return ray


def _heed_environment(ray: Any, *, loopback: bool) -> None:
    """Make Ray read its token again, use 127.0.0.1 as this machine's address or not, and print nothing to standard output.

    Ray reads the first two on import, which may have happened earlier in this process, and prints messages about dead workers
    to standard output, which `--json` reserves for its object. It has no public functions to change that.
    """
    ray._private.worker.print_to_stdstream = _silent
    ray._raylet.Config.initialize("")
    ray._raylet.AuthenticationTokenLoader.instance().reset_cache()
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = not loopback and sys.platform == "linux"


def _silent(*_: object, **__: object) -> None:
    """Replace Ray's printing; the executor reports dead workers itself."""


def close() -> None:
    """End the connection, and the cluster if this process started it."""
    global _current, _head
    atexit.unregister(close)
    if _current is not None and _current.ray.is_initialized():
        _current.ray.shutdown()
    _current = None
    if _head is not None:
        for pipe in filter(None, (_head.stdin, _head.stdout)):
            pipe.close()
        threading.Thread(target=_head.wait, daemon=True).start()  # its end takes time, and needs no waiting for
        _head = None
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()


# Deaths of actors

_REASON = re.compile(r"The actor is dead because (.+?)\.(?:\s|$)")
_EXIT = re.compile(r"Worker exit type: (\w+)")


def death_of(error: Exception) -> Death:
    """Cause of an actor's death, from the exception that Ray raised."""
    text = str(error)
    if "No module named 'seedbed'" in text:
        missing = "A machine of the cluster has no seedbed. Install it there: `pip install 'seedbed[ray]'`, the same versions."
        return Death("no seedbed there", error=WorkerError(missing))
    matches = [pattern.search(text) for pattern in (_REASON, _EXIT)]
    first = (text.strip().splitlines() or [type(error).__name__])[0]
    how = ", ".join(match[1] for match in matches if match) or first
    return Death(how[:200], short_of_memory="OUT_OF_MEMORY" in how or "OutOfMemory" in type(error).__name__)
