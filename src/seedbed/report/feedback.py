"""The last section of the report: limits of the answers, and commands to run next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed import words
from seedbed.groups import Difference
from seedbed.groups.statements import Certainty
from seedbed.studies.answers import Answer
from seedbed.studies.cards import Card
from seedbed.studies.setup import Setup

EASY = 0.97
"""Data are easy where half of all settings are above this share: there is little left in which they could differ."""

HARDER = {"mnist": "fashion_mnist", "digits": "mnist", "kmnist": "cifar10", "fashion_mnist": "cifar10"}


@dataclass(frozen=True)
class Feedback:
    """Limits of the answers, and what to run next: why -> command."""

    limits: list[str]
    next: dict[str, str]


def feedback(setup: Setup, answers: Sequence[Answer]) -> Feedback:
    """Derive the feedback from the results of all studies."""
    compared = [each for answer in answers for each in answer.contrasts if each.decision]
    undecided = [each for each in compared if not each.shown]
    limits = [*_compared(compared, undecided), *_easy(setup, answers), *_improving(answers)]
    limits += [f"{answer.title}: {caveat}" for answer in answers for part in answer.parts for caveat in part.caveats]
    return Feedback(limits, _next(setup, more_seeds=bool(undecided)))


def limits_card(setup: Setup, answers: Sequence[Answer]) -> Card:
    """What limited the answers: how large a difference must be to show, and how many runs had not finished learning."""
    decisions = [each.decision for answer in answers for each in answer.contrasts if each.contrast.measure.both]
    reaches = [(each.interval.high - each.interval.low) / 2 for each in decisions if each]
    improving, runs = _unfinished(answers)
    data = f"{setup.judging:,} validation images and {words.counted(len(setup.seeds), 'seed')}"
    sentences = []
    if reaches:
        sentences.append(f"With {data}, only differences above about {100 * float(np.median(reaches)):.1f} points show.")
    if improving:
        sentences.append(f"{improving:,} of {words.counted(runs, 'run')} had not finished learning.")
    rule = f"The number is the median reach of the 95 % intervals of {words.counted(len(reaches), 'planned comparison')}."
    answer = " ".join(sentences) or "Nothing that these data show."
    return Card("What limited these answers?", answer, Certainty("clear", rule))


def _unfinished(answers: Sequence[Answer]) -> tuple[int, int]:
    """The number of runs that were still improving at their last epoch, and of all."""
    runs = {result.run.identity: result for answer in answers for result in answer.results if not result.pruned}
    return sum(result.verdict.kind == "still_improving" for result in runs.values()), len(runs)


def _compared(compared: Sequence[Difference], undecided: Sequence[Difference]) -> list[str]:
    if not compared:
        return []
    shown = f"{len(compared) - len(undecided)} of {words.counted(len(compared), 'planned comparison')} show a clear difference"
    of_accuracy = [each.decision.interval for each in undecided if each.decision and each.contrast.measure.both]
    if not of_accuracy:
        return [f"{shown}."]
    reach = max(max(-interval.low, interval.high) for interval in of_accuracy)
    return [f"{shown}; the others were too small to exclude a difference of up to {100 * reach:.2f} points."]


def _easy(setup: Setup, answers: Sequence[Answer]) -> list[str]:
    means = [cell.get("mean") for answer in answers for part in answer.parts for cell in part.cells]
    shares = [mean for mean in means if isinstance(mean, float) and 0 <= mean <= 1]
    if not shares or not (middle := float(np.median(shares))) >= EASY:
        return []
    share = words.percent(middle)
    return [f"{setup.data.name} is easy: half of {len(shares)} settings reach {share} or more, so they can differ little."]


def _improving(answers: Sequence[Answer]) -> list[str]:
    improving, runs = _unfinished(answers)
    of = f"{improving:,} of {words.counted(runs, 'run')}"
    return [f"{of} were still improving at their last epoch; with more epochs they may rank differently."] * bool(improving)


def _next(setup: Setup, *, more_seeds: bool) -> dict[str, str]:
    asked = [word for word in setup.asked if word != "--quick"]
    if setup.quick:
        return {"The whole report, of which this is a preview:": shlex.join(["seedbed", "report", *asked])}
    changes = {}
    if more_seeds:
        changes["Twice the seeds, of which only the new ones are trained:"] = "--seeds", str(2 * len(setup.seeds))
    if setup.data.name in HARDER:
        changes["The same questions on harder data:"] = "--data", HARDER[setup.data.name]
    if setup.data.protocol == "honest":
        changes["Results that compare with published ones:"] = "--protocol", "handout"
    return {why: shlex.join(["seedbed", "report", *_replaced(asked, *change)]) for why, change in changes.items()}


def _replaced(asked: Sequence[str], option: str, value: str) -> list[str]:
    others = list(asked)
    if option in others:
        at = others.index(option)
        del others[at : at + 2]
    return [*others, option, value]
