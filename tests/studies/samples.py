"""A small study that trains in a second or two, and a way to run the steps of one without training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from seedbed.groups import Contrast, Request
from seedbed.specs import Dense, Plan
from seedbed.studies.answers import Figure, Part, Study, Table, interval_text
from seedbed.studies.context import Steps, StudyContext, requests
from seedbed.studies.setup import Setup

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


def parts(study: StudyContext) -> Steps[list[Part]]:
    import altair as alt

    from seedbed.figures import theme

    groups = yield from study.train(design(study.setup))
    announced = Contrast(*groups, "no penalty", "l2 10", where="on digits", name="none against far too much")
    difference = study.decide([announced])["none against far too much"]
    points = [{"l2": one.run.plan.l2, "mean": one.accuracy.mean if one.accuracy else None} for one in groups]
    chart = theme.finish(alt.Chart(theme.table(points)).mark_point().encode(x="l2:Q", y="mean:Q"), "Means", "n = 2 seeds")
    rows = [[one.label, f"{one.parameters:,}", interval_text(one.accuracy)] for one in groups]
    table = Table({"setting": "left", "parameters": "right", "accuracy, best epoch (%)": "right"}, rows, "A <table>.")
    return [
        Part(
            name="one",
            question="Does l2 = 10 hurt?",
            answer=[difference.sentence],
            method="Two settings <b>.",
            figures=[Figure("small_means", chart, "Means.")],
            tables=[table],
            cells=[one.as_json() for one in groups],
            contrasts=[difference],
        )
    ]


SMALL = Study("small", "A small study", "Does a <huge> penalty hurt?", ("none against far too much",), design, parts)
