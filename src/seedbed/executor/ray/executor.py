"""An executor whose workers are actors of Ray."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from seedbed import data, devices
from seedbed.devices import WorkerKind, worker_environment
from seedbed.errors import SeedbedError, WorkerError
from seedbed.executor.pool import AHEAD, Pool
from seedbed.executor.protocol import Death, Gone, Post, Ready
from seedbed.executor.ray import cluster
from seedbed.executor.ray.actor import Actor, Facts, Parcel
from seedbed.executor.ray.cluster import Cluster
from seedbed.models import trust
from seedbed.specs import DataSpec
from seedbed.training.reports import Failed, Task

LEFT_TO_THE_MACHINE = frozenset({"JAX_COMPILATION_CACHE_DIR", "CUDA_VISIBLE_DEVICES"})
"""Variables of a worker's environment that are not sent: each machine has its own cache, and Ray assigns an actor's GPU."""

JOIN_SECONDS = 5.0
"""Longest wait for the end of an actor (s)."""

Pack = Callable[[Cluster, Task], Parcel]


class RayExecutor(Pool):
    """An executor with actors. A context manager: leaving it ends the actors; the cluster stays for the next executor.

    Args:
        kinds: the workers; each reserves one core per thread, or a GPU.
        address: address of a running cluster. None starts one on this machine, which ends with this process.
    """

    def __init__(self, kinds: Sequence[WorkerKind], address: str | None = None) -> None:
        super().__init__(kinds)
        self._address = address
        self.shares_programs = address is None
        self._cluster: Future[Cluster] | None = None
        self._packing = threading.Lock()
        self._sent: dict[DataSpec, Any] = {}

    def start(self) -> None:
        if self._cluster is None:
            cores = sum(kind.threads for kind in self._kinds if kind.device == "cpu")
            gpus = sum(kind.device == "gpu" for kind in self._kinds)
            self._cluster = cluster.opening(self._address, cores, gpus)
        super().start()

    def _start_worker(self, kind: WorkerKind, number: int, post: Post) -> RayWorker:
        assert self._cluster is not None
        return RayWorker(kind, post, self._cluster, self._packed)

    def _packed(self, where: Cluster, task: Task) -> Parcel:
        """Pack the task with the user's file, and with the images if machines may lack them.

        Raises:
            SeedbedError: the file or the images are missing.
        """
        texts = trust.texts(run.model for run in task.blocks[0])
        if where.alone:
            return Parcel(task, texts=texts)
        spec = DataSpec(name=task.blocks[0][0].data.name, digest=task.blocks[0][0].data.digest)
        with self._packing:
            if spec not in self._sent:
                self._sent[spec] = where.ray.put(data.portable(spec))
        return Parcel(task, [self._sent[spec]], texts)


class RayWorker:
    """An actor, and the thread that starts it, gives it tasks and forwards its reports."""

    def __init__(self, kind: WorkerKind, post: Post, where: Future[Cluster], pack: Pack) -> None:
        self._kind = kind
        self._post = post
        self._where = where
        self._pack = pack
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._actor: Any = None
        self.facts: Facts | None = None
        self._killed = False
        self._death = Death("ended by its driver")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def give(self, task: Task) -> None:
        self._tasks.put(task)

    def stop(self) -> None:
        self._actor.stop.options(concurrency_group="control").remote()

    def kill(self) -> None:
        with self._guard:
            self._killed = True
            if self._actor is not None:
                self._where.result().ray.kill(self._actor)
        self._tasks.put(None)

    def end(self) -> Death:
        self.kill()
        if self._where.done():
            self._thread.join(timeout=JOIN_SECONDS)
        return self._death

    def _serve(self) -> None:
        """Run the thread, from the start of the actor to its death."""
        try:
            self._serve_from(self._where.result())
        except SeedbedError as error:
            self._death = Death("no worker is available", error=error)
        except Exception as error:  # after any error from Ray, the actor cannot be trusted
            self._death = cluster.death_of(error)
        if not self._killed:
            self._post(Gone())

    def _serve_from(self, where: Cluster) -> None:
        actor = self._hire(where)
        if actor is None:
            return
        self.facts = facts = where.ray.get(actor.facts.remote())
        _check_versions(facts)
        self._post(Ready())
        reports = actor.reports.options(num_returns="streaming", _generator_backpressure_num_objects=AHEAD)
        while (task := self._tasks.get()) is not None:
            try:
                parcel = self._pack(where, task)
            except SeedbedError as error:
                self._post(Failed(error))
                continue
            for report in reports.remote(parcel):
                self._post(where.ray.get(report))

    def _hire(self, where: Cluster) -> Any:
        own = {name: value for name, value in worker_environment(self._kind).items() if name not in LEFT_TO_THE_MACHINE}
        on_gpu = self._kind.device == "gpu"
        wanted = {
            "num_cpus": 0 if on_gpu else where.reserved(self._kind.threads),
            "num_gpus": int(on_gpu),
            "max_restarts": 0,
            "max_task_retries": 0,
            "concurrency_groups": {"control": 1},
        }
        with self._guard:
            if not self._killed:
                self._actor = where.ray.remote(**wanted)(Actor).remote(own)
            return self._actor


def _check_versions(facts: Facts) -> None:
    own, other = devices.versions(), facts.versions
    if other == own:
        return
    differ = ", ".join(f"{name} {other.get(name)} (here {own[name]})" for name in own if other.get(name) != own[name])
    raise WorkerError(
        f"The cluster's machine {facts.machine} has {differ}; results would not be comparable. Install the same versions."
    )
