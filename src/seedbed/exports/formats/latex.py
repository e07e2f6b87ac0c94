"""LaTeX: a table with one row per setting, its mean accuracy and interval, in the rules of the package booktabs."""

from __future__ import annotations

from seedbed.exports.protocol import Draft, MetricsFormat
from seedbed.exports.selection import RunSelection
from seedbed.groups import Group
from seedbed.groups.tables import means_table
from seedbed.tables import Table


def _draft(runs: RunSelection, stem: str) -> Draft:
    line = "It needs \\usepackage{booktabs}. `seedbed compare --latex` writes the table of the differences."
    return Draft({f"{stem}.tex": mean_table(runs).latex().encode()}, (line,))


def mean_table(runs: RunSelection) -> Table[Group]:
    """Make the table of the settings, with their predictions from the home.

    Raises:
        RunError, CorruptFile: the predictions of a run are missing or damaged.
    """

    groups = [Group.read(runs.home, group.name, group.results, group.setting) for group in runs.groups]
    return means_table(runs.varying, groups)


FORMAT = MetricsFormat("latex", "a table with one row per setting, mean and interval (booktabs)", (".tex",), _draft)
