"""The result of a sweep: its settings with their means, sentences and charts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import figures, words
from seedbed.figures.scales import is_quantity, number
from seedbed.groups import Contrast, Group, caveats, differences
from seedbed.groups.caveats import uneven_classes
from seedbed.groups.curves import learning_curves
from seedbed.groups.differences import common_measure
from seedbed.groups.fields import Value, field
from seedbed.groups.speed import speed_json
from seedbed.groups.statements import Statement, remarks
from seedbed.groups.tables import means_table, run_table, setting_table
from seedbed.records import Result, finite_fields
from seedbed.specs import RunSpec
from seedbed.sweeps.files import to_yaml
from seedbed.sweeps.grid import Grid
from seedbed.tables import Table, Tabular

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_SENTENCES = 12
"""Conditions with a sentence of their own."""

OPTIMISTIC = (
    "The highest mean was selected on the images that measure it, so it is optimistic; expect less on new images. "
    "`seedbed compare` shows which differences are clear, and fresh seeds confirm them."
)


@dataclass(frozen=True)
class Sweep(Tabular):
    """A trained sweep: every setting, in the order of the grid.

    Attributes:
        base: settings that all runs share; its seed is not used.
        folds: number of folds that the seeds validate on in turn; 1 means the one validation part.
    """

    name: str
    base: RunSpec
    grid: Grid
    seeds: tuple[int, ...]
    groups: list[Group]
    folds: int = 1

    def __repr__(self) -> str:
        """What a notebook shows: the answer, not every epoch of every run."""
        return "\n".join([self.heading(), *self.sentences()])

    def heading(self) -> str:
        return f"Sweep {self.name!r}: {words.counted(len(self.groups), 'setting')}"

    def table(self) -> Table[Group]:
        """Make the table of the settings with their means, for readers."""
        return means_table(self.grid.columns, self.groups)

    def values(self) -> Table[Group]:
        """Make the table of the settings with all their values; means are shares in [0, 1]."""
        return setting_table(self.grid.columns, self.groups)

    @property
    def results(self) -> list[Result]:
        """All runs, setting by setting and seed by seed."""
        return [result for group in self.groups for result in group.results]

    @property
    def conditions(self) -> list[str]:
        """The varying fields of the data other than its normalization; these are no choices, so none of them is best."""
        return [name for name in self.grid.varying if field(name).part == "data" and name != "normalize"]

    def by_mean(self) -> list[Group]:
        """Sort the settings by their means, the highest first, those without one last."""
        return sorted(self.groups, key=lambda group: -group.mean)

    def best(self) -> dict[tuple[Value, ...], list[Group]]:
        """Find the settings with the highest mean for each combination of the conditions: one, or several exact equals."""
        usable: dict[tuple[Value, ...], list[Group]] = {}
        for group in self.groups:
            if group.score:
                usable.setdefault(self.condition(group), []).append(group)
        highest = {condition: max(group.mean for group in groups) for condition, groups in usable.items()}
        return {
            condition: [group for group in groups if group.mean == highest[condition]] for condition, groups in usable.items()
        }

    def condition(self, group: Group) -> tuple[Value, ...]:
        """Return the values of the conditions of a setting."""
        return tuple(group.setting[name] for name in self.conditions)

    def edges(self) -> list[str]:
        """Make a sentence for each best value at the end of the values tried, since a better one may lie beyond."""
        sentences = []
        for condition, best in self.best().items():
            for name in self.grid.varying:
                end = self._end(name, best)
                if end:
                    value = f"{name.replace('_', ' ')}, {words.value(best[0].setting[name], name)}"
                    edge = words.capital(f"{self._where(condition)}the best {value}, is the {end} that was tried")
                    sentences.append(f"{edge}; a better one may lie beyond. Add a value: only the new networks are trained.")
        return sentences

    def _end(self, name: str, best: Sequence[Group]) -> str:
        values = self.grid.values[name]
        if name in self.conditions or not is_quantity(name, values):
            return ""
        known = [quantity for quantity in map(number, values) if quantity is not None]
        there = {number(group.setting[name]) for group in best}
        if there == {max(known)}:
            return "largest"
        return "smallest" if there == {min(known)} and min(known) != field(name).least else ""

    def sentences(self) -> list[str]:
        """Say which settings are best, and what limits that."""
        return [statement.sentence for statement in self.statements()]

    def statements(self) -> list[Statement]:
        """The best settings, each with how sure that is, and remarks on what limits that."""
        has_choice = len(self.conditions) < len(self.grid.varying)
        best = list(self.best().items()) if has_choice else []
        found = [self._best_statement(*item) for item in best[:MOST_SENTENCES]]
        if best[MOST_SENTENCES:]:
            more = len(best) - MOST_SENTENCES
            found.append(Statement(f"... and so on for {more} more; the table has them all."))
        notes = [*([OPTIMISTIC] if found else []), *self.grid.pair_sentences(), *self.edges()[:MOST_SENTENCES]]
        notes += [*caveats(self.groups), *uneven_classes(self.groups)]
        if len(self.seeds) == 1:
            notes.append("One seed per setting: the intervals are about these very networks, not about other seeds.")
        return [*found, *remarks(notes)]

    def _best_statement(self, condition: tuple[Value, ...], best: Sequence[Group]) -> Statement:
        """The best setting against the next. Results chose these two, so that the correction counts all pairs."""
        first = best[0]
        rivals = [group for group in self.by_mean() if group.score and self.condition(group) == condition]
        whole, brief = self._best_sentence(condition, best), self._best_sentence(condition, best, brief=True)
        if len(rivals) < 2:
            return Statement(brief, None, whole)
        others = math.comb(len(rivals), 2) - 1
        [lead] = differences([Contrast(first, next(each for each in rivals if each is not first))], others=others)
        if lead.decision and lead.decision.interval.mean > 0 and len(best) == 1:
            behind = lead.decision.interval
            said = f" The next, {words.setting(self._choice(lead.contrast.b))}, is {100 * behind.mean:.2f} points behind"
            low, high = (f"{100 * end:.2f}" for end in behind.pair())
            brief, whole = f"{brief}{said}.", f"{whole}{said} (95 % interval: {low} to {high})."
        return Statement(brief, lead.certainty("Best against next"), whole)

    def _best_sentence(self, condition: tuple[Value, ...], best: Sequence[Group], *, brief: bool = False) -> str:
        first, accuracy = best[0], best[0].score
        if accuracy is None:
            return ""
        reach = "" if brief else f" ({words.ends(*accuracy.pair())}, {words.counted(first.n, 'seed')})"
        equal = f" (and {words.counted(len(best) - 1, 'setting')} with exactly the same mean)" if len(best) > 1 else ""
        among = sum(self.condition(group) == condition for group in self.groups)
        return words.capital(
            f"{self._where(condition)}the highest mean {first.measure.name} of {among} settings is "
            f"{words.percent(accuracy.mean, 2)}{reach}, with {words.setting(self._choice(first))}{equal}."
        )

    def _choice(self, group: Group) -> dict[str, Value]:
        """The values of the fields that are not conditions."""
        return {name: value for name, value in group.setting.items() if name not in self.conditions}

    def _where(self, condition: tuple[Value, ...]) -> str:
        if not self.conditions:
            return ""
        return f"with {words.setting(dict(zip(self.conditions, condition, strict=True)))}, "

    def as_json(self) -> dict[str, Any]:
        """Return the settings with the fields that vary, and the sentences (NaN is null)."""
        return finite_fields(
            {
                "name": self.name,
                "measure": f"{common_measure(self.groups).name} at the best epoch",
                "confidence": 0.95,
                "seeds": self.seeds,
                "folds": self.folds,
                "varying": self.grid.varying,
                "settings": [
                    {**group.as_json(), "speed": speed}
                    for group, speed in zip(self.groups, speed_json(self.groups), strict=True)
                ],
                "sentences": self.sentences(),
            }
        )

    def save(self, folder: str | os.PathLike[str], groups: Sequence[Group] | None = None) -> dict[str, list[Path]]:
        """Write the sweep into a folder; figures of an earlier save that this one does not draw are removed.

        Args:
            groups: settings in the order of the table. None means the order of the grid.

        Returns:
            Kind -> files: `tables` (results.csv, one row per setting; runs.csv, one row per run), `json` (results.json), `yaml`
            (sweep.yaml, which repeats the sweep), and each figure by its name.

        Raises:
            StorageError: a file could not be written, or another process has been writing them for a minute.
        """
        folder, varying = Path(folder), self.grid.columns
        tables = {
            "results.csv": setting_table(varying, groups or self.groups).csv(),
            "runs.csv": run_table(varying, self.groups).csv(),
        }
        texts = {**tables, "sweep.yaml": to_yaml(self.base, self.grid, self.seeds, self.folds)}
        files = figures.save_results(folder, self.charts(), texts, self.as_json())
        return {**files, "tables": [folder / name for name in tables], "yaml": [folder / "sweep.yaml"]}

    def charts(self) -> dict[str, AnyChart]:
        """Draw all settings, their learning curves, and accuracy over each field that is a number: name -> figure.

        Where the numbers of parameters differ, accuracy is drawn over these too.

        Empty where every run diverged or collapsed.
        """
        if not any(group.accuracy for group in self.groups):
            return {}
        drawn = {"settings": figures.setting_means(self.groups)}
        if len(self.groups) > 1:
            drawn["learning_curves"] = learning_curves(self.groups)
        for name in self.grid.varying:
            if is_quantity(name, self.grid.values[name]):
                drawn[f"accuracy_over_{name.replace('.', '_')}"] = figures.accuracy_over_field(self.groups, name)
        if len({group.parameters for group in self.groups if group.accuracy}) > 1:
            drawn["accuracy_over_parameters"] = figures.accuracy_over_parameters(self.groups, self.conditions)
        return drawn
