"""Curves over epochs: learning curves of one run or of the seeds of one setting, and the probes of a run per layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seedbed.errors import StatisticsError
from seedbed.figures import marks, scales, theme, words
from seedbed.figures.scales import Rows
from seedbed.records import History, Result, best_epoch, finite
from seedbed.statistics import mean_interval

if TYPE_CHECKING:
    from seedbed.figures.theme import AnyChart

Panel = Literal["accuracy", "loss", "penalty"]

COLUMNS: dict[Panel, dict[str, str]] = {
    "accuracy": {"training": "train_accuracy", "validation": "validation_accuracy"},
    "loss": {"training": "train_loss", "validation": "validation_loss"},
    "penalty": {"training": "train_penalty"},
}
HEADINGS: dict[Panel, tuple[str, str]] = {
    "accuracy": ("Accuracy", "share classified correctly"),
    "loss": ("Loss (without penalty)", "mean cross-entropy (nats)"),
    "penalty": ("Penalty", "l2 and l1 terms (nats)"),
}
NOT_AVERAGED = ("diverged", "collapsed")
LOG_FROM = 10.0
"""A loss that falls by this factor is drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Curves:
    """The points of learning curves.

    Attributes:
        raw: one row per point: panel, part, seed, epoch, value (None where a run diverged).
        mean: one row per point of the mean: panel, part, epoch, value, low, high; empty for a single run.
        best: the validation metrics at the best epoch of each run: panel, part, seed, epoch, value.
        averaged: how many seeds the mean holds; left_out: seed -> verdict of those that it does not hold.
        epochs: of the longest run.
        logarithmic: the panels to be drawn on a logarithmic axis.
    """

    raw: Rows
    mean: Rows
    best: Rows
    averaged: int
    epochs: int
    left_out: dict[int, str] = field(default_factory=dict)
    logarithmic: frozenset[str] = frozenset()

    @property
    def panels(self) -> list[Panel]:
        """The panels that have something to show: the penalty only where some run pays one."""
        paid = any(row["value"] for row in self.raw if row["panel"] == "penalty")
        return ["accuracy", "loss", "penalty"] if paid else ["accuracy", "loss"]


def curves(results: Sequence[Result]) -> Curves:
    """Compute the points of `learning_curves`.

    The mean is taken over runs that neither diverged nor collapsed, over the epochs that all of them reached.

    Raises:
        StatisticsError: no result, or results of more than one setting.
    """
    settings = {result.run.setting for result in results}
    if not len(settings) == 1:
        raise StatisticsError(f"Learning curves show the seeds of one setting; these {len(results)} runs have {len(settings)}.")
    whole = [result for result in results if result.verdict.kind not in NOT_AVERAGED]
    raw = [row for result in results for row in _raw(result.history, result.run.seed)]
    mean = _mean_rows([result.history for result in whole]) if len(results) > 1 and len(whole) > 1 else []
    return Curves(
        raw=raw,
        mean=mean,
        best=[row for result in results for row in _best(result.history, result.run.seed)],
        averaged=len(whole) if mean else 0,
        epochs=max(result.history.epochs for result in results),
        left_out={result.run.seed: result.verdict.kind for result in results if result not in whole} if mean else {},
        logarithmic=frozenset(panel for panel in COLUMNS if panel != "accuracy" and _spans_decades(raw, mean, panel)),
    )


def _raw(history: History, seed: int) -> Rows:
    return [
        {"panel": panel, "part": part, "seed": seed, "epoch": epoch, "value": finite(float(value))}
        for panel, parts in COLUMNS.items()
        for part, column in parts.items()
        for epoch, value in enumerate(history[column], start=1)
    ]


def _best(history: History, seed: int) -> Rows:
    epoch = best_epoch(history)
    if epoch == 0:
        return []
    row = history.row(epoch)
    return [
        {"panel": panel, "part": "validation", "seed": seed, "epoch": epoch, "value": row[COLUMNS[panel]["validation"]]}
        for panel in ("accuracy", "loss")
    ]


def _mean_rows(histories: Sequence[History]) -> Rows:
    shared = min(history.epochs for history in histories)
    rows: Rows = []
    for panel, parts in COLUMNS.items():
        for part, column in parts.items():
            for epoch, values in enumerate(zip(*(history[column][:shared] for history in histories), strict=True), start=1):
                if np.isfinite(values).all():
                    interval = mean_interval(values)
                    at = {"panel": panel, "part": part, "epoch": epoch}
                    rows.append({**at, "value": interval.mean, "low": interval.low, "high": interval.high})
    return rows


def _values(rows: Rows, panel: Panel) -> list[float]:
    named = [row[name] for row in rows if row["panel"] == panel for name in ("value", "low", "high") if name in row]
    return [value for value in named if value is not None]


def _spans_decades(raw: Rows, mean: Rows, panel: Panel) -> bool:
    values = _values(raw, panel)
    return bool(values) and min(_values(raw + mean, panel)) > 0 and max(values) / min(values) >= LOG_FROM


def learning_curves(results: Sequence[Result]) -> AnyChart:
    """Draw accuracy, loss and penalty over epochs, training (dashed) and validation (solid).

    One run is drawn as it is, its best epoch marked; several seeds as their mean with its 95 % Student-t interval, the single
    seeds faint behind. Runs that diverged or collapsed stay visible and out of the mean; the title says how many.

    Args:
        results: one run, or the seeds of one setting.

    Raises:
        StatisticsError: no result, or results of more than one setting.
    """
    data = curves(results)
    name = results[0].name if len(results) == 1 else results[0].group
    return marks.figure([_panel(data, panel) for panel in data.panels], f"Learning curves: {name}", _subtitle(results, data))


def _panel(data: Curves, panel: Panel) -> Any:
    raw, mean, best = ([row for row in rows if row["panel"] == panel] for rows in (data.raw, data.mean, data.best))
    x = marks.x("epoch", scales.stepwise(range(1, data.epochs + 1), form="d", ticks=6), "epoch")
    values = _values(data.raw + data.mean, panel) or [0.0, 1.0]
    if panel == "accuracy":
        scale = scales.shares(values)
        mean = scales.bounded(mean)
    else:
        scale = scales.logarithmic(values) if panel in data.logarithmic else scales.linear(values)
    y = marks.y("value", scale, HEADINGS[panel][1])
    parts = marks.Groups(theme.PARTS, field="part", strokes=True, dashes=theme.DASHES)
    tooltip = marks.tips("part", "seed", epoch="d", value=".4f")
    layers = marks.lines(raw, x, y, parts, tooltip=tooltip, detail="seed", point=data.epochs == 1)
    if mean:
        faint = marks.lines(raw, x, y, parts, tooltip=tooltip, detail="seed", strokeWidth=1, strokeOpacity=0.4)
        layers = [*faint, *marks.lines(mean, x, y, parts)]
    diamonds = marks.chart(best).mark_point(style="best").encode(x, y, *parts.colour, tooltip=tooltip)
    return marks.panel([*layers, diamonds], HEADINGS[panel][0], width=300, height=220)


def _subtitle(results: Sequence[Result], data: Curves) -> list[str]:
    first = results[0]
    validation = "test images, called validation (handout)" if first.run.data.protocol == "handout" else "validation images"
    what = (
        f"{words.network(first.run.model)}; {words.counted(first.model.parameters, 'parameter')}; {first.run.data.name}: "
        f"{first.data.train:,} training and {first.data.validation:,} {validation}"
    )
    return [what, _seeds(results, data)]


def _seeds(results: Sequence[Result], data: Curves) -> str:
    if len(results) == 1:
        verdict = "" if results[0].verdict.kind == "ok" else f"; {results[0].verdict.kind}"
        return f"n = 1 run, seed {results[0].run.seed}; {_best_words(results[0].history)}{verdict}"
    if not data.averaged:
        return f"n = {len(results)} seeds, each drawn by itself: fewer than two can be averaged"
    bests = [best_epoch(result.history) for result in results if result.run.seed not in data.left_out]
    shown = f"n = {data.averaged} seeds: mean with 95 % interval (Student t), single seeds faint behind"
    spread = f"{min(bests)} to {max(bests)}" if min(bests) != max(bests) else str(bests[0])
    excluded = [f"seed {seed} {verdict}" for seed, verdict in data.left_out.items()]
    return f"{shown}; best epochs {spread} (diamonds)" + (f"; not in the mean: {words.listed(excluded)}" if excluded else "")


def _best_words(history: History) -> str:
    epoch = best_epoch(history)
    if epoch == 0:
        return "no epoch has a finite validation loss"
    return f"best epoch {epoch} (diamond): validation accuracy {words.percent(history['validation_accuracy'][epoch - 1], 2)}"


def probes_over_epochs(history: History, kind: str) -> AnyChart:
    """Draw one kind of probe over epochs: a small panel per layer, in the order of the network, on shared scales.

    Args:
        history: of one run; its probes are the columns `kind/layer`.
        kind: for example "saturation".

    Raises:
        StatisticsError: the history has no probe of this kind; names those that it has.
    """
    layers = history.probes(kind)
    if not layers:
        kinds = sorted({name.split("/", 1)[0] for name in history.columns if "/" in name})
        raise StatisticsError(f"This history has no probe {kind!r}. It has: {', '.join(kinds) or 'none'}.")
    rows: Rows = [
        {"panel": layer, "epoch": epoch, "value": finite(float(value))}
        for layer, column in layers.items()
        for epoch, value in enumerate(column, start=1)
    ]
    called = kind.replace("_", " ")
    known = [row["value"] for row in rows if row["value"] is not None]
    x = marks.x("epoch", scales.stepwise(range(1, history.epochs + 1), form="d"), "epoch")
    y = marks.y("value", scales.linear([0.0, *known]), called)
    tooltip = marks.tips("panel", epoch="d", value=".4g")
    panels = [
        marks.panel(marks.lines(mine, x, y, tooltip=tooltip, point={"size": 20}), layer, width=170, height=130)
        for layer, mine in marks.split(rows).items()
    ]
    subtitle = f"n = 1 run; {words.counted(len(layers), 'layer')} on one scale"
    return marks.figure(panels, f"{called.capitalize()} by layer", subtitle)
