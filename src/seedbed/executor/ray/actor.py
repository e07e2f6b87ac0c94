"""A worker on a machine of the cluster: an actor that trains tasks and yields their reports."""

from __future__ import annotations

import importlib
import os
import platform
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seedbed import data, devices
from seedbed.data import Dataset
from seedbed.errors import ModelError
from seedbed.executor.serving import Server
from seedbed.models import trust
from seedbed.specs import DataSpec
from seedbed.training.reports import Failed, JobReport, Task


@dataclass(frozen=True)
class Parcel:
    """A task with the data that its machine may lack.

    Attributes:
        task: the task.
        images: reference to the images in Ray's object store, fetched only if needed; empty if every machine has them.
        texts: texts of the file of the user's own network, by SHA-256.
    """

    task: Task
    images: list[Any] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """Facts that a worker reports when it is ready: name of its machine, process id, and versions of numerical libraries."""

    machine: str
    process: int
    versions: dict[str, str]


class Actor:
    """One worker.

    Args:
        environment: environment variables from `worker_environment`, set here before anything computes, since Ray would start
            another program to set them. The folder of the cache is that of this machine.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        programs = devices.cache_folder() / "programs"
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(programs)
        importlib.import_module("seedbed.training.job")  # the slow imports, while the driver plans
        self._stop = threading.Event()
        self._images: list[Any] = []
        self._server = Server(self._load, self._stop.is_set, programs)

    def facts(self) -> Facts:
        """Return the worker's facts; it can then take a task."""
        return Facts(platform.node(), os.getpid(), devices.versions())

    def stop(self) -> None:
        """End the job after its segment. Runs concurrently with `reports`."""
        self._stop.set()

    def reports(self, parcel: Parcel) -> Iterator[JobReport | None]:
        """Train the task; yield its reports, and None or `Failed` at its end."""
        try:
            trust.accept(parcel.texts)
        except ModelError as error:
            yield Failed(error)
            return
        self._images = parcel.images
        yield from self._server.reports(parcel.task)

    def _load(self, spec: DataSpec) -> Dataset:
        """Load images from this machine's cache, or from the driver, once per machine: actors share the store's memory."""
        dataset = data.at_hand(spec)
        if dataset is not None or not self._images:
            return dataset or data.load(spec)
        import ray

        return Dataset.split(ray.get(self._images[0]), spec)
