"""Studies: the questions of the exercise, each answered by one command.

`setup` is what was asked for, `context` what a study works with, `edges` extends sweeps, `why` reads the probes, `answers` is
the result, `files` and `page` write it. The questions themselves are in `questions/`, one file each.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Unpack

from seedbed.errors import SpecError, nearest

if TYPE_CHECKING:
    from seedbed.scheduler import WorkerOptions
    from seedbed.specs import DataSpec
    from seedbed.studies.answers import Answer, Study

ORDER = ("device", "hidden-units", "regularization", "polynomial", "activations", "budget", "convolution")
"""The studies in the order of the exercise's questions."""


def names() -> list[str]:
    """The studies that there are, in the order of the exercise."""
    return [name for name in ORDER if find_spec(_module(name)) is not None]


def find(name: str) -> Study:
    """A study by its name.

    Raises:
        SpecError: there is none; offers the nearest.
    """
    known = names()
    if name not in known:
        raise SpecError(f"No study is named {name!r}.{nearest(name, known)} There are: {', '.join(known)}.")
    found: Study = import_module(_module(name)).STUDY
    return found


def _module(name: str) -> str:
    return f"seedbed.studies.questions.{name.replace('-', '_')}"


class Question:
    """A study that can be called: `studies.regularization(data="digits", quick=True).report("lambda.html")`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(
        self,
        data: str | DataSpec = "mnist",
        *,
        quick: bool = False,
        seeds: int | Sequence[int] | None = None,
        seed: int = 0,
        protocol: str | None = None,
        merge: Sequence[str | os.PathLike[str]] = (),
        again: bool = False,
        **options: Unpack[WorkerOptions],
    ) -> Answer:
        """Answer the question: train what is missing, and gather all.

        Args:
            data: a data set's name, a path to images, or a whole data spec.
            quick: a preview with fewer seeds, epochs and settings.
            seeds: how many, or which ones; 5 where it is left out, 3 of a preview.
            seed: the first of them.
            protocol: "honest" or "handout".
            merge, again: for `device` alone: files with timings from other machines; measure again what was measured before.
            options: `home`, `device`, `workers`, `engine`, `address`, `on_event`, as `train` takes them.

        Raises:
            SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
        """
        from seedbed.scheduler import Execution
        from seedbed.studies.context import Trainer
        from seedbed.studies.setup import Setup

        execution = Execution.of(**options, resume=True, replace=False)
        setup = Setup.of(data, protocol=protocol, seeds=seeds, seed=seed, quick=quick, merge=merge, again=again)
        with Trainer(execution) as trainer:
            return find(self.name).answer(setup, trainer)

    def __repr__(self) -> str:
        return f"<study {self.name}>"


device = Question("device")
hidden_units = Question("hidden-units")
regularization = Question("regularization")
polynomial = Question("polynomial")
activations = Question("activations")
budget = Question("budget")
convolution = Question("convolution")
