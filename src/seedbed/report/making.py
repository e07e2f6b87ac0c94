"""Making a report: the runs of all its studies grow together, then each study answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed import studies
from seedbed.errors import SpecError
from seedbed.records import Result, finite
from seedbed.report.environment import Environment, examine
from seedbed.report.feedback import Feedback, feedback
from seedbed.report.notes import Notes
from seedbed.studies.answers import Answer, Cost, Study
from seedbed.studies.bench import SetAside, Trainer
from seedbed.studies.cells import Wanted
from seedbed.studies.setup import Setup

Tell = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Report:
    """All questions that were asked, answered.

    Attributes:
        looks: all looks at the test part that the home's ledger holds, oldest first.
        notes: the student's own words, if there are any.
        named: the studies, where not all of them were asked for.
    """

    setup: Setup
    answers: list[Answer]
    environment: Environment
    looks: list[dict[str, Any]]
    notes: Notes | None = None
    named: tuple[str, ...] = ()

    @property
    def results(self) -> list[Result]:
        """Every run that the report rests on, each once."""
        return list({result.run.identity: result for answer in self.answers for result in answer.results}.values())

    @property
    def cost(self) -> Cost:
        """Of all studies together; a run that several of them use counts once."""
        return Cost.of(self.results, sum(answer.cost.beside for answer in self.answers))

    @property
    def feedback(self) -> Feedback:
        return feedback(self.setup, self.answers)

    def short(self) -> dict[str, list[str]]:
        """Study -> its answer in short."""
        return {answer.name: answer.short for answer in self.answers}

    def as_json(self) -> dict[str, Any]:
        """The contract of results.json (NaN is null)."""
        plain: dict[str, Any] = finite(
            {
                "quick": self.setup.quick,
                "short": self.short(),
                "cost": self.cost.as_json(),
                "environment": self.environment.as_json(),
                "looks_at_test": self.looks,
                "feedback": vars(self.feedback),
                "studies": [answer.as_json() for answer in self.answers],
            }
        )
        return plain

    def save(self, path: Path) -> dict[str, list[Path]]:
        """The page, and beside it a folder of the same name with figures, results.csv and results.json.

        Returns:
            `page`, `figures`, `tables` -> files.

        Raises:
            SpecError: this is no path for a page.
            StorageError: a file could not be written.
        """
        from seedbed.report.page import save

        return save(self, path)


def chosen(names: Sequence[str]) -> list[Study]:
    """Studies by their names, in the order of the exercise; all of them where none is named.

    Raises:
        SpecError: a name is unknown.
    """
    asked = [studies.find(name) for name in names] or [studies.find(name) for name in studies.STUDIES]
    order = {name: place for place, name in enumerate(studies.STUDIES)}
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
