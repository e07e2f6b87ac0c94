"""How good predictions are: confusion, calibration, metrics per class, and differences between settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.scales import Rows, Scale
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart
    from seedbed.statistics import Calibration, ClassFigures, Interval

NUMBERED_CLASSES = 30
"""Up to this many classes, the cells of a confusion matrix show their counts."""


def confusion_rows(matrix: ArrayLike, classes: Sequence[str]) -> Rows:
    """The cells of `confusion`: true, predicted, count, text, share (of the true class), right.

    Raises:
        StatisticsError: the matrix is not square, or has not one row per class.
    """
    counts = np.asarray(matrix)
    if not counts.shape == (len(classes), len(classes)):
        raise StatisticsError(
            f"A confusion matrix has one row and one column per class: {len(classes)}; this is {counts.shape}."
        )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    numbered = len(classes) <= NUMBERED_CLASSES
    rows: Rows = []
    for (i, j), count in np.ndenumerate(counts):
        cell = {"true": classes[i], "predicted": classes[j], "right": i == j}
        text = f"{count:,}" if numbered and count else ""
        rows.append({**cell, "count": int(count), "text": text, "share": float(shares[i, j])})
    return rows


def confusion(matrix: ArrayLike, classes: Sequence[str], *, part: str = "validation") -> AnyChart:
    """Draw the confusion matrix: counts as numbers, colours by share of the true class, mistakes on a scale of their own.

    Args:
        matrix: counts `(C, C)`, true classes in rows, predicted ones in columns.
        classes: C names.
        part: which images were classified.

    Raises:
        StatisticsError: the shapes do not fit.
    """
    rows = confusion_rows(matrix, classes)
    hits = marks.split(rows, "right")
    n, right = sum(row["count"] for row in rows), sum(row["count"] for row in hits.get(True, []))
    angle = 0 if max(map(len, classes)) <= 4 else -40
    x = marks.names_axis("x", "predicted", classes, "predicted class", labelAngle=angle)
    y = marks.names_axis("y", "true", classes, "true class")
    axes = marks.Axes(x, y, tooltip=marks.tips("true", "predicted", count=",d", share=".2%"))
    layers = [*axes.squares(hits.get(True, []), "ramp", zero=True), *axes.squares(hits.get(False, []), "heatmap", zero=True)]
    side = max(14, min(42, 900 // len(classes))) * len(classes)
    subtitle = [
        f"n = {words.counted(n, f'{part} image')}, {words.percent(right / max(n, 1), 2)} right",
        "blue: right predictions, orange: mistakes; the stronger, the larger a share of the true class",
    ]
    return marks.single(layers, "Confusion matrix", subtitle, (side, side))


def reliability_rows(calibration: Calibration) -> Rows:
    """The bins of `reliability_curve`: confidence, the share right with its Wilson interval (mean, low, high), n."""
    return [{"confidence": one.confidence, **scales.estimate(one.accuracy)} for one in calibration.bins]


def reliability_curve(calibration: Calibration, *, part: str = "validation") -> AnyChart:
    """Draw how often predictions with some confidence are right, and below, how many of them there are.

    Args:
        calibration: from `statistics.calibration`.
        part: which images were classified.
    """
    rows = reliability_rows(calibration)
    n, most = sum(row["n"] for row in rows), max((row["n"] for row in rows), default=1)
    unit = Scale((0.0, 1.0), form="~%", ticks=6)
    x, y = marks.x("confidence", unit, grid=True), marks.y("mean", unit, "share right")
    axes = marks.Axes(x, y, tooltip=marks.tips(confidence=".1%", **marks.SHARES, n=",d"))
    ideal = axes.mark([{"confidence": at, "mean": at} for at in (0.0, 1.0)], "line", style="ideal")
    layers = [ideal, axes.mark(rows, "line"), *axes.dots(rows)]
    below = marks.x("confidence", unit, "confidence: an image's largest probability", grid=True)
    images = marks.Axes(below, marks.counts_axis("n", most, "images"), tooltip=marks.tips(n=",d"))
    panels = [marks.panel(layers, "", (320, 320)), marks.panel([images.mark(rows, "bar", size=12)], "", (320, 80))]
    subtitle = [
        f"n = {words.counted(n, f'{part} image')}; expected calibration error {100 * calibration.ece:.2f} points",
        "bars: 95 % Wilson intervals; dashed: perfect calibration",
    ]
    return marks.finish(panels, "Calibration", subtitle, columns=1)


def per_class_rows(metrics: Sequence[ClassFigures], classes: Sequence[str]) -> Rows:
    """The marks of `per_class`: class (with its n), measure, mean, low, high; what is not defined is left out.

    Raises:
        StatisticsError: not one record per class.
    """
    if not len(metrics) == len(classes):
        raise StatisticsError(f"Precision and recall are drawn for each class: {len(classes)}; {len(metrics)} were given.")
    return [
        {"class": f"{name} (n = {one.n:,})", "measure": measure, **scales.estimate(share)}
        for name, one in zip(classes, metrics, strict=True)
        for measure, share in (("precision", one.precision), ("recall", one.recall))
        if share is not None
    ]


def per_class(metrics: Sequence[ClassFigures], classes: Sequence[str], *, part: str = "validation") -> AnyChart:
    """Draw precision and recall of each class with their 95 % intervals, one row per class.

    Args:
        metrics: from `statistics.per_class`, one per class; None (a class never predicted, or without images) is left out.
        classes: names.
        part: which images were classified.

    Raises:
        StatisticsError: not one record per class.
    """
    rows = per_class_rows(metrics, classes)
    labels = [f"{name} (n = {one.n:,})" for name, one in zip(classes, metrics, strict=True)]
    x = marks.x("mean", scales.shares(scales.reach(rows)), "share", grid=True)
    y = marks.names_axis("y", "class", labels, "class", padding=0.35)
    by = marks.Groups(["precision", "recall"], field="measure")
    axes = marks.Axes(x, y, by, marks.tips("class", "measure", **marks.SHARES))
    subtitle = [
        f"n = {words.counted(sum(one.n for one in metrics), f'{part} image')}; bars: 95 % Wilson intervals",
        "precision: right among those given this name; recall: right among those of this class",
    ]
    return marks.single(axes.dots(rows, offset=True), "Precision and recall by class", subtitle, (400, 28 * len(labels)))


def difference_rows(contrasts: Sequence[str], intervals: Sequence[Interval], shown: Sequence[bool]) -> Rows:
    """The rows of `paired_differences`: contrast (with its n), mean, low, high (percentage points), shown, text.

    Raises:
        StatisticsError: not one interval per contrast.
    """
    if not len(contrasts) == len(intervals) == len(shown):
        raise StatisticsError(f"{len(contrasts)} contrasts need as many intervals; {len(intervals)} were given.")
    rows: Rows = []
    for name, one, is_shown in zip(contrasts, intervals, shown, strict=True):
        mean, low, high = (100 * value for value in (one.mean, one.low, one.high))
        text = f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
        known = {"mean": mean, "low": low, "high": high, "shown": is_shown, "text": text}
        rows.append(finite({"contrast": f"{name} (n = {one.n:,})", **known}))
    return rows


def paired_differences(
    contrasts: Sequence[str],
    intervals: Sequence[Interval],
    shown: Sequence[bool],
    *,
    measure: str = "validation accuracy",
    title: str = "Paired differences",
) -> AnyChart:
    """Draw a forest plot: one row per contrast, its difference with its 95 % interval; filled where a difference is shown.

    Args:
        contrasts: names such as "200-100 minus 32".
        intervals: differences of shares with their intervals, one per contrast.
        shown: whether each difference is shown, after the correction over all of them.
        measure: what differs.

    Raises:
        StatisticsError: not one interval per contrast.
    """
    rows = difference_rows(contrasts, intervals, shown)
    scale = scales.linear([0.0, *scales.reach(rows)], form="+~r")
    x = marks.x("mean", scale, f"difference in {measure} (percentage points)", grid=True)
    y = marks.names_axis("y", "contrast", [row["contrast"] for row in rows], padding=0.5, labelLimit=320)
    axes = marks.Axes(x, y, tooltip=marks.tips("contrast", mean="+.3f", low="+.3f", high="+.3f"))
    layers = [*marks.line_at([0.0], x, "zero"), *marks.texts(rows, "text", y, align="left", x="width", dx=10)]
    for filled, mine in marks.split(rows, "shown").items():
        layers += axes.dots(mine, size=60, width=2, style="solid" if filled else "hollow")
    subtitle = "bars: 95 % intervals; filled: a difference is shown, hollow: it may be chance"
    return marks.single(layers, title, subtitle, (420, 30 * len(rows)))
