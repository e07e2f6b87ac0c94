"""Search: the trials of a search, while it goes on or when it is done; what it found, and which settings mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seedbed import words
from seedbed.background import BackgroundWork
from seedbed.errors import RunError, StatisticsError
from seedbed.groups.statements import Statement
from seedbed.records import Result
from seedbed.searches import Search
from seedbed.searches.files import trial_table
from seedbed.searches.finalists import Finalist
from seedbed.searches.importance import LEAST_TRIALS, Importance, ImportanceEstimate
from seedbed.searches.naming import finalist_number
from seedbed.searches.store import journal
from seedbed.searches.stored import read_search, stored_searches
from seedbed.searches.trial import Trial
from seedbed.tables import Column, Table
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_ROWS = 200

CHARTS = ("settings", "trials", "accuracy_over_parameters", "accuracy_over_operations", "importance")


class SearchQuery(ViewQuery):
    """Which search.

    Attributes:
        search: its name; the latest if empty.
    """

    search: Annotated[str, Field(max_length=100)] = ""


@dataclass(frozen=True, eq=False)
class SearchState:
    """What the view shows.

    Attributes:
        known: names of all searches of the home, the latest first.
        found: None where the home has no search.
    """

    asked: SearchQuery
    known: list[str]
    found: Search | None

    @property
    def going(self) -> str:
        """How far a search is that is not done; else empty."""
        done, wanted = (len(self.found.trials), self.found.terms.trials) if self.found else (0, 0)
        return f"{done} of {wanted} trials are done." if done < wanted else ""

    @cached_property
    def statements(self) -> list[Statement]:
        """The best network and how sure that is, then remarks; none before the finalists are trained."""
        return self.found.statements() if self.found and self.found.best else []

    @property
    def trials(self) -> Table[Trial]:
        """Trials with the highest accuracies first."""
        columns: list[Column[Trial]] = [
            Column("trial", lambda trial: trial.number),
            Column("state", lambda trial: trial.state, align="left"),
            Column("accuracy", lambda trial: trial.accuracy, _share),
            Column("epochs", lambda trial: max(trial.curve, default=trial.run.plan.epochs)),
            Column("network", lambda trial: trial.run.model.title, align="left"),
            Column("parameters", lambda trial: trial.model.parameters, ","),
            Column("training", _training, align="left"),
        ]
        trials = self.found.trials if self.found else []
        return Table(columns, sorted(trials, key=lambda trial: -trial.accuracy)[:MOST_ROWS])

    @property
    def finalists(self) -> Table[Finalist] | None:
        """Finalists by the lower ends of their intervals."""
        if self.found is None or not self.found.best:
            return None
        columns: list[Column[Finalist]] = [
            Column("name", lambda each: each.name, align="left"),
            Column("network", lambda each: each.trial.run.model.title, align="left"),
            Column("mean accuracy", lambda each: each.accuracy and each.accuracy.mean, _share),
            Column("95 % interval", lambda each: each.accuracy, lambda known: words.ends(*known.pair()) if known else ""),
            Column("fresh seeds", lambda each: each.group.total),
            Column("parameters", lambda each: each.trial.model.parameters, ","),
            Column("training", lambda each: _training(each.trial), align="left"),
        ]
        return Table(columns, self.found.best)

    @property
    def charts(self) -> list[str]:
        """Charts that have something to show."""
        if self.found is None or not self.found.trials:
            return []
        models = [finalist.trial.model for finalist in self.found.best]
        enough = {
            "importance": len(self.found.trials) >= LEAST_TRIALS,
            "settings": len(self.found.trials) > 1,
            "accuracy_over_parameters": len({model.parameters for model in models}) > 1,
            "accuracy_over_operations": len({model.operations for model in models}) > 1,
        }
        return [name for name in CHARTS if enough.get(name, True)]

    def as_json(self) -> dict[str, Any]:
        if self.found is None:
            return {"searches": self.known, "search": None}
        return {
            "searches": self.known,
            "search": {
                **self.found.as_json(),
                "sentences": [*([self.going] if self.going else []), *(statement.sentence for statement in self.statements)],
            },
            "table": trial_table(self.found).records(),
        }


def _share(value: float | None) -> str:
    return "" if value is None else words.percent(value, 2)


def _training(trial: Trial) -> str:
    """How it is trained, as far as it is not the usual."""
    plan = trial.run.plan
    fields = ("optimizer", "learning_rate", "schedule", "batch_size", "l1", "l2")
    return words.brief({name: getattr(plan, name) for name in fields if getattr(plan, name)})


def _found(site: PageSite, asked: SearchQuery) -> Search | None:
    known = stored_searches(site.home)
    name = asked.search or next(iter(known), "")
    if not name:
        return None
    runs = [run for run in site.live.listing() if run.record and finalist_number(name, run.record.group) is not None]
    finished = [run.name for run in runs if run.status == "finished"]
    stamps = tuple(site.live.stamp(run) for run in finished)
    size = journal(site.home, name).stat().st_size if name in known else 0

    def read() -> Search:
        groups: dict[str, list[Result]] = {}
        for run in finished:
            result = site.live.result(run)
            if result:
                groups.setdefault(result.group, []).append(result)
        return read_search(site.home, name, groups, _estimate(site))

    return site.once(("search", name, size, stamps), read)


def _estimate(site: PageSite) -> ImportanceEstimate:
    """Computes importances by another process, since it takes scikit-learn and pandas, 130 MiB; waits for it."""

    def importances(
        points: Sequence[Mapping[str, Any]], values: Sequence[float], dimensions: Mapping[str, Any], *, seed: int = 0
    ) -> list[Importance]:
        if len(points) < LEAST_TRIALS:
            return []
        from optuna.distributions import distribution_to_json

        plain = {name: distribution_to_json(dimension) for name, dimension in dimensions.items()}
        work = BackgroundWork.of("importances", points=list(points), values=list(values), dimensions=plain, seed=seed)
        return [Importance(**each) for each in site.once(work, work.result)]

    return importances


def state(site: PageSite, asked: SearchQuery) -> SearchState:
    return SearchState(asked, stored_searches(site.home), _found(site, asked))


def _chart(name: str) -> Any:
    def draw(site: PageSite, asked: SearchQuery) -> AnyChart:
        search = _found(site, asked)
        if search is None:
            raise RunError("This home holds no search.")
        own = search.charts_of_importance if name == "importance" else search.charts_of_trials
        charts = site.once(("search charts", search, own.__name__), own)
        if name not in charts:
            raise StatisticsError("There is nothing to draw yet: the search has too few trials, or no finalists.")
        return charts[name]

    return draw


VIEW = View("search", "Search", SearchQuery, state, key="h", charts={name: _chart(name) for name in CHARTS})
