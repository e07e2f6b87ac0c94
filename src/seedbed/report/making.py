"""Making a report: the runs of all its studies grow together, then each study answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seedbed import studies
from seedbed.errors import SpecError
from seedbed.groups import Request
from seedbed.report.environment import examine
from seedbed.report.notes import Notes
from seedbed.report.page import Report
from seedbed.studies.answers import Answer, Study
from seedbed.studies.context import Steps, Trainer, side_by_side
from seedbed.studies.setup import Setup
from seedbed.training.events import Finding, StageStarted


def chosen(names: Sequence[str]) -> list[Study]:
    """Studies by their names, in the order of the exercise; all of them where none is named.

    Raises:
        SpecError: a name is unknown.
    """
    asked = [studies.find(name) for name in names] or [studies.find(name) for name in studies.STUDIES]
    order = {name: place for place, name in enumerate(studies.STUDIES)}
    return sorted({study.name: study for study in asked}.values(), key=lambda study: order[study.name])


def designed(asked: Sequence[Study], setup: Setup) -> list[Request]:
    """All settings that these studies are known to need, with their seeds."""
    return [replace(one, seeds=setup.seeds) for study in asked for one in study.design(setup)]


def make(setup: Setup, trainer: Trainer, names: Sequence[str] = (), *, notes: Notes | None = None) -> Report:
    """Train what is missing, all studies side by side, and answer every question.

    Args:
        trainer: its `on_event` gets a `Finding` for each study that is answered.
        names: names of the studies. An empty sequence means all of them.

    Raises:
        SpecError: an unknown study.
        SeedbedError: as `train_runs` raises them.
    """
    asked = chosen(names)
    if not asked:
        raise SpecError("A report needs one study at least.")
    answers = trainer.run(side_by_side([_telling(study, setup, trainer) for study in asked]))
    trainer.execution.on_event(StageStarted("measuring this machine"))
    results = [result for answer in answers for result in answer.results]
    environment = examine(results, trainer.execution.device, trainer.execution.workers)
    return Report(setup, answers, environment, trainer.home.looks(), notes, tuple(names))


def _telling(study: Study, setup: Setup, trainer: Trainer) -> Steps[Answer]:
    answer = yield from study.steps(setup, trainer)
    trainer.execution.on_event(Finding(f"Answered: {study.title}"))
    return answer
