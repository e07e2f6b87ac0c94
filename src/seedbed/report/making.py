"""Making a report: the runs of all its studies grow together, then each study answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from seedbed import studies
from seedbed.errors import SpecError
from seedbed.report.environment import examine
from seedbed.report.notes import Notes
from seedbed.report.page import Report
from seedbed.studies.answers import Answer, Study
from seedbed.studies.bench import SetAside, Trainer
from seedbed.studies.cells import Wanted
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


def designed(asked: Sequence[Study], setup: Setup) -> list[tuple[Wanted, tuple[int, ...]]]:
    """All settings that these studies are known to need, with their seeds."""
    return [(one, setup.seeds) for study in asked for one in study.design(setup)]


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
    trainer.train_all(designed(asked, setup))
    answers = _answers(setup, trainer, asked, said)
    said("measuring this machine")
    results = [result for answer in answers for result in answer.results]
    environment = examine(results, trainer.device, trainer.workers)
    return Report(setup, answers, environment, trainer.home.looks(), notes, tuple(names))


def _answers(setup: Setup, trainer: Trainer, asked: Sequence[Study], said: Tell) -> list[Answer]:
    """Of all studies; what several of them find they need on their way is trained together."""
    answers: dict[str, Answer] = {}
    while len(answers) < len(asked):
        trainer.catch_up()
        with trainer.gathering():
            for study in asked:
                if study.name in answers:
                    continue
                with suppress(SetAside):
                    answers[study.name] = study.answer(setup, trainer)
                    said(f"Answered: {study.title}")
    return [answers[study.name] for study in asked]


def _silent(line: str) -> None:
    del line
