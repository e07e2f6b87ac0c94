"""Every test session has a cache and a home of its own; no test sees the user's.

Processes that test side by side share the cache, and what is compiled once is compiled for all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seedbed.devices import WorkerKind, worker_environment


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEDBED_CACHE", str(_of_all(tmp_path_factory) / "cache"))
        patch.setenv("SEEDBED_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("SEEDBED_DATA", raising=False)
        _keep_programs(patch)
        yield


def _of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session; under pytest-xdist, of all its processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def _keep_programs(patch: pytest.MonkeyPatch) -> None:
    """What tests compile in their own process is compiled as the engine does it, and kept where workers keep theirs.

    Test modules may have imported jax before, but nothing has been compiled yet.
    """
    patch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_use_fusion_emitters=false".strip())
    of_workers = {name: value for name, value in worker_environment(WorkerKind()).items() if "_CACHE_" in name}
    for name, value in of_workers.items():
        patch.setenv(name, value)
    if "jax" in sys.modules:
        import jax

        jax.config.update("jax_compilation_cache_dir", of_workers["JAX_COMPILATION_CACHE_DIR"])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
