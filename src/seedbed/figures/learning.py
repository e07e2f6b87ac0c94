"""Learning curves of one run or of the seeds of one setting, and the probes of a run per layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from seedbed import words
from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, theme
from seedbed.figures.curves import curve_rows, mean_curve
from seedbed.figures.scales import Rows
from seedbed.figures.smoothing import note, smoothed
from seedbed.records import History, Result, finite

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

Panel = Literal["accuracy", "loss", "penalty"]

COLUMNS: tuple[tuple[Panel, str, str], ...] = (
    ("accuracy", "training", "train_accuracy"),
    ("accuracy", "validation", "validation_accuracy"),
    ("loss", "training", "train_loss"),
    ("loss", "validation", "validation_loss"),
    ("penalty", "training", "train_penalty"),
)
HEADINGS: dict[Panel, tuple[str, str]] = {
    "accuracy": ("Accuracy", "share classified correctly"),
    "loss": ("Loss (without penalty)", "mean cross-entropy (nats)"),
    "penalty": ("Penalty", "l2 and l1 terms (nats)"),
}
MOST_APART = 20
"""Seeds that a reader distinguishes."""


@dataclass(frozen=True)
class LearningPoints:
    """The points of learning curves.

    Attributes:
        raw: one row per point: panel, line (the part), seed, x (the epoch), mean (the value; None where a run diverged).
        mean: one row per point of the mean: panel, line, x, mean, low, high; empty for a single run.
        best: the validation metrics at the best epoch of each run: panel, line, seed, x, mean.
        left_out: seed -> verdict of those that the mean does not hold.
        crowded: whether there are more seeds than a reader distinguishes. Then `raw` has no training curves: they are drawn as
            their mean alone, and the pointer finds means.
    """

    raw: Rows
    mean: Rows
    best: Rows
    left_out: dict[int, str] = field(default_factory=dict)
    crowded: bool = False

    @cached_property
    def epochs(self) -> int:
        """The epochs of the longest run."""
        return max(int(row["x"]) for row in self.raw)

    @property
    def panels(self) -> list[Panel]:
        """The panels that have something to show: the penalty only where some run pays one."""
        paid = any(row["mean"] for rows in (self.raw, self.mean) for row in rows if row["panel"] == "penalty")
        return ["accuracy", "loss", "penalty"] if paid else ["accuracy", "loss"]

    @cached_property
    def seeds(self) -> int:
        return len({row["seed"] for row in self.raw})

    def smoothed(self, weight: float) -> LearningPoints:
        """The same points; those of the main lines, the mean or else the runs, with their moving average."""
        if self.mean:
            return replace(self, mean=smoothed(self.mean, weight, "panel", "line"))
        return replace(self, raw=smoothed(self.raw, weight, "panel", "line", "seed"))


def learning_points(results: Sequence[Result]) -> LearningPoints:
    """Compute the points of `learning_curves`.

    The mean is taken over runs that neither diverged nor collapsed, over the epochs that all of them reached.

    Raises:
        StatisticsError: no result, or results of more than one setting.
    """
    settings = {(result.run.unfolded.setting, result.folds) for result in results}
    if not len(settings) == 1:
        raise StatisticsError(f"Learning curves show the seeds of one setting; these {len(results)} runs have {len(settings)}.")
    whole = [result for result in results if result.included]
    crowded = len(whole) > 1 and len(results) > MOST_APART
    raw = [row for result in results for row in _raw(result.history, result.run.seed, training=not crowded)]
    curves = [mean_curve(whole, column, panel=panel, line=part) for panel, part, column in COLUMNS]
    mean = curve_rows(curves) if len(whole) > 1 else []
    best = [row for result in results for row in _best(result)]
    left_out: dict[int, str] = {one.run.seed: one.verdict.label for one in results if not one.included}
    return LearningPoints(raw, mean, best, left_out if mean else {}, crowded)


def of(rows: Rows, panel: str) -> Rows:
    """The rows of a panel."""
    return [row for row in rows if row["panel"] == panel]


def _raw(history: History, seed: int, *, training: bool) -> Rows:
    return [
        {"panel": panel, "line": part, "seed": seed, "x": epoch, "mean": value}
        for panel, part, column in COLUMNS
        if training or part == "validation"
        for epoch, value in enumerate(finite(history[column]), start=1)
    ]


def _best(result: Result) -> Rows:
    row = result.history.row(result.best) if result.best else {}
    at = {"line": "validation", "seed": result.run.seed, "x": result.best}
    return [{"panel": panel, **at, "mean": row[column]} for panel, part, column in COLUMNS if row and part == "validation"]


def learning_curves(results: Sequence[Result], *, smoothing: float = 0.0) -> AnyChart:
    """Draw accuracy, loss and penalty over epochs, training (dashed) and validation (solid).

    One run is drawn as it is, its best epoch marked; several seeds as their mean with its 95 % Student-t interval, the single
    seeds faint behind. Runs that diverged or collapsed stay visible and out of the mean; the title says how many.

    Args:
        results: one run, or the seeds of one setting.
        smoothing: weight of the exponential moving average that is drawn over the measured curves, in [0, 1). 0 means none.

    Raises:
        StatisticsError: no result, or results of more than one setting.
    """
    points = learning_points(results).smoothed(smoothing)
    name = results[0].name if len(results) == 1 else results[0].group
    panels = [(HEADINGS[panel][0], _layers(points, panel)) for panel in points.panels]
    subtitle = [*_subtitle(results, points), *note(smoothing)]
    return marks.figure(panels, f"Learning curves: {name}", subtitle, (300, 220))


def _layers(points: LearningPoints, panel: Panel) -> marks.Layers:
    raw, mean, best = (of(rows, panel) for rows in (points.raw, points.mean, points.best))
    values = scales.reach(raw + mean) or [0.0, 1.0]
    kind = scales.shares if panel == "accuracy" else scales.amounts
    x = marks.x("x", scales.stepwise(range(1, points.epochs + 1), form="d", ticks=6), "epoch")
    by = marks.Groups(theme.PARTS, field="line", strokes=True, dashes=theme.DASHES)
    tooltip = marks.tips("line", "seed", x="d", mean=".4f", smoothed=".4f")
    axes = marks.Axes(x, marks.y("mean", kind(values), HEADINGS[panel][1]), by, tooltip)
    diamonds = axes.mark(best, "point", coloured=True, style="best")
    if not mean:
        return [*axes.smoothed(raw, detail="seed", point=points.epochs == 1), diamonds]
    over = scales.bounded(mean) if panel == "accuracy" else mean
    if points.crowded:
        fainter = 0.4 * math.sqrt(MOST_APART / points.seeds)  # or hundreds of them would hide the mean
        faint = replace(axes, tooltip=()).lines(raw, detail="seed", strokeWidth=1, strokeOpacity=fainter)
        return [*faint, *axes.smoothed(over), diamonds]
    faint = axes.lines(raw, detail="seed", strokeWidth=1, strokeOpacity=0.4)
    return [*faint, *replace(axes, tooltip=()).smoothed(over), diamonds]


def _subtitle(results: Sequence[Result], points: LearningPoints) -> list[str]:
    first = results[0]
    validation = "test images, called validation (handout)" if first.run.data.protocol == "handout" else "validation images"
    in_turn = f", {first.folds} folds in turn" if first.folds > 1 and len(results) > 1 else ""
    what = (
        f"{first.run.model.title}; {words.counted(first.model.parameters, 'parameter')}; {first.run.data.name}: "
        f"{first.data.train:,} training and {first.data.validation:,} {validation}{in_turn}"
    )
    plan = words.setting({name: value for name, value in first.run.plan.altered.items() if name not in ("epochs", "select")})
    return [f"{what}; {plan}" if plan else what, _seeds(results, points)]


def _seeds(results: Sequence[Result], points: LearningPoints) -> str:
    if len(results) == 1:
        verdict = "" if results[0].verdict.kind == "good_fit" else f"; {results[0].verdict.label}"
        return f"n = 1 run, seed {results[0].run.seed}; {_best_words(results[0])}{verdict}"
    if not points.mean:
        return f"n = {len(results)} seeds, each drawn by itself: fewer than two can be averaged"
    bests = [result.best for result in results if result.run.seed not in points.left_out]
    single = "the validation curves of single seeds" if points.crowded else "single seeds"
    shown = f"n = {points.mean[0]['n']} seeds: mean with 95 % interval (Student t), {single} faint behind"
    spread = f"{min(bests)} to {max(bests)}" if min(bests) != max(bests) else str(bests[0])
    excluded = [f"seed {seed} {verdict}" for seed, verdict in points.left_out.items()]
    return f"{shown}; best epochs {spread} (diamonds)" + (f"; not in the mean: {words.listed(excluded)}" if excluded else "")


def _best_words(result: Result) -> str:
    if not result.best:
        return "no epoch has a finite validation loss"
    accuracy = words.percent(result.history["validation_accuracy"][result.best - 1], 2)
    return f"best epoch {result.best} (diamond): validation accuracy {accuracy}"


def probes_over_epochs(history: History, kind: str) -> AnyChart:
    """Draw one kind of probe over epochs: a small panel per layer, in the order of the network, on shared scales.

    Args:
        history: history of one run; its probes are the columns `kind/layer`.
        kind: for example "saturation".

    Raises:
        StatisticsError: the history has no probe of this kind; names those that it has.
    """
    layers = history.probes(kind)
    if not layers:
        kinds = sorted({name.split("/", 1)[0] for name in history.columns if "/" in name})
        raise StatisticsError(f"This history has no probe {kind!r}. It has: {', '.join(kinds) or 'none'}.")
    rows: Rows = [
        {"panel": layer, "x": epoch, "mean": value}
        for layer, column in layers.items()
        for epoch, value in enumerate(finite(column), start=1)
    ]
    called = kind.replace("_", " ")
    x = marks.x("x", scales.stepwise(range(1, history.epochs + 1), form="d"), "epoch")
    y = marks.y("mean", scales.linear([0.0, *scales.reach(rows)]), called)
    axes = marks.Axes(x, y, tooltip=marks.tips("panel", x="d", mean=".4g"))
    panels = [(layer, axes.lines(mine, point={"size": 20})) for layer, mine in marks.split(rows).items()]
    subtitle = f"n = 1 run; {words.counted(len(layers), 'layer')} on one scale"
    return marks.figure(panels, f"{called.capitalize()} by layer", subtitle, (170, 130))
