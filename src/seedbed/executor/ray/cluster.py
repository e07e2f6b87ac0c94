"""This process's connection to a Ray cluster: to one that runs, or to one that is started for it on this machine.

A process has one connection at a time, as Ray wants it; it is kept for the next executor and ends with the process.
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
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass
from typing import Any

from seedbed import devices
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError, WorkerError
from seedbed.executor.local import OWN_GROUP
from seedbed.executor.protocol import Death

KNOCK_SECONDS = 5.0
"""How long the head of a cluster may take to answer a knock at its port."""

CONNECT_SECONDS = 60.0
"""How long a cluster may take to start or to take this process in; Ray itself would try for ever."""

_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Ray sends no reports of its use."""

_TOKEN = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN")


@dataclass(frozen=True)
class Cluster:
    """A connection.

    Attributes:
        ray: the module.
        address: what was asked for; None where the cluster is this process's own.
        cores, gpus: of an own cluster.
    """

    ray: Any
    address: str | None
    cores: int = 0
    gpus: int = 0

    @property
    def alone(self) -> bool:
        """Whether all workers share this process's machine, and so its caches."""
        return self.address is None

    def machines(self) -> list[tuple[int, int]]:
        """Cores and GPUs of each machine that is alive."""
        alive = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        return [(int(has.get("CPU", 0)), int(has.get("GPU", 0))) for has in alive]

    def reserved(self, threads: int) -> int:
        """The cores that a worker of so many threads takes: no more than the largest machine has, or it would wait for ever."""
        return threads if self.alone else max(1, min(threads, max(cores for cores, _ in self.machines())))

    def kinds(self, device: str, number: int | None, runs: int) -> list[WorkerKind]:
        """As `devices.workers`, for the machines of the cluster.

        Raises:
            DeviceError: a GPU is asked for and the cluster has none, or it has nothing to compute with.
        """
        machines = self.machines()
        on_gpu = device == "gpu" or (device == "auto" and any(gpus for _, gpus in machines) and self._jax_has_cuda())
        return share(machines, on_gpu, number, runs)

    def _jax_has_cuda(self) -> bool:
        """Whether JAX can use a GPU on a machine that has one."""
        asked = self.ray.remote(num_cpus=0, num_gpus=0.001)(devices.jax_has_cuda)
        return bool(self.ray.get(asked.remote()))


def share(machines: Sequence[tuple[int, int]], on_gpu: bool, number: int | None, runs: int) -> list[WorkerKind]:
    """The workers for so many runs: one a GPU, or one a core, or fewer with more threads each, so that each fits a machine.

    Args:
        machines: cores and GPUs of each.
        on_gpu: whether to compute on GPUs.
        number: at most how many; None sets no limit.
        runs: how many networks there are to train.

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
"""What the environment held of tokens before that of an own cluster was put there."""


def check(address: str) -> None:
    """Knock at a cluster's door.

    Raises:
        DeviceError: nobody answers.
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
    """The connection, once it stands; Ctrl-C interrupts the wait. See `opening`."""
    future = opening(address, cores, gpus)
    while True:
        with contextlib.suppress(TimeoutError):
            return future.result(timeout=0.2)


def opening(address: str | None, cores: int, gpus: int) -> Future[Cluster]:
    """Connects in a thread of its own: Ray would take SIGTERM from the main thread, and starting takes seconds.

    Args:
        address: of a running cluster; None starts one here.
        cores, gpus: what an own cluster must offer at least.

    Returns:
        The connection to be; it raises `DeviceError` where there is no cluster to connect to.
    """
    future: Future[Cluster] = Future()

    def settle(settled: Callable[[], None]) -> None:
        with contextlib.suppress(InvalidStateError):  # the other of the two was first
            settled()

    def work() -> None:
        try:
            found = _opened(address, cores, gpus)
        except BaseException as error:
            failure = error
            settle(lambda: future.set_exception(failure))
        else:
            settle(lambda: future.set_result(found))

    def give_up() -> None:
        late = f"--engine ray: no cluster after {CONNECT_SECONDS:.0f} s{f' at --address {address}' if address else ''}."
        settle(lambda: future.set_exception(DeviceError(late)))

    patience = threading.Timer(CONNECT_SECONDS, give_up)
    patience.daemon = True
    patience.start()
    future.add_done_callback(lambda _: patience.cancel())
    threading.Thread(target=work, daemon=True).start()
    return future


def _opened(address: str | None, cores: int, gpus: int) -> Cluster:
    global _current
    with _lock:
        if _current and _current.ray.is_initialized() and _serves(_current, address, cores, gpus):
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
        atexit.register(close)  # now, so as to run before what Ray has registered, which would wait for half a second first
        return _current


def _serves(found: Cluster, address: str | None, cores: int, gpus: int) -> bool:
    return found.address == address and (address is not None or (found.cores >= cores and found.gpus >= gpus))


def _check_unconnected() -> None:
    ray = sys.modules.get("ray")
    if ray is not None and ray.is_initialized():
        raise DeviceError(
            "--engine ray: this process is connected to a Ray cluster already, and can have one connection. Call "
            "ray.shutdown() first; a cluster that runs is used with --address."
        )


def _attached(address: str) -> Any:
    os.environ.update(_QUIET)
    check(address)
    import ray

    _heed_environment(ray, loopback=False)
    try:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except Exception as error:  # of many types, whatever it is that does not fit
        raise DeviceError(f"--address {address}: {_why(error)}") from None
    return ray


def _why(error: Exception) -> str:
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    if isinstance(error, ConnectionError) or "token" in said.lower():
        return (
            f"{said.rstrip('.')}. Is it the head of a Ray cluster, which this machine belongs to? Where it wants a token, set "
            f"RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to what `ray get-auth-token` says there."
        )
    return f"this Ray cluster cannot be used: {said}"


def _started(cores: int, gpus: int) -> Any:
    """A cluster on this machine, in a process that ends with this one."""
    global _head
    _before.update({name: os.environ.get(name) for name in _TOKEN})
    os.environ.update(_QUIET | dict(zip(_TOKEN, ("token", secrets.token_hex(32)), strict=True)))
    with tempfile.TemporaryFile() as complaints:
        _head = subprocess.Popen(
            [sys.executable, "-m", "seedbed.executor.ray.head", str(cores), str(gpus)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            **OWN_GROUP,
        )
        try:
            import ray  # while the cluster comes up

            _heed_environment(ray, loopback=True)
            assert _head.stdout is not None
            address = json.loads(_head.stdout.readline() or "{}")["address"]
            ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        except Exception as error:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip().splitlines() or [f"{type(error).__name__}: {error}"]
            raise DeviceError(
                f"--engine ray: Ray could not be started on this machine ({said[-1]}). Use --engine local."
            ) from None
    return ray


def _heed_environment(ray: Any, *, loopback: bool) -> None:
    """Have Ray read its token again, take 127.0.0.1 for this machine's address or not, and keep off standard output.

    Ray reads the first two when it is imported, which another part of this process may have done long ago, and prints what it
    knows of dead workers where `--json` has its one object; it has no public ways to change that.
    """
    ray._private.worker.print_to_stdstream = _silent
    ray._raylet.Config.initialize("")
    ray._raylet.AuthenticationTokenLoader.instance().reset_cache()
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = not loopback and sys.platform == "linux"


def _silent(*_: object, **__: object) -> None:
    """The executor tells of dead workers itself."""


def close() -> None:
    """Ends the connection, and the cluster where it is this process's own."""
    global _current, _head
    atexit.unregister(close)
    if _current is not None and _current.ray.is_initialized():
        _current.ray.shutdown()
    _current = None
    if _head is not None:
        for pipe in (_head.stdin, _head.stdout):
            if pipe is not None:
                pipe.close()
        threading.Thread(target=_head.wait, daemon=True).start()  # it takes its time to end; nobody needs to wait for it
        _head = None
    for name, value in _before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _before.clear()


# How actors die


_REASON = re.compile(r"The actor is dead because (.+?)\.(?:\s|$)")
_EXIT = re.compile(r"Worker exit type: (\w+)")


def death_of(error: Exception) -> Death:
    """What an exception says that Ray raised for an actor."""
    said = str(error)
    if "No module named 'seedbed'" in said:
        missing = "A machine of the cluster has no seedbed. Install it there: `pip install 'seedbed[ray]'`, the same versions."
        return Death("no seedbed there", error=WorkerError(missing))
    found = [pattern.search(said) for pattern in (_REASON, _EXIT)]
    first = (said.strip().splitlines() or [type(error).__name__])[0]
    how = ", ".join(match[1] for match in found if match) or first
    return Death(how[:200], short_of_memory="OUT_OF_MEMORY" in how or "OutOfMemory" in type(error).__name__)
