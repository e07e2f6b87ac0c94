"""What came of a sweep: its settings with their means, and what may be said of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed import figures
from seedbed.figures import words
from seedbed.figures.scales import is_quantity, number
from seedbed.groups import Group, caveats
from seedbed.groups.fields import Value, field
from seedbed.records import Result, finite
from seedbed.specs import RunSpec
from seedbed.sweeps.files import run_table, setting_table, to_yaml
from seedbed.sweeps.grid import Grid

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST_SENTENCES = 12
"""Conditions that get a sentence of their own."""


@dataclass(frozen=True)
class Sweep:
    """A sweep that is trained: every setting, in the order of the grid.

    Attributes:
        base: the settings that all runs share; its seed counts for nothing.
    """

    name: str
    base: RunSpec
    grid: Grid
    seeds: tuple[int, ...]
    groups: list[Group]

    @property
    def results(self) -> list[Result]:
        """All runs, setting by setting and seed by seed."""
        return [result for group in self.groups for result in group.results]

    @property
    def conditions(self) -> list[str]:
        """The varying fields of the data: nobody chooses the best of them."""
        return [name for name in self.grid.varying if field(name).part == "data"]

    def by_mean(self) -> list[Group]:
        """The settings by their means, the highest first, those without one last."""
        return sorted(self.groups, key=lambda group: -group.mean)

    def best(self) -> dict[tuple[Value, ...], list[Group]]:
        """Values of the conditions -> the settings with the highest mean there: one, or several that are exactly equal."""
        found: dict[tuple[Value, ...], list[Group]] = {}
        for one in self.groups:
            there = found.setdefault(self.condition(one), [])
            if one.accuracy and (not there or one.mean >= there[0].mean):
                found[self.condition(one)] = [*(there if there and one.mean == there[0].mean else []), one]
        return {condition: best for condition, best in found.items() if best}

    def condition(self, one: Group) -> tuple[Value, ...]:
        return tuple(one.setting[name] for name in self.conditions)

    def edges(self) -> list[str]:
        """Sentences about best values that lie at the end of what was tried, so that the best may lie beyond."""
        said = []
        for condition, best in self.best().items():
            for name in self.grid.varying:
                end = self._end(name, best)
                if end:
                    field_name, value = name.replace("_", " "), words.value(best[0].setting[name], name)
                    edge = f"{self._where(condition)}the best {field_name}, {value}, is the {end} that was tried"
                    said.append(
                        f"{words.capital(edge)}; the best may lie beyond. With one more value only that one is trained."
                    )
        return said

    def _end(self, name: str, best: Sequence[Group]) -> str:
        values = self.grid.values[name]
        if name in self.conditions or not is_quantity(name, values):
            return ""
        known = [found for found in map(number, values) if found is not None]
        there = {number(one.setting[name]) for one in best}
        if there == {max(known)}:
            return "largest"
        return "smallest" if there == {min(known)} and min(known) != field(name).least else ""

    def sentences(self) -> list[str]:
        """What the figures show, and what they do not."""
        best = self.best()
        has_choice = len(self.conditions) < len(self.grid.varying)
        said = [self._best_sentence(condition, there) for condition, there in best.items()] if has_choice else []
        if len(said) > MOST_SENTENCES:
            said = [*said[:MOST_SENTENCES], f"... and so on for {len(said) - MOST_SENTENCES} more; the table has them all."]
        if said:
            said.append(
                "A highest mean, chosen on the very images that it is measured on, flatters its setting: "
                "`seedbed compare` says which differences are shown, and fresh seeds confirm them."
            )
        said += [*self.edges()[:MOST_SENTENCES], *caveats(self.groups)]
        if len(self.seeds) == 1:
            said.append("One seed per setting: the intervals speak of these very networks, not of other seeds.")
        return said

    def _best_sentence(self, condition: tuple[Value, ...], best: Sequence[Group]) -> str:
        first, accuracy = best[0], best[0].accuracy
        if accuracy is None:
            return ""
        chosen = {name: value for name, value in first.setting.items() if name not in self.conditions}
        equal = f" (and {words.counted(len(best) - 1, 'setting')} with exactly the same mean)" if len(best) > 1 else ""
        among = sum(self.condition(one) == condition for one in self.groups)
        return words.capital(
            f"{self._where(condition)}the highest mean validation accuracy of {among} settings is "
            f"{words.percent(accuracy.mean, 2)} ({words.ends(accuracy)}, {words.counted(first.n, 'seed')}), "
            f"with {words.setting(chosen)}{equal}."
        )

    def _where(self, condition: tuple[Value, ...]) -> str:
        if not self.conditions:
            return ""
        return f"with {words.setting(dict(zip(self.conditions, condition, strict=True)))}, "

    def as_json(self) -> dict[str, Any]:
        """The settings with the fields that vary, and what may be said of them (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "name": self.name,
                "measure": "validation accuracy at the best epoch",
                "confidence": 0.95,
                "seeds": self.seeds,
                "varying": self.grid.varying,
                "settings": [group.as_json() for group in self.groups],
                "sentences": self.sentences(),
            }
        )
        return plain

    def save(self, folder: str | os.PathLike[str], groups: Sequence[Group] | None = None) -> dict[str, list[Path]]:
        """Write all that the sweep found into a folder; figures of an earlier save that this one does not draw are removed.

        Args:
            groups: the settings in the order of the table. None means that of the grid.

        Returns:
            Kind -> files: `tables` (results.csv, one row per setting; runs.csv, one row per run), `json` (results.json), `yaml`
            (sweep.yaml, which repeats the sweep), and each figure by its name.

        Raises:
            StorageError: a file could not be written, or another process has been writing them for a minute.
        """
        folder, varying = Path(folder), self.grid.varying
        tables = {
            "results.csv": setting_table(varying, groups or self.groups).csv(),
            "runs.csv": run_table(varying, self.groups).csv(),
        }
        texts = {**tables, "sweep.yaml": to_yaml(self.base, self.grid, self.seeds)}
        files = figures.save_results(folder, self.charts(), texts, self.as_json())
        return {**files, "tables": [folder / name for name in tables], "yaml": [folder / "sweep.yaml"]}

    def charts(self) -> dict[str, AnyChart]:
        """Name -> figure: all settings, accuracy over each field that is a number, and over parameters where these differ.

        Empty where nothing can be drawn because every run diverged or collapsed.
        """
        if not any(one.accuracy for one in self.groups):
            return {}
        drawn = {"settings": figures.setting_means(self.groups)}
        for name in self.grid.varying:
            if is_quantity(name, self.grid.values[name]):
                drawn[f"accuracy_over_{name.replace('.', '_')}"] = figures.accuracy_over_field(self.groups, name)
        if len({one.parameters for one in self.groups if one.accuracy}) > 1:
            drawn["accuracy_over_parameters"] = figures.accuracy_over_parameters(self.groups, self.conditions)
        return drawn
