"""The report's last section: what limited the answers, and what to run next, as commands."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seedbed.figures import words
from seedbed.groups import Difference
from seedbed.studies.answers import Answer
from seedbed.studies.setup import Setup

EASY = 0.97
"""Where half of all settings are above this share, there is little left in which they could differ."""

HARDER = {"mnist": "fashion_mnist", "digits": "mnist", "kmnist": "cifar10", "fashion_mnist": "cifar10"}


@dataclass(frozen=True)
class Feedback:
    """What limited the answers; and what to run next: why -> command."""

    limits: list[str]
    next: dict[str, str]


def feedback(setup: Setup, answers: Sequence[Answer]) -> Feedback:
    """From the figures of all studies."""
    limits = [said for said in (_shown(answers), _easy(setup, answers), _improving(answers)) if said]
    limits += [f"{answer.title}: {mark}" for answer in answers for part in answer.parts for mark in part.marks]
    return Feedback(limits, _next(setup, answers))


def _open(answers: Sequence[Answer]) -> list[Difference]:
    return [one for answer in answers for one in answer.contrasts if one.decision and not one.shown]


def _shown(answers: Sequence[Answer]) -> str:
    compared = [one for answer in answers for one in answer.contrasts if one.decision]
    if not compared:
        return ""
    undecided = _open(answers)
    said = (
        f"{len(compared) - len(undecided)} of {words.counted(len(compared), 'comparison')} named beforehand show a difference"
    )
    of_accuracy = [one.decision.interval for one in undecided if one.decision and one.contrast.measure.both]
    if not of_accuracy:
        return said + "."
    reach = max(max(-found.low, found.high) for found in of_accuracy)
    return f"{said}; where none is shown there may still be one of up to {100 * reach:.2f} points."


def _easy(setup: Setup, answers: Sequence[Answer]) -> str:
    means = [cell["mean"] for answer in answers for part in answer.parts for cell in part.cells if cell.get("mean") is not None]
    shares = [mean for mean in means if isinstance(mean, float) and 0 <= mean <= 1]
    if not shares or not (middle := float(np.median(shares))) >= EASY:
        return ""
    share = words.percent(middle)
    return f"{setup.data.name} is easy: half of {len(shares)} settings reach {share} or more, which leaves little to differ in."


def _improving(answers: Sequence[Answer]) -> str:
    runs = {result.run.identity: result for answer in answers for result in answer.results if not result.pruned}
    improving = sum(result.verdict.kind == "undertrained" for result in runs.values())
    if not improving:
        return ""
    of = f"{improving:,} of {words.counted(len(runs), 'run')}"
    return f"{of} were still improving at their last epoch; with more epochs they may rank differently."


def _next(setup: Setup, answers: Sequence[Answer]) -> dict[str, str]:
    asked = [word for word in setup.asked if word != "--quick"]
    if setup.quick:
        return {"The whole report, which this was a preview of:": shlex.join(["seedbed", "report", *asked])}
    found = {}
    if _open(answers):
        more = _replaced(asked, "--seeds", str(2 * len(setup.seeds)))
        found["Twice the seeds, of which only the new ones are trained:"] = shlex.join(["seedbed", "report", *more])
    if setup.data.name in HARDER:
        harder = _replaced(asked, "--data", HARDER[setup.data.name])
        found["The same questions on data that are harder:"] = shlex.join(["seedbed", "report", *harder])
    if setup.data.protocol == "honest":
        handout = _replaced(asked, "--protocol", "handout")
        found["Figures that can be held against published ones:"] = shlex.join(["seedbed", "report", *handout])
    return found


def _replaced(asked: Sequence[str], option: str, value: str) -> list[str]:
    kept = list(asked)
    if option in kept:
        at = kept.index(option)
        del kept[at : at + 2]
    return [*kept, option, value]
