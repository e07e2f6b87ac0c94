"""The devices that JAX finds, and their speed, measured in a process of its own: `python -m seedbed.executor.probe`.

`ask` starts that process with a worker's environment, so that the result holds for workers.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

from seedbed.devices import WorkerKind, worker_environment
from seedbed.errors import DeviceError

PATIENCE = 120.0
"""Time limit of the process (s); a GPU's driver may take some time to start."""

SIDES = {"cpu": 2048, "gpu": 8192}
SECONDS = 1.0


def ask(kind: WorkerKind) -> dict[str, Any]:
    """Measure the devices that a worker of this kind has.

    Returns:
        `devices`: kind and memory (bytes, None where JAX does not report it) of each; `backend`; `gflops`: speed of a product
        of two square float32 matrices (10**9 operations per second); `kernels`: `KernelSupport` on a CPU, else None.

    Raises:
        DeviceError: JAX cannot be started there; the message gives JAX's reason.
    """
    return replies(kind, "seedbed.executor.probe")[-1]


def replies(kind: WorkerKind, module: str, request: object = None, *, patience: float = PATIENCE) -> list[dict[str, Any]]:
    """Run a module in a process with a worker's environment, and return the JSON objects that it prints, one per line.

    Args:
        kind: the worker, which determines the environment.
        module: name of the module.
        request: value that the module reads as JSON from standard input.
        patience: time limit (s).

    Raises:
        DeviceError: the process does not end in time, or fails; the last line of its error output is the reason.
    """
    command, environment = [sys.executable, "-m", module], os.environ | worker_environment(kind)
    text: dict[str, Any] = {"input": json.dumps(request) + "\n", "capture_output": True, "text": True}
    try:
        process = subprocess.run(command, env=environment, timeout=patience, check=False, **text)
    except subprocess.TimeoutExpired:
        raise DeviceError(f"JAX on the {kind.device} did not answer within {patience:.0f} s.") from None
    if process.returncode != 0:
        [*_, reason] = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise DeviceError(f"JAX cannot be used on the {kind.device}: {reason}")
    return [json.loads(line) for line in process.stdout.splitlines() if line.startswith("{")]


def look() -> dict[str, Any]:
    """Measure this process's devices; see `ask`."""
    import jax

    from seedbed import kernels

    devices = [{"kind": device.device_kind, "memory": _memory(device)} for device in jax.devices()]
    backend = jax.default_backend()
    found = vars(kernels.support()) if backend == "cpu" else None
    return {"backend": backend, "devices": devices, "gflops": speed(SIDES.get(backend, 8192)), "kernels": found}


def _memory(device: Any) -> int | None:
    statistics = device.memory_stats() or {}
    limit = statistics.get("bytes_limit")
    return int(limit) if limit else None


def speed(side: int) -> float:
    """Speed of a product of two float32 matrices `side` x `side` (10**9 operations per second), the best within a second."""
    import jax
    import jax.numpy as jnp

    a = jnp.linspace(-1.0, 1.0, side * side, dtype=jnp.float32).reshape(side, side)
    product = jax.jit(lambda x: jnp.matmul(x, x, precision=jax.lax.Precision.HIGHEST))
    product(a).block_until_ready()
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        product(a).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return 2 * side**3 / best / 1e9


if __name__ == "__main__":
    print(json.dumps(look()))
