"""Learning curves of groups, each under a short name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from seedbed import figures, words
from seedbed.figures import NamedCurves
from seedbed.groups.group import Group

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart


def learning_curves(groups: Sequence[Group], title: str = "Learning curves", *, smoothing: float = 0.0) -> AnyChart:
    """Draw the learning curves of one group in panels of its own kind, or of several in one picture.

    Args:
        smoothing: weight of the exponential moving average that is drawn over the measured curves, in [0, 1). 0 means none.

    Raises:
        StatisticsError: there is no group, or every run of every group diverged or collapsed.
    """
    if len(groups) == 1:
        return figures.learning_curves(groups[0].results, smoothing=smoothing)
    return figures.compared_curves(named_curves(groups), title, smoothing=smoothing)


def named_curves(groups: Sequence[Group]) -> list[NamedCurves]:
    """The runs of each group under its short name."""
    return [NamedCurves(name, group.results) for name, group in zip(short_names(groups), groups, strict=True)]


def short_names(groups: Sequence[Group], between: str = ", ") -> list[str]:
    """Name groups for figures: by the values of what varies where these differ, else by their names.

    >>> short_names([Group(f"a-{name}", [], {"activation": name, "l2": 0.0}) for name in ("relu", "tanh")])
    ['relu', 'tanh']
    """
    settings = [group.setting for group in groups]
    varying = [name for name in settings[0] if len({str(setting.get(name)) for setting in settings}) > 1] if settings else []
    names = [words.brief({name: setting[name] for name in varying if name in setting}, between) for setting in settings]
    return names if all(names) and len(set(names)) == len(names) else [group.name for group in groups]
