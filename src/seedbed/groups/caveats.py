"""What must be known of the runs behind means: those that are excluded, and those that were still improving."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed.figures import words
from seedbed.groups.group import Group

MOST_PLACES = 6


def caveats(groups: Sequence[Group], *, name: bool = False) -> list[str]:
    """A sentence on each kind of run that diverged, collapsed, or was still improving, with the settings where that happened.

    Args:
        groups: whose runs stand behind the means.
        name: call the groups by their names, not by their settings.
    """
    said = []
    for kind, happened in (
        ("diverged", "diverged"),
        ("collapsed", "collapsed"),
        ("undertrained", "still improving at the last epoch"),
    ):
        counts = [(group, group.verdicts[kind]) for group in groups if kind in group.verdicts]
        if counts:
            count, total = sum(number for _, number in counts), sum(len(group.results) for group in groups)
            many = f"{count} of {words.counted(total, 'run')}"
            was = "was" if count == 1 else "were"
            what = f"{was} {happened}" if kind == "undertrained" else f"{happened} and {'is' if count == 1 else 'are'} excluded"
            said.append(f"{many} {what}{_places(counts, groups, name)}.")
    return said


def _places(counts: Sequence[tuple[Group, int]], groups: Sequence[Group], name: bool) -> str:
    if len(groups) == 1 and not name:
        return ""
    places = [
        f"{count} of {len(group.results)} {'of' if name else 'with'} {group.name if name else group.label or group.name}"
        for group, count in counts
    ]
    more = f"; and {len(places) - MOST_PLACES} more settings" if len(places) > MOST_PLACES else ""
    return ": " + "; ".join(places[:MOST_PLACES]) + more


def excluded(groups: Sequence[Group]) -> str:
    """How many runs of these settings are excluded, in a few words for figures; empty where all of them count.

    >>> excluded([group_of_which_two_runs_diverged])
    '2 of 5 runs excluded'
    """
    out = sum(group.left_out for group in groups)
    return f"{out} of {words.counted(sum(group.total for group in groups), 'run')} excluded" if out else ""
