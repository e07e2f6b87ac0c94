"""How fast this machine multiplies square float32 matrices: the measure that shares of peak refer to.

`rates` asks processes of their own, with one thread and with all: `python -m bench.sgemm`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from bench import processes
from seedbed.devices import WorkerKind, cores, worker_environment

SIDE = {"cpu": 2048, "gpu": 8192}
SECONDS = 0.6
"""How long each product is repeated; the best time counts."""


def rates(device: str = "cpu") -> dict[str, float]:
    """10**9 operations a second by "library, threads"; empty where nothing could be measured."""
    found: dict[str, float] = {}
    kinds = [WorkerKind("gpu")] if device == "gpu" else [WorkerKind("cpu", threads) for threads in sorted({1, cores()})]
    for kind in kinds:
        asked = processes.python("bench.sgemm", device, str(kind.threads), environment=worker_environment(kind))
        answer = processes.run(asked)
        if answer.code == 0:
            found |= json.loads(answer.output.splitlines()[-1])
    return found


def best(*measured: dict[str, float]) -> float:
    """The highest rate of all; NaN where there is none."""
    return max((rate for rates in measured for rate in rates.values()), default=float("nan"))


def _rate(product: Callable[[], Any], side: int) -> float:
    product()
    quickest, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        began = time.perf_counter()
        product()
        quickest = min(quickest, time.perf_counter() - began)
    return 2 * side**3 / quickest / 1e9


def _measure(device: str, threads: int) -> dict[str, float]:
    import jax
    import jax.numpy as jnp
    import numpy as np

    side = SIDE[device]
    a = np.linspace(-1.0, 1.0, side * side, dtype=np.float32).reshape(side, side)
    on_device = jnp.asarray(a)
    compiled = jax.jit(lambda x: jnp.matmul(x, x, precision=jax.lax.Precision.HIGHEST))
    if device == "gpu":
        return {"jax, GPU": _rate(lambda: compiled(on_device).block_until_ready(), side)}
    found = {"jax": _rate(lambda: compiled(on_device).block_until_ready(), side), "numpy": _rate(lambda: a @ a, side)}
    return {f"{name}, {threads} thread{'s' if threads > 1 else ''}": rate for name, rate in found.items()}


if __name__ == "__main__":
    print(json.dumps(_measure(sys.argv[1], int(sys.argv[2]))))
