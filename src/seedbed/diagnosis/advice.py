"""What to try after a verdict, as options of `seedbed train`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from seedbed.diagnosis.course import Course
from seedbed.records import EpochSeries, VerdictKind
from seedbed.specs import Conv
from seedbed.words import listed, value

USUAL_RATES = {"sgd": 0.1, "momentum": 0.01, "nesterov": 0.01}
"""Learning rate that is worth a try first; 0.001 of the optimizers that scale their steps themselves."""

ENOUGH_EPOCHS = 20
"""Epochs to try after a run that is too short for a verdict."""

MORE_PATIENCE = 4
"""Factor of a patience that was too short."""

FURTHEST = 10
"""Most times the epochs of a run that still improves."""

HARDLY_LEARNED = 0.9
"""Share of the loss of guessing above which an improving run has hardly begun to learn, and its curve says little."""

LITTLE_LEFT = 0.05
"""What is left to gain at the end of the proposed epochs, as a share of the loss, where the curve slows down."""

SLOWING = 0.9
"""Largest ratio of the slopes of the two halves of a trend at which the curve slows down."""

JUMP = 0.1
"""Typical change of the training loss per epoch, as a share of it, from which on it jumps."""

STRONG_PENALTY = 1e-3
"""A penalty from which on a weaker one is proposed."""

DEEP = 3
"""Hidden layers from which on bounded activations are proposed to be replaced."""

ROUND = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
"""Leading digits of the numbers of epochs that are proposed."""

MOST_UNITS = 1024
"""Widest layer that is proposed."""

ENOUGH_SEEDS = 5
"""Seeds to train after a good fit, which show how much is chance."""


def advise(kind: VerdictKind, course: Course) -> str:
    """One sentence with the options to try next."""
    return ADVICE[kind](course)


def _diverged(course: Course) -> str:
    return f"Try a tenth of the learning rate: {_rate(course.run.plan.learning_rate / 10)}."


def _collapsed(course: Course) -> str:
    weaker = _weaker_penalty(course)
    if weaker:
        return f"Try a weaker penalty: {weaker}."
    return f"Try {_another_rate(course)}{_unbounded(course)}."


def _too_short(course: Course) -> str:
    return f"Try {_longer(course, max(ENOUGH_EPOCHS, course.run.plan.epochs))}."


def _still_improving(course: Course) -> str:
    if course.end("validation_loss") >= HARDLY_LEARNED * course.guessing_loss:
        rate = [_rate(_usual(course))] if course.run.plan.learning_rate < _usual(course) / 2 else []
        options = _either([*rate, _longer(course, FURTHEST * course.epochs)])
        return f"Try {options}: so far it has hardly begun to learn."
    if course.stopped_early:
        return f"Try --patience {MORE_PATIENCE * course.run.plan.patience} --resume."
    return f"Try {_longer(course, epochs_to_try(course))}."


def _longer(course: Course, epochs: int) -> str:
    """Options for more epochs; a finished run goes on where its rate does not depend on the number of epochs."""
    goes_on = course.run.plan.schedule == "constant" and not course.pruned
    return f"--epochs {epochs}{' --resume' if goes_on else ''}"


def _no_better_than_guessing(course: Course) -> str:
    if course.accuracy("train").low > max(course.guessing, course.accuracy("validation").mean):
        look = f"seedbed visualize --data {course.run.data.name}"
        return f"What it learned of its training images does not carry over: look whether images and labels match, {look}."
    return f"Try {_another_rate(course)}{_unbounded(course)}."


def _overfitting(course: Course) -> str:
    assert course.turn is not None
    return f"Try to stop earlier, --epochs {course.turn.epoch} or --patience 5, or {_less_variance(course)}."


def _fits_training_better(course: Course) -> str:
    return f"Try {_less_variance(course)}."


def _underfits(course: Course) -> str:
    if _jumps(course):
        return f"Try smaller steps: {_rate(course.run.plan.learning_rate / 3)}."
    dropout = course.run.model.dropout
    proposals = [
        weaker if (weaker := _weaker_penalty(course)) else "",
        "--dropout 0" if dropout else "",
        "" if weaker or dropout else _larger_network(course),
        _rate(course.run.plan.learning_rate * 3),
    ]
    return f"Try {_either([each for each in proposals if each])}."


def _good_fit(course: Course) -> str:
    test = "; once the choice is made, look at the test part: seedbed evaluate --test" if course.data.test else ""
    steadier = f"{_rate(course.run.plan.learning_rate / 3)}, as its training loss jumps, or " if _jumps(course) else ""
    return f"Try {steadier}--seeds {ENOUGH_SEEDS} to see how much is chance{test}."


def _less_variance(course: Course) -> str:
    """Options that bring training and validation images closer together."""
    plan, model = course.run.plan, course.run.model
    stronger = [f"--l2 {value(plan.l2 * 10 if plan.l2 else 1e-4)}"] if plan.l2 < 1e-2 else []
    dropout = ["--dropout 0.2"] if model.family != "keras" and not model.dropout else []
    augment = ["--augment shift"] if plan.augment == "none" else []
    return _either([*stronger, *dropout, *augment]) or "more training images"


def _weaker_penalty(course: Course) -> str:
    penalties = {"--l2": course.run.plan.l2, "--l1": course.run.plan.l1}
    return " ".join(f"{name} {value(strength / 10)}" for name, strength in penalties.items() if strength >= STRONG_PENALTY)


def _larger_network(course: Course) -> str:
    model = course.run.model
    if isinstance(model, Conv):
        return f"--filters {_doubled(model.filters)}"
    if model.family != "dense":
        return "a larger network"
    return f"--hidden {_doubled(model.hidden) or 100}"


def _doubled(widths: Sequence[int]) -> str:
    return ",".join(str(min(2 * width, max(width, MOST_UNITS))) for width in widths)


def _another_rate(course: Course) -> str:
    """A higher rate where the present one is low for its optimizer, otherwise a tenth of it."""
    rate, usual = course.run.plan.learning_rate, _usual(course)
    return _rate(usual if rate < usual / 2 else rate / 10)


def _usual(course: Course) -> float:
    return USUAL_RATES.get(course.run.plan.optimizer, 1e-3)


def _rate(rate: float) -> str:
    return f"--lr {value(float(f'{rate:.1g}'))}"


def _jumps(course: Course) -> bool:
    """Whether the training loss rises and falls by a tenth from epoch to epoch, as it does where steps are too large."""
    losses = course.history["train_loss"][-max(2, course.epochs // 3) :]
    steps = np.diff(losses)
    return bool(np.mean(steps > 0) > 1 / 4 and np.median(np.abs(steps)) > JUMP * np.median(losses))


def _unbounded(course: Course) -> str:
    model = course.run.model
    deep = len(model.hidden) >= DEEP and model.activation in ("sigmoid", "tanh")
    return " or --activation relu" if deep else ""


def _either(options: list[str]) -> str:
    return listed(options).replace(" and ", " or ")


def epochs_to_try(course: Course) -> int:
    """Number of epochs after which an improving curve has little left to gain: it is within 5 % of its end.

    The slopes of the two halves of the last epochs give the time in which what is left shrinks to a part; without slowing down,
    the curve is continued as a line to 0. At least one and a half times the epochs of the run, at most ten times.
    """
    assert course.trend is not None
    series = course.history[course.trend.column]
    losses = series if course.trend.column == "validation_loss" else 1 - series
    further = _further_epochs(losses[-course.trend.window :])
    wanted = course.epochs + min(max(further, course.epochs / 2), (FURTHEST - 1) * course.epochs)
    return _round_number(wanted)


def _further_epochs(losses: EpochSeries) -> float:
    """Epochs until the loss is within 5 % of its end, along an exponential through these losses."""
    half = len(losses) // 2
    early, late = (float(-np.polyfit(np.arange(len(part)), part, 1)[0]) for part in (losses[: half + 1], losses[-half - 1 :]))
    last = float(losses[-1])
    if not late > 0:
        return 0.0
    if not late < SLOWING * early:
        return last / late
    time = (len(losses) - half - 1 or 1) / math.log(early / late)
    left = late * time
    return max(0.0, time * math.log(left / (LITTLE_LEFT * max(last - left, LITTLE_LEFT * last))))


def _round_number(wanted: float) -> int:
    """The next number of 1, 1.5, 2, 3, 4, 5, 6, 8 times a power of ten.

    >>> [_round_number(wanted) for wanted in (11, 24, 62, 130)]
    [15, 30, 80, 150]
    """
    power = math.pow(10, math.floor(math.log10(wanted)))
    return next(round(step * power) for step in ROUND if step * power >= wanted - 1e-9)


ADVICE: dict[VerdictKind, Callable[[Course], str]] = {
    "diverged": _diverged,
    "collapsed": _collapsed,
    "too_short": _too_short,
    "still_improving": _still_improving,
    "no_better_than_guessing": _no_better_than_guessing,
    "overfitting": _overfitting,
    "fits_training_better": _fits_training_better,
    "underfits": _underfits,
    "good_fit": _good_fit,
}
