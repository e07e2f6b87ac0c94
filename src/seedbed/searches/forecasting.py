"""Forecast of a search: its trials and its finalists, estimated from the trials that it proposes first."""

from __future__ import annotations

import re

from seedbed.runs import NamedRun
from seedbed.scheduler import Execution, Forecast
from seedbed.scheduler.forecasting import finished_names, training_seconds
from seedbed.searches.sampling import propose
from seedbed.searches.terms import Terms


def forecast_search(terms: Terms, execution: Execution) -> Forecast:
    """Forecast a search: nothing is trained or written, and its journal is not opened.

    Raises:
        DataError, DeviceError, SpecError: as `run` raises them.
    """
    every = (terms.trials + terms.finalists * terms.seeds) * terms.folds
    pattern = re.compile(rf"{re.escape(terms.name)}-(trial-\d+|best-\d+\.\d+|best-\d+-fold-\d+\.\d+|trial-\d+-fold-\d+)")
    there = 0 if execution.replace else sum(bool(pattern.fullmatch(name)) for name in finished_names(execution.home))
    count = min(terms.batch, terms.trials)
    points = propose(terms.space, [], count, seed=terms.seed, sampler=terms.sampler, directions=terms.directions)
    entries = [NamedRun(str(place), str(place), terms.space.run(point, terms.seed)) for place, point in enumerate(points)]
    seconds = training_seconds(entries, execution)
    if seconds is None:
        return Forecast(every, min(there, every), None)
    epochs = terms.space.epochs
    pruned = terms.pruning.work(epochs, epochs) / epochs
    whole = seconds / count * terms.folds * (pruned * terms.trials + terms.finalists * terms.seeds)
    return Forecast(every, min(there, every), whole * (1 - min(there, every) / every))
