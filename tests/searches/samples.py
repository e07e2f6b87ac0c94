"""Small searches on the digits, with the engine in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hostile.engine import InProcess
from seedbed.records import DataFacts
from seedbed.searches import Budget, Space, Terms, sampling, terms
from seedbed.specs import DataSpec
from seedbed.training.reports import Task

MNIST = DataFacts(train=55_000, validation=5_000, test=10_000, classes=tuple("0123456789"), image_shape=(28, 28, 1))
COLOUR = DataFacts(train=900, validation=90, test=0, classes=("a", "b"), image_shape=(9, 7, 3))
DIGITS = DataSpec(name="digits", first=200)


def space(budget: str = "units=200", families: tuple[Any, ...] = ("dense",), data: DataFacts = MNIST, **more: Any) -> Space:
    return Space(Budget.of(budget), families, data, DataSpec(), 10, **more)


def small(patch: pytest.MonkeyPatch) -> None:
    """Three trials share a program; `asked` makes them a batch."""
    patch.setattr(sampling, "GROUP", 3)


def asked(name: str = "s", trials: int = 6, **more: Any) -> Terms:
    """A search of a second, once its programs are compiled."""
    settings: dict[str, Any] = {
        "finalists": 2,
        "seeds": 2,
        "epochs": 4,
        "batch": 3,
        "budget": "units=6",
        "spec": DIGITS,
        **more,
    }
    return terms.terms_for(name=name, trials=trials, **settings)


class Killed(BaseException):
    """What a test raises where a process would be killed: nobody handles it."""


class Dying(InProcess):
    """Dies after so many reports."""

    left = 10**9

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        for task, report in super().run(tasks):
            Dying.left -= 1
            if Dying.left < 0:
                raise Killed
            yield task, report
