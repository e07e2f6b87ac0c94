"""Very many runs on many machines: what the driver, stragglers and failures make of them. Pure, and the same for a seed.

Each worker takes a population, trains it epoch by epoch, and goes on once the driver has taken what it said. The driver is
one server: it receives and stores messages in the order in which they come, each for as long as was measured. A machine
fails now and then; what its workers trained since their last save is trained again by others.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class World:
    """What is simulated: seconds, bytes, and how machines behave.

    Attributes:
        machines, cores: workers are one a core.
        runs, members, epochs: so many runs, so many in a population, each of so many epochs.
        run_epoch: of a worker, for an epoch of one run.
        task: of a worker, for a population beside its epochs.
        worker: for a worker to come up.
        message, byte: of the driver, for receiving.
        row: of the driver, for storing an epoch of a run.
        store: of the driver, for storing a finished run.
        save: of the driver, for storing a checkpoint, for each of its runs.
        run_bytes, checkpoint_bytes: of a finished run, and of a run in a checkpoint.
        save_every: seconds between checkpoints of a population.
        spread: of tasks' speeds, the standard deviation of their logarithm.
        stragglers, straggling: the share of tasks that take so many times as long.
        hours: between failures of a machine, on average.
        away: seconds until a failed machine is back.
    """

    machines: int
    cores: int = 16
    runs: int = 100_000
    members: int = 8
    epochs: int = 10
    run_epoch: float = 0.2
    task: float = 0.3
    worker: float = 5.0
    message: float = 5e-4
    byte: float = 1e-9
    row: float = 1e-4
    store: float = 1e-2
    save: float = 1e-2
    run_bytes: float = 1.6e6
    checkpoint_bytes: float = 3e6
    save_every: float = 30.0
    spread: float = 0.1
    stragglers: float = 0.01
    straggling: float = 3.0
    hours: float = 100.0
    away: float = 300.0

    @property
    def workers(self) -> int:
        return self.machines * self.cores

    @property
    def tasks(self) -> int:
        return math.ceil(self.runs / self.members)

    @property
    def epoch(self) -> float:
        """Seconds of a population's epoch at even speed."""
        return self.run_epoch * self.members

    @property
    def ideal(self) -> float:
        """Seconds, if workers did nothing but train and never waited."""
        return self.tasks * self.epochs * self.epoch / self.workers

    def service(self, *, last: bool) -> float:
        """Seconds of the driver for what a population says of one epoch: rows, now and then a checkpoint, runs at its end."""
        save = self.message + self.members * (self.checkpoint_bytes * self.byte + self.save)
        ended = self.members * (self.message + self.run_bytes * self.byte + self.store) if last else 0.0
        return self.message + self.members * self.row + min(1.0, self.epoch / self.save_every) * save + ended

    @property
    def driver_least(self) -> float:
        """Seconds that the driver works, however many machines there are."""
        return self.tasks * ((self.epochs - 1) * self.service(last=False) + self.service(last=True))


@dataclass(frozen=True)
class Fate:
    """What came of it.

    Attributes:
        seconds: from the first worker's start to the last run stored.
        ideal: see `World.ideal`.
        driver_busy: share of the time.
        waiting: share of the workers' time that they waited for the driver.
        lost: share of the trained epochs that failures took.
        failures: of machines.
        tail: seconds from when the first worker found no more work to the end.
    """

    seconds: float
    ideal: float
    driver_busy: float
    waiting: float
    lost: float
    failures: int
    tail: float

    @property
    def efficiency(self) -> float:
        return self.ideal / self.seconds


@dataclass
class _Worker:
    """A worker: its task's epochs still to train with the one in hand, the seconds of one, and those since its last save."""

    machine: int
    todo: int = 0
    pace: float = 0.0
    unsaved: float = 0.0
    life: int = 0  # events of an earlier life are void


class Simulation:
    """One world on its way to its end."""

    def __init__(self, world: World, seed: int = 0) -> None:
        self._world = world
        self._rng = np.random.default_rng(seed)
        self._events: list[tuple[float, int, int]] = []  # when, worker or -1 - machine, life
        self._workers = [_Worker(number % world.machines) for number in range(world.workers)]
        self._waiting = [world.epochs] * world.tasks  # epochs still to train of each task that nobody has
        self._unfinished = world.tasks
        self._idle: list[int] = []
        self._free = self._busy = self._waited = self._trained = self._lost = 0.0
        self._failures, self._out_of_work = 0, math.inf

    def run(self) -> Fate:
        """To the end."""
        world = self._world
        for number in range(world.workers):
            heapq.heappush(self._events, (world.worker, number, 0))
        for machine in range(world.machines):
            self._fail_later(machine, 0.0)
        while self._unfinished:
            now, number, life = heapq.heappop(self._events)
            if number < 0:
                self._fail(-1 - number, now)
            elif life == self._workers[number].life:
                self._go_on(number, now)
        tail = max(0.0, self._free - self._out_of_work)
        busy, waited = self._busy / self._free, self._waited / self._free / world.workers
        return Fate(self._free, world.ideal, busy, waited, self._lost / self._trained, self._failures, tail)

    def _go_on(self, number: int, now: float) -> None:
        """A worker has come up, or trained an epoch."""
        worker, world = self._workers[number], self._world
        if worker.todo:
            worker.todo -= 1
            worker.unsaved = (worker.unsaved + worker.pace) % world.save_every
            self._trained += worker.pace
            done = self._serve(now, world.service(last=not worker.todo))
            if worker.todo:
                heapq.heappush(self._events, (now + worker.pace, number, worker.life))
                return
            self._unfinished -= 1
            self._waited += done - now
            now = done
        self._take(number, now)

    def _take(self, number: int, now: float) -> None:
        """The next task, where there is one."""
        if not self._waiting:
            self._out_of_work = min(self._out_of_work, now)
            self._idle.append(number)
            return
        worker, world = self._workers[number], self._world
        slow = world.straggling if self._rng.random() < world.stragglers else 1.0
        worker.todo, worker.unsaved = self._waiting.pop(), 0.0
        worker.pace = world.epoch * slow * self._rng.lognormal(0.0, world.spread)
        heapq.heappush(self._events, (now + world.task + worker.pace, number, worker.life))

    def _serve(self, arrival: float, seconds: float) -> float:
        """The driver takes what arrives when it is through with what came before."""
        self._free = max(self._free, arrival) + seconds
        self._busy += seconds
        return self._free

    def _fail_later(self, machine: int, now: float) -> None:
        heapq.heappush(self._events, (now + self._rng.exponential(3600 * self._world.hours), -1 - machine, 0))

    def _fail(self, machine: int, now: float) -> None:
        """A machine is gone for a while; others go on from the last saves of its workers."""
        world = self._world
        self._failures += 1
        for number in range(machine, world.workers, world.machines):
            worker = self._workers[number]
            worker.life += 1
            if worker.todo:
                again = math.floor(worker.unsaved / worker.pace)
                self._waiting.append(min(world.epochs, worker.todo + again))
                self._lost += worker.unsaved + worker.pace / 2
            worker.todo = 0
            if number in self._idle:
                self._idle.remove(number)
            heapq.heappush(self._events, (now + world.away + world.worker, number, worker.life))
        self._fail_later(machine, now + world.away)
        while self._idle and self._waiting:
            self._take(self._idle.pop(), now)


def simulate(world: World, seed: int = 0) -> Fate:
    """Lets the world run to its end."""
    return Simulation(world, seed).run()
