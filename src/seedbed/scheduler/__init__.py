"""The scheduler: plans populations, dispatches them to workers, stores their reports. All commands that train use it.

execution.py    `Execution`: device, workers, engine and run store in one object
planning.py     populations and workers for the runs of one call
dispatching.py  `train_runs`: populations to workers, their reports to the run store and to `on_event`
ingesting.py    storing reports
costs.py        time, memory and learning rate of large networks, said before training
forecasting.py  what a call will do, and about how long it takes, before it begins
clock.py        estimate of the time left
signals.py      Ctrl-C and SIGTERM
"""

from seedbed.scheduler.dispatching import train_runs
from seedbed.scheduler.execution import Execution, ExecutionOptions, WorkerOptions
from seedbed.scheduler.forecasting import Forecast, forecast

__all__ = ["Execution", "ExecutionOptions", "Forecast", "WorkerOptions", "forecast", "train_runs"]
