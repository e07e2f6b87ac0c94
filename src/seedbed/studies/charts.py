"""Curves that several studies draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seedbed.figures import Curve, mean_curve
from seedbed.groups import Group


def training_curves(groups: Sequence[Group], metric: str, panel: Callable[[Group], str]) -> list[Curve]:
    """Mean curves of a metric ("loss" or "accuracy") on training and on validation images, with a panel per group."""
    return [
        mean_curve(group.results, f"{part}_{metric}", panel=panel(group), line=line)
        for group in groups
        for line, part in (("training", "train"), ("validation", "validation"))
    ]
