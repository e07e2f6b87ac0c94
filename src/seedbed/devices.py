"""The devices of this machine, and the environment of a worker process.

Nothing here imports jax: a worker reports what jax sees on an accelerator, so that the driver stays light.
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
"""The engine that starts worker processes: this process itself, or Ray."""


def cache_folder() -> Path:
    """Folder of downloads, decoded images and compiled programs: `SEEDBED_CACHE`, or the user's cache folder."""
    chosen = os.environ.get("SEEDBED_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("seedbed", appauthor=False))


def cores() -> int:
    """Number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def yield_to_other_threads() -> None:
    """From now on run this thread only where a core has nothing else to do; without effect where threads have no priorities."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)


def processor() -> str:
    """Name of the machine's processor."""
    return processor_facts().get("model name") or platform.processor() or platform.machine()


def processor_facts() -> dict[str, str]:
    """Linux's facts about the first processor, such as `model name` and `flags`; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines))}


def versions() -> dict[str, str]:
    """Versions of seedbed and of the libraries that results depend on."""
    return {name: _version(name) for name in ("seedbed", "jax", "jaxlib", "numpy")}


_version = cache(metadata.version)
"""Cached: every run is stored with the versions, and reading each needs a file."""


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Delay Ctrl-C and SIGTERM until the end of the block, for imports of C++ libraries: within such an import, Python's
    exception may be swallowed, or end the process with an abort."""
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
    """The device of a worker process.

    Attributes:
        device: "cpu" or "gpu".
        threads: number of threads on the CPU; 1 runs XLA single-threaded.
        index: index of the GPU.
        programs: folder of compiled programs; "" means that of the cache.
    """

    device: Literal["cpu", "gpu"] = "cpu"
    threads: int = 1
    index: int = 0
    programs: str = ""


def worker_environment(kind: WorkerKind) -> dict[str, str]:
    """Environment variables of a worker, in addition to those of this process."""
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
    pools = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # XLA's own pool reads the first
    threads = {name: str(kind.threads) for name in pools}
    return compiled | threads | {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags.strip()}


def gpus() -> int:
    """Number of NVIDIA GPUs that the driver shows to this process, on Linux and in WSL2; 0 without a driver."""
    if shown := os.environ.get("CUDA_VISIBLE_DEVICES"):
        return len([index for index in shown.split(",") if index.strip() not in ("", "-1")])
    on_linux = len(list(Path("/proc/driver/nvidia/gpus").glob("*"))) or len(list(Path("/dev").glob("nvidia[0-9]*")))
    return on_linux or (_gpus_by_windows() if WSL_GPU.exists() else 0)


WSL_GPU = Path("/dev/dxg")
"""The device by which WSL2 reaches the driver of Windows."""


def _gpus_by_windows() -> int:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    try:
        output = subprocess.run([tool, "--list-gpus"], capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    return sum(line.startswith("GPU ") for line in output.splitlines())


def jax_has_cuda() -> bool:
    """Whether JAX's plugin for NVIDIA GPUs is installed."""
    return any(find_spec(f"jax_cuda{version}_plugin") is not None for version in (12, 13))


CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
VERSIONS_OF_CGROUPS = {
    "memory": ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    "": ("", "memory.max", "memory.current", "inactive_file"),
}
"""Controllers of a line in `OWN_CGROUPS` -> root, and files of limit and use and the field of droppable pages."""


def free_memory() -> int:
    """Bytes that this process and its workers may still allocate: the least of the system's free memory, the limits of a
    container (control groups of Linux), and the address space of a process (`ulimit -v`)."""
    import psutil

    return int(min(psutil.virtual_memory().available, _left_in_groups(), _address_space()))


def _address_space() -> float:
    if sys.platform == "win32":
        return math.inf
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return math.inf if limit == resource.RLIM_INFINITY else limit


def _left_in_groups() -> float:
    """Bytes left in the tightest of the control groups of this process."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return math.inf
    left = [math.inf]
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in VERSIONS_OF_CGROUPS:
            root, *names = VERSIONS_OF_CGROUPS[controllers]
            own = CGROUPS / root / path.lstrip("/")
            groups = [own, *own.parents][: len(own.relative_to(CGROUPS / root).parts) + 1]
            left += [_left_in_group(group, *names) for group in groups]
    return min(left)


def _left_in_group(group: Path, limit: str, used: str, cached: str) -> float:
    """The limit minus the use, without pages of files that the system can drop; infinite without a readable limit."""
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
    """Free bytes on the fullest of the GPUs shown to this process, by NVIDIA's driver; None where it has no answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    command = [tool, "--query-gpu=memory.free", "--format=csv,noheader,nounits", *([f"--id={shown}"] if shown else [])]
    try:
        output = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.split()
        return min(int(each) for each in output) * 2**20
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def workers(device: str, number: int | None, runs: int) -> list[WorkerKind]:
    """The workers for a number of runs: one per GPU, or one per core (at most one per run), which share the cores.

    Args:
        device: "auto", "cpu" or "gpu"; "auto" uses GPUs if there are some and JAX can use them.
        number: maximal number of workers. None means no further limit.
        runs: number of networks to train; a single one gets all cores.

    Raises:
        DeviceError: "gpu" without a GPU, or JAX cannot use it.
    """
    visible = gpus() if device != "cpu" else 0
    if visible and jax_has_cuda():
        return [WorkerKind("gpu", index=index) for index in range(min(visible, number or visible, runs))]
    if device == "gpu":
        without_gpu = "no NVIDIA GPU was found on this machine; `seedbed doctor` shows what is seen. Use --device cpu."
        if sys.platform != "linux":
            without_gpu = "JAX uses GPUs of NVIDIA on Linux and in WSL2 of Windows, not on this system. Use --device cpu."
        without_cuda = "JAX was installed without CUDA. Install it with `pip install 'seedbed[cuda]'`, or use --device cpu."
        raise DeviceError(f"--device gpu: {without_cuda if visible else without_gpu}")
    processes = min(number or cores(), runs)
    return [WorkerKind("cpu", threads=max(1, cores() // processes))] * processes
