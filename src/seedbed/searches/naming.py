"""Names of a search's runs: `NAME-trial-7`, `NAME-best-7.1`, and of folds `NAME-trial-7-fold-0`, `NAME-best-7-fold-0.1`."""

from __future__ import annotations

import re

TRIAL, FINALIST = "-trial-", "-best-"
"""What follows the name of a search in the names of its groups."""


def trial_group(search: str, number: int) -> str:
    """Name the runs of a trial."""
    return f"{search}{TRIAL}{number}"


def finalist_group(search: str, number: int) -> str:
    """Name the runs with fresh seeds of a trial that is among the best."""
    return f"{search}{FINALIST}{number}"


def finalist_number(search: str, group: str) -> int | None:
    """The number of the trial whose finalist has this group, or a fold of it; None if it is no finalist of the search."""
    found = re.fullmatch(rf"{re.escape(search + FINALIST)}(\d+)(-fold-\d+)?", group, re.ASCII)
    return int(found[1]) if found else None


def own_runs(search: str) -> re.Pattern[str]:
    """The names of all runs of a search."""
    return re.compile(rf"{re.escape(search)}({TRIAL}|{FINALIST})\d+(-fold-\d+)?(\.\d+)?")
