"""A search from its first trial to its ranking: batches of trials, then the best of them with fresh seeds.

All training goes through `train_runs`, so nothing is trained twice, and what was interrupted is resumed. Proposals depend on
the batches before alone; a batch whose results were not all recorded is proposed again, and is the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.errors import Interrupted, UnknownRun
from seedbed.groups import ACCURACY, MEASURES, Measure, Request, train_groups
from seedbed.models import facts
from seedbed.records import METRIC_COLUMNS, Result
from seedbed.runs import NamedRun, RunStore
from seedbed.searches.finalists import Finalist, ranked
from seedbed.searches.naming import finalist_group, own_runs, trial_group
from seedbed.searches.outcome import Search
from seedbed.searches.sampling import propose
from seedbed.searches.store import TrialStore, opened
from seedbed.searches.terms import Terms
from seedbed.searches.trial import Trial, TrialState
from seedbed.statistics import frontier
from seedbed.training.events import Event, OnEvent, Progress

if TYPE_CHECKING:
    from seedbed.scheduler import Execution
    from seedbed.training.pruning import Pruning


def run(terms: Terms, execution: Execution, *, storage: str | None = None) -> Search:
    """Search: trials batch by batch, then the best of them with fresh seeds.

    Args:
        execution: how the runs are trained, and where they and the journal live. `resume` continues a search that is not
            complete; `replace` removes all runs of the search first.
        storage: URL of a storage that Optuna knows, in place of the journal.

    Raises:
        RunExists: a search of this name exists with other settings.
        RunHalfDone: the search is not complete, and `resume` is not asked for.
        HomeInUse: another process works on it.
        SeedbedError: as `train_runs` raises them.
    """
    with opened(execution.home, terms.name, storage) as study, execution.standing() as standing:
        if execution.replace:
            _remove_runs(execution.home, terms.name)
        store = study.trials(terms.settings(), terms.directions, resume=execution.resume, replace=execution.replace)
        clock = _SearchClock(terms, len(store.records), execution.on_event)
        own = replace(standing, resume=True, replace=False, on_event=clock)
        try:
            while len(store.records) < terms.trials:
                _train_batch(terms, own, store, clock)
            trials = [Trial.read(record) for record in store.records]
            finalists = _train_finalists(terms, own, trials)
        except Interrupted as stopped:
            raise Interrupted(
                f"Search {terms.name!r} stopped after {len(store.records)} of {terms.trials} trials; everything is saved. "
                f"To continue, give the same command with --resume.",
                stopped.signal,
            ) from None
    return Search(terms, trials, ranked(finalists), terms.space.dimensions(), study.dashboard)


def _remove_runs(home: RunStore, name: str) -> None:
    pattern = own_runs(name)
    for listed in home.listing():
        if pattern.fullmatch(listed.name):
            with suppress(UnknownRun):
                home.remove(listed.name)


# Trials


def _train_batch(terms: Terms, execution: Execution, store: TrialStore, clock: _SearchClock) -> None:
    """Train what is left of the batch that the next trial belongs to, and record the results."""
    before = store.records
    start = len(before) - len(before) % terms.batch
    count = min(terms.batch, terms.trials - start)
    points = list(
        propose(terms.space, before[:start], count, seed=terms.seed, sampler=terms.sampler, directions=terms.directions)
    )
    runs = [terms.space.run(point, terms.seed) for point in points]
    firsts = {record.user_attrs["identity"]: record.number for record in reversed(before[:start])}
    for number, run in enumerate(runs, start):
        firsts.setdefault(run.identity, number)
    requests = [
        Request(trial_group(terms.name, firsts[run.identity]), run, (terms.seed,), each_fold=terms.fold_data) for run in runs
    ]
    results = _train_trials(requests, execution, terms.pruning)
    for number in range(len(before), start + count):
        place = number - start
        trial = _trial(terms, number, requests[place], points[place], results[place])
        values = [trial.score, *([float(terms.space.budget.cost(trial.model))] if terms.pareto else [])]
        store.add(trial, values, terms.space.dimensions())
    clock.recorded = start + count


def _train_trials(requests: Sequence[Request], execution: Execution, pruning: Pruning) -> list[list[Result]]:
    """Train each setting's runs: one, or one per fold; equal settings once."""
    from seedbed.scheduler import train_runs

    asked = [
        [NamedRun(entry.group, entry.group, entry.run) for entry in request.entries]  # one seed, which the names leave out
        for request in requests
    ]
    entries = {entry.name: entry for of_trial in asked for entry in of_trial}
    results = train_runs(list(entries.values()), execution, pruning=pruning, metrics_only=True)
    by_name = dict(zip(entries, results, strict=True))
    return [[by_name[entry.name] for entry in of_trial] for of_trial in asked]


def _trial(terms: Terms, number: int, request: Request, point: Mapping[str, Any], results: Sequence[Result]) -> Trial:
    state: TrialState = "pruned" if any(result.pruned for result in results) else "complete"
    unranked = [result.verdict.kind for result in results if not result.verdict.ranked]
    if unranked and state == "complete":
        state = unranked[0]  # type: ignore[assignment]
    epochs = min(result.history.epochs for result in results)
    metric = request.run.plan.metric
    curves = [np.maximum.accumulate(result.history[METRIC_COLUMNS[metric]][:epochs]) for result in results]
    reached = np.mean(curves, axis=0) if state in ("complete", "pruned") else np.zeros(epochs)
    return Trial(
        number=number,
        name=request.name,
        run=request.run,
        model=facts(request.run.model, terms.space.data.image_shape, len(terms.space.data.classes)),
        point=point,
        state=state,
        accuracy=_mean(ACCURACY, results),
        curve={epoch: float(value) for epoch, value in enumerate(reached, start=1)},
        seconds=sum(result.seconds.total for result in results),
        metric=None if metric == "accuracy" else _mean(MEASURES[metric], results),
    )


def _mean(measure: Measure, results: Sequence[Result]) -> float:
    return float(np.mean([measure.of(result) if result.best else 0.0 for result in results]))


# The best of them


def _train_finalists(terms: Terms, execution: Execution, trials: Sequence[Trial]) -> list[Finalist]:
    """Train the best trials' settings again with fresh seeds."""
    chosen = chosen_trials(terms, trials)
    requests = [
        Request(finalist_group(terms.name, trial.number), trial.run, terms.fresh, each_fold=terms.fold_data) for trial in chosen
    ]
    return [Finalist(trial, group) for trial, group in zip(chosen, train_groups(requests, execution), strict=True)]


def chosen_trials(terms: Terms, trials: Sequence[Trial]) -> list[Trial]:
    """Choose the best trials, each setting once; for a frontier, some spread over those that no cheaper one beats."""
    distinct = {trial.name: trial for trial in reversed(trials) if trial.state == "complete"}
    best = sorted(distinct.values(), key=lambda trial: (-trial.score, trial.number))
    if not terms.pareto:
        return best[: terms.finalists]
    costs = [terms.space.budget.cost(trial.model) for trial in best]
    places = frontier(costs, [trial.score for trial in best])
    return _spread([best[place] for place in places], [math.log(costs[place]) for place in places], terms.finalists)


def _spread(trials: list[Trial], places: list[float], count: int) -> list[Trial]:
    """Choose `count` trials, both ends among them, each next one the farthest from those that are chosen."""
    if len(trials) <= count:
        return trials
    chosen = [len(trials) - 1, 0][:count]
    while len(chosen) < count:
        rest = [each for each in range(len(trials)) if each not in chosen]
        chosen.append(max(rest, key=lambda each: min(abs(places[each] - places[other]) for other in chosen)))
    return [trials[each] for each in sorted(chosen)]


class _SearchClock:
    """A callback that passes events on, with the time left for the whole search.

    Work is counted in trials as they are on average, after pruning; the finalists' runs are whole.

    Attributes:
        recorded: number of trials whose results are stored.
    """

    def __init__(self, terms: Terms, recorded: int, on_event: OnEvent) -> None:
        epochs = terms.space.epochs
        self.recorded = self._at_first = recorded
        self._began, self._on_event, self._trials = time.monotonic(), on_event, terms.trials
        finals = terms.finalists * terms.seeds * epochs / terms.pruning.work(epochs, epochs)
        self._after_batch = terms.trials + finals - min(terms.batch, terms.trials)

    def __call__(self, event: Event) -> None:
        self._on_event(replace(event, seconds_left=self._left(event.seconds_left)) if isinstance(event, Progress) else event)

    def _left(self, of_batch: float | None) -> float | None:
        later = self._after_batch - self.recorded if self.recorded < self._trials else 0.0
        if of_batch is None or later <= 0:
            return of_batch
        gained = self.recorded - self._at_first
        return of_batch + later * (time.monotonic() - self._began) / gained if gained else None
