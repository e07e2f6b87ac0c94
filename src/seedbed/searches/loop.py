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
from seedbed.models import facts
from seedbed.records import ModelFacts, Result
from seedbed.runs import NamedRun, RunStore
from seedbed.searches.book import Book, Told, opened
from seedbed.searches.finalists import Finalist, judged, ranked
from seedbed.searches.outcome import Search
from seedbed.searches.sampling import propose
from seedbed.searches.terms import Terms
from seedbed.searches.trial import Trial
from seedbed.specs import RunSpec
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
            raise _interrupted(terms, book, stopped) from None
        dimensions = terms.space.dimensions()
    return Search(terms, trials, ranked(finalists), dimensions, shelf.dashboard)


def _interrupted(terms: Terms, book: Book, stopped: Interrupted) -> Interrupted:
    told = len(book.trials)
    return Interrupted(
        f"Search {terms.name!r} stopped after {told} of {terms.trials} trials; everything is saved. "
        f"To go on, give the same command with --resume.",
        stopped.signal,
    )


def _remove_runs(home: RunStore, name: str) -> None:
    pattern = re.compile(rf"{re.escape(name)}-(trial|best)-\d+(-fold-\d+)?(\.\d+)?")
    for listed in home.listing():
        if pattern.fullmatch(listed.name):
            with suppress(UnknownRun):
                home.remove(listed.name)


# Trials


def _batch(terms: Terms, execution: Execution, book: Book, clock: _Clock) -> None:
    """Trains what is left of the batch that the next trial belongs to, and tells it."""
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
    entries = {entry.name: entry for name, run in zip(names, runs, strict=True) for entry in _entries(terms, name, run)}
    results = train_runs(list(entries.values()), execution, pruning=terms.pruning, metrics_only=True)
    found = dict(zip(entries, results, strict=True))
    for number in range(len(before), start + count):
        point, run, name = points[number - start], runs[number - start], names[number - start]
        own = [found[entry.name] for entry in _entries(terms, name, run)]
        book.tell(_told(terms, point, run, name, own), terms.space.dimensions())
    clock.told(len(book.trials))


def _entries(terms: Terms, name: str, run: RunSpec) -> list[NamedRun]:
    """A trial's runs: one, or one a fold."""
    if terms.folds == 1:
        return [NamedRun(name, name, run)]
    names = [f"{name}-fold-{fold}" for fold in range(terms.folds)]
    return [NamedRun(each, each, run.changed(data=terms.data(fold))) for fold, each in enumerate(names)]


def _told(terms: Terms, point: Mapping[str, Any], run: RunSpec, name: str, results: Sequence[Result]) -> Told:
    pruned = any(result.pruned for result in results)
    out = [] if pruned else [result.verdict for result in results if not result.verdict.ranked]
    model = facts(run.model, terms.space.data.image_shape, len(terms.space.data.classes))
    accuracy = float(np.mean([_best(result) for result in results]))
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


def _best(result: Result) -> float:
    return float(result.history["validation_accuracy"][result.best - 1]) if result.best else 0.0


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
    """Trains the best trials' settings again with fresh seeds."""
    from seedbed.scheduler import train_runs

    chosen = chosen_trials(terms, trials)
    entries: dict[str, NamedRun] = {}
    for trial in chosen:
        for seed in terms.fresh:
            for entry in _entries(terms, f"{terms.name}-best-{trial.number}", trial.run.changed(seed=seed)):
                entries[f"{entry.name}.{seed}"] = NamedRun(f"{entry.name}.{seed}", entry.group, entry.run)
    results = train_runs(list(entries.values()), execution)
    found = dict(zip(entries, results, strict=True))
    finalists = []
    for trial in chosen:
        group = f"{terms.name}-best-{trial.number}"
        folds = [entry.name for entry in _entries(terms, group, trial.run)]
        results_of = [[found[f"{fold}.{seed}"] for fold in folds] for seed in terms.fresh]
        finalists.append(judged(execution.home, trial, group, results_of))
    return finalists


def chosen_trials(terms: Terms, trials: Sequence[Trial]) -> list[Trial]:
    """The best trials, each setting once; for a frontier, of those that no cheaper one beats, so many as spread over it."""
    distinct = {trial.name: trial for trial in reversed(trials) if trial.state == "complete"}
    best = sorted(distinct.values(), key=lambda trial: (-trial.accuracy, trial.number))
    if not terms.pareto:
        return best[: terms.finalists]
    frontier: list[Trial] = []
    for trial in sorted(best, key=lambda trial: (terms.space.budget.cost(trial.model), -trial.accuracy)):
        if not frontier or trial.accuracy > frontier[-1].accuracy:
            frontier.append(trial)
    return _spread(frontier, [math.log(terms.space.budget.cost(trial.model)) for trial in frontier], terms.finalists)


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
    """

    def __init__(self, terms: Terms, told: int, on_event: OnEvent) -> None:
        self._on_event = on_event
        epochs = terms.space.epochs
        self._trial = terms.pruning.work(epochs, epochs) * terms.folds
        self._all = terms.trials * self._trial + terms.finalists * terms.seeds * terms.folds * epochs
        self._trials = terms.trials
        self._done = told * self._trial
        self._began, self._at_first = time.monotonic(), self._done
        self._size = min(terms.batch, terms.trials) * self._trial
        self._current = 0.0

    def told(self, trials: int) -> None:
        self._done, self._current = trials * self._trial, 0.0

    def __call__(self, event: Event) -> None:
        self._on_event(replace(event, seconds_left=self._left(event)) if isinstance(event, Progress) else event)

    def _left(self, event: Progress) -> float | None:
        if event.seconds_left is None:
            return None
        spent = time.monotonic() - self._began
        rest_of_batch = event.seconds_left
        whole = self._all - self._done - (self._size if self._done < self._trials * self._trial else math.inf)
        gained = self._done - self._at_first
        if whole <= 0 or not gained:
            return rest_of_batch if whole <= 0 else None
        return rest_of_batch + whole * spent / gained
