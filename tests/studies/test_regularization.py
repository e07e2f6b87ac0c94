"""The regularization study from end to end: what it says is what it found."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import seedbed as sb
from compiling import AS_WORKERS, optimize
from seedbed.runs import RunStore
from seedbed.studies import STUDIES
from seedbed.studies.answers import Answer
from seedbed.studies.questions import regularization
from studies.questions import QUESTIONS
from studies.reading import check, check_parts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answer(study_home) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        optimize(patch, AS_WORKERS)  # its programs take steps enough
        patch.setattr(regularization, "QUICK_STRENGTHS", (0.0, 1e-2, 1.0))
        patch.setattr(regularization, "QUICK_STEPS", 200)
        return sb.studies.regularization(data="digits", quick=True, seeds=2, workers=1, home=study_home)


def test_the_study_is_listed_and_answers_its_three_parts(answer):
    assert "regularization" in STUDIES
    assert [part.name for part in answer.parts] == ["effect", "harder-data", "smaller-net"]
    assert len(answer.short) == 3
    assert len(answer.contrasts) <= 5
    json.dumps(answer.as_json(), allow_nan=False)


def test_losses_without_penalty_are_what_its_curves_and_table_show(answer):
    (table,) = answer.parts[0].tables
    cells = answer.parts[0].cells
    for row, cell in zip(table.texts, cells, strict=True):
        if cell["n"]:
            found = float(row[list(table.titles).index("training loss")].split()[0])
            assert found == pytest.approx(cell["measures"]["training_data_loss"]["mean"], abs=0.0006)


def test_a_strong_penalty_shrinks_the_weights_and_the_reasons_say_so_with_the_measured_norms(answer):
    by_l2 = {cell["setting"]["l2"]: cell for cell in answer.parts[0].cells if cell["n"]}
    strong = max(by_l2)
    norms = [by_l2[l2]["measures"]["weight_norm_dense_0"]["mean"] for l2 in (0.0, strong)]
    assert norms[1] < norms[0]
    [said] = [said for said in answer.parts[0].why if said.startswith("The norm of dense_0")]
    assert [float(number) for number in re.findall(r"(\d+\.\d+) \(", said)] == pytest.approx([norms[1], norms[0]], abs=0.006)
    near = [by_l2[l2]["measures"]["share_near_zero"]["mean"] for l2 in (0.0, strong)]
    assert near[0] < near[1]


def test_a_collapsed_setting_is_counted_and_in_no_mean(answer):
    broken = [cell for cell in answer.parts[0].cells if cell["setting"]["l2"] == 1.0]
    assert broken[0]["n"] == 0
    assert broken[0]["mean"] is None
    assert any("collapsed and are excluded" in mark for mark in answer.caveats)
    assert not any("l2 1," in said and "better" in said for said in answer.sentences())


def test_parameters_stand_beside_hidden_units(answer):
    for table in answer.parts[2].tables:
        assert list(table.titles)[:2] == ["hidden units", "parameters"]
    assert answer.parts[2].tables[0].texts[0][:2] == ["200-100", "34,110"]


def test_the_share_near_zero_is_that_of_the_weights(answer, study_home):
    result = answer.results[0]
    weights = RunStore(study_home).weights(result.name, "last")
    kernels = [weights[f"dense_{layer}/kernel"] for layer in range(3)]
    small = [np.abs(kernel) < 0.01 * np.sqrt(6 / (kernel.shape[0] + kernel.shape[1])) for kernel in kernels]
    assert regularization.near_zero(RunStore(study_home), result) == np.concatenate([each.ravel() for each in small]).mean()


def test_flipped_labels_are_trained_on_and_never_validated_on(answer):
    noisy = {result.run.data for result in answer.results if result.run.data.label_noise}
    assert noisy
    for spec in noisy:
        clean, flipped = (sb.load(each) for each in (spec.changed(label_noise=0.0), spec))
        assert (clean.validation.labels == flipped.validation.labels).all()
        assert 0 < (clean.train.labels != flipped.train.labels).mean() <= 0.25


# At a glance


def test_the_cards_say_whether_it_helps_and_what_it_resembles(answer):
    useful, like = answer.cards.values()
    check(useful)
    check(like)
    check_parts(answer)
    gains = {one.name: one.decision.interval for one in answer.contrasts}
    flipped = gains["best l2 against none, few images with flipped labels"]
    word = "gains" if flipped.mean > 0 else "loses"
    said = f"{word} {abs(100 * flipped.mean):.1f} points" if flipped.excludes() else f"({100 * flipped.mean:+.1f} points)"
    assert said in useful.answer.partition(". ")[0] + "."
    assert like.answer.startswith(("In part: with lambda", "No: at every lambda"))


@pytest.mark.slow
def test_students_find_the_answers_to_their_questions(answer: Answer) -> None:
    for question in QUESTIONS["regularization"]:
        question.check(answer.as_json())
