"""Every test session has a cache and a home of its own; no test sees the user's.

Processes that test side by side share the cache, and what is compiled once is compiled for all of them.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from browsing import launched
from compiling import FLAGS, HARDLY, optimize
from seedbed.devices import WorkerKind, worker_environment


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--every-point",
        action="store_true",
        help="Faults and deaths at every single change of the disk (most of an hour), not at a sample of them.",
    )


LONG = (
    "executor/test_ray", "hostile/test_kills", "test_docs", "hostile/test_command_sweep", "models/test_contract",
    "web/test_browser", "training/test_job", "training/test_own_networks", "hostile/test_random_kills", "test_notebooks",
    "scheduler/test_train_runs", "hostile/test_corpus", "studies/test_device", "exports/test_formats", "cli/test_commands",
    "studies/test_regularization", "studies/test_budget", "studies/test_activations", "test_examples",
    "training/test_against_keras", "test_golden_commands", "studies/test_convolution", "searches/test_loop",
    "executor/test_contract", "training/test_programs", "sizing/test_search", "cli/test_search", "test_bench",
    "training/test_pruning", "runs/test_sweeps", "studies/test_hidden_units", "cli/test_sweep", "web/test_networks",
)  # fmt: skip
"""Modules that take more than ten seconds of processor time, or wait for long; the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long modules come first, or one of several processes would begin one of them when the others are done."""
    here = Path(__file__).parent
    long = {here / f"{name}.py": place for place, name in enumerate(LONG)}
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (long.get(item.path, len(long)), item.path not in slow))


@pytest.fixture(scope="session")
def step_of(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How far apart the points of a sweep lie: as far as it is told to, or 1 where `--every-point` asks for all of them."""
    return lambda usual: 1 if request.config.getoption("--every-point") else usual


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEDBED_CACHE", str(_of_all(tmp_path_factory) / "cache"))
        patch.setenv("SEEDBED_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("SEEDBED_DATA", raising=False)
        _keep_programs(patch)
        _collect_less()
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A headless Chromium, for what only a browser shows; without one these tests are skipped."""
    with launched() as found:
        yield found


def _of_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this session; under pytest-xdist, of all its processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def _keep_programs(patch: pytest.MonkeyPatch) -> None:
    """What tests compile in their own process is kept where workers keep theirs, and hardly optimized: most of it runs once.

    Test modules may have imported jax before, but nothing has been compiled yet. Processes that tests start are as they are.
    """
    import jax

    of_workers = worker_environment(WorkerKind())
    for name, value in of_workers.items():
        if "_CACHE_" in name:
            patch.setenv(name, value)
    with pytest.MonkeyPatch.context() as only_here:
        only_here.setenv("XLA_FLAGS", f"{of_workers['XLA_FLAGS']} {FLAGS}")
        jax.devices()
    optimize(patch, HARDLY)
    jax.config.update("jax_compilation_cache_dir", of_workers["JAX_COMPILATION_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _collect_less() -> None:
    """Python looks for rings among what will live as long as this process anyway: all that was imported, and jax's traces."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
