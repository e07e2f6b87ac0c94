"""LaTeX: a table with one row per setting, its mean accuracy and interval, in the rules of the package booktabs."""

from __future__ import annotations

import math

from seedbed import words
from seedbed.exports.protocol import Draft, MetricsFormat
from seedbed.exports.selection import RunSelection
from seedbed.groups import Group
from seedbed.groups.fields import Value
from seedbed.statistics import Interval
from seedbed.tables import Column, Table


def _draft(runs: RunSelection, stem: str) -> Draft:
    line = "It needs \\usepackage{booktabs}. `seedbed compare --latex` writes the table of the differences."
    return Draft({f"{stem}.tex": mean_table(runs).latex().encode()}, (line,))


def mean_table(runs: RunSelection) -> Table[Group]:
    """Make a table with one row per setting: its values, or its name where none varies; seeds, parameters, mean, interval.

    Raises:
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """

    def setting(name: str) -> Column[Group]:
        heading = name.removeprefix("arg.").replace("_", " ")
        return Column(heading, lambda group: group.setting[name], lambda value: _text(value, name), align="left")

    groups = [Group.read(runs.home, group.name, group.results, group.setting) for group in runs.groups]
    named: list[Column[Group]] = [Column("network", lambda group: group.name, align="left")]
    columns: list[Column[Group]] = [
        *(list(map(setting, runs.varying)) or named),
        Column("parameters", lambda group: group.parameters, ","),
        Column("seeds", lambda group: group.n),
        Column("accuracy", lambda group: group.accuracy, _mean, unit="%"),
        Column("95 % interval", lambda group: group.accuracy, _ends, unit="%"),
    ]
    data = groups[0].run.data.name
    excluded = sum(group.left_out for group in groups)
    left_out = f" {words.counted(excluded, 'seed')} excluded: diverged or collapsed." if excluded else ""
    caption = f"Validation accuracy on {data} at the best epoch, mean over seeds; intervals over seeds and images.{left_out}"
    return Table(columns, groups, caption)


def _text(value: Value, name: str) -> str:
    return words.value(value, name)


def _mean(interval: Interval | None) -> str:
    return "" if interval is None else f"{100 * interval.mean:.2f}"


def _ends(interval: Interval | None) -> str:
    if interval is None or math.isnan(interval.low):
        return "not known"
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}"


FORMAT = MetricsFormat("latex", "a table with one row per setting, mean and interval (booktabs)", (".tex",), _draft)
