"""Learning curves of several settings in one picture, each with a colour and its name at the end of its line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales
from seedbed.figures.curves import curve_rows, mean_curve
from seedbed.figures.scales import Rows, Scale
from seedbed.figures.smoothing import note, smoothed
from seedbed.records import Result, finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

MOST, HIGHEST = 8, 5
"""Settings that one picture shows; of more, this number of the highest, and the lowest."""

BANDS_FROM = 4
"""Seeds from which on a band is drawn; fewer are drawn one by one."""

LOG_FROM = 0.9
"""Accuracy of the best setting from which on the axis is that of the error, on a logarithmic scale."""

SIZE = (340, 240)
LINE = 14
"""Height of a name at the end of a line (pixels)."""

LONGEST = 44
"""Characters of a name that stand at the end of its line; longer ones are cut in the middle."""


@dataclass(frozen=True)
class NamedCurves:
    """The runs of one setting, and what its line is called."""

    name: str
    results: Sequence[Result]

    @property
    def kept(self) -> list[Result]:
        return [result for result in self.results if result.included]

    @property
    def best(self) -> float:
        """Mean validation accuracy at the best epochs; for the order, and what is shown of many."""
        return float(np.mean([result.history["validation_accuracy"][result.best - 1] for result in self.kept]))

    @property
    def steps_per_epoch(self) -> int:
        first = self.results[0]
        return -(-first.data.train // first.run.plan.batch_size)


PANELS = (("Accuracy", "accuracy"), ("Loss (without penalty)", "loss"))
PARTS = (("training", "train"), ("validation", "validation"))


@dataclass(frozen=True)
class ComparedPoints:
    """The points of `compared_curves`.

    Attributes:
        settings: what is drawn, in the order given.
        mean: one row per point of a mean: panel, part, line, x, mean, low, high.
        single: the same of single seeds, of settings with few of them: panel, part, line, seed, x, mean.
        hidden: number of settings that are not drawn; lost: names of those whose runs all diverged or collapsed.
        steps: whether x is the minibatch, because epochs have different numbers of them.
    """

    settings: list[NamedCurves]
    mean: Rows
    single: Rows
    hidden: int
    lost: list[str]
    steps: bool

    @property
    def log_error(self) -> bool:
        """Whether accuracies stand on a logarithmic axis of the error."""
        return max(setting.best for setting in self.settings) >= LOG_FROM

    @property
    def floor(self) -> float:
        """The error of half an image, which stands for none."""
        return 0.5 / max(setting.results[0].data.validation for setting in self.settings)

    def smoothed(self, weight: float) -> ComparedPoints:
        """The same points, those of the means with their moving average."""
        return replace(self, mean=smoothed(self.mean, weight, "panel", "part", "line"))


def compared_points(settings: Sequence[NamedCurves]) -> ComparedPoints:
    """Compute the points of `compared_curves`: means over the runs that neither diverged nor collapsed.

    Raises:
        StatisticsError: there is no setting, two have one name, or no run is left in any.
    """
    if len({setting.name for setting in settings}) < len(settings):
        raise StatisticsError("Learning curves need a name of its own for each setting.")
    known = [setting for setting in settings if setting.kept]
    if not known:
        raise StatisticsError("There is nothing to draw: every run diverged or collapsed.")
    ranked = sorted(known, key=lambda setting: -setting.best)
    chosen = known if len(known) <= MOST else [*ranked[:HIGHEST], *ranked[HIGHEST - MOST :]]
    steps = len({setting.steps_per_epoch for setting in chosen}) > 1
    mean, single = [], []
    for setting in chosen:
        for panel, column in PANELS:
            for part, prefix in PARTS:
                scale = setting.steps_per_epoch if steps else 1
                at = {"panel": panel, "part": part, "line": setting.name}
                curve = mean_curve(setting.kept, f"{prefix}_{column}", panel=panel, line=setting.name)
                mean += [{**row, **at, "x": row["x"] * scale} for row in curve_rows([curve])]
                if part == "validation" and 1 < len(setting.kept) < BANDS_FROM:
                    single += _single(setting, f"{prefix}_{column}", at, scale)
    lost = [setting.name for setting in settings if not setting.kept]
    return ComparedPoints(chosen, mean, single, len(known) - len(chosen), lost, steps)


def _single(setting: NamedCurves, column: str, at: dict[str, Any], scale: int) -> Rows:
    rows: Rows = finite(
        [
            {**at, "seed": place, "x": epoch * scale, "mean": float(value)}
            for place, result in enumerate(setting.kept)
            for epoch, value in enumerate(result.history[column], start=1)
        ]
    )
    return [row for row in rows if row["mean"] is not None]


def compared_curves(
    settings: Sequence[NamedCurves], title: str = "Learning curves", *, smoothing: float = 0.0, level: float | None = None
) -> AnyChart:
    """Draw accuracy and loss of several settings over epochs: validation solid, training dashed and faint.

    From four seeds on the mean over seeds has its 95 % Student-t interval as a band, with fewer the single seeds are thin
    lines. Good accuracies stand on a logarithmic axis of the error, so that 95 and 99 % are apart. Of more than eight settings
    the five highest and the three lowest are drawn. Where epochs differ in length, the axis counts minibatches.

    Args:
        settings: each with a name of its own.
        smoothing: weight of the exponential moving average that is drawn over the measured curves, in [0, 1). 0 means none.
        level: accuracy with a line of its own, and a dot where each mean first reaches it.

    Raises:
        StatisticsError: there is no setting, two have one name, or no run is left in any.
    """
    points = compared_points(settings).smoothed(smoothing)
    panels = [(panel, _panel(points, panel, level)) for panel, _ in PANELS]
    reached = [f"dots: the first epoch whose mean is at least {words.percent(level, 0)}"] if level is not None else []
    return marks.figure(panels, title, [*_subtitle(points), *reached, *note(smoothing)], SIZE, columns=2)


def _panel(points: ComparedPoints, panel: str, level: float | None) -> marks.Layers:
    accuracy = panel == PANELS[0][0]
    mean, single = ([row for row in rows if row["panel"] == panel] for rows in (points.mean, points.single))
    if accuracy:
        mean, single = (scales.bounded(rows) for rows in (mean, single))
        if points.log_error:
            mean, single = (_errors(rows, points.floor) for rows in (mean, single))
    validation, training = ([row for row in mean if row["part"] == part] for part in ("validation", "training"))
    banded = {setting.name for setting in points.settings if len(setting.kept) >= BANDS_FROM}
    validation = [row if row["line"] in banded else {**row, "low": None, "high": None} for row in validation]
    training = [{**row, "low": None, "high": None} for row in training]
    scale = _scale(points, [*validation, *training, *single], accuracy=accuracy)
    longest = max(row["x"] for row in mean)
    x = marks.x("x", scales.stepwise(range(1, int(longest) + 1), form="~s" if points.steps else "d", ticks=6), _x_title(points))
    y = marks.y("mean", scale, "accuracy" if accuracy else "mean cross-entropy", labelOverlap=False)
    names = [setting.name for setting in points.settings]
    by = marks.Groups(names, field="line", legend=False)
    plain = marks.Axes(x, y, by)
    tooltip = marks.tips(
        "line", "text" if accuracy else "part", x="d", **({} if accuracy else {"mean": ".4f", "smoothed": ".4f"})
    )
    longer = any(row["x"] > longest for row in single)  # cut off lines take a tenth of a second to draw
    layers = plain.smoothed(training, band=False, strokeDash=[5, 3], strokeWidth=1.2, strokeOpacity=0.45)
    layers += plain.lines(single, detail="seed", strokeWidth=0.8, strokeOpacity=0.6, clip=longer)
    layers += replace(plain, tooltip=tooltip).smoothed(validation, point=longest == 1)
    if accuracy and level is not None:
        layers += _crossings(points, validation, level, plain)
    return layers + _end_labels(validation, scale, by)


def _crossings(points: ComparedPoints, validation: Rows, level: float, axes: marks.Axes) -> marks.Layers:
    """A line at an accuracy, and a dot where each setting first reaches it."""
    at = max(1 - level, points.floor) if points.log_error else level

    def reached(row: dict[str, Any]) -> bool:
        return bool(row["mean"] <= at if points.log_error else row["mean"] >= at)

    firsts = [next(filter(reached, mine), None) for mine in marks.split(validation, "line").values()]
    dots = [row for row in firsts if row is not None]
    return [*marks.line_at([at], axes.y), axes.mark(dots, "point", coloured=True, style="solid", size=60)]


def _errors(rows: Rows, floor: float) -> Rows:
    """Rows of accuracies as errors, with the accuracy as a text."""

    def error(value: float | None) -> float | None:
        return None if value is None else max(1 - value, floor)

    return [
        {
            **row,
            "text": words.percent(row["mean"], 2),
            "mean": error(row["mean"]),
            "low": error(row.get("high")),
            "high": error(row.get("low")),
            **({"smoothed": error(row["smoothed"])} if "smoothed" in row else {}),
        }
        for row in rows
    ]


def _scale(points: ComparedPoints, rows: Rows, *, accuracy: bool) -> Scale:
    values = scales.reach(rows)
    if not accuracy:
        return scales.amounts(values)
    if not points.log_error:
        return scales.shares(values)
    return error_scale(values, points.floor, SIZE[1])


def error_scale(values: Sequence[float], floor: float, height: float) -> Scale:
    """A logarithmic axis of errors, labelled with their accuracies.

    Args:
        values: errors, above 0.
        floor: the error that stands for none.
        height: height of the axis (pixels).
    """
    low, high = max(min(values) / 1.1, floor), min(1.0, max(values) * 1.1)
    ticks = _separate([tick for tick in ERRORS if low <= tick <= high], math.log(high / low) * LINE / height)
    return Scale((high, low), logarithmic=True, ticks=ticks, labels={tick: f"{100 * (1 - tick):.4g} %" for tick in ticks})


ERRORS = (0.1, 0.01, 1e-3, 0.5, 0.05, 5e-3, 5e-4, 1e-4, 0.2, 0.02, 2e-3, 0.9, 0.8)
"""Errors that have a tick, the most wanted first."""


def _separate(ticks: Sequence[float], gap: float) -> list[float]:
    """Those ticks whose logarithms are this far from those before them."""
    chosen: list[float] = []
    for tick in ticks:
        if all(abs(math.log(tick / other)) > gap for other in chosen):
            chosen.append(tick)
    return sorted(chosen)


def _end_labels(rows: Rows, scale: Scale, by: marks.Groups) -> marks.Layers:
    """The names at the ends of the lines, moved apart so that none covers another."""
    lasts = {name: mine[-1] for name, mine in marks.split(rows, "line").items()}
    wanted = {name: _pixel(row["smoothed" if "smoothed" in row else "mean"], scale) for name, row in lasts.items()}
    named = [{"line": name, "label": _cut(name), "at": at} for name, at in apart(wanted).items()]
    text = marks.chart(named).mark_text(align="left", x="width", dx=6, fontSize=11)
    return [text.encode(marks.pixels("y", "at"), *by.colour, marks.channel("Text", "label:N"))]


def apart(wanted: dict[str, float], line: float = LINE) -> dict[str, float]:
    """Places nearest to those wanted, in the same order, with a line's height between any two.

    >>> apart({"a": 10.0, "b": 11.0}, line=10)
    {'a': 5.5, 'b': 15.5}
    """
    clusters: list[list[tuple[str, float]]] = []
    for item in sorted(wanted.items(), key=lambda pair: pair[1]):
        clusters.append([item])
        while len(clusters) > 1 and _top(clusters[-1], line) < _top(clusters[-2], line) + line * len(clusters[-2]):
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    return {name: _top(each, line) + line * place for each in clusters for place, (name, _) in enumerate(each)}


def _top(cluster: Sequence[tuple[str, float]], line: float) -> float:
    return sum(at for _, at in cluster) / len(cluster) - line * (len(cluster) - 1) / 2


def _pixel(value: float, scale: Scale) -> float:
    bottom, top = scale.domain
    if scale.logarithmic:
        bottom, top, value = math.log(bottom), math.log(top), math.log(value)
    return float(np.clip(SIZE[1] * (top - value) / (top - bottom), 0, SIZE[1]))


def _cut(name: str) -> str:
    half = LONGEST // 2 - 1
    return name if len(name) <= LONGEST else f"{name[:half]}...{name[-half:]}"


def _x_title(points: ComparedPoints) -> str:
    return "minibatches" if points.steps else "epoch"


def _subtitle(points: ComparedPoints) -> list[str]:
    first = points.settings[0].results[0]
    counts = sorted({len(setting.kept) for setting in points.settings})
    seeds = words.counted(counts[0], "seed") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds"
    spread = ["bands: 95 % intervals (Student t)"] if counts[-1] >= BANDS_FROM else []
    spread += ["thin: single seeds"] if any(1 < count < BANDS_FROM for count in counts) else []
    drawn = "; ".join([f"n = {seeds} per setting; validation solid, training dashed", *spread])
    lines = [f"{first.run.data.name}: {first.data.train:,} training and {first.data.validation:,} validation images", drawn]
    if points.hidden:
        lowest = len(points.settings) - HIGHEST
        total = len(points.settings) + points.hidden
        lines.append(f"the {HIGHEST} highest and the {lowest} lowest means of {total} settings")
    if points.lost:
        lines.append(f"every run diverged or collapsed: {words.listed([_cut(name) for name in points.lost[:MOST]])}")
    return lines
