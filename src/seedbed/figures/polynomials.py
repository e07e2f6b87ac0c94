"""Fits to a sample as small multiples, and an error split into its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale
from seedbed.statistics import Interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

TRUE, FITTED = "true curve", "fit"
REACH = 2.5
"""A fit is drawn within this many times the range of the true curve and the sample; beyond, it leaves the panel."""


@dataclass(frozen=True)
class Fit:
    """A fit in a panel of its own: places along x, the true values and the fitted ones there.

    Attributes:
        low, high: between them lie most fits to other samples.
    """

    panel: str
    x: Sequence[float]
    true: Sequence[float]
    fitted: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def fit_rows(fits: Sequence[Fit]) -> Rows:
    """The lines of `fit_panels`: panel, group (the line), x, mean; of the fit low and high too."""
    rows: Rows = []
    for one in fits:
        for x, true, fitted, low, high in zip(one.x, one.true, one.fitted, one.low, one.high, strict=True):
            rows.append({"panel": one.panel, "group": TRUE, "x": x, "mean": true})
            rows.append({"panel": one.panel, "group": FITTED, "x": x, "mean": fitted, "low": low, "high": high})
    return rows


def fit_panels(
    fits: Sequence[Fit],
    sample: Sequence[tuple[float, float]],
    title: str,
    subtitle: Sequence[str],
    *,
    size: tuple[int, int] = (168, 155),
) -> AnyChart:
    """Draw several fits to one sample, a panel each on one scale, with the true curve and the sample's points.

    Args:
        fits: in the order in which they are to stand.
        sample: x and y of each value.

    Raises:
        StatisticsError: there is nothing to draw.
    """
    if not (fits and sample):
        raise StatisticsError("Fits need a sample, and one fit at least.")
    x, y = marks.x("x", scales.linear(fits[0].x, pad=0.03), "x"), marks.y("mean", _window(fits, sample), "y")
    axes = marks.Axes(x, y, marks.Groups([TRUE, FITTED], strokes=True), marks.tips("group", x=".2f", mean=".3f"))
    points = axes.mark([{"x": x, "mean": y} for x, y in sample], "point", style="hollow", clip=True)
    panels = [(one.panel, [*axes.lines(fit_rows([one]), clip=True), points]) for one in fits]
    return marks.figure(panels, title, subtitle, size)


def _window(fits: Sequence[Fit], sample: Sequence[tuple[float, float]]) -> Scale:
    plain = [*(y for _, y in sample), *fits[0].true]
    wild = [value for one in fits for value in (*one.fitted, *one.low, *one.high)]
    further = (REACH - 1) / 2 * (max(plain) - min(plain))
    low, high = max(min(*plain, *wild), min(plain) - further), min(max(*plain, *wild), max(plain) + further)
    return scales.linear([low, high])


def part_rows(parts: Mapping[str, Sequence[tuple[float, Interval]]]) -> Rows:
    """The marks of `error_parts`: group (the part), strength, mean, low, high, n."""
    return [
        {"group": part, "strength": strength, **scales.estimate(at)}
        for part, points in parts.items()
        for strength, at in points
    ]


def error_parts(
    parts: Mapping[str, Sequence[tuple[float, Interval]]],
    title: str,
    subtitle: Sequence[str],
    *,
    best: float,
    undecided: tuple[float, float],
    y: str,
) -> AnyChart:
    """Draw the parts of an error over the strength of the penalty (logarithmic), with intervals.

    Args:
        parts: what each line is -> strength and value, with its interval; eight lines at most.
        best: the strength that a vertical line marks.
        undecided: the range of strengths that do not clearly differ from it; shaded.
        y: the title of the axis.

    Raises:
        StatisticsError: there is nothing to draw, or there are more lines than colours.
    """
    rows = part_rows(parts)
    strengths = scales.logarithmic((row["strength"] for row in rows), pad=1.3)
    x, tooltip = marks.x("strength", strengths, "lambda", grid=True), marks.tips("group", strength=".3g", **marks.NUMBERS)
    up = marks.y("mean", scales.linear([0.0, *scales.reach(rows)], pad=0.04, ticks=6), y)
    axes = marks.Axes(x, up, marks.Groups(list(parts)), tooltip)
    mark: Rows = [{"strength": best, "label": f"lowest at {words.value(best)}"}]
    layers = [
        *marks.extents([{"least": undecided[0], "most": undecided[1]}], kind="rect", style="shade"),
        *marks.line_at([best], axes.x),
        *marks.texts(mark, "label", axes.x, style="quiet-text", align="left", dx=4, y=8),
        axes.mark(rows, "line", coloured=True, strokeWidth=1.5),
        *axes.dots(rows, size=36),
    ]
    return marks.single(layers, title, subtitle, (460, 280))
