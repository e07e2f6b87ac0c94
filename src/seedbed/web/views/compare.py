"""Compare: which of the selected settings is better, and whether that may be chance; the sentences of `seedbed compare`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from seedbed import words
from seedbed.errors import RunError
from seedbed.groups import Comparison, Difference, Group, compare_results, optimism
from seedbed.studies.mistakes import Overlap, overlaps
from seedbed.tables import Column, Table
from seedbed.web.selection import Selection, latest_pair, select
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_GROUPS = 40
"""Groups that are compared pair by pair; 40 make 780 pairs."""


class CompareQuery(ViewQuery):
    """What is compared.

    Attributes:
        margin: accuracies that are shown to differ by less are called equivalent (percentage points).
    """

    margin: Annotated[float, Field(gt=0, le=100)] = 1.0


@dataclass(frozen=True)
class PairedMistakes:
    """Two networks of one seed on the same images."""

    names: tuple[str, str]
    overlap: Overlap


@dataclass(frozen=True, eq=False)
class CompareState:
    """What the view shows; without a selection the two groups on the same data that were finished last.

    Attributes:
        comparison: None where fewer than two groups have a finished run.
    """

    asked: CompareQuery
    selection: Selection
    comparison: Comparison | None

    @property
    def names(self) -> list[str]:
        """Names of what is compared: the selected ones, else those of the groups that were finished last."""
        return list(self.asked.name) or [group.name for group in self.selection.groups]

    @property
    def headlines(self) -> list[str]:
        """A sentence per pair, in the order of the selection."""
        return [pair.sentence for pair in self.comparison.pairs] if self.comparison else []

    @property
    def details(self) -> list[str]:
        """Sentences on speed, caveats, and optimism."""
        if self.comparison is None:
            return []
        further = [sentence for sentence in self.comparison.sentences() if sentence not in self.headlines]
        return [*further, *optimism([run for group in self.comparison.groups for run in group.results])]

    @property
    def groups(self) -> Table[Group]:
        """Accuracy of each group with its interval."""
        known = self.comparison.groups if self.comparison else []
        columns: list[Column[Group]] = [
            Column("name", lambda group: group.name, align="left"),
            Column("seeds", lambda group: group.n),
            Column("parameters", lambda group: group.parameters, ","),
            Column("validation accuracy", lambda group: group.accuracy and group.accuracy.mean, _share),
            Column("95 % interval", lambda group: group.accuracy, lambda known: words.ends(*known.pair()) if known else ""),
            Column("at the last epoch", lambda group: group.last and group.last.mean, _share),
        ]
        return Table(columns, known)

    @property
    def settings(self) -> Table[str]:
        """Only the settings that differ, a column per group."""
        comparison = self.comparison
        if comparison is None:
            return Table([], [])

        def value(name: str) -> Column[str]:
            return Column(name, lambda setting: comparison.differs[setting].get(name), _setting, align="left")

        first: Column[str] = Column("setting that differs", lambda setting: setting, align="left")
        return Table([first, *(value(group.name) for group in comparison.groups)], list(comparison.differs))

    @property
    def mistakes(self) -> Table[PairedMistakes]:
        """Networks on the same images, seed by seed, with McNemar's exact test."""
        pairs = self.comparison.pairs if self.comparison else []
        rows = [PairedMistakes(pair.contrast.names, each) for pair in pairs for each in _overlaps(pair)]
        columns: list[Column[PairedMistakes]] = [
            Column("first", lambda row: row.names[0], align="left"),
            Column("second", lambda row: row.names[1], align="left"),
            Column("seed", lambda row: row.overlap.seed),
            Column("both right", lambda row: row.overlap.both_right, ","),
            Column("only the first", lambda row: row.overlap.only_a, ","),
            Column("only the second", lambda row: row.overlap.only_b, ","),
            Column("neither", lambda row: row.overlap.both_wrong, ","),
            Column("p (McNemar)", lambda row: row.overlap.p, ".2g"),
        ]
        return Table(columns, rows, "Validation images at the best epoch. p is of one pair of networks, not corrected.")

    def as_json(self) -> dict[str, Any]:
        plain = self.comparison.as_json() if self.comparison else {"candidates": [], "pairs": [], "sentences": []}
        return {**plain, "mistakes": self.mistakes.records(), "running": self.selection.running}


def _share(value: float | None) -> str:
    return "" if value is None else words.percent(value, 2)


def _setting(value: object) -> str:
    return words.value(tuple(value) if isinstance(value, list) else value)


def _overlaps(pair: Difference) -> list[Overlap]:
    return overlaps(pair.contrast.a, pair.contrast.b)


def compared(site: PageSite, asked: CompareQuery, selection: Selection) -> Comparison | None:
    """The comparison of a selection's finished runs; None where there are not two groups."""
    results = selection.finished_results
    if len(results) < 2:
        return None
    if len(results) > MOST_GROUPS:
        raise RunError(f"{len(results)} settings are selected; pair by pair at most {MOST_GROUPS} are compared. Select fewer.")
    key = ("compare", selection.key, asked.margin)
    return site.once(key, lambda: compare_results(site.home, results, margin=asked.margin / 100))


def state(site: PageSite, asked: CompareQuery) -> CompareState:
    names = asked.name or latest_pair(site)
    selection = select(site, names)
    return CompareState(asked, selection, compared(site, asked, selection) if len(names) > 1 or asked.name else None)


def _comparison(site: PageSite, asked: CompareQuery) -> Comparison:
    found = state(site, asked).comparison
    if found is None:
        raise RunError("A comparison needs two settings with a finished run.")
    return found


def _differences(site: PageSite, asked: CompareQuery) -> AnyChart:
    return _comparison(site, asked).figure()


def _curves(site: PageSite, asked: CompareQuery) -> AnyChart:
    return _comparison(site, asked).curves()


VIEW = View("compare", "Compare", CompareQuery, state, charts={"differences": _differences, "learning_curves": _curves})
