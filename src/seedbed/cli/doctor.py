"""`seedbed doctor`: what this machine offers, measured."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from seedbed.cli import options, screen
from seedbed.cli.screen import note, result
from seedbed.cli.text import size
from seedbed.tables import Column, Table
from seedbed.words import counted

PACKAGES = ("seedbed", "jax", "jaxlib", "keras", "numpy", "scipy", "scikit-learn", "altair", "vl-convert-python", "safetensors")
OPTIONAL = ("ray", "onnx", "tensorflow-cpu", "torch")
VARIABLES = (
    "SEEDBED_HOME",
    "SEEDBED_DATA",
    "SEEDBED_CACHE",
    "JAX_PLATFORMS",
    "XLA_FLAGS",
    "CUDA_VISIBLE_DEVICES",
    "SEEDBED_KERNELS",
)


@click.command("doctor")
@options.home
@options.as_json
def command(home: Path) -> options.Output:
    """What this machine offers: devices, matrix-product speed, memory, versions, data found.

    Takes some seconds: the speed is measured in a process like those that train.
    """
    note("Measuring ...")
    facts = examine(home)
    return facts, lambda: _show(facts)


def examine(home: Path) -> dict[str, Any]:
    """Collect all facts as JSON values; sizes in bytes, speeds in 10**9 operations per second."""
    import psutil

    from seedbed import data, devices

    memory = psutil.virtual_memory()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": devices.processor(),
        "cores": {"usable": devices.cores(), "all": os.cpu_count()},
        "memory": {"total": memory.total, "available": memory.available},
        "gpus": devices.gpus(),
        "workers": list(_workers()),
        "blas": _blas(),
        "versions": {name: version for name in (*PACKAGES, *OPTIONAL) if (version := _version(name))},
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "cache": _folder(devices.cache_folder()),
        "home": _folder(home),
        "data": [vars(each) for each in data.known()],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _workers() -> Iterator[dict[str, Any]]:
    """Describe what a worker of each kind that `train_runs` would use sees, or why it sees nothing."""
    from seedbed import devices
    from seedbed.errors import DeviceError
    from seedbed.executor import probe

    kinds = [devices.WorkerKind("cpu", threads=threads) for threads in sorted({1, devices.cores()})]
    kinds += [devices.WorkerKind("gpu", index=index) for index in range(devices.gpus())]
    for kind in kinds:
        facts: dict[str, Any] = {"device": kind.device, "threads": kind.threads if kind.device == "cpu" else None}
        try:
            if kind.device == "gpu" and not devices.jax_has_cuda():
                raise DeviceError("JAX was installed without CUDA; `pip install 'seedbed[cuda]'` lets it use this GPU.")
            facts |= {**probe.ask(kind), "error": None}
        except DeviceError as error:
            facts |= {"backend": None, "devices": [], "gflops": None, "kernels": None, "error": str(error)}
        yield facts


def _blas() -> dict[str, Any]:
    """Name the library with which NumPy multiplies, outside the workers."""
    import numpy as np

    build: Any = np.show_config(mode="dicts")
    library = build["Build Dependencies"]["blas"]
    return {"name": library["name"], "version": library["version"]}


def _folder(path: Path) -> dict[str, Any]:
    """Describe a folder that seedbed writes to: whether it is writable, its size, and what is free on its disk."""
    there = path if path.exists() else next(parent for parent in path.absolute().parents if parent.exists())
    files = (file for file in path.rglob("*") if file.is_file()) if path.is_dir() else iter(())
    return {
        "path": str(path.absolute()),
        "exists": path.exists(),
        "writable": os.access(there, os.W_OK),
        "bytes": sum(file.stat().st_size for file in files),
        "free": shutil.disk_usage(there).free,
    }


def _show(facts: Mapping[str, Any]) -> None:
    cores, memory = facts["cores"], facts["memory"]
    result(f"seedbed {facts['versions']['seedbed']}, Python {facts['python']}, {facts['system']}")
    result(f"Processor: {facts['processor']}, {cores['usable']} of {cores['all']} cores usable")
    result(f"Memory: {size(memory['available'])} of {size(memory['total'])} available")
    result(f"GPUs: {facts['gpus'] or 'none found'}")
    result()
    _show_workers(facts["workers"])
    result(f"NumPy's own products: {facts['blas']['name']} {facts['blas']['version']}")
    for support in [worker["kernels"] for worker in facts["workers"] if worker["kernels"]][:1]:
        result(f"Networks: {_kernels(support)}")
    result(f"Versions: {', '.join(f'{name} {version}' for name, version in facts['versions'].items())}")
    for name, value in facts["variables"].items():
        result(f"{name} = {value}")
    result()
    data_columns: list[Column[dict[str, Any]]] = [
        Column("data set", lambda each: each["name"], align="left"),
        Column("where", lambda each: each["where"] or f"not here; {each['megabytes']} MB would be downloaded", align="left"),
    ]
    screen.table(Table(data_columns, facts["data"]))
    result()
    for name in ("home", "cache"):
        folder = facts[name]
        state = f"{size(folder['bytes'])} there" if folder["exists"] else "not there yet"
        writable = "" if folder["writable"] else "; it CANNOT be written"
        result(f"{name.capitalize()}: {folder['path']} ({state}, {size(folder['free'])} free on its disk{writable})")


def _kernels(support: Mapping[str, Any]) -> str:
    if support["lanes"]:
        return f"native kernels with vectors of {support['lanes']} numbers"
    return (
        "by XLA's products; convolutional ones are about half as fast, and compiling takes up to twice as long, as with native "
        f"kernels, which are not there: {support['reason']}"
    )


def _show_workers(workers: list[dict[str, Any]]) -> None:
    def name(worker: Mapping[str, Any]) -> str:
        return f"{worker['device']}, {counted(worker['threads'], 'thread')}" if worker["threads"] else worker["device"]

    def seen(device: Mapping[str, Any]) -> str:
        return f"{device['kind']} ({size(device['memory'])})" if device["memory"] else device["kind"]

    columns: list[Column[dict[str, Any]]] = [
        Column("worker", name, align="left"),
        Column("jax sees", lambda worker: worker["error"] or ", ".join(map(seen, worker["devices"])), align="left"),
        Column("GFLOP/s, float32", lambda worker: worker["gflops"], ",.0f"),
    ]
    screen.table(Table(columns, workers))
    result()
