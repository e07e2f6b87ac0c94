"""Searches in a home, read again while they go on or when they are done; nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed import data
from seedbed.errors import DataUnavailable, SeedbedError, StorageError, UnknownRun
from seedbed.groups import Group
from seedbed.names import checked_name
from seedbed.records import DataFacts, Result
from seedbed.runs import RunStore
from seedbed.searches.budget import Budget
from seedbed.searches.finalists import Finalist, ranked
from seedbed.searches.importance import ImportanceEstimate, importances
from seedbed.searches.naming import finalist_group, finalist_number
from seedbed.searches.outcome import Search
from seedbed.searches.sampling import quiet
from seedbed.searches.space import Space
from seedbed.searches.store import FOLDER, SETTINGS, journal
from seedbed.searches.terms import GOALS, Terms
from seedbed.searches.trial import Trial
from seedbed.specs import DataSpec, Plan

if TYPE_CHECKING:
    from optuna import Study


def stored_searches(home: RunStore) -> list[str]:
    """Names of the searches whose journals a home holds, in the order of their last change, the latest first."""
    journals = sorted((home.root / FOLDER).glob("*.journal"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [path.stem for path in journals]


def read_search(
    home: RunStore,
    name: str,
    groups: Mapping[str, Sequence[Result]],
    estimate: ImportanceEstimate = importances,
) -> Search:
    """Read a search from its journal: the trials so far, and of the best ones the runs with fresh seeds.

    Args:
        groups: group -> its finished runs; those of the finalists are taken from it.
        estimate: computes the importances of the settings, once they are asked for.

    Raises:
        UnknownRun: the home has no journal of this search.
        StorageError: the journal cannot be read.
        DataUnavailable: neither a run nor this machine knows the sizes of its images.
    """
    study = _study(home, name)
    trials = [Trial.read(record) for record in study.get_trials(deepcopy=False)]
    settings = study.user_attrs[SETTINGS]
    best = _finalist_runs(name, groups, settings.get("folds", 1))
    finalists = [
        Finalist(trial, Group.read(home, finalist_group(name, trial.number), best[trial.number]))
        for trial in trials
        if trial.number in best
    ]
    spec = DataSpec(**settings["data"])
    terms = _terms(name, settings, spec, _facts(spec, best.values()), finalists)
    dashboard = f"optuna-dashboard {journal(home, name)}"
    return Search(terms, trials, ranked(finalists), terms.space.dimensions(), dashboard, estimate=estimate)


def _finalist_runs(name: str, groups: Mapping[str, Sequence[Result]], folds: int) -> dict[int, list[Result]]:
    """Number of a trial -> its runs with fresh seeds; of a seed that lacks a fold none."""
    runs: dict[int, list[Result]] = {}
    for group, results in groups.items():
        number = finalist_number(name, group)
        if number is not None:
            runs.setdefault(number, []).extend(results)
    for number, results in runs.items():
        finished = Counter(result.run.seed for result in results)
        runs[number] = [result for result in results if finished[result.run.seed] == folds]
    return {number: results for number, results in runs.items() if results}


def _study(home: RunStore, name: str) -> Study:
    path = journal(home, checked_name(name))
    if not path.is_file():
        raise UnknownRun(f"No search is named {name!r}. Known here: {', '.join(stored_searches(home)) or 'none'}.")
    with quiet():
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        try:
            study = optuna.load_study(study_name=name, storage=JournalStorage(JournalFileBackend(str(path))))
        except Exception as error:  # a journal that ends in the middle of its first line, or is none
            raise StorageError(f"{path}: this journal cannot be read ({type(error).__name__}).") from None
    if not isinstance(study.user_attrs.get(SETTINGS), dict):
        raise StorageError(f"{path}: this study is not one of seedbed's searches.")
    return study


def _facts(spec: DataSpec, runs: Any) -> DataFacts:
    known = next((result.data for results in runs for result in results if result.folds == 1), None)
    if known:
        return known  # type: ignore[no-any-return]
    dataset = data.at_hand(spec)
    if dataset is None:
        raise DataUnavailable(f"The images of {spec.name} are not on this machine. See `seedbed data info {spec.name}`.")
    return dataset.facts()


def _terms(name: str, settings: Mapping[str, Any], spec: DataSpec, facts: DataFacts, finalists: Sequence[Finalist]) -> Terms:
    try:
        ((kind, limit),) = settings["budget"].items()
        goals: dict[str, Any] = {each: settings.get(each, Plan.later[each]) for each in GOALS}
        plan, families = Plan(epochs=settings["epochs"], **goals), tuple(settings["families"])
        space = Space(Budget(kind=kind, limit=limit), families, facts, spec, plan.epochs, sizes=settings["pareto"], **goals)
        return Terms(
            name,
            space,
            settings["trials"],
            finalists=max(1, len(finalists)),
            seeds=max([2, *(each.group.total for each in finalists)]),
            seed=settings["seed"],
            sampler=settings["sampler"],
            pareto=settings["pareto"],
            folds=settings["folds"],
            batch=settings["batch"],
            prune=bool(settings["rungs"]),
        )
    except (KeyError, TypeError, ValueError, SeedbedError) as error:
        raise StorageError(f"Search {name!r}: its settings cannot be read ({error}).") from None
