"""Learning curves of many settings, each in a small panel of its own, on common axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, theme
from seedbed.figures.compared import LOG_FROM, NamedCurves, error_scale
from seedbed.figures.scales import Rows, Scale
from seedbed.figures.smoothing import note, smoothed
from seedbed.records import Result, finite

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart
else:
    alt = marks.alt

DrawnMeasure = Literal["accuracy", "loss"]

TITLES: dict[DrawnMeasure, tuple[str, str]] = {
    "accuracy": ("Accuracy, setting by setting", "share classified correctly"),
    "loss": ("Loss (without penalty), setting by setting", "mean cross-entropy"),
}
SIZE = (220, 120)
COLUMNS = 4
MOST_SEEDS = 20
"""Seeds of a setting that are drawn one by one; of more, the first."""

THICKNESS = {"domain": ["mean", "seed"], "range": [1.8, 0.7]}
STRENGTH = {"domain": ["mean", "seed"], "range": [1.0, 0.55]}


def small_multiples(settings: Sequence[NamedCurves], measure: DrawnMeasure, *, smoothing: float = 0.0) -> AnyChart:
    """Draw one measure of many settings over epochs, a panel each: the mean over seeds thick, single seeds thin behind.

    All panels have the same axes, so that they can be compared. The chart gets a row for each line, with lists of its values;
    it is one specification, which draws in the time of two figures of `learning_curves`.

    Args:
        settings: each with a name of its own.
        smoothing: weight of the exponential moving average of the thick lines, in [0, 1). 0 means none.

    Raises:
        StatisticsError: no setting has a run that neither diverged nor collapsed.
    """
    known = [setting for setting in settings if setting.kept]
    if not known:
        raise StatisticsError("There is nothing to draw: every run diverged or collapsed.")
    lines = [line for setting in known for line in _lines(setting, measure, smoothing)]
    scale = _scale(lines, known, measure)
    title, values = TITLES[measure]
    logarithmic = " on a logarithmic axis" if scale.logarithmic else ""
    longest = max(line["x"][-1] for line in lines)
    axes = marks.Axes(
        marks.x("x", scales.stepwise(range(1, longest + 1), form="d"), "epoch"),
        marks.y("mean", scale),
        marks.Groups(theme.PARTS, field="part", strokes=True, dashes=theme.DASHES),
        marks.tips("setting", "part", "seed"),
    )
    width, height = SIZE
    names = [setting.name for setting in known]
    header = {"title": None, "labelAnchor": "start", "labelFontWeight": "bold", "labelLimit": width, "labelPadding": 4}
    layer = axes.mark(
        lines,
        "line",
        *axes.by.dash,
        alt.Detail("seed:N"),
        alt.StrokeWidth("kind:O", scale=THICKNESS, legend=None),
        alt.StrokeOpacity("kind:O", scale=STRENGTH, legend=None),
        alt.Facet("setting:N", columns=COLUMNS, sort=names, header=header, spacing=18),
        coloured=True,
    )
    panels = layer.transform_flatten(["x", "mean"]).properties(width=width, height=height)
    drawn, *lost = _subtitle(settings, known)
    return marks.titled(panels, title, [f"{values}{logarithmic}; {drawn}", *lost, *note(smoothing)])


def _lines(setting: NamedCurves, measure: DrawnMeasure, smoothing: float) -> Rows:
    """The lines of a setting: setting, part, seed, kind, and lists of epochs and values."""
    several = len(setting.kept) > 1
    seeds = setting.kept[:MOST_SEEDS] if several else []
    lines = [_line(setting, "validation", f"seed {run.run.seed}", "seed", _values(run, "validation", measure)) for run in seeds]
    for part, prefix in zip(theme.PARTS, ("train", "validation"), strict=True):
        shared = min(run.history.epochs for run in setting.kept)
        mean = np.mean([run.history[f"{prefix}_{measure}"][:shared] for run in setting.kept], axis=0)
        called = "mean" if several else f"seed {setting.kept[0].run.seed}"
        lines.append(_line(setting, part, called, "mean", _smoothed(mean.tolist(), smoothing)))
    return lines


def _values(run: Result, prefix: str, measure: DrawnMeasure) -> list[float]:
    return [float(value) for value in run.history[f"{prefix}_{measure}"]]


def _smoothed(values: list[float], weight: float) -> list[float]:
    if not weight:
        return values
    rows = [{"line": "", "x": epoch, "mean": value} for epoch, value in enumerate(values)]
    return [row["smoothed"] for row in smoothed(rows, weight, "line")]


def _line(setting: NamedCurves, part: str, seed: str, kind: str, values: list[float]) -> dict[str, Any]:
    epochs = list(range(1, len(values) + 1))
    plain: dict[str, Any] = {"setting": setting.name, "part": part, "seed": seed, "kind": kind, "x": epochs}
    return {**plain, "mean": [finite(value) for value in values]}


def _scale(lines: Rows, settings: Sequence[NamedCurves], measure: DrawnMeasure) -> Scale:
    """The common axis; good accuracies stand on that of the error, for which their values become errors."""
    if measure == "accuracy" and max(setting.best for setting in settings) >= LOG_FROM:
        floor = 0.5 / max(setting.results[0].data.validation for setting in settings)
        for line in lines:
            line["mean"] = [None if value is None else max(1 - value, floor) for value in line["mean"]]
        return error_scale(_known(lines), floor, SIZE[1])
    values = _known(lines)
    if measure == "accuracy":
        return scales.shares(values)
    return scales.amounts(values, ticks=5)


def _known(lines: Rows) -> list[float]:
    return [value for line in lines for value in line["mean"] if value is not None]


def _subtitle(settings: Sequence[NamedCurves], known: Sequence[NamedCurves]) -> list[str]:
    counts = sorted({len(setting.kept) for setting in known})
    seeds = words.counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    drawn = f"n = {seeds} per setting" + ("; thick: their mean, thin: single seeds" if counts[-1] > 1 else "")
    lost = sum(len(setting.results) - len(setting.kept) for setting in settings)
    return [drawn, *([f"not drawn: {words.counted(lost, 'run')} that diverged or collapsed"] if lost else [])]
