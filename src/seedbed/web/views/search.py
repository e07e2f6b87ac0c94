"""Search: the trials of a search, while it goes on or when it is done; what it found, and which settings mattered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seedbed.errors import RunError, StatisticsError
from seedbed.records import Result
from seedbed.searches import Search
from seedbed.searches.files import best_table, trial_table
from seedbed.searches.finalists import Finalist
from seedbed.searches.stored import read_search, stored_searches
from seedbed.searches.trial import Trial
from seedbed.tables import Table
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
    def sentences(self) -> list[str]:
        if self.found is None:
            return []
        done, wanted = len(self.found.trials), self.found.terms.trials
        going = [f"{done} of {wanted} trials are done."] if done < wanted else []
        return [*going, *(self.found.sentences() if self.found.best else [])]

    @property
    def trials(self) -> Table[Trial]:
        assert self.found
        table = trial_table(self.found)
        return Table(table.columns, table.rows[:MOST_ROWS])

    @property
    def finalists(self) -> Table[Finalist] | None:
        return best_table(self.found) if self.found and self.found.best else None

    @property
    def charts(self) -> list[str]:
        """Charts that have something to show."""
        if self.found is None or not self.found.trials:
            return []
        least = {"importance": len(self.found.trials) >= 20, "settings": len(self.found.trials) > 1}
        return [name for name in CHARTS if least.get(name, not name.startswith("accuracy_over") or len(self.found.best) > 1)]

    def as_json(self) -> dict[str, Any]:
        if self.found is None:
            return {"searches": self.known, "search": None}
        return {
            "searches": self.known,
            "search": {**self.found.as_json(), "sentences": self.sentences},
            "table": trial_table(self.found).records(),
        }


def _found(site: PageSite, asked: SearchQuery) -> Search | None:
    known = stored_searches(site.home)
    name = asked.search or next(iter(known), "")
    if not name:
        return None
    runs = [run for run in site.live.listing() if run.record and run.record.group.startswith(f"{name}-best-")]
    finished = [run.name for run in runs if run.status == "finished"]
    stamps = tuple(site.live.stamp(run) for run in finished)
    journal = site.home.root / ".searches" / f"{name}.journal"
    size = journal.stat().st_size if name in known else 0

    def read() -> Search:
        groups: dict[str, list[Result]] = {}
        for run in finished:
            result = site.live.result(run)
            if result:
                groups.setdefault(result.group, []).append(result)
        return read_search(site.home, name, groups)

    return site.once(("search", name, size, stamps), read)


def state(site: PageSite, asked: SearchQuery) -> SearchState:
    return SearchState(asked, stored_searches(site.home), _found(site, asked))


def _chart(name: str) -> Any:
    def draw(site: PageSite, asked: SearchQuery) -> AnyChart:
        search = _found(site, asked)
        if search is None:
            raise RunError("This home holds no search.")
        charts = site.once(("search charts", id(search), len(search.trials)), search.charts)
        if name not in charts:
            raise StatisticsError("There is nothing to draw yet: the search has too few trials, or no finalists.")
        return charts[name]

    return draw


VIEW = View("search", "Search", SearchQuery, state, charts={name: _chart(name) for name in CHARTS})
