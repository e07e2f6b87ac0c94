"""Curves over epochs: learning curves of one run or of the seeds of one setting, and a run's probes, layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from seedbed.errors import StatisticsError
from seedbed.figures import theme, words
from seedbed.records import History, Result, best_epoch, finite

if TYPE_CHECKING:
    import altair as alt

    from seedbed.figures.theme import AnyChart

Rows = list[dict[str, Any]]
Panel = Literal["accuracy", "loss", "penalty"]

COLUMNS: dict[Panel, dict[str, str]] = {
    "accuracy": {"training": "train_accuracy", "validation": "validation_accuracy"},
    "loss": {"training": "train_loss", "validation": "validation_loss"},
    "penalty": {"training": "train_penalty"},
}
HEADINGS: dict[Panel, tuple[str, str]] = {
    "accuracy": ("Accuracy", "share classified correctly"),
    "loss": ("Data loss", "mean cross-entropy (nats)"),
    "penalty": ("Penalty", "l2 and l1 terms (nats)"),
}
NOT_AVERAGED = ("diverged", "collapsed")
LOG_FROM = 10.0
"""A loss that falls by this factor is drawn on a logarithmic axis."""


@dataclass(frozen=True)
class Curves:
    """What learning curves show, computed once.

    Attributes:
        raw: one row a point: panel, part, seed, epoch, value (None where a run diverged).
        mean: one row a point of the mean: panel, part, epoch, value, low, high; empty for a single run.
        best: the validation figures at each run's best epoch: panel, part, seed, epoch, value.
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
    """The points of `learning_curves`.

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
        logarithmic=frozenset(panel for panel in ("loss", "penalty") if _spans_decades(panel, raw, mean)),
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
    from seedbed.statistics import mean_interval

    shared = min(history.epochs for history in histories)
    rows: Rows = []
    for panel, parts in COLUMNS.items():
        for part, column in parts.items():
            for epoch, values in enumerate(zip(*(history[column][:shared] for history in histories), strict=True), start=1):
                at = {"panel": panel, "part": part, "epoch": epoch}
                if np.isfinite(values).all():
                    interval = mean_interval(values)
                    rows.append({**at, "value": interval.mean, "low": interval.low, "high": interval.high})
    return rows


def _spans_decades(panel: str, raw: Rows, mean: Rows) -> bool:
    values: NDArray[np.float64] = np.array([row["value"] for row in raw if row["panel"] == panel], dtype=np.float64)
    values = values[np.isfinite(values)]
    lows = [row["low"] for row in mean if row["panel"] == panel]
    if not (values.size and values.min() > 0 and min(lows, default=1.0) > 0):
        return False
    return bool(values.max() / values.min() >= LOG_FROM)


def learning_curves(results: Sequence[Result]) -> AnyChart:
    """Accuracy, data loss and penalty over epochs, training (dashed) and validation (solid).

    One run is drawn as it is, its best epoch marked; several seeds as their mean with its 95 % Student-t interval, the single
    seeds faint behind. Runs that diverged or collapsed stay visible and out of the mean; the title says how many.

    Args:
        results: one run, or the seeds of one setting.

    Raises:
        StatisticsError: no result, or results of more than one setting.
    """
    import altair as alt

    data = curves(results)
    chart = alt.hconcat(*(_panel(data, panel) for panel in data.panels))
    chart = chart.resolve_scale(color="shared", strokeDash="shared")
    name = results[0].name if len(results) == 1 else results[0].group
    return theme.finish(chart, f"Learning curves: {name}", _subtitle(results, data))


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
        return f"n = 1 run, seed {results[0].run.seed}; {_best_words(results[0].history)}{_verdict_words(results[0])}"
    if not data.averaged:
        return f"n = {len(results)} seeds, each drawn by itself: fewer than two can be averaged"
    bests = [best_epoch(result.history) for result in results if result.run.seed not in data.left_out]
    shown = f"n = {data.averaged} seeds: mean with 95 % interval (Student t), single seeds faint behind"
    spread = f"{min(bests)} to {max(bests)}" if min(bests) != max(bests) else str(bests[0])
    out = [f"seed {seed} {verdict}" for seed, verdict in data.left_out.items()]
    return f"{shown}; best epochs {spread} (diamonds)" + (f"; not in the mean: {words.listed(out)}" if out else "")


def _best_words(history: History) -> str:
    epoch = best_epoch(history)
    if epoch == 0:
        return "no epoch has a finite validation loss"
    return f"best epoch {epoch} (diamond): validation accuracy {words.percent(history['validation_accuracy'][epoch - 1], 2)}"


def _verdict_words(result: Result) -> str:
    return "" if result.verdict.kind == "ok" else f"; {result.verdict.kind}"


def _panel(data: Curves, panel: Panel) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    raw = theme.table([row for row in data.raw if row["panel"] == panel])
    best = theme.table([row for row in data.best if row["panel"] == panel])
    x = alt.X("epoch:Q", title="epoch", scale=alt.Scale(domain=_epochs(data), nice=False), axis=_epoch_axis(data))
    y = alt.Y("value:Q", title=_axis_title(data, panel), scale=_scale(data, panel), axis=_value_axis(data, panel))
    part = alt.Scale(domain=list(theme.PARTS), range="category")
    color = alt.Color("part:N", title=None, scale=part, legend=_legend())
    dash = alt.StrokeDash("part:N", title=None, scale=alt.Scale(domain=list(theme.PARTS), range=list(theme.DASHES)))
    tooltip = ["part:N", "epoch:Q", alt.Tooltip("value:Q", title=panel, format=".4f")]
    hover = alt.Chart(raw).mark_point(style="hover").encode(x, y, tooltip=[*tooltip, "seed:N"])
    diamonds = alt.Chart(best).mark_point(style="best").encode(x, y, color, tooltip=[*tooltip, "seed:N"])
    if data.mean:
        lines = alt.Chart(theme.table([row for row in data.mean if row["panel"] == panel])).mark_line()
        behind = _behind(data, panel, x, y)
    else:
        lines, behind = alt.Chart(raw).mark_line(point=data.epochs == 1), []
    layers = [*behind, lines.encode(x, y, color, dash), diamonds, hover]
    return alt.layer(*layers).properties(title=theme.heading(HEADINGS[panel][0]), width=300, height=220)


def _behind(data: Curves, panel: Panel, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The interval's band and the single seeds, coloured by style: as layers without a legend, they leave the mean's alone."""
    import altair as alt

    layers = []
    for part in COLUMNS[panel]:
        mean = theme.table([row for row in data.mean if row["panel"] == panel and row["part"] == part])
        seeds = theme.table([row for row in data.raw if row["panel"] == panel and row["part"] == part])
        band = alt.Chart(mean).mark_area(style=f"band-{part}").encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
        layers += [band, alt.Chart(seeds).mark_line(style=f"raw-{part}").encode(x, y, detail="seed:N")]
    return layers


def _legend() -> alt.Legend:
    import altair as alt

    return alt.Legend(orient="bottom", symbolType="stroke", symbolStrokeWidth=2, symbolSize=400)


def _epochs(data: Curves) -> list[float]:
    return [1, data.epochs] if data.epochs > 1 else [0.5, 1.5]


def _epoch_axis(data: Curves) -> alt.Axis:
    import altair as alt

    if data.epochs == 1:
        return alt.Axis(format="d", values=[1], grid=False)
    return alt.Axis(format="d", tickMinStep=1, grid=False)


def _axis_title(data: Curves, panel: Panel) -> str:
    return HEADINGS[panel][1] + (", log scale" if panel in data.logarithmic else "")


def _value_axis(data: Curves, panel: Panel) -> alt.Axis:
    import altair as alt

    if panel == "accuracy":
        return alt.Axis(format="~%")
    if panel not in data.logarithmic:
        return alt.Axis(format="~g")
    low, high = _range(data, panel)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) <= 4 else (1,)
    ticks = [step * 10.0**decade for decade in decades for step in steps]
    return alt.Axis(format="~g", values=[tick for tick in ticks if low <= tick <= high])


def _scale(data: Curves, panel: Panel) -> alt.Scale:
    import altair as alt

    if panel not in data.logarithmic:
        return alt.Scale(zero=False)
    low, high = _range(data, panel)
    return alt.Scale(type="log", domain=[low * 0.9, high * 1.1], nice=False)


def _range(data: Curves, panel: Panel) -> tuple[float, float]:
    points = [
        row[name] for row in data.raw + data.mean for name in ("value", "low", "high") if row["panel"] == panel and name in row
    ]
    values = [value for value in points if value is not None]
    return min(values), max(values)


def probes_over_epochs(history: History, kind: str) -> AnyChart:
    """One kind of probe over epochs: a small panel a layer, in the network's order, on shared scales.

    Args:
        history: of one run; its probes are the columns `kind/layer`.
        kind: for example "saturation".

    Raises:
        StatisticsError: the history has no probe of this kind; names those that it has.
    """
    import altair as alt

    layers = history.probes(kind)
    if not layers:
        kinds = sorted({name.split("/", 1)[0] for name in history.columns if "/" in name})
        raise StatisticsError(f"This history has no probe {kind!r}. It has: {', '.join(kinds) or 'none'}.")
    rows = [
        {"layer": layer, "epoch": epoch, "value": finite(float(value))}
        for layer, column in layers.items()
        for epoch, value in enumerate(column, start=1)
    ]
    chart = alt.concat(*(_probe_panel(rows, layer, kind) for layer in layers), columns=4)
    heading = f"{kind.replace('_', ' ').capitalize()} by layer"
    return theme.finish(chart, heading, f"n = 1 run; {words.counted(len(layers), 'layer')} on one scale")


def _probe_panel(rows: Rows, layer: str, kind: str) -> alt.Chart:
    import altair as alt

    values = [row["value"] for row in rows if row["value"] is not None]
    y = alt.Scale(domain=[min([0.0, *values]), max([0.0, *values])], nice=True)
    panel: alt.Chart = (
        alt.Chart(theme.table([row for row in rows if row["layer"] == layer]))
        .mark_line(point={"size": 20})
        .encode(
            alt.X("epoch:Q", title="epoch", scale=alt.Scale(nice=False), axis=alt.Axis(format="d", tickMinStep=1, grid=False)),
            alt.Y("value:Q", title=kind.replace("_", " "), scale=y, axis=alt.Axis(format="~g")),
            tooltip=["layer:N", "epoch:Q", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(width=170, height=130, title=theme.heading(layer))
    )
    return panel
