"""What jax sees, and how fast it multiplies matrices; run as a process of its own: `python -m seedbed.executor.probe`.

`ask` starts that process in a worker's environment, so that the answer is what a worker would see.
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
"""Seconds that the process may take; a GPU's driver may need some to wake up."""

SIDES = {"cpu": 2048, "gpu": 8192}
SECONDS = 1.0


def ask(kind: WorkerKind) -> dict[str, Any]:
    """What a worker of this kind sees.

    Returns:
        `devices`: kind and memory in bytes (None where jax does not say) of each; `backend`; `gflops`: of a product of two
        square float32 matrices, 10**9 operations a second.

    Raises:
        DeviceError: jax cannot be started there; says what it said.
    """
    return replies(kind, "seedbed.executor.probe")[-1]


def replies(kind: WorkerKind, module: str, request: object = None, *, patience: float = PATIENCE) -> list[dict[str, Any]]:
    """Run a module in a process with a worker's environment: JSON on its standard input, a JSON object per line of output.

    Args:
        patience: seconds that the process may take.

    Raises:
        DeviceError: it does not end in time, or ends with an error, whose last line is the reason.
    """
    command, environment = [sys.executable, "-m", module], os.environ | worker_environment(kind)
    text: dict[str, Any] = {"input": json.dumps(request) + "\n", "capture_output": True, "text": True}
    try:
        answer = subprocess.run(command, env=environment, timeout=patience, check=False, **text)
    except subprocess.TimeoutExpired:
        raise DeviceError(f"jax on the {kind.device} gave no answer within {patience:.0f} s.") from None
    if answer.returncode != 0:
        [*_, reason] = answer.stderr.strip().splitlines() or [f"exit code {answer.returncode}"]
        raise DeviceError(f"jax cannot be used on the {kind.device}: {reason}")
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]


def look() -> dict[str, Any]:
    """What this process sees."""
    import jax

    devices = [{"kind": each.device_kind, "memory": _memory(each)} for each in jax.devices()]
    return {"backend": jax.default_backend(), "devices": devices, "gflops": speed(SIDES.get(jax.default_backend(), 8192))}


def _memory(device: Any) -> int | None:
    statistics = device.memory_stats() or {}
    limit = statistics.get("bytes_limit")
    return int(limit) if limit else None


def speed(side: int) -> float:
    """How fast two float32 matrices of `side` x `side` are multiplied, in 10**9 operations a second: the best of a second."""
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
