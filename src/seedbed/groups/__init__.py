"""Groups: settings with their runs, the unit of everything above training.

`group` is one setting with its runs and scores, `training` trains many side by side, `differences` is the one way to compare
two, `sentences` has their words, `speed` compares how soon they learn, `comparison` compares several of a home, `selection`
chooses among them, `caveats` reports excluded and unfinished runs, and `evaluation` evaluates their networks on all parts of
the data. `fields` and `naming` define settings and their names.
"""

from __future__ import annotations

from seedbed.groups.caveats import caveats, optimism, same_start
from seedbed.groups.comparison import Comparison, compare, compare_results
from seedbed.groups.differences import Contrast, Difference, differences
from seedbed.groups.group import Group, best, by
from seedbed.groups.measures import ACCURACY, LAST_ACCURACY, MEASURES, Measure, at_last
from seedbed.groups.selection import Frontier, fixed_sequence, size_frontier
from seedbed.groups.training import Request, train_groups

__all__ = [
    "ACCURACY",
    "LAST_ACCURACY",
    "MEASURES",
    "Comparison",
    "Contrast",
    "Difference",
    "Frontier",
    "Group",
    "Measure",
    "Request",
    "at_last",
    "best",
    "by",
    "caveats",
    "compare",
    "compare_results",
    "differences",
    "fixed_sequence",
    "optimism",
    "same_start",
    "size_frontier",
    "train_groups",
]
