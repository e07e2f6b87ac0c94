"""The verdict on a run: one rule for each kind, the first that holds. docs/understand/verdicts.md has the rules in words."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from seedbed.diagnosis.advice import advise
from seedbed.diagnosis.course import SHORTEST, Course, LastPredictions
from seedbed.records import DataFacts, History, Verdict, VerdictKind, objective
from seedbed.specs import RunSpec
from seedbed.statistics import Interval, share_difference
from seedbed.words import counted, ends, listed, percent

ONE_CLASS = 0.99
"""Lowest share of the images with one predicted class at which a network has collapsed."""

OTHERS, PER_ANSWER = 5, 10
"""Least number of images of other classes for that, and least number for each image that is predicted as another class."""

WILD = 1.5
"""A loss above this multiple of that of guessing shows that training went wrong, however short it was."""

LEARNED = 0.99
"""Training accuracy from which on a run is no longer improving: hardly anything is left to learn."""

FELL_BACK = 0.8
"""Largest share of the mistakes of guessing that a network must have made once for having fallen back to guessing."""

POOR = 0.05
"""Share of mistakes from which on a network underfits."""

LOST = 0.03
"""Accuracy lost since the best epoch that is worth a sentence."""


def diagnose(
    history: History, run: RunSpec, data: DataFacts, last: LastPredictions | None = None, *, pruned: bool = False
) -> Verdict:
    """Diagnose a run.

    Args:
        history: history of the whole run; with class weights, its losses with these weights are judged.
        run: its settings, for the advice, and for whether it stopped before its last epoch.
        data: its data.
        last: answers of the last network for the validation images. None means that they are not known.
        pruned: whether a search stopped the run.
    """
    course = Course(objective(history, run.plan), run, data, last, pruned)
    for kind, rule in RULES.items():
        evidence = rule(course)
        if evidence:
            return Verdict(kind, evidence, advise(kind, course))
    return Verdict("good_fit", _good_fit(course), advise("good_fit", course))


def _diverged(course: Course) -> str | None:
    history = course.history
    broken = ~np.isfinite([history[name] for name in ("train_loss", "train_penalty", "validation_loss")]).all(axis=0)
    if course.epochs and not broken.any():
        return None
    best = f"; its best validation accuracy before was {percent(course.peak)} at epoch {course.best}" if course.best else ""
    return f"The loss or the penalty was not finite at epoch {int(np.argmax(broken)) + 1}{best}."


def _collapsed(course: Course) -> str | None:
    return _constant(course) or _fell_back(course)


def _constant(course: Course) -> str | None:
    if course.last is None or _still_learns(course):
        return None
    images, most = int(course.last.labels.sum()), int(course.last.predicted.argmax())
    other_answers = images - int(course.last.predicted[most])
    others = images - int(course.last.labels[most])
    if other_answers > (1 - ONE_CLASS) * images or others < max(OTHERS, PER_ANSWER * other_answers):
        return None
    share = percent(1 - other_answers / images, 1 if other_answers else 0)
    return (
        f"It answers {course.data.classes[most]!r} for {share} of the validation images, "
        f"and {percent(others / images)} of them are of other classes."
    )


def _still_learns(course: Course) -> bool:
    if course.short:
        return course.end("validation_loss") <= WILD * course.guessing_loss
    return course.trend is not None and course.trend.column == "validation_loss"


def _fell_back(course: Course) -> str | None:
    guess = course.guessing
    learned_once = 1 - course.peak <= FELL_BACK * (1 - guess)
    if not (learned_once and course.guesses("train") and course.guesses("validation")):
        return None
    now = course.accuracy("validation").mean
    return (
        f"The validation accuracy fell from {percent(course.peak)} at epoch {course.best} to {percent(now)} at the end. "
        f"Always answering the largest class gives {percent(guess)}."
    )


def _too_short(course: Course) -> str | None:
    if course.pruned:
        planned = course.run.plan.epochs
        return f"It stopped at epoch {course.epochs} of {planned}, because others of its population were better."
    if course.epochs < SHORTEST:
        reached = percent(course.history["validation_accuracy"][-1])
        return f"It reached {reached} in {counted(course.epochs, 'epoch')}; a curve has at least {SHORTEST}."
    return None


def _still_improving(course: Course) -> str | None:
    trend = course.trend
    learned = course.end("train_accuracy") >= LEARNED and not course.guesses("train")
    if trend is None or learned:
        return None
    if trend.column == "validation_loss":
        text, factor, unit = "loss was still falling", 1, ""
    else:
        text, factor, unit = "accuracy was still rising", 100, " points"
    low, high = sorted((factor * trend.change.low, factor * trend.change.high), key=abs)
    change = f"{factor * trend.change.mean:+.2g}{unit} per epoch (95 % interval {low:+.2g} to {high:+.2g})"
    return f"The validation {text} in the last {trend.window} epochs: {change}."


def _no_better_than_guessing(course: Course) -> str | None:
    if not course.guesses("validation"):
        return None
    accuracy = course.accuracy("validation")
    return (
        f"The validation accuracy is {percent(accuracy.mean)} (95 % interval {ends(*accuracy.pair())}). "
        f"Always answering the largest class gives {percent(course.guessing)}."
    )


def _overfitting(course: Course) -> str | None:
    turn = course.turn
    if turn is None:
        return None
    if turn.column == "validation_loss":
        rose = f"The validation loss rose by {percent(turn.change / turn.base, 0)} since its minimum"
        change = f"{rose}: from {turn.base:.3g} around epoch {turn.epoch} to {turn.end:.3g}"
    else:
        fell = f"The validation accuracy fell by {100 * turn.change:.1f} points since its peak"
        change = f"{fell}: from {percent(1 - turn.base)} around epoch {turn.epoch} to {percent(1 - turn.end)}"
    before, now = (float(course.history["train_loss"][epoch - 1]) for epoch in (turn.epoch, course.epochs))
    return f"{change} over the last {turn.width} epochs, while the training loss fell from {before:.3g} to {now:.3g}."


def _fits_training_better(course: Course) -> str | None:
    mistakes, loss = accuracy_gap(course), loss_gap(course)
    wrong, on_new = 1 - course.accuracy("validation").mean, course.end("validation_loss")
    if not ((mistakes.low > 0 and mistakes.mean > wrong / 2) or (loss.low > 0 and loss.mean > on_new / 2)):
        return None
    train, points = course.accuracy("train").mean, [100 * end for end in (mistakes.mean, mistakes.low, mistakes.high)]
    reach = "" if math.isnan(loss.low) else f", the gap's 95 % interval {loss.low:.2g} to {loss.high:.2g}"
    return (
        f"It is right on {percent(train)} of the training images and on {percent(1 - wrong)} of the new ones: a gap of "
        f"{points[0]:.1f} points (95 % interval {points[1]:.1f} to {points[2]:.1f}). "
        f"The loss is {course.end('train_loss'):.2g} and {on_new:.2g}{reach}."
    )


def accuracy_gap(course: Course) -> Interval:
    """How much more accurate the network is on training images than on validation images, at the end."""
    return share_difference(course.accuracy("train"), course.accuracy("validation"))


def loss_gap(course: Course) -> Interval:
    """How much larger the loss is on validation images than on training images, at the end; the ends may be unknown (NaN).

    The error of the training loss is not measured; a mean of rare, large losses has a variance proportional to itself, and the
    training loss is taken to have the validation loss's variance in proportion.
    """
    train, validation = course.end("train_loss"), course.end("validation_loss")
    error = math.nan if course.last is None else course.last.loss_error * math.sqrt(1 + train / validation)
    gap = validation - train
    return Interval(gap, gap - 1.96 * error, gap + 1.96 * error, course.data.validation)


def _underfits(course: Course) -> str | None:
    mistakes = [1 - course.accuracy(part).mean for part in ("train", "validation")]
    if min(mistakes) < POOR:
        return None
    return " ".join([f"At the end {_right(course)}.", *_lost(course), *_never_predicted(course)])


def _good_fit(course: Course) -> str:
    ended = "Patience ended the run" if course.stopped_early else "It no longer improves"
    return " ".join([f"{ended}: {_right(course)}.", *_lost(course), *_never_predicted(course)])


def _right(course: Course) -> str:
    train, validation = (percent(course.accuracy(part).mean) for part in ("train", "validation"))
    return f"it is right on {train} of the training images and on {validation} of the new ones"


def _lost(course: Course) -> list[str]:
    """A sentence on an accuracy that fell far since the best epoch."""
    lost = course.peak - course.accuracy("validation").mean
    if lost < LOST:
        return []
    return [f"That is {100 * lost:.1f} points below its best epoch, {course.best} ({percent(course.peak)})."]


def _never_predicted(course: Course) -> list[str]:
    if course.last is None:
        return []
    missing = np.flatnonzero((course.last.labels >= OTHERS) & (course.last.predicted == 0))
    if not len(missing):
        return []
    names = [repr(course.data.classes[place]) for place in missing[:OTHERS]]
    more = [f"{len(missing) - OTHERS} more"] if len(missing) > OTHERS else []
    return [f"It never answers {listed([*names, *more])}."]


RULES: dict[VerdictKind, Callable[[Course], str | None]] = {
    "diverged": _diverged,
    "collapsed": _collapsed,
    "too_short": _too_short,
    "still_improving": _still_improving,
    "no_better_than_guessing": _no_better_than_guessing,
    "overfitting": _overfitting,
    "fits_training_better": _fits_training_better,
    "underfits": _underfits,
}
"""Kind -> its rule, which returns the evidence where it holds, in order; a run of which none holds is a good fit."""
