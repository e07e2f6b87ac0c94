"""Studies: the questions of the exercise, each answered by one command.

`setup` holds data, seeds and extent, `context` trains a study's requests, `edges` extends sweeps, `why` reads the probes,
`texts` and `tables` are shared wordings and columns, `answers` is the result, `files` writes it. The questions themselves are
in `questions/`, one file each.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Unpack

from seedbed.kinds import Registry

if TYPE_CHECKING:
    from seedbed.scheduler import WorkerOptions
    from seedbed.specs import ClassWeight, DataSpec, Metric, Select
    from seedbed.studies.answers import Answer, Study


class Question:
    """A study that can be called: `studies.regularization(data="digits", quick=True).report("lambda.html")`.

    Args:
        name: name on the command line.
        about: one line for the command's help.
        module: name of the module with its `STUDY`. None means the module of this name in `seedbed.studies.questions`.
    """

    def __init__(self, name: str, about: str, module: str | None = None) -> None:
        self.name = name
        self.about = about
        self._module = module or f"seedbed.studies.questions.{name.replace('-', '_')}"

    @property
    def study(self) -> Study:
        """The study behind the question."""
        study: Study = import_module(self._module).STUDY
        return study

    def __call__(
        self,
        data: str | DataSpec = "mnist",
        *,
        quick: bool = False,
        seeds: int | Sequence[int] | None = None,
        folds: int | None = None,
        seed: int = 0,
        protocol: str | None = None,
        first: int | None = None,
        merge: Sequence[str | os.PathLike[str]] = (),
        again: bool = False,
        epochs: int | Literal["auto", "own"] | None = None,
        select: Select | None = None,
        metric: Metric | None = None,
        class_weight: ClassWeight | None = None,
        **options: Unpack[WorkerOptions],
    ) -> Answer:
        """Train what is missing, and answer the question.

        Args:
            data: name of a data set, a path to images, or a whole data spec.
            quick: whether to make a preview with fewer seeds, epochs and settings.
            seeds: number of seeds, or the seeds themselves. None means 5, or 3 for a preview.
            folds: number of folds that the seeds validate on in turn. None means the one validation part, or with fewer than
                1,000 images in it as many folds as fit the seeds.
            seed: first seed, where they are counted.
            protocol: "honest" or "handout".
            first: number of training images, drawn by class. None means all of them.
            merge: files with timings from other machines, for `device` alone.
            again: whether to repeat earlier measurements, for `device` alone.
            epochs: epochs of every training, or "auto", or "own" for those of each study. None means "own", but on small data
                nets that are compared by where they end train until they are done.
            select, metric, class_weight: settings of every training, see `Plan`. None means the defaults.
            options: `home`, `device`, `workers`, `engine`, `address`, `on_event`, as `train` takes them.

        Raises:
            SeedbedError: one of its branches, as `train_runs` raises them; `SpecError` where a setting breaks a rule.
        """
        from seedbed.scheduler import Execution
        from seedbed.studies.context import StudyTrainer
        from seedbed.studies.setup import Setup

        execution = Execution.of(**options, resume=True, replace=False)
        asked: dict[str, Any] = {"merge": merge, "again": again, "epochs": epochs, "select": select}
        asked |= {"metric": metric, "class_weight": class_weight}
        setup = Setup.of(data, protocol=protocol, first=first, seeds=seeds, folds=folds, seed=seed, quick=quick, **asked)
        with StudyTrainer(execution) as trainer:
            return self.study.answer(setup, trainer)

    def __repr__(self) -> str:
        return f"<study {self.name}>"


STUDIES = Registry(
    "study",
    Question("device", "CPU against GPU, small nets and large batches"),
    Question("hidden-units", "widths of two layers; the smallest net for a target"),
    Question("regularization", "l2 from none to far too much, on easy and hard data"),
    Question("polynomial", "the same for a polynomial, in closed form"),
    Question("activations", "ReLU, tanh, sigmoid and others; why they differ"),
    Question("budget", "the best net with 200 hidden units"),
    Question("convolution", "convolutions against dense layers; what they assume"),
)
"""The studies in the order of the exercise's questions; each is an attribute of this package, too."""


def __getattr__(name: str) -> Question:
    """A study by its name, with underscores: `studies.hidden_units`."""
    if name.replace("_", "-") not in STUDIES:
        raise AttributeError(f"module 'seedbed.studies' has no attribute {name!r}")
    return STUDIES[name.replace("_", "-")]


def find(name: str) -> Study:
    """A study by its name.

    Raises:
        SpecError: there is none; offers the nearest.
    """
    return STUDIES[name].study
