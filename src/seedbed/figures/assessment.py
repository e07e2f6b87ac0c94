"""How good a network's answers are: confusion, calibration, figures per class, and differences between settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words
from seedbed.records import finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart
    from seedbed.statistics import Calibration, ClassFigures, Interval

Rows = list[dict[str, Any]]

NUMBERED_CLASSES = 30
"""Up to so many classes, the cells of a confusion matrix show their counts."""


def confusion_rows(matrix: ArrayLike, classes: Sequence[str]) -> Rows:
    """The cells of `confusion`: true, predicted, count, share (of the true class), right.

    Raises:
        StatisticsError: the matrix is not square, or has not one row a class.
    """
    counts = np.asarray(matrix)
    if not counts.shape == (len(classes), len(classes)):
        raise StatisticsError(f"A confusion matrix has one row and one column a class: {len(classes)}; this is {counts.shape}.")
    totals = np.maximum(counts.sum(axis=1), 1)
    return [
        {
            "true": classes[i],
            "predicted": classes[j],
            "count": int(counts[i, j]),
            "share": float(counts[i, j] / totals[i]),
            "right": i == j,
        }
        for i in range(len(classes))
        for j in range(len(classes))
    ]


def confusion(matrix: ArrayLike, classes: Sequence[str], *, part: str = "validation") -> AnyChart:
    """The confusion matrix: counts as numbers, colours by share of the true class, mistakes on a scale of their own.

    Args:
        matrix: counts `(C, C)`, true classes in rows, predicted ones in columns.
        classes: C names.
        part: which images were classified.

    Raises:
        StatisticsError: the shapes do not fit.
    """
    import altair as alt

    rows = confusion_rows(matrix, classes)
    n, right = sum(row["count"] for row in rows), sum(row["count"] for row in rows if row["right"])
    side = max(14, min(42, 900 // len(classes)))
    x = alt.X("predicted:N", sort=list(classes), title="predicted class", axis=alt.Axis(labelAngle=_angle(classes), grid=False))
    y = alt.Y("true:N", sort=list(classes), title="true class", axis=alt.Axis(grid=False))
    tooltip = ["true:N", "predicted:N", "count:Q", alt.Tooltip("share:Q", format=".2%", title="share of the true class")]
    layers = []
    for colours, hit in (("ramp", True), ("heatmap", False)):
        cells = alt.Chart(theme.table([row for row in rows if row["right"] is hit]))
        colour = alt.Fill("share:Q", scale=alt.Scale(range=colours, zero=True, nice=False), legend=None)
        layers.append(cells.mark_rect().encode(x, y, colour, tooltip=tooltip))
        if len(classes) <= NUMBERED_CLASSES:
            numbers = alt.Chart(theme.table([row for row in rows if row["right"] is hit and row["count"]]))
            layers.append(numbers.mark_text().encode(x, y, text=alt.Text("count:Q", format=",d")))
    subtitle = [
        f"n = {words.counted(n, f'{part} image')}, {words.percent(right / max(n, 1), 2)} right",
        "blue: right answers, orange: mistakes; the stronger, the larger a share of the true class",
    ]
    chart = alt.layer(*layers).resolve_scale(fill="independent")
    return theme.finish(chart, "Confusion matrix", subtitle, width=side * len(classes), height=side * len(classes))


def _angle(classes: Sequence[str]) -> int:
    return 0 if max(map(len, classes)) <= 4 else -40


def reliability_curve(calibration: Calibration, *, part: str = "validation") -> AnyChart:
    """Calibration: how often answers given with some confidence are right, and below, how many answers there are.

    Args:
        calibration: from `statistics.calibration`.
        part: which images were classified.
    """
    import altair as alt

    rows = reliability_rows(calibration)
    unit = alt.Scale(domain=[0, 1], nice=False, padding=0)
    x = alt.X("confidence:Q", scale=unit, title=None, axis=alt.Axis(format="~%"))
    words_x = "confidence: an image's largest probability"
    bins = alt.Chart(theme.table(rows))
    y = alt.Y("accuracy:Q", scale=unit, title="share right", axis=alt.Axis(format="~%"))
    tooltip = [alt.Tooltip(f"{name}:Q", format=".1%") for name in ("confidence", "accuracy", "low", "high")]
    ideal = alt.Chart(theme.table([{"at": 0.0}, {"at": 1.0}])).mark_line(style="ideal").encode(x="at:Q", y="at:Q")
    upper = alt.layer(
        ideal,
        bins.mark_rule(style="interval").encode(x, alt.Y("low:Q"), alt.Y2("high:Q")),
        bins.mark_line().encode(x, y),
        bins.mark_point(style="solid").encode(x, y, tooltip=[*tooltip, "count:Q"]),
    ).properties(width=320, height=320)
    height = alt.Y("count:Q", title="images", scale=alt.Scale(type="symlog"), axis=alt.Axis(values=_decades(rows), format=",d"))
    lower = bins.mark_bar(size=12).encode(x.title(words_x), height, tooltip=["count:Q"]).properties(width=320, height=80)
    n = sum(row["count"] for row in rows)
    subtitle = [
        f"n = {words.counted(n, f'{part} image')}; expected calibration error {100 * calibration.ece:.2f} points",
        "bars: 95 % Wilson intervals; dashed: perfect calibration",
    ]
    return theme.finish(alt.vconcat(upper, lower), "Calibration", subtitle)


def reliability_rows(calibration: Calibration) -> Rows:
    """The bins of `reliability_curve`: confidence, accuracy, its Wilson interval (low, high), count."""
    return [
        {
            "confidence": one.confidence,
            "accuracy": one.accuracy.mean,
            "low": one.accuracy.low,
            "high": one.accuracy.high,
            "count": one.accuracy.n,
        }
        for one in calibration.bins
    ]


def _decades(rows: Rows) -> list[int]:
    most = max((row["count"] for row in rows), default=1)
    return [0] + [10**power for power in range(len(str(most)))]


def per_class_rows(figures: Sequence[ClassFigures], classes: Sequence[str]) -> Rows:
    """The marks of `per_class`: class (with its n), measure, share, low, high; what is not defined is left out.

    Raises:
        StatisticsError: not one record a class.
    """
    if not len(figures) == len(classes):
        raise StatisticsError(f"Precision and recall are drawn for each class: {len(classes)}; {len(figures)} were given.")
    return [
        {"class": f"{name} (n = {one.n:,})", "measure": measure, "share": found.mean, "low": found.low, "high": found.high}
        for name, one in zip(classes, figures, strict=True)
        for measure, found in (("precision", one.precision), ("recall", one.recall))
        if found is not None
    ]


def per_class(figures: Sequence[ClassFigures], classes: Sequence[str], *, part: str = "validation") -> AnyChart:
    """Precision and recall of each class with their 95 % intervals, one row a class.

    Args:
        figures: from `statistics.per_class`, one a class; None (a class never predicted, or without images) is left out.
        classes: names.
        part: which images were classified.

    Raises:
        StatisticsError: not one record a class.
    """
    import altair as alt

    rows = per_class_rows(figures, classes)
    measures, labels = ["precision", "recall"], [f"{name} (n = {one.n:,})" for name, one in zip(classes, figures, strict=True)]
    legend = alt.Legend(orient="top", symbolStrokeWidth=0)
    colour = alt.Color("measure:N", title=None, scale=alt.Scale(domain=measures, range="category"), legend=legend)
    shape = alt.Shape("measure:N", title=None, scale=alt.Scale(domain=measures, range=["circle", "diamond"]), legend=legend)
    base = alt.Chart(theme.table(rows)).encode(
        alt.Y("class:N", sort=labels, title="class", axis=alt.Axis(grid=False), scale=alt.Scale(padding=0.35)),
        alt.YOffset("measure:N", sort=measures),
    )
    x = alt.X("share:Q", title="share", scale=alt.Scale(zero=False, padding=6), axis=alt.Axis(format="~%"))
    tooltip = ["class:N", "measure:N", *(alt.Tooltip(f"{name}:Q", format=".2%") for name in ("share", "low", "high"))]
    bars = [
        base.transform_filter(alt.datum.measure == measure)
        .mark_rule(style=f"interval-{i}", strokeWidth=1.5)
        .encode(alt.X("low:Q"), alt.X2("high:Q"))
        for i, measure in enumerate(measures)
    ]
    dots = base.mark_point(size=46, filled=True).encode(x, colour, shape, tooltip=tooltip)
    n = sum(one.n for one in figures)
    subtitle = [
        f"n = {words.counted(n, f'{part} image')}; bars: 95 % Wilson intervals",
        "precision: right among those given this name; recall: right among those of this class",
    ]
    return theme.finish(alt.layer(*bars, dots), "Precision and recall by class", subtitle, width=400, height=alt.Step(11))


def paired_differences(
    contrasts: Sequence[str],
    intervals: Sequence[Interval],
    shown: Sequence[bool],
    *,
    measure: str = "validation accuracy",
    unit: str = "percentage points",
    factor: float = 100.0,
    confidence: float = 0.95,
) -> AnyChart:
    """A forest plot: one row a contrast, its difference with its interval; filled where a difference is shown.

    Args:
        contrasts: names such as "200-100 minus 32".
        intervals: of the differences, one a contrast.
        shown: whether each difference is shown, after the correction over all of them.
        measure: what differs.
        unit: of the axis; an interval's values times `factor` are in it.
        confidence: of the intervals, for the title.

    Raises:
        StatisticsError: not one interval a contrast.
    """
    import altair as alt

    rows = difference_rows(contrasts, intervals, shown, factor)
    labels = [row["contrast"] for row in rows]
    x = alt.X(
        "difference:Q", title=f"difference in {measure} ({unit})", axis=alt.Axis(format="+~g"), scale=alt.Scale(padding=14)
    )
    y = alt.Y("contrast:N", sort=labels, title=None, axis=alt.Axis(grid=False, labelLimit=320))
    tooltip = ["contrast:N", *(alt.Tooltip(f"{name}:Q", format="+.3f") for name in ("difference", "low", "high"))]
    layers = [
        alt.Chart(theme.table([{"zero": 0}])).mark_rule(style="zero").encode(x="zero:Q"),
        alt.Chart(theme.table(rows)).mark_rule(style="interval").encode(alt.X("low:Q"), y, alt.X2("high:Q")),
        alt.Chart(theme.table(rows)).mark_text(align="left", x=430).encode(y, text="text:N"),
    ]
    for style, filled in (("hollow", False), ("solid", True)):
        some = alt.Chart(theme.table([row for row in rows if row["shown"] is filled]))
        layers.append(some.mark_point(style=style).encode(x, y, tooltip=tooltip))
    subtitle = f"bars: {100 * confidence:g} % intervals; filled: a difference is shown, hollow: it may be chance"
    return theme.finish(alt.layer(*layers), "Paired differences", subtitle, width=420, height=alt.Step(30))


def difference_rows(contrasts: Sequence[str], intervals: Sequence[Interval], shown: Sequence[bool], factor: float) -> Rows:
    """The rows of `paired_differences`: contrast (with its n), difference, low, high, shown, text.

    Raises:
        StatisticsError: not one interval a contrast.
    """
    if not len(contrasts) == len(intervals) == len(shown):
        raise StatisticsError(f"{len(contrasts)} contrasts need as many intervals; {len(intervals)} were given.")
    rows: Rows = []
    for name, one, is_shown in zip(contrasts, intervals, shown, strict=True):
        mean, low, high = (factor * value for value in (one.mean, one.low, one.high))
        known = {"difference": mean, "low": low, "high": high, "shown": is_shown}
        rows.append(
            finite({"contrast": f"{name} (n = {one.n:,})", **known, "text": f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"})
        )
    return rows
