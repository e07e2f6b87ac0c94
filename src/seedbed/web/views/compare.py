"""Compare: which of the selected settings is better, and whether that may be chance; the sentences of `seedbed compare`.

Of a sweep selected by its name: its settings against one of them, what each field does, and whether the effects interact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from seedbed import words
from seedbed.errors import RunError, StatisticsError
from seedbed.groups import Comparison, Difference, Group, compare_results, optimism
from seedbed.groups.comparison import NOTES
from seedbed.groups.curves import learning_curves
from seedbed.groups.statements import Statement, remarks
from seedbed.records import Result
from seedbed.studies.mistakes import Overlap, overlaps
from seedbed.sweeps.comparison import SweepComparison, compare_sweep
from seedbed.sweeps.effects import Marginal
from seedbed.sweeps.stored import sweep_among, sweep_of
from seedbed.tables import Column, Table
from seedbed.web.selection import Selection, latest_pair, select, sweep_names
from seedbed.web.site import PageSite, View, ViewQuery

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_GROUPS = 40
"""Groups that are compared pair by pair; 40 make 780 pairs."""


class CompareQuery(ViewQuery):
    """What is compared.

    Attributes:
        margin: accuracies that are shown to differ by less are called equivalent (percentage points).
        against: the setting that a sweep's others are compared with. Empty means the best one.
    """

    margin: Annotated[float, Field(gt=0, le=100)] = 1.0
    against: Annotated[str, Field(max_length=500)] = ""


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
        sweep_of: group -> name of its sweep, for all groups of the home that belong to one.
    """

    asked: CompareQuery
    selection: Selection
    comparison: Comparison | SweepComparison | None
    sweep_of: Mapping[str, str]

    @property
    def sweep(self) -> SweepComparison | None:
        """The comparison, where it is that of a sweep."""
        return self.comparison if isinstance(self.comparison, SweepComparison) else None

    @property
    def sweeps(self) -> list[str]:
        """Names of the home's sweeps."""
        return sorted(set(self.sweep_of.values()))

    @property
    def common_sweep(self) -> str:
        """The sweep of which all compared groups are settings; empty where there is none, or it is compared itself."""
        found = {self.sweep_of.get(group.name, "") for group in self.selection.groups}
        return found.pop() if len(found) == 1 and not self.sweep else ""

    @property
    def names(self) -> list[str]:
        """Names of what is compared: the selected ones, else those of the groups that were finished last."""
        return list(self.asked.name) or [group.name for group in self.selection.groups]

    @property
    def whole_settings(self) -> str:
        """The query that compares groups with all their seeds, where now single seeds of one group are compared; else empty."""
        groups = [group.results[0].group for group in self.selection.groups]
        return urlencode({"name": list(dict.fromkeys(groups))}, doseq=True) if len(set(groups)) < len(groups) else ""

    @property
    def command(self) -> str:
        """The command that says the same, without its home."""
        against = [f"--against {self.asked.against}"] if self.sweep and self.asked.against else []
        margin = [f"--margin {self.asked.margin:g}"] if self.asked.margin != 1 else []
        return " ".join(["seedbed compare", *self.names, *against, *margin])

    @cached_property
    def statements(self) -> dict[str, list[Statement]]:
        """Heading -> what was found, each with its mark; the last are the remarks. Empty where nothing was compared."""
        if self.comparison is None:
            return {}
        found = self.comparison.statements()
        runs = [run for group in self.comparison.groups for run in group.results]
        return {heading: each for heading, each in {**found, NOTES: [*found[NOTES], *remarks(optimism(runs))]}.items() if each}

    @property
    def groups(self) -> Table[Group]:
        """Accuracy of each group with its interval; of a sweep's, under the fields that vary."""
        if self.sweep:
            return self.sweep.sweep.table()
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
    def effects(self) -> Table[Marginal]:
        """Accuracy of each value of a sweep's fields, averaged over the other fields."""
        columns: list[Column[Marginal]] = [
            Column("field", lambda row: row.field.replace("_", " "), align="left"),
            Column("value", lambda row: words.value(row.value, row.field), align="left"),
            Column("seeds", lambda row: row.group.n),
            Column("mean over the other fields", lambda row: row.group.accuracy and row.group.accuracy.mean, _share),
            Column("95 % interval", lambda row: row.group.accuracy, lambda known: words.ends(*known.pair()) if known else ""),
        ]
        return Table(columns, self.sweep.effects if self.sweep else [])

    @property
    def charts(self) -> list[str]:
        """Names of the charts that this comparison has."""
        has = {"differences": self.comparison and self.comparison.pairs, "effects": self.sweep and self.sweep.effects}
        return [name for name in VIEW.charts if has.get(name, True)]

    @property
    def settings(self) -> Table[str]:
        """Only the settings that differ, a column per group; empty for a sweep, which shows its fields with the accuracies."""
        comparison = self.comparison
        if comparison is None or isinstance(comparison, SweepComparison):
            return Table([], [])

        def value(name: str) -> Column[str]:
            return Column(name, lambda setting: comparison.differs[setting].get(name), _setting, align="left")

        first: Column[str] = Column("setting that differs", _field, align="left")
        return Table([first, *(value(group.name) for group in comparison.groups)], list(comparison.differs))

    @property
    def mistakes(self) -> Table[PairedMistakes]:
        """Networks on the same images, seed by seed, with McNemar's exact test; not those of a whole sweep."""
        pairs = self.comparison.pairs if self.comparison and not self.sweep else []
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
    if isinstance(value, bool):
        return "yes" if value else "no"
    return words.value(tuple(value) if isinstance(value, list) else value)


def _field(setting: str) -> str:
    """A setting by the name that users type: `plan.learning_rate` is the learning rate."""
    return setting.removeprefix("model.").removeprefix("plan.").replace("_", " ")


def _overlaps(pair: Difference) -> list[Overlap]:
    return overlaps(pair.contrast.a, pair.contrast.b)


def compared(site: PageSite, asked: CompareQuery, selection: Selection) -> Comparison | SweepComparison | None:
    """The comparison of a selection's finished runs; None where there are not two groups."""
    results = selection.finished_results
    if len(results) < 2:
        return None
    key = ("compare", selection.key, tuple(asked.name), asked.margin, asked.against)
    if len(asked.name) == 1:
        return site.once(key, lambda: _compared_sweep(site, asked, results))
    if len(results) > MOST_GROUPS:
        raise RunError(f"{len(results)} settings are selected; pair by pair at most {MOST_GROUPS} are compared. Select fewer.")
    return site.once(key, lambda: compare_results(site.home, results, margin=asked.margin / 100))


def _compared_sweep(site: PageSite, asked: CompareQuery, results: Mapping[str, list[Result]]) -> Comparison | SweepComparison:
    stored = sweep_among(site.live.listing(), asked.name[0])
    if stored is None:  # a group that holds several settings
        return compare_results(site.home, results, margin=asked.margin / 100)
    return compare_sweep(sweep_of(site.home, stored, results), asked.against, margin=asked.margin / 100)


def state(site: PageSite, asked: CompareQuery) -> CompareState:
    names = asked.name or latest_pair(site)
    selection = select(site, names)
    comparison = compared(site, asked, selection) if len(names) > 1 or asked.name else None
    return CompareState(asked, selection, comparison, sweep_names(site))


def reads(site: PageSite, asked: CompareQuery) -> list[str]:
    return select(site, asked.name or latest_pair(site)).names


def _comparison(site: PageSite, asked: CompareQuery) -> Comparison | SweepComparison:
    found = state(site, asked).comparison
    if found is None:
        raise RunError("A comparison needs two settings with a finished run.")
    return found


def _differences(site: PageSite, asked: CompareQuery) -> AnyChart:
    return _comparison(site, asked).figure()


def _effects(site: PageSite, asked: CompareQuery) -> AnyChart:
    found = _comparison(site, asked)
    charts = found.charts() if isinstance(found, SweepComparison) else {}
    if "effects" not in charts:
        raise StatisticsError("Main effects belong to a sweep of two or more fields, selected by its name.")
    return charts["effects"]


def _curves(site: PageSite, asked: CompareQuery) -> AnyChart:
    return learning_curves(_comparison(site, asked).groups)


VIEW = View(
    "compare",
    "Compare",
    CompareQuery,
    state,
    reads,
    key="p",
    charts={"differences": _differences, "effects": _effects, "learning_curves": _curves},
)
