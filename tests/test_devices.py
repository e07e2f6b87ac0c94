"""What this machine has, and what a worker is told."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from seedbed import devices
from seedbed.devices import WorkerKind
from seedbed.errors import DeviceError


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: 0)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: 2)
    monkeypatch.setattr(devices, "jax_has_cuda", lambda: True)


def test_the_cache_is_where_the_variable_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SEEDBED_CACHE", str(tmp_path))
    assert devices.cache_folder() == tmp_path
    monkeypatch.delenv("SEEDBED_CACHE")
    assert devices.cache_folder().name == "seedbed"


def test_cores_are_those_that_this_process_may_use(monkeypatch):
    assert 1 <= devices.cores() <= (os.cpu_count() or 1)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert devices.cores() == 6


def test_a_gpu_that_is_not_there_is_an_error_with_the_way_out(no_gpu):
    with pytest.raises(DeviceError, match="--device cpu"):
        devices.workers("gpu", None, 1)


def test_a_gpu_that_jax_cannot_use_is_an_error_with_the_way_out(two_gpus, monkeypatch):
    monkeypatch.setattr(devices, "jax_has_cuda", lambda: False)
    with pytest.raises(DeviceError, match=r"seedbed\[cuda\]"):
        devices.workers("gpu", None, 1)
    assert devices.workers("auto", 1, 1)[0].device == "cpu"


@pytest.mark.parametrize(
    ("number", "runs", "expected"),
    [(None, 1, [4]), (None, 2, [2, 2]), (None, 9, [1, 1, 1, 1]), (2, 9, [2, 2]), (1, 9, [4]), (9, 9, [1] * 9)],
)
def test_workers_share_the_cores_and_a_lone_run_gets_all(no_gpu, monkeypatch, number, runs, expected):
    monkeypatch.setattr(devices, "cores", lambda: 4)
    assert devices.workers("auto", number, runs) == [WorkerKind("cpu", threads=threads) for threads in expected]


def test_gpus_are_taken_unless_the_processor_is_asked_for(two_gpus):
    assert devices.workers("auto", None, 9) == [WorkerKind("gpu", index=0), WorkerKind("gpu", index=1)]
    assert devices.workers("gpu", 1, 9) == [WorkerKind("gpu", index=0)]
    assert devices.workers("auto", None, 1) == [WorkerKind("gpu", index=0)]
    assert all(kind.device == "cpu" for kind in devices.workers("cpu", None, 9))


def test_a_worker_of_one_thread_is_told_so_in_every_language(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--mine=1")
    environment = devices.worker_environment(WorkerKind("cpu", threads=1))
    assert environment["OMP_NUM_THREADS"] == environment["NPROC"] == "1"
    assert environment["JAX_PLATFORMS"] == "cpu"
    assert "--mine=1" in environment["XLA_FLAGS"]
    assert "--xla_cpu_multi_thread_eigen=false" in environment["XLA_FLAGS"]


@pytest.mark.parametrize(("shown", "index", "own"), [(None, 3, "3"), ("4,6", 1, "6"), ("GPU-abc", 0, "GPU-abc")])
def test_a_worker_on_a_gpu_sees_only_its_own_and_never_falls_back(monkeypatch, shown, index, own):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    environment = devices.worker_environment(WorkerKind("gpu", index=index))
    assert environment["CUDA_VISIBLE_DEVICES"] == own
    assert environment["JAX_PLATFORMS"] == "cuda"


@pytest.mark.parametrize(("shown", "count"), [("0", 1), ("0,1,2", 3), ("-1", 0)])
def test_gpus_are_counted_as_the_variable_shows_them(monkeypatch, shown, count):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert devices.gpus() == count


# Memory


def test_free_memory_is_what_the_system_has_where_nothing_limits_it(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "OWN_CGROUPS", tmp_path / "none")
    assert 0 < devices.free_memory() <= psutil.virtual_memory().total


MIB = 2**20


@pytest.mark.parametrize(
    ("line", "where", "names"),
    [
        ("0::/jobs/one\n", "jobs/one", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/jobs/one\n1:cpu:/\n",
            "memory/jobs/one",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_a_containers_limit_counts_and_pages_of_files_do_not(monkeypatch, tmp_path, line, where, names):
    own = tmp_path / "groups" / where
    own.mkdir(parents=True)
    (tmp_path / "cgroup").write_text(line)
    monkeypatch.setattr(devices, "OWN_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(devices, "CGROUPS", tmp_path / "groups")
    limit, used, cached = names

    def group(folder, most, now, droppable):
        (folder / limit).write_text(f"{most}\n")
        (folder / used).write_text(f"{now}\n")
        (folder / "memory.stat").write_text(f"anon 5\n{cached} {droppable}\n")

    group(own, 100 * MIB, 70 * MIB, 30 * MIB)
    assert devices.free_memory() == 60 * MIB
    group(own.parent, 90 * MIB, 80 * MIB, 0)
    assert devices.free_memory() == 10 * MIB, "a limit further up is tighter"
    group(own.parent, 1 * MIB, 80 * MIB, 0)
    assert devices.free_memory() == 0
    group(own, "max", 0, 0)
    group(own.parent, 9223372036854771712, 0, 0)
    assert devices.free_memory() > 100 * MIB


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
@pytest.mark.parametrize(("script", "free"), [("echo 81000; echo 400", 400 * MIB), ("echo '[N/A]'", None), ("exit 9", None)])
def test_a_gpus_free_memory_is_what_its_driver_says(monkeypatch, tmp_path, script, free):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert devices.free_gpu_memory() == free


def test_without_its_drivers_tool_a_gpus_memory_is_not_known(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.free_gpu_memory() is None
