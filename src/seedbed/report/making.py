"""Making a report: the runs of all its studies are trained together, then each study answers."""

from __future__ import annotations

from collections.abc import Sequence

from seedbed import studies
from seedbed.errors import SpecError
from seedbed.groups import Group, Request
from seedbed.groups.baselines import against_baselines
from seedbed.pages.bundle import make_vega_meanwhile
from seedbed.report.environment import examine
from seedbed.report.notes import Notes
from seedbed.report.page import Report
from seedbed.studies.answers import Answer, Study
from seedbed.studies.context import StudyTrainer, side_by_side
from seedbed.studies.setup import Setup
from seedbed.training.events import Finding, StageStarted


def chosen(names: Sequence[str]) -> list[Study]:
    """The studies of these names, in the order of the exercise; all of them where there is no name.

    Raises:
        SpecError: a name is unknown.
    """
    wanted = {studies.find(name).name for name in names}
    return [studies.find(name) for name in studies.STUDIES if name in wanted or not names]


def designed(asked: Sequence[Study], setup: Setup) -> list[Request]:
    """All settings that these studies need from the beginning, with their seeds."""
    return [setup.seeded(request) for study in asked for request in study.design(setup)]


def make(setup: Setup, trainer: StudyTrainer, names: Sequence[str] = (), *, notes: Notes | None = None) -> Report:
    """Train what is missing, all studies side by side, and answer every question.

    Args:
        trainer: trains the runs; its `on_event` gets a `Finding` for each answered study.
        names: names of the studies. An empty sequence means all of them.
        notes: the student's own words.

    Raises:
        SpecError: an unknown study.
        SeedbedError: as `train_runs` raises them.
    """
    asked = chosen(names)
    if not asked:
        raise SpecError("A report needs one study at least.")
    make_vega_meanwhile()
    on_event = trainer.execution.on_event
    answers = trainer.run(
        side_by_side(
            [study.steps(setup, trainer) for study in asked],
            lambda answer: on_event(Finding(f"Answered: {answer.title}")),
        )
    )
    on_event(StageStarted("measuring this machine"))
    results = [result for answer in answers for result in answer.results]
    environment = examine(results, trainer.execution.device, trainer.execution.workers)
    baselines = against_baselines(trainer.home, _on_all_images(answers, setup))
    return Report(setup, answers, environment, trainer.home.looks(), baselines, notes, tuple(names))


def _on_all_images(answers: Sequence[Answer], setup: Setup) -> list[Group]:
    """The groups that trained on the report's own images: no subset, no flipped labels, no permuted pixels."""
    groups = {group.name: group for answer in answers for group in answer.groups}
    return [group for group in groups.values() if group.run.data == setup.data]
