"""Diagnose a run, with the evidence; and explain it by its probes."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from seedbed.kinds import ACTIVATIONS
from seedbed.records import EpochSeries, History, Verdict, best_epoch
from seedbed.statistics import Interval, slope

ONE_CLASS = 0.99
"""Lowest share of the images with one predicted class at which a network has collapsed."""

SHORTEST, LONGEST = 5, 20
"""Bounds for the number of epochs in the slope test, which is the last third of the run."""

WORTHWHILE = 0.05
"""A run was still improving if continuing at its cautious rate would remove this share of the loss or the mistakes."""

RISE = 0.05
"""Lowest relative rise of the validation loss that is called overfitting."""

NORMAL_MEDIAN = 0.6745
"""Median of |x| for a standard normal x."""

FALSE_ALARM = 0.01
"""Chance that noise alone is called overfitting."""


def diagnose(
    history: History, predicted: NDArray[np.integer] | None, classes: Sequence[str], stopped_early: bool = False
) -> Verdict:
    """Diagnose a run: the first that holds of diverged, collapsed, undertrained, overfitting, ok.

    Args:
        history: history of the whole run.
        predicted: predicted class of each validation image, int `(n,)`. None where it is not known.
        classes: names of the classes.
        stopped_early: whether patience ended the run, so that its last epochs promise no further gain.

    Returns:
        - diverged: a loss was not finite.
        - collapsed: one class is predicted for at least 99 % of the validation images (and there are several classes), or the
          accuracy fell back to that of guessing.
        - undertrained: over the last epochs the validation loss fell, or the accuracy rose, significantly (the slope's 95 %
          interval excludes 0), and continuing at the interval's cautious end for as many epochs would remove at least 5 % of
          the loss or of the mistakes.
        - overfitting: the validation loss rose by at least 5 % since its minimum, by more than its noise from epoch to epoch
          explains, while the training loss fell.
        - ok: none of these.
    """
    return (
        _diverged(history)
        or _collapsed(history, predicted, classes)
        or (None if stopped_early else _undertrained(history))
        or _overfitting(history)
        or _ok(history, stopped_early)
    )


def _diverged(history: History) -> Verdict | None:
    broken = ~(np.isfinite(history["train_loss"]) & np.isfinite(history["validation_loss"]))
    if history.epochs and not broken.any():
        return None
    epoch, best = int(np.argmax(broken)) + 1, best_epoch(history, "accuracy")
    before = f"; its best before was {_percent(history['validation_accuracy'][best - 1])} at epoch {best}" if best else ""
    return Verdict("diverged", f"The loss was not finite at epoch {epoch}{before}.")


def _collapsed(history: History, predicted: NDArray[np.integer] | None, classes: Sequence[str]) -> Verdict | None:
    if predicted is not None and len(predicted) and len(classes) > 1:
        counts = np.bincount(predicted, minlength=len(classes))
        most, share = int(counts.argmax()), float(counts.max() / counts.sum())
        if share >= ONE_CLASS:
            return Verdict("collapsed", f"It predicts class {classes[most]!r} for {_percent(share)} of the validation images.")
    best, guessing = best_epoch(history, "accuracy"), 1.5 / max(len(classes), 1)
    lasts = [float(history[name][-1]) for name in ("train_accuracy", "validation_accuracy")]
    peak = float(history["validation_accuracy"][best - 1])
    if max(lasts) < guessing and peak > 2 * guessing:
        fell = f"fell from {_percent(peak)} at epoch {best} to {_percent(lasts[1])} at epoch {history.epochs}"
        return Verdict("collapsed", f"The validation accuracy {fell}, about that of guessing among {len(classes)} classes.")
    return None


def _undertrained(history: History) -> Verdict | None:
    window = min(LONGEST, max(SHORTEST, math.ceil(history.epochs / 3)))
    if history.epochs < window:
        return None
    loss, accuracy = (history[name][-window:] for name in ("validation_loss", "validation_accuracy"))
    falling, rising = slope(loss).interval(), slope(accuracy).interval()
    still = f"in the last {window} epochs"
    if falling.high < 0 and -falling.high * window >= WORTHWHILE * loss[-1]:
        change = f"{falling.mean:+.2g} per epoch ({_range(falling, 1, '.2g')})"
        return Verdict("undertrained", f"The validation loss was still falling {still}: {change}.")
    if rising.low > 0 and not falling.low > 0 and rising.low * window >= WORTHWHILE * (1 - accuracy[-1]):
        change = f"{100 * rising.mean:+.2g} points per epoch ({_range(rising, 100, '.2g')})"
        return Verdict("undertrained", f"The validation accuracy was still rising {still}: {change}.")
    return None


def _overfitting(history: History) -> Verdict | None:
    validation, train = history["validation_loss"], history["train_loss"]
    lowest = int(np.argmin(validation))
    after = len(validation) - 1 - lowest
    if len(validation) < SHORTEST or after < 2 or not train[-1] < train[lowest]:
        return None
    width = min(3, after)
    base, end = float(validation[max(0, lowest - 1) : lowest + 2].mean()), float(validation[-width:].mean())
    if not (end - base >= RISE * base and end - base > _reach_of_noise(validation, width)):
        return None
    rose = f"The validation loss rose by {_whole((end - base) / base)} since its minimum"
    where = f"from {base:.3g} around epoch {lowest + 1} to {end:.3g} over the last {width} epochs"
    fell = f"the training loss fell from {train[lowest]:.3g} to {train[-1]:.3g}"
    return Verdict("overfitting", f"{rose}: {where}, while {fell}.")


def _reach_of_noise(values: EpochSeries, width: int) -> float:
    """Largest distance by noise alone of a mean of `width` epochs above the lowest running mean of three.

    The noise comes from the second differences of neighbouring epochs, which a steady trend leaves alone, by their median,
    which the steep first epochs leave alone; the quantile allows for the minimum having been looked for among all epochs.

    Source: Gasser, Sroka, Jennen-Steinmetz 1986, "Residual variance and residual pattern in nonlinear regression".
    """
    from scipy.special import stdtrit

    noise = float(np.median(np.abs(np.diff(values, 2)))) / NORMAL_MEDIAN / math.sqrt(6)
    freedom = max(1.0, (len(values) - 2) / 2)
    quantile = float(stdtrit(freedom, 1 - FALSE_ALARM / len(values)))
    return quantile * noise * math.sqrt(1 / width + 1 / 3)


def _ok(history: History, stopped_early: bool) -> Verdict:
    best = best_epoch(history, "accuracy")
    peak = f"Best validation accuracy {_percent(history['validation_accuracy'][best - 1])} at epoch {best} of {history.epochs}"
    if stopped_early:
        rest = "patience ended the run"
    elif history.epochs < SHORTEST:
        rest = "too few epochs to test whether it was still improving"
    else:
        rest = "no clear sign of further improvement or of overfitting"
    return Verdict("ok", f"{peak}; {rest}.")


# Why ------------------------------------------------------------------------------------------------------------------


def explain(history: History, activation: str | None = None) -> list[str]:
    """Explain the course of a run by its probes: one sentence per finding, with the measured values.

    Args:
        history: history with the probes `saturation/LAYER` (share in [0, 1]), `gradient/LAYER` and `weights/LAYER` (norms) and
            `update/LAYER` (change per step divided by the norm of the weights); missing probes have no sentences.
        activation: name of the activation, for the sentences; ReLU-like units saturate by being off for a whole batch.
    """
    return [*_saturation(history, activation), *_gradients(history), *_updates(history), *_weights(history)]


def _saturation(history: History, activation: str | None) -> list[str]:
    layers = _probes(history, "saturation")
    if not layers:
        return []
    bounded = activation is None or ACTIVATIONS[activation].ends is not None
    units = f"the {activation} units are" if activation else "the units are"
    state = "saturated" if bounded else "off for every image of a batch"
    sentences = [
        f"In layer {layer} {_whole(column[-1])} of {units} {state} at epoch {len(column)} ({_whole(column[0])} at epoch 1)."
        for layer, column in layers.items()
        if column[-1] >= 0.1
    ]
    most = max(layers, key=lambda layer: layers[layer][-1])
    return sentences or [
        f"At the last epoch no layer has more than {_percent(layers[most][-1])} of its units {state} ({most})."
    ]


def _gradients(history: History) -> list[str]:
    layers = _probes(history, "gradient")
    if len(layers) < 2:
        return []
    names = list(layers)
    first, last = names[0], names[-1]
    typical = {name: float(np.median(layers[name])) for name in (first, last)}
    if not (typical[first] > 0 and typical[last] > 0):
        return [f"The gradient of {name} is 0: it does not learn." for name in (first, last) if not typical[name] > 0]
    ratio = typical[first] / typical[last]
    if 0.1 <= ratio <= 10:
        return []
    grows, times = ("shrinks", 1 / ratio) if ratio < 1 else ("grows", ratio)
    norms = f"{typical[last]:.2g} at {last}, {typical[first]:.2g} at {first}"
    return [f"The gradient {grows} {times:.0f} times on its way from the last layer to the first (median norms: {norms})."]


def _updates(history: History) -> list[str]:
    ratios = {layer: float(np.median(column)) for layer, column in _probes(history, "update").items()}
    return [
        f"Layer {layer} {'hardly moves' if ratio < 1e-5 else 'moves in large steps'}: each step changes its weights by "
        f"{ratio:.1g} of their norm (median over epochs)."
        for layer, ratio in ratios.items()
        if not 1e-5 <= ratio <= 3e-2
    ]


def _weights(history: History) -> list[str]:
    return [
        f"The norm of the weights of {layer} went from {column[0]:.3g} at epoch 1 to {column[-1]:.3g} at epoch {len(column)}."
        for layer, column in _probes(history, "weights").items()
        if column[0] > 0 and not 2 / 3 <= column[-1] / column[0] <= 1.5
    ]


def _probes(history: History, kind: str) -> dict[str, EpochSeries]:
    """The finite columns in the network's order: convolutions first, then by number (`dense_10` after `dense_9`)."""
    finite = {layer: column[np.isfinite(column)] for layer, column in history.probes(kind).items()}
    return {layer: finite[layer] for layer in sorted(finite, key=_place) if len(finite[layer])}


def _place(layer: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", layer) if part]


def _percent(share: float) -> str:
    """Format a share with one decimal, but 0 and 100 % without."""
    return _whole(share) if share in (0.0, 1.0) else f"{100 * share:.1f} %"


def _whole(share: float) -> str:
    return f"{100 * share:.0f} %"


def _range(interval: Interval, factor: float, form: str) -> str:
    return f"95 % interval {factor * interval.low:{form}} to {factor * interval.high:{form}}"
