"""The steps of a search, with formulas in the place of training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seedbed.sizing.attempts import Candidate
from seedbed.sizing.networks import parameters
from seedbed.sizing.stages import run_stages
from sizing.samples import FRESH, MNIST, Formula, mistakes, problem


def smallest_possible(target: float) -> int:
    """Where the formula's best setting has what an interval of 10,000 images needs."""
    needed = problem(target).needed
    return next(n for n in range(100, 10**6, 50) if 1 - 20 * n**-0.65 * (1 + 1 / 60) > needed)


@pytest.mark.parametrize("family", ["dense", "conv"])
@pytest.mark.parametrize("target", [0.9, 0.95, 0.97])
def test_the_smallest_confirmed_network_is_near_the_smallest_there_is(target: float, family: str) -> None:
    asked = problem(target, family)
    claims = list(run_stages(asked, (formula := Formula()).train, formula.test))
    confirmed = [claim for claim in claims if claim.holds(target)]
    best = min(claim.parameters for claim in confirmed)
    assert best == pytest.approx(smallest_possible(target), rel=0.2)
    assert not claims[-1].holds(target), "the next smaller one was tested too"


def test_learning_rates_end_near_the_best_though_it_is_none_of_those_that_scouts_try() -> None:
    claims = list(run_stages(problem(0.95), (formula := Formula()).train, formula.test))
    assert all(3e-3 <= claim.candidate.plan.learning_rate <= 8e-3 for claim in claims)


def test_fresh_seeds_are_used_in_claims_and_nowhere_else() -> None:
    formula = Formula()
    list(run_stages(problem(0.95), formula.train, formula.test))
    choosing = {seed for stage, _, seeds in formula.asked if stage != "claim" for seed in seeds}
    assert choosing
    assert choosing.isdisjoint(FRESH)


def test_the_same_search_asks_for_the_same_runs_in_the_same_order() -> None:
    first, second = Formula(), Formula()
    for formula in (first, second):
        list(run_stages(problem(0.95), formula.train, formula.test))
    assert first.asked == second.asked


def test_each_size_has_a_rate_a_schedule_and_a_length_of_its_own() -> None:
    formula = Formula()
    list(run_stages(problem(0.95), formula.train, formula.test))
    plans: dict[object, set[tuple[object, ...]]] = {}
    for stage, candidate, _ in formula.asked:
        if stage == "size":
            plan = candidate.plan
            plans.setdefault(candidate.model, set()).add((plan.learning_rate, plan.schedule, plan.epochs))
    assert len(plans) >= 7
    for tried in plans.values():
        rates, schedules, epochs = (set(column) for column in zip(*tried, strict=True))
        assert len(rates) == 3
        assert schedules == {"cosine", "onecycle"}
        assert len(epochs) == 3


def test_where_the_claims_images_are_harder_larger_sizes_get_their_second_chance() -> None:
    formula = Formula(shift=-0.009)
    claims = list(run_stages(problem(0.95), formula.train, formula.test))
    assert not claims[0].holds(0.95)
    assert any(claim.holds(0.95) and claim.parameters > claims[0].parameters for claim in claims)


def test_where_the_claims_images_are_easier_the_order_goes_on_downwards_until_a_size_fails() -> None:
    formula = Formula(shift=0.012)
    claims = list(run_stages(problem(0.95), formula.train, formula.test))
    sizes = [claim.parameters for claim in claims]
    assert sizes == sorted(set(sizes), reverse=True), "one order, from large to small"
    assert [claim.holds(0.95) for claim in claims] == [True] * (len(claims) - 1) + [False]


@pytest.mark.parametrize("target", [0.9, 0.95, 0.97])
def test_no_size_is_looked_at_above_one_that_is_enough_already(target: float) -> None:
    asked = problem(target, "conv", haste=1.7)
    list(run_stages(asked, (formula := Formula()).train, formula.test))
    whole = [(stage, candidate) for stage, candidate, _ in formula.asked if candidate.plan.epochs == asked.effort.epochs]
    safe = [candidate for stage, candidate in whole if stage == "tune" and formula.accuracy(candidate, 0) >= asked.safe]
    enough = min(parameters(candidate.model, MNIST) for candidate in safe)
    assert max(parameters(candidate.model, MNIST) for stage, candidate, _ in formula.asked if stage == "size") < enough


@pytest.mark.parametrize("haste", [1.7, 2.0])
def test_larger_sizes_are_laid_out_once_the_first_has_failed_and_not_before(haste: float) -> None:
    def found(shift: float) -> tuple[int, list[int]]:
        formula = Formula(shift=shift)
        claims = list(run_stages(problem(0.97, "conv", haste=haste), formula.train, formula.test))
        looked_at = [parameters(candidate.model, MNIST) for stage, candidate, _ in formula.asked if stage == "size"]
        return max(looked_at), [claim.parameters for claim in claims if claim.holds(0.97)]

    (usual, _), (more, confirmed) = found(0.0), found(-0.006)
    assert more >= min(confirmed) > usual


@pytest.mark.parametrize(("target", "shift"), [(0.9, 0.0), (0.9, -0.02), (0.95, 0.0)])
def test_with_few_images_it_begins_with_a_size_that_is_large_enough(target: float, shift: float) -> None:
    """270 images: the interval reaches 4 points down, and a third of the mistakes must do."""
    asked = replace(problem(target), data=replace(MNIST, validation=270), choosing=105)
    formula = Formula(images=270, shift=shift)
    claims = list(run_stages(asked, formula.train, formula.test))
    assert claims[0].holds(target)
    assert not claims[-1].holds(target)


def test_where_size_does_not_help_the_search_ends_with_the_nearest() -> None:
    """A floor of 8 % mistakes: 95 % cannot be reached, whatever the size."""
    formula = Formula(error=lambda candidate: max(0.08, mistakes(candidate)))
    claims = list(run_stages(problem(0.95), formula.train, formula.test))
    assert claims
    assert not any(claim.holds(0.95) for claim in claims)
    assert "size" not in {stage for stage, _, _ in formula.asked}, "no ladders around a size that is nowhere"
    largest = max(parameters(candidate.model, MNIST) for _, candidate, _ in formula.asked)
    assert largest < 500_000, "doublings end where they do not help"


def test_settings_that_diverge_are_passed_over() -> None:
    formula = Formula(diverges=lambda candidate: candidate.plan.learning_rate > 4e-3)
    claims = list(run_stages(problem(0.95), formula.train, formula.test))
    assert any(claim.holds(0.95) for claim in claims)
    assert all(claim.candidate.plan.learning_rate < 4e-3 for claim in claims)


def test_where_everything_diverges_nothing_is_claimed() -> None:
    formula = Formula(diverges=lambda candidate: True)
    assert list(run_stages(problem(0.95), formula.train, formula.test)) == []


def test_an_easy_target_ends_with_the_smallest_network_there_is() -> None:
    claims = list(run_stages(problem(0.3), (formula := Formula(error=lambda candidate: 0.5)).train, formula.test))
    assert min(claim.parameters for claim in claims if claim.holds(0.3)) <= 1000


def test_augmentation_is_in_every_plan() -> None:
    formula = Formula()
    list(run_stages(replace(problem(0.9), augment="shift"), formula.train, formula.test))
    assert {candidate.plan.augment for _, candidate, _ in formula.asked} == {"shift"}


def test_no_more_parameters_are_tried_than_allowed() -> None:
    def hard(candidate: Candidate) -> float:
        return min(0.9, 3 * mistakes(candidate))

    formula = Formula(error=hard)
    list(run_stages(problem(0.95, most=20_000), formula.train, formula.test))
    assert max(parameters(candidate.model, MNIST) for _, candidate, _ in formula.asked) <= 20_000


def test_near_the_best_accuracy_that_there_is_nothing_is_tuned_at_many_times_the_size() -> None:
    """Short trainings need ten times the parameters there to make as few mistakes as long ones."""

    def error(candidate: Candidate) -> float:
        short = 1.5 if candidate.plan.epochs < 12 else 1.0
        return short * (0.004 + 12 * parameters(candidate.model, MNIST) ** -0.9)

    formula = Formula(error=error)
    claims = list(run_stages(problem(0.99, "conv"), formula.train, formula.test))
    best = min(claim.parameters for claim in claims if claim.holds(0.99))
    assert best < 8_500
    assert max(parameters(candidate.model, MNIST) for stage, candidate, _ in formula.asked if stage == "tune") < 1.5 * best
