"""Step sizes at known points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from seedbed.specs import Plan, Schedule
from seedbed.training.schedules import factors, step_sizes


@pytest.mark.parametrize(
    ("schedule", "done", "factor"),
    [
        ("constant", 0, 1.0),
        ("constant", 999, 1.0),
        ("cosine", 0, 1.0),
        ("cosine", 500, 0.5),
        ("cosine", 250, (1 + math.sqrt(0.5)) / 2),
        ("cosine", 1000, 0.0),
        ("onecycle", 0, 1 / 25),
        ("onecycle", 150, (1 + 1 / 25) / 2),
        ("onecycle", 300, 1.0),
        ("onecycle", 650, (1 + 1 / 25e4) / 2),
        ("onecycle", 1000, 1 / 25e4),
    ],
)
def test_schedules_pass_through_their_known_points(schedule: Schedule, done: int, factor: float) -> None:
    assert factors(schedule, np.array([done]), 1000)[0] == pytest.approx(factor, abs=1e-12)


def test_a_schedule_runs_over_the_plans_own_epochs() -> None:
    plans = [Plan(epochs=2, schedule="cosine", optimizer="sgd"), Plan(epochs=4, schedule="cosine", optimizer="sgd")]
    rates, _ = step_sizes(plans, 1, 5)
    assert rates.shape == (5, 2)
    np.testing.assert_allclose(rates[0], [0.5e-3, 1e-3 * (1 + math.sqrt(0.5)) / 2], rtol=1e-6)


def test_a_member_past_its_last_epoch_gets_a_finite_rate() -> None:
    rates, _ = step_sizes([Plan(epochs=1, schedule="onecycle")], 3, 5)
    assert np.isfinite(rates).all()


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_adams_correction_of_its_bias_is_in_the_step_size(optimizer: str) -> None:
    rates, _ = step_sizes([Plan(optimizer=optimizer, learning_rate=0.01)], 2, 3)
    for number, rate in enumerate(rates[:, 0]):
        t = 2 * 3 + number + 1
        assert rate == pytest.approx(0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t), rel=1e-6)


@pytest.mark.parametrize(
    ("plan", "decay"),
    [
        (Plan(optimizer="adamw", learning_rate=0.01, weight_decay=0.1), 1e-3),
        (Plan(optimizer="adam", learning_rate=0.01, weight_decay=0.1), 0.0),
        (Plan(optimizer="sgd", learning_rate=0.01, weight_decay=0.1), 0.0),
    ],
)
def test_only_adamw_decays_by_rate_times_weight_decay_uncorrected(plan: Plan, decay: float) -> None:
    _, decays = step_sizes([plan], 0, 1)
    assert decays[0, 0] == pytest.approx(decay)


def test_members_have_rates_of_their_own() -> None:
    settings: list[dict[str, Any]] = [{"learning_rate": 0.1}, {"learning_rate": 0.2}]
    rates, _ = step_sizes([Plan(optimizer="sgd", **each) for each in settings], 0, 2)
    np.testing.assert_allclose(rates, [[0.1, 0.2]] * 2, rtol=1e-6)
