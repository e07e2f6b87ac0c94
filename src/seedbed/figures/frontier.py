"""Accuracy over parameters: the frontier of the means, and networks against targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

BELOW = 3.0
"""Settings that make this many times the mistakes that the target allows are not drawn; they would flatten the others."""

TRIED, TESTED = "while choosing (other images)", "tested with fresh seeds"

SIZE = (520, 310)


@dataclass(frozen=True)
class Sized:
    """A network in a figure of accuracy over parameters.

    Attributes:
        label: its name, written where it is `named`.
        group: its colour.
        frontier: on the frontier of the means.
        named: a step that the intervals confirm, or an answer.
    """

    label: str
    group: str
    parameters: int
    accuracy: Interval
    frontier: bool = False
    named: bool = False


def sized_rows(networks: Sequence[Sized]) -> Rows:
    """The marks of `frontier`, from the smallest on: label, group, parameters, mean, low, high, n, frontier, named."""
    rows = [vars(one) | scales.estimate(one.accuracy) for one in sorted(networks, key=lambda one: one.parameters)]
    return [{name: value for name, value in row.items() if name != "accuracy"} for row in rows]


def frontier(
    networks: Sequence[Sized],
    title: str,
    subtitle: Sequence[str],
    *,
    group: str = "",
    targets: Sequence[float] = (),
    size: tuple[int, int] = SIZE,
) -> AnyChart:
    """Draw accuracy over parameters with intervals: the frontier of the means dashed, named networks joined by a solid line.

    Args:
        networks: at most eight groups.
        group: title of the legend.
        targets: accuracies in (0, 1), drawn as lines; then no solid line joins the named networks.

    Raises:
        StatisticsError: there are fewer than two sizes and no target, or more groups than colours.
    """
    rows = sized_rows(networks)
    if len({row["parameters"] for row in rows}) < (1 if targets else 2):
        raise StatisticsError(f"A frontier needs networks of two sizes; there are {len(rows)} networks.")
    names = list(dict.fromkeys(one.group for one in networks))
    by = marks.Groups(names, group, columns=2 if targets else 8, legend=True)
    axes = _axes(rows, targets, by, "validation accuracy")
    lines = _target_lines({target: f"more than {100 * target:g} %" for target in targets}, axes)
    return marks.single([*lines, *axes.cost_scatter(rows, through=not targets)], title, subtitle, size)


def _axes(rows: Rows, targets: Sequence[float], by: marks.Groups, accuracy: str) -> marks.Axes:
    x = marks.x("parameters", scales.logarithmic((row["parameters"] for row in rows), form="~s"), "parameters")
    y = marks.y("mean", scales.shares([*scales.reach(rows), *targets]), accuracy)
    return marks.Axes(x, y, by, marks.tips("label", parameters=",d", **marks.SHARES, n="d"))


def _target_lines(targets: dict[float, str], axes: marks.Axes) -> marks.Layers:
    """A level line at each target, its name to the right of the panel."""
    rows: Rows = [{"mean": target, "label": label} for target, label in targets.items()]
    named = marks.texts(rows, "label", axes.y, style="quiet-text", align="left", x="width", dx=6)
    return [*marks.line_at(targets, axes.y), *named]


def size_rows(tried: Sequence[tuple[int, float]], tested: Sequence[tuple[int, Interval]], target: float) -> Rows:
    """The marks of `accuracy_over_size`: group, parameters, mean, and low, high and n of those that were tested."""
    least = 1 - BELOW * (1 - target)
    chosen: Rows = [{"group": TRIED, "parameters": size, "mean": share} for size, share in tried if share >= least]
    return chosen + [{"group": TESTED, "parameters": size, **scales.estimate(share)} for size, share in tested]


def accuracy_over_size(tried: Sequence[tuple[int, float]], tested: Sequence[tuple[int, Interval]], target: float) -> AnyChart:
    """Draw each setting's accuracy over its parameters, those that were tested with their intervals, and the target.

    Args:
        tried: parameters and accuracy of what was trained while choosing.
        tested: parameters and accuracy, with its interval, of what was tested.
        target: in (0, 1).

    Raises:
        StatisticsError: there is nothing to draw near the target.
    """
    rows = size_rows(tried, tested, target)
    if not rows:
        raise StatisticsError(f"No setting came near the target of {words.percent(target, 2)}; there is nothing to draw.")
    axes = _axes(rows, [target], marks.Groups([TESTED, TRIED]), "validation accuracy at the last epoch")
    layers = [*_target_lines({target: f"target {words.percent(target, 2)}"}, axes), *axes.cost_scatter(rows)]
    n = sorted({one.n for _, one in tested})
    bars = f"bars: 95 % intervals over {' or '.join(map(str, n))} fresh seeds and the images" if n else "no size was tested"
    subtitle = f"{words.counted(len(rows), 'setting')} near the target; {bars}"
    return marks.single(layers, "How few parameters reach the target", subtitle, SIZE)
