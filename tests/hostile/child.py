"""`seedbed` as a process of its own that something befalls at a point of one's choice.

    python -m hostile.child '{"at": "training", "signal": 2}' train -m a --data digits ...

Settings: `save_every` seconds; `at`, the phase in which the process gets `signal`; `stall`: the worker is stopped first, and a
second signal follows; `slow`: seconds after which a worker that is still setting up is told of; `memory`: bytes of address
space; `unforeseen`: a network that is too large for it is tried all the same; `file`: bytes of the largest file. Pictures are
drawn only where the signal comes while they are, and the baseline that takes scikit-learn is left out: to load it and pandas
would take half of such a process's time.
"""

from __future__ import annotations

import functools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import psutil

from hostile.pictures import hashed
from seedbed import baselines, data, figures, populations, scheduler
from seedbed.cli import main, train
from seedbed.executor import pool
from seedbed.figures import drawing
from seedbed.runs import RunStore
from seedbed.scheduler import dispatching
from seedbed.training.reports import Begun, Segment

signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, whatever started the tests in its background

PHASES: dict[str, tuple[Any, str, Callable[..., bool]]] = {
    "loading": (data, "load", lambda *_: True),
    "planning": (populations, "plan", lambda *_: True),
    "compiling": (dispatching.Scheduler, "_take", lambda self, task, report: isinstance(report, Begun)),
    "training": (dispatching.Scheduler, "_take", lambda self, task, report: isinstance(report, Segment) and report.epoch == 30),
    "saving": (RunStore, "save_population", lambda *_: True),
    "drawing": (figures, "save", lambda *_: True),
}


def befall(phase: str, number: int, *, stall: bool) -> None:
    """Sends this process the signal, once, when the phase begins."""
    place, name, begins = PHASES[phase]
    real, done = getattr(place, name), threading.Event()

    @functools.wraps(real)
    def struck(*arguments: Any, **named: Any) -> Any:
        if begins(*arguments) and not done.is_set():
            done.set()
            if stall:
                for worker in psutil.Process().children():
                    worker.suspend()
                threading.Timer(0.5, os.kill, [os.getpid(), number]).start()
            os.kill(os.getpid(), number)
        return real(*arguments, **named)

    setattr(place, name, struck)


def limit(kind: str, size: int) -> None:
    """A limit that the workers inherit."""
    import resource

    resource.setrlimit(getattr(resource, kind), (size, size))


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    del baselines.CLASSIFIERS["logistic regression"]
    if "save_every" in settings:
        scheduler.train_runs = functools.partial(scheduler.train_runs, save_every=settings["save_every"])
    if "at" in settings:
        befall(settings["at"], settings.get("signal", signal.SIGINT), stall=settings.get("stall", False))
    if settings.get("at") != "drawing":
        drawing.draw = hashed
    if "slow" in settings:
        pool.SLOW_SECONDS = train.PATIENCE = settings["slow"]
    if "memory" in settings:
        limit("RLIMIT_AS", settings["memory"])
    if settings.get("unforeseen"):
        populations.want_of_memory = lambda *_: ""
    if "file" in settings:
        limit("RLIMIT_FSIZE", settings["file"])
    main(sys.argv[2:])
