"""Forecast of a search: its trials and its finalists, estimated from the trials that it proposes first."""

from __future__ import annotations

from seedbed.runs import NamedRun
from seedbed.scheduler import Execution, Forecast
from seedbed.scheduler.forecasting import training_seconds
from seedbed.searches.naming import own_runs
from seedbed.searches.sampling import propose
from seedbed.searches.terms import Terms


def forecast_search(terms: Terms, execution: Execution) -> Forecast:
    """Forecast a search: nothing is trained or written, and its journal is not opened.

    Raises:
        DataError, DeviceError, SpecError: as `run` raises them.
    """
    every = (terms.trials + terms.finalists * terms.seeds) * terms.folds
    listed = [] if execution.replace else execution.home.listing()
    known = {each.name for each in listed if each.ended}
    there = min(every, sum(bool(own_runs(terms.name).fullmatch(name)) for name in known))
    count = min(terms.batch, terms.trials)
    points = propose(terms.space, [], count, seed=terms.seed, sampler=terms.sampler, directions=terms.directions)
    entries = [NamedRun(str(place), str(place), terms.space.run(point, terms.seed)) for place, point in enumerate(points)]
    seconds = training_seconds(entries, execution)
    if seconds is None:
        return Forecast(every, there, None)
    epochs = terms.space.epochs
    pruned = terms.pruning.work(epochs, epochs) / epochs
    whole = seconds / count * terms.folds * (pruned * terms.trials + terms.finalists * terms.seeds)
    return Forecast(every, there, whole * (1 - there / every))
