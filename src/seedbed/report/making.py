"""Making a report: the runs of all its studies grow together, then each study answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

Tell = Callable[[str], None]


def chosen(names: Sequence[str]) -> list[Study]:
    """Studies by their names, in the order of the exercise; all of them where none is named.

    Raises:
        SpecError: a name is unknown.
    """
    asked = [studies.find(name) for name in names] or [studies.find(name) for name in studies.names()]
    order = {name: place for place, name in enumerate(studies.ORDER)}
    return sorted({study.name: study for study in asked}.values(), key=lambda study: order[study.name])


def designed(asked: Sequence[Study], setup: Setup) -> list[Request]:
    """All settings that these studies are known to need, with their seeds."""
    return [replace(one, seeds=setup.seeds) for study in asked for one in study.design(setup)]


def make(
    setup: Setup, trainer: Trainer, names: Sequence[str] = (), *, notes: Notes | None = None, tell: Tell | None = None
) -> Report:
    """Train what is missing, all studies side by side, and answer every question.

    Args:
        names: of the studies; all where none is named.
        tell: called with a line about what is being done.

    Raises:
        SpecError: an unknown study.
        SeedbedError: as `grow` raises them.
    """
    asked, said = chosen(names), tell or _silent
    if not asked:
        raise SpecError("A report needs one study at least.")
    answers = trainer.run(side_by_side([_telling(study, setup, trainer, said) for study in asked]))
    said("measuring this machine")
    results = [result for answer in answers for result in answer.results]
    environment = examine(results, trainer.device, trainer.workers)
    return Report(setup, answers, environment, trainer.home.looks(), notes, tuple(names))


def _telling(study: Study, setup: Setup, trainer: Trainer, said: Tell) -> Steps[Answer]:
    answer = yield from study.steps(setup, trainer)
    said(f"Answered: {study.title}")
    return answer


def _silent(line: str) -> None:
    del line
