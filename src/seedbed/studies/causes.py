"""Causes: saturated units, gradients and updates, layer by layer, and their correlation with accuracy.

The probes are read at the end of the first epoch, before the outcome that they are to explain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np

from seedbed import figures, words
from seedbed.errors import StatisticsError
from seedbed.figures import Curve
from seedbed.figures.curves import OUTPUT
from seedbed.groups import Contrast, Group, Measure, differences
from seedbed.groups.statements import Statement
from seedbed.kinds import ACTIVATIONS
from seedbed.records import Result, limits
from seedbed.statistics import SHARE, Interval, spearman
from seedbed.studies.answers import AnswerPart, Figure
from seedbed.studies.setup import Setup
from seedbed.studies.texts import BANDS, number_text, share_text, subtitle
from seedbed.studies.why import layers_of, probed

DRAWN = ("relu", "tanh", "sigmoid")
"""The exercise's activations: seven columns of small panels would show little."""

BOUNDED = tuple(activation.title for activation in ACTIVATIONS.records() if activation.ends)
"""Activations whose units saturate at both ends; units of the others are either off for a whole batch or not."""


def _first_epoch(result: Result, kind: str) -> list[float]:
    return [float(result.history[f"{kind}/{layer}"][0]) for layer in layers_of(result.history, kind)]


def _imbalance(result: Result) -> float:
    norms = _first_epoch(result, "gradient")
    known = len(norms) > 1 and norms[0] > 0 and norms[-1] > 0
    return math.log10(norms[0] / norms[-1]) if known else math.nan


def _saturation(result: Result) -> float:
    shares = _first_epoch(result, "saturation")
    return float(np.mean(shares)) if shares else math.nan


def _pace(result: Result) -> float:
    ratios = _first_epoch(result, "update")
    return math.log10(ratios[0]) if ratios and ratios[0] > 0 else math.nan


IMBALANCE = Measure("log10 of the gradient's ratio, first to output layer", _imbalance)
SATURATION = Measure("share of saturated units", _saturation, limits=SHARE)
PACE = Measure("log10 of the first layer's update-to-weight ratio", _pace)
MEASURES = {"gradient_ratio_log10": IMBALANCE, "saturation": SATURATION, "first_update_log10": PACE}
"""All at the end of the first epoch, over a network's layers."""


def depth_of(cell: Group) -> int:
    return len(cell.run.model.hidden)


def activation_of(cell: Group) -> str:
    return name_of(cell.run.model.activation or "")


def name_of(activation: str) -> str:
    """Name of an activation in sentences and pictures."""
    return ACTIVATIONS[activation].title


def part(setup: Setup, cells: Sequence[Group]) -> AnswerPart:
    """Answer why: three causes over the layers of all settings, and their correlation with accuracy.

    Args:
        cells: nets of equal layers, of several activations and depths.
    """
    deepest = max(map(depth_of, cells))
    deep = [cell for cell in cells if depth_of(cell) == deepest]
    correlations = [(measure, rho) for measure in MEASURES.values() if (rho := _correlation(cells, measure))]
    return AnswerPart(
        name="why",
        question="Why: which units saturate, where do gradients vanish, how far do the layers move?",
        answer=_after_one_epoch(deepest, (*_gradients(deep), *_saturated(deep), *_paces(deep))),
        method=(
            "Probes at the end of each epoch: the share of saturated outputs (|tanh| > 0.97, sigmoid outside [0.03, 0.97]; "
            "else of units that are off for a whole batch) on training images, and the last minibatch's gradient norm "
            "and update-to-weight ratio of each kernel. Sentences use the end of the first epoch; ratios are geometric means "
            "over seeds with 95 % intervals. Correlations: Spearman's."
        ),
        figures=[
            _figure(setup, cells, "saturation", "act_saturation", "Share of saturated units", "share"),
            _figure(setup, cells, "gradient", "act_gradient", "Gradient norm of each layer's kernel", "norm"),
            _figure(setup, cells, "update", "act_update", "Update-to-weight ratio of each layer's kernel", "ratio"),
        ],
        finding=_finding(deep, deepest),
        why=[*(_correlation_sentence(measure, rho) for measure, rho in correlations), *_at_end(deep, deepest)],
        reason=_correlation_sentence(*correlations[0], brief=True) if correlations else "",
        data={
            "correlations_with_accuracy": {
                measure.name: {"rho": rho.mean, "interval": rho.pair(), "settings": rho.n} for measure, rho in correlations
            }
        },
    )


# Sentences


def _finding(cells: Sequence[Group], depth: int) -> Statement | None:
    """By how much the gradient changes on its way back, and whether the activations differ in that."""
    known = sorted((cell for cell in cells if cell.measured(IMBALANCE)), key=_gradient_ratio)
    if len(known) < 2:
        return None
    [apart] = differences([Contrast(known[-1], known[0], measure=IMBALANCE)], others=math.comb(len(known), 2) - 1)
    brief, whole = (_after_one_epoch(depth, _gradients(known, brief=at)) for at in (True, False))
    return Statement(brief[0], apart.certainty("The largest against the smallest"), whole[0])


def _after_one_epoch(depth: int, found: Iterable[str]) -> list[str]:
    return [f"At depth {depth}, after one epoch, {each}" for each in found]


def _gradient_ratio(cell: Group) -> float:
    return ratio.mean if (ratio := cell.measured(IMBALANCE)) else math.inf


def _with_each(cells: Sequence[Group], measure: Measure, text: Callable[[Interval], str]) -> list[str]:
    """The value of a measure with each activation that has one."""
    return [f"{text(value)} with {activation_of(cell)}" for cell in cells if (value := cell.measured(measure))]


def _gradients(cells: Sequence[Group], *, brief: bool = False) -> list[str]:
    ratios = _with_each(sorted(cells, key=_gradient_ratio), IMBALANCE, partial(times, brief=brief))
    if not ratios:
        return []
    ends = words.listed([*ratios[:1], *ratios[1:][-1:]])
    which = f": the smallest and the largest of {len(ratios)} activations" if len(ratios) > 1 else ""
    return [f"the norm of the first layer's gradient over that of the output layer's is {ends}{which}."]


def times(log10: Interval, *, brief: bool = False) -> str:
    """A ratio whose logarithm was averaged, with its interval or `brief` without.

    >>> times(Interval(-2.0, -2.3, -1.7, 5))
    '0.01 (0.005 to 0.02)'
    """
    mean, low, high = (10**value for value in (log10.mean, *log10.pair()))
    return f"{mean:.2g}" if brief or not math.isfinite(low) else f"{mean:.2g} ({low:.2g} to {high:.2g})"


def _saturated(cells: Sequence[Group]) -> list[str]:
    sentences = []
    for bounded, state in ((True, "saturated outputs"), (False, "units that are off for a whole batch")):
        some = [cell for cell in cells if (activation_of(cell) in BOUNDED) == bounded]
        shares = _with_each(some, SATURATION, lambda share: share_text(share, 1))
        sentences += [f"the share of {state}, mean of the layers, is {words.listed(shares)}."] * bool(shares)
    return sentences


def _paces(cells: Sequence[Group]) -> list[str]:
    paces = _with_each(cells, PACE, times)
    return [f"one step changes the first layer's kernel by this share of its norm: {words.listed(paces)}."] * bool(paces)


def _at_end(cells: Sequence[Group], depth: int) -> list[str]:
    """Layer by layer at the last epoch, where outputs saturate at both ends."""
    sentences = []
    for cell in cells:
        shares = [share_text(share, 0) for share in probed(cell, "saturation").values() if share]
        if activation_of(cell) in BOUNDED and shares:
            sentences.append(
                f"At depth {depth}, at the last epoch, the share of saturated {activation_of(cell)} outputs is, from the first "
                f"layer to the last, {words.listed(shares)}."
            )
    return sentences


# Cause and outcome


def _correlation(cells: Sequence[Group], measure: Measure) -> Interval | None:
    """Spearman's, over the settings with runs; None where fewer than four have the measure, or all the same.

    Saturation is compared among bounded activations only; for the others it means something else.
    """
    asked = [cell for cell in cells if activation_of(cell) in BOUNDED] if measure is SATURATION else cells
    pairs = [(cause.mean, cell.last.mean) for cell in asked if (cause := cell.measured(measure)) and cell.last]
    try:
        return spearman([cause for cause, _ in pairs], [effect for _, effect in pairs])
    except StatisticsError:
        return None


def _correlation_sentence(measure: Measure, rho: Interval, *, brief: bool = False) -> str:
    among = f"{rho.n} settings" + (f" ({words.listed(list(BOUNDED))})" if measure is SATURATION else "")
    about = f"rank correlation {number_text(rho, brief=brief)}. Depth and rate differ among these settings, too, so this "
    about += "proves no cause."
    what = f"the {measure.name.removeprefix('log10 of the ')} (after one epoch)"  # whose ranks are the same
    if not rho.excludes(0.0):
        return f"Over {among}, no clear connection of {what} with the accuracy at the last epoch: {about}"
    way = "higher" if rho.mean > 0 else "lower"
    return f"Over {among}, the higher {what}, the {way} the accuracy at the last epoch: {about}"


# Figures


CAPTIONS = {
    "saturation": (
        "Of tanh and sigmoid the share of outputs near their ends; of the others the share of units whose output is not "
        "positive for a whole batch, which stops learning in a ReLU unit and does not in the others."
    ),
    "gradient": "Lines that lie apart: the gradient shrinks or grows on its way from the output to the first layer.",
    "update": "The change of one step, as a share of the kernel's norm.",
}


def _figure(setup: Setup, cells: Sequence[Group], kind: str, name: str, title: str, y: str) -> Figure:
    cells = [cell for cell in cells if cell.run.model.activation in DRAWN]
    curves = [curve for cell in sorted(cells, key=depth_of) for curve in layer_curves(cell, kind)]
    lost = ["where all runs of a setting diverged or collapsed, these are shown, and the panel says so"]
    said = subtitle(setup, cells, BANDS, *(lost if any(not cell.n for cell in cells) else []))
    share = kind == "saturation"
    chart = figures.layers_over_epochs(curves, title, said, y=y, share=share)
    return Figure(name, chart, CAPTIONS[kind])


def layer_curves(cell: Group, kind: str) -> list[Curve]:
    """A curve per layer, of the runs that enter means; where none does, of all, and a note says so."""
    results = cell.kept or cell.results
    note = "" if cell.kept else f"{cell.total} of {cell.total} " + "/".join(map(words.kind, cell.verdicts))
    shared = min(result.history.epochs for result in results)
    curves = []
    for place, layer in enumerate(layers_of(results[0].history, kind), start=1):
        columns = np.array([result.history[f"{kind}/{layer}"][:shared] for result in results])
        means = [cell.interval(column.tolist(), limits(f"{kind}/{layer}")) for column in columns.T]
        points = [(float(at), mean) for at, mean in enumerate(means, start=1) if mean]
        called = OUTPUT if place > depth_of(cell) else f"{place}"
        curves.append(Curve(activation_of(cell), called, points, row=f"depth {depth_of(cell)}", note=note))
    return curves
