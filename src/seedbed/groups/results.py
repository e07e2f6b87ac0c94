"""The results of one call: a list of runs that also is a table."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed import words
from seedbed.groups.fields import ARGUMENT, field, setting_of, varying_fields
from seedbed.groups.group import Group
from seedbed.groups.tables import GroupRun, run_table
from seedbed.records import Result
from seedbed.tables import Column, Table, Tabular

MOST_LINES = 20


class Results(list[Result], Tabular):
    """Runs in a list, with a table of them: `frame()` for pandas, `to_latex()`, and what a notebook shows."""

    @property
    def groups(self) -> list[Group]:
        """The runs by their settings, which have the fields in which they differ; predictions are not read."""
        together: dict[tuple[str, str], list[Result]] = {}
        for result in self:
            together.setdefault((result.group, result.run.unfolded.setting), []).append(result)
        varying = varying_fields(runs[0].run.unfolded for runs in together.values())
        return [Group(group, runs, setting_of(runs[0].run.unfolded, varying)) for (group, _), runs in together.items()]

    def table(self) -> Table[GroupRun]:
        """Make a table for readers, with one row per run."""
        groups = self.groups
        columns: list[Column[GroupRun]] = [
            Column("run", lambda row: row[1].name, align="left"),
            *_setting_columns(groups),
            Column("parameters", lambda row: row[1].model.parameters, ","),
            Column("best epoch", lambda row: row[1].best or None),
            _best("training accuracy", "train_accuracy"),
            _best("validation accuracy", "validation_accuracy"),
            Column("verdict", lambda row: row[1].verdict.label, align="left"),
        ]
        return Table(columns, [(group, result) for group in groups for result in group.results])

    def values(self) -> Table[GroupRun]:
        """Make a table with one row per run: settings that differ, seed, metrics of the best and the last epoch."""
        groups = self.groups
        return run_table([] if not groups else list(groups[0].setting), groups)

    def heading(self) -> str:
        return f"{words.counted(len(self), 'run')} of {words.counted(len(self.groups), 'setting')}"

    def __repr__(self) -> str:
        """What a console shows: a line for each run."""
        lines = [", ".join(filter(None, row)) for row in self.table().texts[:MOST_LINES]]
        more = [f"... and {len(self) - MOST_LINES:,} more"] if len(self) > MOST_LINES else []
        return "\n".join([self.heading(), *lines, *more])


def _setting_columns(groups: Sequence[Group]) -> list[Column[GroupRun]]:
    """Columns of the fields that vary; networks of several kinds or files have their titles."""
    varying = [] if not groups else list(groups[0].setting)
    if "family" not in varying and "file" not in varying and "function" not in varying:
        return list(map(_field_column, varying))
    others = [name for name in varying if name.startswith(ARGUMENT) or field(name).part != "model"]
    return [Column("network", lambda row: row[1].run.model.title, align="left"), *map(_field_column, others)]


def _field_column(name: str) -> Column[GroupRun]:
    return Column(name.replace("_", " "), lambda row: words.value(row[0].setting.get(name), name), align="left")


def _best(heading: str, metric: str) -> Column[GroupRun]:
    def value(row: GroupRun) -> float | None:
        result = row[1]
        return 100 * float(result.history[metric][result.best - 1]) if result.best else None

    return Column(heading, value, ".2f", unit="%")
