"""What a call is expected to do and to take, before it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from seedbed.runs import NamedRun, RunStore
from seedbed.scheduler import Execution, Forecast, forecast, forecasting
from seedbed.specs import Conv, DataSpec, Dense, ModelSpec, Plan, RunSpec


@pytest.fixture(autouse=True)
def core(monkeypatch: pytest.MonkeyPatch) -> None:
    """A core of 100 GFLOP/s, whatever the machine."""
    monkeypatch.setattr(forecasting, "core_speed", lambda: 1e11)


def expected(tmp_path: Path, *models: ModelSpec, workers: int = 1, seeds: int = 1, **plan: object) -> Forecast:
    runs = [
        RunSpec(model=model, plan=Plan(**plan), data=DataSpec(name="digits"), seed=seed)
        for model in models
        for seed in range(seeds)
    ]
    entries = [NamedRun(f"run-{number}", "run", run) for number, run in enumerate(runs)]
    return forecast(entries, Execution(RunStore(tmp_path / "runs"), device="cpu", workers=workers))


def test_more_work_takes_longer_and_more_workers_less(tmp_path: Path) -> None:
    net = Dense(hidden=(200, 100))
    short, long = (expected(tmp_path, net, epochs=epochs).seconds for epochs in (200, 2_000))
    assert short
    assert long
    assert 3 < short < 60
    assert 1.5 * short < long < 10 * short
    convolution = expected(tmp_path, Conv(), epochs=200).seconds
    assert convolution
    assert convolution > short
    alone, both = (expected(tmp_path, net, seeds=4, epochs=2_000, workers=workers).seconds for workers in (1, 2))
    assert alone
    assert both
    assert 0.5 * alone < both < 0.9 * alone


def test_what_may_stop_early_takes_at_most_so_long(tmp_path: Path) -> None:
    found = expected(tmp_path, Dense(), epochs="auto")
    assert found.at_most
    assert "at most about" in found.sentence
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Forecast(18, 12, 48.7), "18 runs, 12 are there; about 50 s"),
        (Forecast(1, 0, 3.2), "1 run; about 3 s"),
        (Forecast(5, 5, 0.0), "5 runs, all there: nothing to train"),
        (Forecast(5, 0, None), "5 runs"),
        (Forecast(9, 0, 4000.0, at_most=True), "9 runs; at most about 1 h 10 min"),
        (Forecast(430, 0, 1080.0, searching=610.0), "430 runs; about 18 min; then searches, about 10 min"),
        (Forecast(430, 430, 0.0, searching=610.0), "430 runs, all there; then searches, about 10 min"),
    ],
)
def test_a_forecast_is_one_line_that_is_no_more_precise_than_it_can_be(found: Forecast, sentence: str) -> None:
    assert found.sentence == sentence
