"""The scheduler: plans populations, deals them out to workers, stores what comes back. All commands are its clients.

execution.py    `Execution`: device, workers, engine and run store, passed as one thing
running.py      `train_runs`: from named runs to results
"""

from seedbed.scheduler.execution import Execution, ExecutionOptions, WorkerOptions
from seedbed.scheduler.running import train_runs

__all__ = ["Execution", "ExecutionOptions", "WorkerOptions", "train_runs"]
