"""What this machine has, and the environment that a worker process needs.

Nothing here imports jax: what jax would see on an accelerator is asked of a worker, so that the driver stays light.
"""

from __future__ import annotations

import contextlib
import math
import os
import platform
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import platformdirs

from seedbed.errors import DeviceError

EngineName = Literal["local", "ray"]
"""What makes worker processes: this process itself, or Ray."""


def cache_folder() -> Path:
    """Where downloads, decoded images and compiled programs are kept: `SEEDBED_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("SEEDBED_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seedbed", appauthor=False))


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """What the machine's processor calls itself."""
    return processor_facts().get("model name") or platform.processor() or platform.machine()


def processor_facts() -> dict[str, str]:
    """What Linux says of the first processor, such as `model name` and `flags`; empty elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}


def versions() -> dict[str, str]:
    """What results depend on: seedbed and the libraries that compute."""
    return {name: _version(name) for name in ("seedbed", "jax", "jaxlib", "numpy")}


_version = cache(metadata.version)
"""Every run is stored with the versions, and each is read from a file."""


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """For imports of libraries of C++: Ctrl-C and SIGTERM come after the block, for within such an import Python's exception
    may be swallowed, or end the process with an abort."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if received:
            signal.raise_signal(received[0])


@dataclass(frozen=True)
class WorkerKind:
    """What a worker process computes on.

    Attributes:
        device: "cpu" or "gpu".
        threads: of a worker on the CPU; 1 runs XLA single-threaded.
        index: which GPU.
        programs: the folder of compiled programs, if it is to be another than the cache's.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    threads: int = 1
    index: int = 0
    programs: str = ""


def worker_environment(kind: WorkerKind) -> dict[str, str]:
    """The environment variables that a worker starts with, beside this process's own."""
    compiled = {
        "JAX_COMPILATION_CACHE_DIR": kind.programs or str(cache_folder() / "programs"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_NUMPY_DTYPE_PROMOTION": "strict",
        "KERAS_BACKEND": "jax",
    }
    if kind.device == "gpu":
        shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
        own = shown[kind.index].strip() if kind.index < len(shown) and shown[kind.index].strip() else str(kind.index)
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "2"}  # XLA warns that some of its trial runs were timed badly
        on_demand = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        return compiled | on_demand | quiet | {"JAX_PLATFORMS": "cuda", "CUDA_VISIBLE_DEVICES": own}
    flags = os.environ.get("XLA_FLAGS", "")
    if kind.threads == 1:
        flags += " --xla_cpu_multi_thread_eigen=false"
    pools = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # the first is what XLA's own pool goes by
    threads = {name: str(kind.threads) for name in pools}
    return compiled | threads | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags.strip()}


def gpus() -> int:
    """How many NVIDIA GPUs the machine's driver shows to this process; 0 where there is no driver."""
    if shown := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return len([index for index in shown.split(",") if index.strip() not in ("", "-1")])
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*"))) or len(list(Path("/dev").glob("nvidia[0-9]*")))


def jax_has_cuda() -> bool:
    """Whether the part of JAX that computes on NVIDIA GPUs is installed."""
    return any(find_spec(f"jax_cuda{version}_plugin") is not None for version in (12, 13))


CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")


def free_memory() -> int:
    """Bytes that this process and its workers may still take: what the system has, what a container allows them (control
    groups of Linux), and what one process may address (`ulimit -v`)."""
    import psutil

    return int(min(psutil.virtual_memory().available, _left_in_groups(), _address_space()))


def _address_space() -> float:
    if sys.platform == "win32":
        return math.inf
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else limit


def _left_in_groups() -> float:
    """What the control groups that this process is in have left, the tightest of them."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return math.inf
    left = math.inf
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            root, names = CGROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        elif controllers == "":
            root, names = CGROUPS, ("memory.max", "memory.current", "inactive_file")
        else:
            continue
        own = root / path.lstrip("/")
        groups = [own, *own.parents][: len(own.relative_to(root).parts) + 1]
        left = min([left, *(_left_in_group(group, *names) for group in groups)])
    return left


def _left_in_group(group: Path, limit: str, used: str, cached: str) -> float:
    """Limit less use; pages of files that the system can drop do not count. Infinite where there is no limit to read."""
    try:
        text = (group / limit).read_text().strip()
        if text == "max":
            return math.inf
        rows = (line.split() for line in (group / "memory.stat").read_text().splitlines())
        droppable = {name: int(value) for name, value in rows}.get(cached, 0)
        return max(0, int(text) - int((group / used).read_text()) + droppable)
    except (OSError, ValueError):
        return math.inf


def free_gpu_memory() -> int | None:
    """Bytes that are free on the fullest of the GPUs shown to this process, as NVIDIA's driver says; None where it does not."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    command = [tool, "--query-gpu=memory.free", "--format=csv,noheader,nounits", *([f"--id={shown}"] if shown else [])]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.split()
        return min(int(each) for each in told) * 2**20
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def workers(device: str, number: int | None, runs: int) -> list[WorkerKind]:
    """The workers for so many runs: one a GPU, or as many as there are cores (or runs), which share the cores.

    Args:
        device: "auto", "cpu" or "gpu"; "auto" takes GPUs where there are some and JAX can use them.
        number: at most how many; None sets no limit but that.
        runs: how many networks there are to train; a lone one gets all cores.

    Raises:
        DeviceError: a GPU is asked for, and none is here or JAX cannot use it.
    """
    found = gpus() if device != "cpu" else 0
    if device == "gpu" and not found:
        raise DeviceError(
            "--device gpu: no NVIDIA GPU was found on this machine; `seedbed doctor` shows what is seen. Use --device cpu."
        )
    if device == "gpu" and not jax_has_cuda():
        raise DeviceError(
            "--device gpu: JAX was installed without CUDA. Install it with `pip install 'seedbed[cuda]'`, or use --device cpu."
        )
    if found and jax_has_cuda():
        return [WorkerKind("gpu", index=index) for index in range(min(found, number or found, runs))]
    processes = min(number or cores(), runs)
    return [WorkerKind("cpu", threads=max(1, cores() // processes))] * processes
