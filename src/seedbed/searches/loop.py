"""A search from its first trial to its ranking: batches of trials, then the best of them with fresh seeds.

All training goes through `train_runs`, so nothing is trained twice, and what was interrupted goes on. What is proposed depends
on the batches before alone; a batch whose results were not all recorded is proposed again, and comes out the same.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed.errors import Interrupted, UnknownRun
from seedbed.figures.words import network
from seedbed.groups import ACCURACY, Request, train_groups
from seedbed.models import facts
from seedbed.records import ModelFacts, Result
from seedbed.runs import Entry, Home
from seedbed.searches.book import Book, Told, opened
from seedbed.searches.finalists import Finalist, ranked
from seedbed.searches.outcome import Search
from seedbed.searches.sampling import propose
from seedbed.searches.terms import Terms
from seedbed.searches.trial import Trial
from seedbed.specs import RunSpec
from seedbed.statistics import frontier
from seedbed.training.events import Event, OnEvent, Progress

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from seedbed.scheduler import Execution


def run(terms: Terms, execution: Execution, *, storage: str | None = None) -> Search:
    """Search: trials batch by batch, then the best of them with fresh seeds.

    Args:
        terms: what is asked.
        execution: how the runs are trained, and where they and the book live. `resume` continues a search that is not
            complete; `replace` removes all runs of the search first.
        storage: URL of another book than the home's, any that Optuna knows.

    Raises:
        RunExists: there is a search of this name with other settings.
        RunHalfDone: it is not complete, and `resume` is not asked for.
        HomeInUse: another process works on it.
        SeedbedError: as `train_runs` raises them.
    """
    with opened(execution.home, terms.name, storage) as shelf, execution.standing() as standing:
        if execution.replace:
            _remove_runs(execution.home, terms.name)
        book = shelf.book(terms.settings(), terms.directions, resume=execution.resume, replace=execution.replace)
        clock = _Clock(terms, len(book.trials), execution.on_event)
        own = replace(standing, resume=True, replace=False, on_event=clock)
        try:
            while len(book.trials) < terms.trials:
                _batch(terms, own, book, clock)
            trials = [_trial(each) for each in book.trials]
            finalists = _finals(terms, own, trials)
        except Interrupted as stopped:
            raise Interrupted(
                f"Search {terms.name!r} stopped after {len(book.trials)} of {terms.trials} trials; everything is saved. "
                f"To go on, give the same command with --resume.",
                stopped.signal,
            ) from None
        dimensions = terms.space.dimensions()
    return Search(terms, trials, ranked(finalists), dimensions, shelf.dashboard)


def _remove_runs(home: Home, name: str) -> None:
    pattern = re.compile(rf"{re.escape(name)}-(trial|best)-\d+(-fold-\d+)?(\.\d+)?")
    for listed in home.listing():
        if pattern.fullmatch(listed.name):
            with suppress(UnknownRun):
                home.remove(listed.name)


# Trials


def _batch(terms: Terms, execution: Execution, book: Book, clock: _Clock) -> None:
    """Train what is left of the batch that the next trial belongs to, and record the results."""
    from seedbed.scheduler import train_runs

    before = book.trials
    start = len(before) - len(before) % terms.batch
    count = min(terms.batch, terms.trials - start)
    points = list(
        propose(terms.space, before[:start], count, seed=terms.seed, sampler=terms.sampler, directions=terms.directions)
    )
    runs = [terms.space.run(point, terms.seed) for point in points]
    firsts = {trial.user_attrs["identity"]: trial.number for trial in reversed(before[:start])}
    for number, run in enumerate(runs, start):
        firsts.setdefault(run.identity, number)
    names = [f"{terms.name}-trial-{firsts[run.identity]}" for run in runs]
    asked = [_entries(terms, name, run) for name, run in zip(names, runs, strict=True)]
    entries = {entry.name: entry for of_trial in asked for entry in of_trial}
    results = train_runs(list(entries.values()), execution, pruning=terms.pruning, metrics_only=True)
    found = dict(zip(entries, results, strict=True))
    for place in range(len(before) - start, count):
        own = [found[entry.name] for entry in asked[place]]
        book.tell(_told(terms, points[place], runs[place], names[place], own), terms.space.dimensions())
    clock.recorded = start + count


def _entries(terms: Terms, name: str, run: RunSpec) -> list[Entry]:
    """A trial's runs: one, or one a fold."""
    if terms.folds == 1:
        return [Entry(name, name, run)]
    names = [f"{name}-fold-{fold}" for fold in range(terms.folds)]
    return [Entry(each, each, run.changed(data=terms.data(fold))) for fold, each in enumerate(names)]


def _told(terms: Terms, point: Mapping[str, Any], run: RunSpec, name: str, results: Sequence[Result]) -> Told:
    pruned = any(result.pruned for result in results)
    out = [] if pruned else [result.verdict for result in results if not result.verdict.ranked]
    model = facts(run.model, terms.space.data.image_shape, len(terms.space.data.classes))
    accuracy = float(np.mean([ACCURACY.of(result) if result.best else 0.0 for result in results]))
    kept = {
        "run": name,
        "identity": run.identity,
        "accuracy": accuracy,
        "network": network(run.model),
        "state": out[0].kind if out else "pruned" if pruned else "complete",
        **vars(model),
        "epochs": min(result.history.epochs for result in results),
        "seconds": sum(result.seconds.total for result in results),
        "settings": run.plain(),
    }
    values = [accuracy, *([float(terms.space.budget.cost(model))] if terms.pareto else [])]
    return Told(point, not out and not pruned, values, _steps(results, spoilt=bool(out)), kept)


def _steps(results: Sequence[Result], *, spoilt: bool) -> dict[int, float]:
    """Epoch -> the best accuracy so far; of a run that diverged or collapsed 0, so that the sampler keeps away from it."""
    epochs = min(result.history.epochs for result in results)
    if spoilt:
        return dict.fromkeys(range(1, epochs + 1), 0.0)
    columns = np.array([np.maximum.accumulate(result.history["validation_accuracy"][:epochs]) for result in results])
    return {epoch: float(value) for epoch, value in enumerate(columns.mean(axis=0), start=1)}


def _trial(frozen: FrozenTrial) -> Trial:
    kept = frozen.user_attrs
    return Trial(
        number=frozen.number,
        name=kept["run"],
        run=RunSpec(**kept["settings"]),
        model=ModelFacts(kept["parameters"], kept["operations"], kept["units"]),
        point=dict(frozen.params),
        state=kept["state"],
        accuracy=kept["accuracy"],
        curve=dict(sorted(frozen.intermediate_values.items())),
        seconds=kept["seconds"],
    )


# The best of them


def _finals(terms: Terms, execution: Execution, trials: Sequence[Trial]) -> list[Finalist]:
    """Train the best trials' settings again with fresh seeds."""
    chosen = chosen_trials(terms, trials)
    folds = tuple(terms.data(fold) for fold in range(terms.folds)) if terms.folds > 1 else ()
    requests = [Request(f"{terms.name}-best-{trial.number}", trial.run, tuple(terms.fresh), folds=folds) for trial in chosen]
    groups = train_groups(requests, execution)
    return [Finalist(trial, group) for trial, group in zip(chosen, groups, strict=True)]


def chosen_trials(terms: Terms, trials: Sequence[Trial]) -> list[Trial]:
    """The best trials, each setting once; for a frontier, of those that no cheaper one beats, so many as spread over it."""
    distinct = {trial.name: trial for trial in reversed(trials) if trial.state == "complete"}
    best = sorted(distinct.values(), key=lambda trial: (-trial.accuracy, trial.number))
    if not terms.pareto:
        return best[: terms.finalists]
    costs = [terms.space.budget.cost(trial.model) for trial in best]
    on = [best[place] for place in frontier(costs, [trial.accuracy for trial in best])]
    return _spread(on, [math.log(terms.space.budget.cost(trial.model)) for trial in on], terms.finalists)


def _spread(trials: list[Trial], places: list[float], count: int) -> list[Trial]:
    """So many of the trials, both ends among them, each next one the farthest from those that are chosen."""
    if len(trials) <= count:
        return trials
    chosen = [len(trials) - 1, 0][:count]
    while len(chosen) < count:
        rest = [each for each in range(len(trials)) if each not in chosen]
        chosen.append(max(rest, key=lambda each: min(abs(places[each] - places[other]) for other in chosen)))
    return [trials[each] for each in sorted(chosen)]


class _Clock:
    """Passes events on, with the time left for the whole search.

    Work is counted in trials as they are on average, after pruning; the finalists' runs are whole.

    Attributes:
        recorded: trials whose results are in the book.
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
