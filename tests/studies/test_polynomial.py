"""Polynomials with a penalty: closed form, the split of the error, and what is said of them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import seedbed as sb
from seedbed.errors import SpecError
from seedbed.figures import specification
from seedbed.statistics import mean_interval
from seedbed.studies.polynomials import (
    GRID,
    PolynomialTask,
    cubic,
    expected,
    fitted,
    freedom,
    lowest,
    solver,
    split,
    undistinguished,
)
from seedbed.studies.questions import polynomial
from studies.questions import QUESTIONS
from studies.reading import check, check_parts

TASK = PolynomialTask()


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    return sb.studies.polynomial(data="digits", quick=True, home=tmp_path_factory.mktemp("home"))


# The closed form


@pytest.mark.parametrize("strength", [1e-6, 1e-3, 1.0])
def test_the_solution_minimizes_what_it_says(strength):
    y = TASK.draw(1, (0,))[0]
    w = solver(TASK, strength) @ y
    powers = TASK.places[:, None] ** np.arange(TASK.order + 1)

    def objective(w):
        return ((powers @ w - y) ** 2).mean() + strength * (w[1:] ** 2).sum()

    gradient = 2 / TASK.n * powers.T @ (powers @ w - y) + 2 * strength * np.concatenate([[0], w[1:]])
    assert np.abs(gradient).max() < 1e-11
    assert all(objective(w + step) > objective(w) for step in 1e-3 * np.eye(TASK.order + 1))


def test_without_penalty_or_noise_a_cubic_is_found_exactly_and_the_constant_is_never_penalized():
    assert solver(TASK, 0.0) @ cubic(TASK.places) == pytest.approx([0, -3, 0, 4, 0, 0, 0, 0, 0, 0], abs=1e-9)
    flat = fitted(TASK, 1e9, np.full(TASK.n, 5.0))
    assert flat == pytest.approx(np.full(len(GRID), 5.0))


def test_high_orders_stay_well_conditioned():
    task = PolynomialTask(order=20, n=30)
    assert fitted(task, 0.0, cubic(task.places)) == pytest.approx(cubic(GRID), abs=1e-6)


def test_the_penalty_takes_degrees_of_freedom():
    assert freedom(TASK, 0.0) == pytest.approx(TASK.order + 1)
    assert freedom(TASK, 1e9) == pytest.approx(1)
    found = [freedom(TASK, strength) for strength in polynomial.STRENGTHS]
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"order": -1}, "order = -1"), ({"order": 99}, "order = 99"), ({"n": 1}, "n = 1"), ({"noise": float("nan")}, "noise")],
)
def test_a_task_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(SpecError, match=said):
        PolynomialTask(**wrong)
    with pytest.raises(SpecError, match="lambda"):
        solver(TASK, float("nan"))


# The split


@pytest.mark.parametrize("strength", [1e-6, 1e-3, 1.0])
def test_bias_and_variance_are_the_known_ones_and_add_up(strength):
    one = split(TASK, strength, TASK.draw(4000, (1,)))
    bias2, variance = expected(TASK, strength)
    assert one.bias2.mean == pytest.approx(bias2, abs=0.002)
    assert one.variance.mean == pytest.approx(variance, rel=0.05)
    assert one.error.mean == pytest.approx(one.bias2.mean + one.variance.mean + one.noise)
    assert one.error.mean - one.noise == pytest.approx(one.errors.mean())


def test_intervals_cover_the_known_values():
    covered = []
    for seed in range(120):
        one = split(TASK, 1e-3, TASK.draw(400, (seed, 2)))
        bias2, variance = expected(TASK, 1e-3)
        covered += [at.low <= true <= at.high for at, true in ((one.bias2, bias2), (one.variance, variance))]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_strengths_that_the_samples_do_not_tell_apart_are_named():
    samples = TASK.draw(200, (3,))
    close = [split(TASK, strength, samples) for strength in (0.001, 0.00101, 1.0)]
    assert [one.strength for one in undistinguished(close)] == [0.001, 0.00101]
    assert lowest(close).strength in (0.001, 0.00101)


def test_test_error_of_fits_is_that_of_new_noisy_values():
    samples = TASK.draw(2000, (4,))
    fits = fitted(TASK, 1e-3, samples, TASK.places)
    new = TASK.draw(2000, (5,))
    at_places = mean_interval(((fits - new) ** 2).mean(axis=1))
    bias = (fits.mean(axis=0) - cubic(TASK.places)) ** 2
    assert at_places.low < (bias + fits.var(axis=0, ddof=1)).mean() + TASK.noise**2 < at_places.high


# The study


def test_the_study_trains_nothing_and_says_what_it_computed(answer):
    assert answer.cost.runs == 0
    assert answer.cost.measuring > 0
    assert [part.name for part in answer.parts] == ["fits", "bias-variance"]
    assert answer.contrasts == []
    json.dumps(answer.as_json(), allow_nan=False)


def test_the_best_lambda_is_inside_the_sweep_and_its_error_is_in_the_sentence(answer):
    cells = answer.parts[1].cells
    best = min(cells, key=lambda cell: cell["mean"])
    assert best not in (cells[0], cells[-1])
    said = answer.parts[1].answer[0]
    numbers = [float(number) for number in re.findall(r"(\d+\.\d{4}) \(", said)]
    chosen = next(cell for cell in cells if cell["setting"]["lambda"] == answer.parts[1].data["best"])
    assert numbers == pytest.approx([cells[0]["mean"], chosen["mean"], cells[-1]["mean"]], abs=6e-5)


def test_little_penalty_is_variance_and_much_is_bias(answer):
    cells = answer.parts[1].cells
    little, much = (cell["measures"] for cell in (cells[0], cells[-1]))
    assert little["variance"]["mean"] > 10 * little["bias2"]["mean"]
    assert much["bias2"]["mean"] > 10 * much["variance"]["mean"]
    assert "100 % of the two" in answer.parts[1].answer[2]


def test_a_best_lambda_at_the_edge_is_said_and_the_sweep_extended():
    found = polynomial.measured(TASK, (0.1, 0.3, 1.0), count=200, seed=0)
    assert [one.strength for one in found.splits] == [0.03, 0.1, 0.3, 1.0]
    [said] = found.caveats
    assert "The best lambda, 0.1, was the smallest that was tried" in said
    assert "0.03 was tried too; it is better still" in said
    assert found.best.strength == 0.03


def test_the_strength_is_chosen_by_other_samples_than_those_that_measure_it(monkeypatch):
    drawn = []
    draw = PolynomialTask.draw
    monkeypatch.setattr(PolynomialTask, "draw", lambda task, count, seed: drawn.append(seed) or draw(task, count, seed))
    found = polynomial.measured(TASK, (1e-4, 1e-3, 1e-2), count=200, seed=5)
    assert len(set(drawn)) == 3
    assert found.choosing[0].error.mean != found.splits[0].error.mean


def test_figures_show_three_fits_on_one_scale_and_the_parts_of_the_error(answer):
    charts = answer.charts()
    assert list(charts) == ["polynomial_fits", "polynomial_bias_variance"]
    panels = specification(charts["polynomial_fits"])["concat"]
    upright = [layer["encoding"]["y"] for panel in panels for layer in panel["layer"] if "y" in layer["encoding"]]
    domains = [y["scale"]["domain"] for y in upright]
    assert len(panels) == 3
    assert all(domain == domains[0] for domain in domains)
    said = specification(charts["polynomial_bias_variance"])["title"]["subtitle"]
    assert any("n = 400 samples" in line for line in said)


# At a glance


def test_the_card_gives_the_best_lambda_and_the_errors(answer):
    card = answer.cards["polynomial-fits"]
    check(card)
    check_parts(answer)
    errors = {cell["setting"]["lambda"]: cell["mean"] for cell in answer.parts[1].cells}
    best = answer.parts[1].data["best"]
    assert f"is best: error {errors[best]:.2f}, against {errors[min(errors)]:.2f} and {errors[max(errors)]:.2f}" in card.answer


def test_students_find_the_answers_to_their_questions(answer) -> None:
    for question in QUESTIONS["polynomial"]:
        question.check(answer.as_json())
