"""The scheduler: plans populations, deals them out to workers, stores what comes back. All commands are its clients.

execution.py    `Execution`: device, workers, engine and run store, passed as one thing
planning.py     from what one call asks for to populations and workers
dispatching.py  `train_runs`: populations to workers, their reports to the run store and to `on_event`
ingesting.py    reports, stored
clock.py        the time that is left
signals.py      Ctrl-C and SIGTERM
"""

from seedbed.scheduler.dispatching import train_runs
from seedbed.scheduler.execution import Execution, ExecutionOptions, WorkerOptions

__all__ = ["Execution", "ExecutionOptions", "WorkerOptions", "train_runs"]
