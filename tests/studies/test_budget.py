"""The budget study from end to end on few trials: its winner is judged by seeds that chose nothing, and costs what it cost."""

from __future__ import annotations

import json

import numpy as np
import pytest

import seedbed as sb
from seedbed.runs import RunStore
from seedbed.scheduler import Execution
from seedbed.searches.importance import Importance
from seedbed.studies.answers import Answer
from seedbed.studies.context import StudyContext, StudyTrainer
from seedbed.studies.questions import budget
from seedbed.studies.setup import Setup
from studies.questions import QUESTIONS
from studies.reading import check, check_parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answer(study_home) -> Answer:
    return sb.studies.budget(data="digits", quick=True, seeds=3, folds=1, workers=1, home=study_home)


def test_every_network_has_the_budget_and_the_winner_is_among_those_that_were_searched(answer, study_home):
    units = {result.model.units for result in answer.results if "study-budget" in result.group}
    assert max(units) <= budget.UNITS
    winner = answer.parts[0].data["winner"]
    [cell] = [cell for cell in answer.parts[0].cells if cell["setting"].get("optimizer") and cell["seeds"] == [0, 1, 2]]
    assert tuple(winner["model"]["hidden"]) == tuple(cell["setting"]["hidden"])
    assert f"{cell['parameters']:,} parameters" in answer.short[0]


def test_the_winner_is_judged_by_seeds_that_no_trial_and_no_final_had(answer):
    setup = Setup.of("digits", quick=True, seeds=3)
    asked = budget.terms(setup)
    assert not {asked.seed, *asked.fresh} & set(setup.seeds)
    trials = [result for result in answer.results if "-trial-" in result.group]
    assert {result.run.seed for result in trials} == {asked.seed}
    [contrast] = [one for one in answer.contrasts if one.name == budget.CONTRASTS[0]]
    assert contrast.seeds == setup.seeds


def test_many_units_are_shown_to_beat_few(answer):
    [control] = [one for one in answer.contrasts if one.name == budget.CONTRASTS[1]]
    assert control.shown
    assert control.decision is not None
    assert control.decision.interval.low > 0
    assert control.sentence in answer.parts[0].answer


def test_the_cost_counts_every_trial_and_every_final_once(answer):
    names = {result.name for result in answer.results}
    trials = {name for name in names if "-trial-" in name}
    assert len(trials) == len({result.run.identity for result in answer.results if result.name in trials}) > 10
    assert answer.cost.runs == len({result.run.identity for result in answer.results})
    assert answer.cost.seconds == pytest.approx(
        sum({result.run.identity: result.seconds.total for result in answer.results}.values())
    )


def test_a_preview_does_not_look_at_the_test_part_and_says_so(answer, study_home):
    assert not RunStore(study_home).looks()
    assert answer.parts[0].answer[-1] == "A preview does not use the test part."
    assert answer.parts[1].answer == ["16 trials are too few, or too alike, to weigh the settings."]


def test_a_second_call_trains_nothing_and_answers_the_same(answer, study_home, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr("seedbed.scheduler.dispatching.Scheduler.train", refuse)
    again = sb.studies.budget(data="digits", quick=True, seeds=3, folds=1, workers=1, home=study_home)
    assert again.as_json() == answer.as_json()
    json.dumps(answer.as_json(), allow_nan=False)


def test_the_test_part_is_looked_at_once_however_often_the_study_is_repeated(answer, study_home, monkeypatch):
    setup = Setup.of("digits", seeds=3)
    trainer = StudyTrainer(Execution(RunStore(study_home)))
    study = StudyContext(setup, trainer)
    [group] = trainer.run(study.train([budget.plain(Setup.of("digits", quick=True, seeds=3))[0]]))
    seen = [budget._tested(study, group) for _ in range(2)]
    assert seen[0] == seen[1]
    assert seen[0] is not None
    assert seen[0].n == 3
    assert 0.8 < seen[0].mean < 1
    assert len(RunStore(study_home).looks()) == 3  # one per seed
    handout = Setup.of("digits", seeds=3, protocol="handout")
    assert budget._tested(StudyContext(handout, trainer), group) is None
    assert len(RunStore(study_home).looks()) == 3


def test_figures_and_tables_are_there(answer):
    assert {figure.name for figure in answer.figures} >= {"budget_trials"}
    finals, depths = answer.parts[0].tables
    assert len(finals.texts) == 2
    assert sum(int(row[1]) for row in depths.texts) == 16
    assert np.isfinite([float(row[3]) for row in finals.texts]).all()


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([(0.05, 0.0, 0.1)], "The learning rate explains the largest share of the variance between trials, 40 % (30 to 50)."),
        ([(0.3, 0.1, 0.5)], "; as important may be depth."),
        ([(0.3, 0.1, 0.5)] * 5, "No setting stands out"),
    ],
)
def test_a_setting_matters_most_only_where_the_others_are_told_apart_from_it(others, said):
    shares = [Importance("rate", 0.4, 0.3, 0.5), *(Importance("layers", *each) for each in others)]
    assert said in budget._most_important(shares, 16)


# At a glance


def test_the_card_gives_the_winner_and_its_lead(answer):
    card = answer.cards["budget-best"]
    check(card)
    check_parts(answer)
    winner = next(cell for cell in answer.parts[0].cells if cell["setting"].get("optimizer") and cell["seeds"] == [0, 1, 2])
    assert card.answer.startswith(f"{100 * winner['mean']:.1f} % of the images right")
    assert f"{100 * abs(answer.contrasts[0].decision.interval.mean):.1f} points" in card.answer


@pytest.mark.slow
def test_students_find_the_answers_to_their_questions(answer: Answer) -> None:
    for question in QUESTIONS["budget"]:
        question.check(answer.as_json())
