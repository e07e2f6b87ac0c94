"""Convolution: shifts, overlaps and equal sizes are what they say, and pictures show images on which the nets differ."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from groups.samples import group
from seedbed import data, figures, studies
from seedbed.models import facts
from seedbed.records import DataFacts
from seedbed.specs import Conv, DataSpec, Dense
from seedbed.statistics import accuracy_difference
from seedbed.studies.answers import Answer
from seedbed.studies.mistakes import Overlap, overlaps
from seedbed.studies.questions import convolution
from seedbed.studies.questions.convolution import CONV, equal_width
from seedbed.studies.setup import Setup
from seedbed.studies.shifts import distances, shifted
from studies.questions import QUESTIONS
from studies.reading import check, check_parts


@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (-2, 0), (0, 2), (0, -1), (3, -3), (5, 0)])
def test_a_shift_moves_pixels_and_fills_up_with_zeros(down: int, right: int) -> None:
    images = np.random.default_rng(0).integers(1, 255, size=(2, 4, 5, 3), dtype=np.uint8)
    moved = shifted(images, down, right)
    for y in range(4):
        for x in range(5):
            inside = 0 <= y - down < 4 and 0 <= x - right < 5
            expected = images[:, y - down, x - right] if inside else np.zeros((2, 3), np.uint8)
            assert np.array_equal(moved[:, y, x], expected)


def test_shifts_are_in_proportion_to_the_image() -> None:
    assert distances((28, 28, 1)) == [0, 1, 2, 3, 4, 5, 6]
    assert distances((8, 8, 1)) == [0, 1, 2]
    assert distances((64, 96, 3)) == [0, 2, 4, 6, 8, 10, 12]


@pytest.mark.parametrize(("shape", "classes"), [((28, 28, 1), 10), ((32, 32, 3), 10), ((8, 8, 1), 3)])
def test_no_other_width_of_one_layer_comes_nearer_to_the_conv_nets_parameters(
    shape: tuple[int, int, int], classes: int
) -> None:
    names = tuple(str(name) for name in range(classes))
    width = equal_width(Setup(DataSpec(), DataFacts(100, 10, 10, names, shape), (0,)))
    wanted = facts(CONV, shape, classes).parameters
    apart = {h: abs(facts(Dense(hidden=(h,)), shape, classes).parameters - wanted) for h in range(max(1, width - 2), width + 3)}
    assert min(apart, key=lambda h: apart[h]) == width


def test_the_exercises_nets_differ_by_a_factor_of_24_6() -> None:
    conv, dense = (facts(model, (28, 28, 1), 10).parameters for model in (Conv(), Dense(hidden=(200, 100))))
    assert (conv, dense, round(dense / conv, 1)) == (7_240, 178_110, 24.6)


def test_an_overlap_counts_every_image_once() -> None:
    both, only_a, only_b, neither = (np.repeat(np.arange(4), [80, 12, 3, 5]) == kind for kind in range(4))
    a, b = both | only_a, both | only_b
    first, second = group([a, b], seeds=[4, 5]), group([b, b, b], seeds=[5, 4, 3], l2=1)
    one, other = overlaps(first, second)
    assert (one.seed, one.both_right, one.only_a, one.only_b, one.both_wrong) == (4, 80, 12, 3, neither.sum())
    assert one.images == 100
    assert one.shared == pytest.approx(5 / 17)
    assert one.alone == pytest.approx(3 / 83)
    assert one.p == accuracy_difference(a, b).p < 0.1
    assert (other.seed, other.both_right, other.both_wrong, other.p) == (5, 83, 17, 1.0)
    assert other.independent_p < one.independent_p == pytest.approx(0.00329, abs=1e-5)
    assert np.isnan(Overlap(0, 100, 0, 0, 0, 1.0).shared)
    assert Overlap(0, 100, 0, 0, 0, 1.0).as_json()["shared"] is None


@pytest.fixture(scope="module")
def answer(study_home: Path) -> Answer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "STEPS", 200)
        return studies.convolution(data="digits", quick=True, seeds=2, workers=1, home=study_home)


@pytest.mark.slow
def test_sentences_say_what_was_measured(answer: Answer) -> None:
    nets, mistakes, _, shifts, fewer = answer.parts
    assert len(answer.contrasts) == 5
    sizes = {cell["label"]: cell["parameters"] for cell in nets.cells}
    ratio = nets.data["parameter_ratio"]
    assert ratio == sizes["family dense, hidden 200-100"] / sizes["family conv"]
    assert any(f"{ratio:.1f} times as many" in said for said in nets.answer)
    pairs = mistakes.data["pairs"]
    assert all(sum(one[name] for name in ("both_right", "only_a", "only_b", "both_wrong")) == 270 for one in pairs)
    assert f"{np.mean([one['only_a'] for one in pairs]):.1f} (" in mistakes.answer[0]
    unmoved = [one["accuracies"][0]["mean"] for one in shifts.data["shifted"]]
    assert unmoved == [pytest.approx(cell["mean"]) for cell in nets.cells[:2]]
    moved = [one["accuracies"][-1]["mean"] for one in shifts.data["shifted"]]
    assert all(after < before - 0.2 for before, after in zip(unmoved, moved, strict=True))
    assert {cell["setting"]["first"] for cell in fewer.cells} == {410}


@pytest.mark.slow
def test_pictures_are_images_that_only_one_net_gets_right(answer: Answer) -> None:
    conv, dense = (answer.contrasts[0].contrast.a, answer.contrasts[0].contrast.b)
    lead = np.sum(list(conv.correct.values()), axis=0) - np.sum(list(dense.correct.values()), axis=0)
    chart = figures.specification(answer.charts()["conv_mistakes"])
    shown = re.findall(r'"(data:image/png;base64,[^"]+)"', json.dumps(chart))
    validation = data.load(answer.setup.data).validation
    differ = set(figures.thumbnails(validation.take(np.flatnonzero(lead)), top=16.0, side=64))
    assert shown
    assert set(shown) <= differ


@pytest.mark.slow
def test_every_figure_is_drawn(answer: Answer, tmp_path: Path) -> None:
    expected = {"conv_learning_curves", "conv_parameters", "conv_permutation", "conv_shift", "conv_filters"}
    assert set(answer.charts()) >= expected | {"conv_permuted_images"}
    for name, chart in answer.charts().items():
        assert figures.save(chart, tmp_path / name, ("svg",))[0].stat().st_size > 5_000


# At a glance


@pytest.mark.slow
def test_the_card_gives_both_sizes_and_the_difference_of_its_mark(answer: Answer) -> None:
    card = answer.cards["convolution-nets"]
    check(card)
    check_parts(answer)
    conv, dense = answer.parts[0].cells[:2]
    assert f"{conv['parameters']:,} parameters instead of {dense['parameters']:,}" in card.answer
    against_large, against_equal = (100 * one.decision.interval.mean for one in answer.parts[0].contrasts if one.decision)
    assert f"{against_large:+.1f} points" in card.answer or f"{abs(against_large):.1f} points" in card.answer
    excludes = answer.parts[0].contrasts[1].decision.interval.excludes()
    assert (f"A dense net of its size is {abs(against_equal):.1f} points" in card.answer) == excludes


@pytest.mark.slow
def test_students_find_the_answers_to_their_questions(answer: Answer) -> None:
    for question in QUESTIONS["convolution"]:
        question.check(answer.as_json())
