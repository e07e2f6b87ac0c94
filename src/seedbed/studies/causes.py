"""Causes: saturated units, gradients and updates, layer by layer, held against how well the settings did.

The probes are read at the end of the first epoch, before the outcome that they are held against.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from seedbed import figures
from seedbed.errors import StatisticsError
from seedbed.figures import Curve, words
from seedbed.figures.curves import OUTPUT
from seedbed.groups import Group, Measure
from seedbed.kinds import ACTIVATIONS
from seedbed.records import EpochSeries, History, Result
from seedbed.statistics import Interval, interval_of, spearman
from seedbed.studies.answers import Figure, Part, share_text, subtitle
from seedbed.studies.setup import Setup
from seedbed.studies.tables import interval_text
from seedbed.studies.why import probed

T = TypeVar("T")

BOUNDED = tuple(activation.name for activation in ACTIVATIONS.records() if activation.ends)
"""Activations whose units saturate at both ends; the units of the others are off for a whole batch, or they are not."""


def layers_of(history: History, kind: str) -> list[tuple[str, EpochSeries]]:
    """The probes of one kind in the order of the network: (layer, column)."""
    return _in_order(history.probes(kind))


def _in_order(found: Mapping[str, T]) -> list[tuple[str, T]]:
    return [(layer, found[layer]) for layer in sorted(found, key=_place)]


def _place(layer: str) -> tuple[bool, int]:
    """Convolutions first, then by number."""
    number = re.search(r"\d+$", layer)
    return layer.startswith("dense"), int(number[0]) if number else 0


def _imbalance(result: Result) -> float:
    columns = [column[0] for _, column in layers_of(result.history, "gradient")]
    known = len(columns) > 1 and columns[0] > 0 and columns[-1] > 0
    return math.log10(columns[0] / columns[-1]) if known else math.nan


def _saturation(result: Result) -> float:
    shares = [float(column[0]) for _, column in layers_of(result.history, "saturation")]
    return float(np.mean(shares)) if shares else math.nan


def _pace(result: Result) -> float:
    columns = [column[0] for _, column in layers_of(result.history, "update")]
    return math.log10(columns[0]) if columns and columns[0] > 0 else math.nan


IMBALANCE = Measure("log10 of the gradient's ratio, first to output layer", _imbalance)
SATURATION = Measure("share of saturated units", _saturation)
PACE = Measure("log10 of the first layer's update-to-weight ratio", _pace)
MEASURES = {"gradient_ratio_log10": IMBALANCE, "saturation": SATURATION, "first_update_log10": PACE}
"""All at the end of the first epoch, over a network's layers."""


def depth_of(cell: Group) -> int:
    return len(cell.run.model.hidden)


def activation_of(cell: Group) -> str:
    return name_of(cell.run.model.activation or "")


def name_of(activation: str) -> str:
    return activation.replace("_", " ")


def part(setup: Setup, cells: Sequence[Group]) -> Part:
    """Why: three causes over the layers of all settings, and how they go with accuracy.

    Args:
        cells: nets of equal layers, of several activations and depths.
    """
    deepest = max(map(depth_of, cells))
    deep = [cell for cell in cells if depth_of(cell) == deepest]
    together = {measure: found for measure in MEASURES.values() if (found := _correlation(cells, measure))}
    return Part(
        name="why",
        question="Why: which units saturate, where do gradients vanish, how far do the layers move?",
        answer=[*_gradients(deep, deepest), *_saturated(deep, deepest), *_paces(deep, deepest)],
        method=(
            "Probes at the end of each epoch: the share of saturated outputs (|tanh| > 0.97, sigmoid outside [0.03, 0.97]; "
            "else of units that are off for a whole batch) on training images, and the last minibatch's gradient norm "
            "and update-to-weight ratio of each kernel; sentences use the end of the first epoch."
        ),
        figures=[
            _figure(setup, cells, "saturation", "act_saturation", "Share of saturated units", "share"),
            _figure(setup, cells, "gradient", "act_gradient", "Gradient norm of each layer's kernel", "norm"),
            _figure(setup, cells, "update", "act_update", "Update-to-weight ratio of each layer's kernel", "ratio"),
        ],
        why=[*(_goes_with(measure, found) for measure, found in together.items()), *_at_end(deep, deepest)],
        data={
            "correlations_with_accuracy": {
                measure.name: {"rho": found.mean, "interval": found.pair(), "settings": found.n}
                for measure, found in together.items()
            }
        },
    )


# Sentences


def _gradients(cells: Sequence[Group], depth: int) -> list[str]:
    found = [(cell, ratio) for cell in cells if (ratio := cell.measured(IMBALANCE))]
    if not found:
        return []
    found.sort(key=lambda one: one[1].mean)
    ends = [found[0], found[-1]] if len(found) > 1 else found
    said = words.listed([f"{times(ratio)} with {activation_of(cell)}" for cell, ratio in ends])
    which = f"the smallest and the largest of {words.counted(len(found), 'activation')}"
    return [
        f"At depth {depth}, after one epoch, the norm of the first layer's gradient over that of the output layer's is {said}: "
        f"{which} (geometric means over seeds, 95 % intervals)."
    ]


def times(log10: Interval) -> str:
    """A ratio whose logarithm was averaged.

    >>> times(Interval(-2.0, -2.3, -1.7, 5))
    '0.01 (0.005 to 0.02)'
    """
    mean, low, high = (10**value for value in (log10.mean, *log10.pair()))
    return f"{mean:.2g} ({low:.2g} to {high:.2g})" if math.isfinite(low) else f"{mean:.2g}"


def _saturated(cells: Sequence[Group], depth: int) -> list[str]:
    bounded = [cell for cell in cells if activation_of(cell) in BOUNDED]
    others = [cell for cell in cells if activation_of(cell) not in BOUNDED]
    said = []
    for some, state in ((bounded, "saturated outputs"), (others, "units that are off for a whole batch")):
        found = [
            f"{share_text(share, 1)} with {activation_of(cell)}"
            for cell in some
            if (share := clipped(cell.measured(SATURATION)))
        ]
        if found:
            said.append(
                f"At depth {depth}, after one epoch, the share of {state}, mean of the layers, is {words.listed(found)}."
            )
    return said


def clipped(share: Interval | None) -> Interval | None:
    """The interval of a share ends at 0 and 1."""
    return share and Interval(share.mean, max(0.0, share.low), min(1.0, share.high), share.n)


def _paces(cells: Sequence[Group], depth: int) -> list[str]:
    found = [f"{times(pace)} with {activation_of(cell)}" for cell in cells if (pace := cell.measured(PACE))]
    if not found:
        return []
    changes = "one step changes the first layer's kernel by this share of its norm"
    return [f"At depth {depth}, after one epoch, {changes}: {words.listed(found)}."]


def _at_end(cells: Sequence[Group], depth: int) -> list[str]:
    """Layer by layer at the last epoch, where outputs saturate at both ends."""
    said = []
    for cell in cells:
        shares = [found for layer, found in _in_order(probed(cell, "saturation")) if found]
        if activation_of(cell) in BOUNDED and shares:
            listed = words.listed([share_text(clipped(share), 0) for share in shares])
            said.append(
                f"At depth {depth}, at the last epoch, the share of saturated {activation_of(cell)} outputs is, from the first "
                f"layer to the last, {listed}."
            )
    return said


# Cause and outcome


def _correlation(cells: Sequence[Group], measure: Measure) -> Interval | None:
    """Spearman's, over the settings that have runs in their means; None where fewer than four have the measure, or all alike.

    Saturation is compared among bounded activations only: of the others another thing is counted.
    """
    asked = [cell for cell in cells if activation_of(cell) in BOUNDED] if measure is SATURATION else cells
    pairs = [(cause.mean, cell.last.mean) for cell in asked if (cause := cell.measured(measure)) and cell.last]
    try:
        return spearman([cause for cause, _ in pairs], [effect for _, effect in pairs])
    except StatisticsError:
        return None


def _goes_with(measure: Measure, found: Interval) -> str:
    reach = interval_text(found, factor=1)
    among = f"{found.n} settings" + (f" ({words.listed(list(BOUNDED))})" if measure is SATURATION else "")
    about = f"rank correlation {reach}; depth and rate differ among these settings, too, so it is no proof"
    what = f"the {measure.name} after one epoch"
    if not found.excludes(0.0):
        return f"Over {among}, no connection of {what} with the accuracy at the last epoch is shown ({about})."
    way = "higher" if found.mean > 0 else "lower"
    return f"Over {among}, the higher {what}, the {way} the accuracy at the last epoch ({about})."


# Figures


def _figure(setup: Setup, cells: Sequence[Group], kind: str, name: str, title: str, y: str) -> Figure:
    curves = [curve for cell in sorted(cells, key=depth_of) for curve in layer_curves(cell, kind)]
    said = subtitle(setup, cells, "mean with 95 % interval (Student t)")
    lost = [cell for cell in cells if not cell.n]
    said += ["where all runs of a setting diverged or collapsed, these are shown, and the panel says so"] * bool(lost)
    share = kind == "saturation"
    chart = figures.layers_over_epochs(curves, title, said, y=y, share=share)
    captions = {
        "saturation": (
            "Of tanh and sigmoid the share of outputs near their ends; of the others the share of units whose output is not "
            "positive for a whole batch, which stops learning in a ReLU unit and does not in the others."
        ),
        "gradient": "Lines that lie apart: the gradient shrinks or grows on its way from the output to the first layer.",
        "update": "What one step changes, as a share of the kernel's norm.",
    }
    return Figure(name, chart, captions[kind])


def layer_curves(cell: Group, kind: str) -> list[Curve]:
    """One curve a layer: of the runs that are in means, or where none is, of all, which the note says."""
    results = cell.kept or cell.results
    note = "" if cell.kept else f"{cell.total} of {cell.total} " + "/".join(cell.verdicts)
    shared = min(result.history.epochs for result in results)
    names = [layer for layer, _ in layers_of(results[0].history, kind)]
    curves = []
    for place, layer in enumerate(names, start=1):
        columns = np.array([result.history[f"{kind}/{layer}"][:shared] for result in results])
        points = [(float(at), mean) for at in range(1, shared + 1) if (mean := interval_of(columns[:, at - 1].tolist()))]
        if kind == "saturation":
            points = [(at, clipped(mean) or mean) for at, mean in points]
        called = OUTPUT if place > depth_of(cell) else f"{place}"
        curves.append(Curve(activation_of(cell), called, points, row=f"depth {depth_of(cell)}", note=note))
    return curves
