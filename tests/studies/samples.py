"""A small study that trains in a second or two, and a way to run the steps of one without training."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from seedbed.groups import Contrast, Request
from seedbed.kinds import Registry
from seedbed.specs import Dense, Plan
from seedbed.studies.answers import AnswerPart, Figure, Study
from seedbed.studies.cards import Card
from seedbed.studies.context import Steps, StudyContext, requests
from seedbed.studies.setup import Setup
from seedbed.studies.tables import BEST, PARAMETERS
from seedbed.tables import Column, Table

T = TypeVar("T")


def driven(steps: Steps[T], answering: Callable[[Any], Any]) -> tuple[list[Any], T]:
    """All that steps ask for, and what they return.

    Args:
        answering: what they ask for -> what they are sent.
    """
    asked: list[Any] = []
    answer = None
    while True:
        try:
            asked.append(steps.send(answer))
        except StopIteration as end:
            return asked, end.value
        answer = answering(asked[-1])


# A study that trains


def design(setup: Setup) -> list[Request]:
    return requests(setup.run(Dense(hidden=(8,)), Plan(epochs=setup.pick(3, 2))), [{"l2": 0.0}, {"l2": 10.0}])


def parts(study: StudyContext) -> Steps[list[AnswerPart]]:
    from seedbed.figures import marks
    from seedbed.figures.scales import linear

    groups = yield from study.train(design(study.setup))
    announced = Contrast(*groups, "no penalty", "l2 10", where="on digits", name="none against far too much")
    [difference] = study.decide([announced])
    points = [{"l2": one.run.plan.l2, "mean": one.accuracy.mean if one.accuracy else None} for one in groups]
    axes = marks.Axes(marks.x("l2", linear([0.0, 10.0])), marks.y("mean", linear([0.0, 1.0])))
    chart = marks.single(axes.dots(points), "Means", "n = 2 seeds", (100, 100))
    table = Table([Column("setting", lambda one: one.label, align="left"), PARAMETERS, BEST], groups, "A <table>.")
    return [
        AnswerPart(
            name="one",
            question="Does l2 = 10 hurt?",
            answer=[difference.sentence],
            method="Two settings <b>.",
            figures=[Figure("small_means", chart, "Means.")],
            tables=[table],
            cells=[one.as_json() for one in groups],
            contrasts=[difference],
            why=["The penalty is <huge>."],
            card=Card("Does a <huge> penalty hurt?", "It costs accuracy.", difference.certainty(), chart),
        )
    ]


SMALL = Study("small", "A small study", "Does a <huge> penalty hurt?", ("none against far too much",), design, parts)


def registry(*known: Study) -> Registry[Any]:
    """Studies as `studies.STUDIES` holds them."""
    return Registry("study", *(SimpleNamespace(name=study.name, about="", study=study) for study in known))
