"""Advice names options that exist, with values that move the run the right way."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from seedbed.cli.train import command
from seedbed.diagnosis import diagnose
from seedbed.diagnosis.advice import ADVICE, advise, epochs_to_try
from seedbed.diagnosis.course import Course
from seedbed.records import METRICS, DataFacts, History, VerdictKind
from seedbed.specs import Conv, Dense, ModelSpec, Plan, RunSpec

from .curves import judged_curves

OPTIONS = {name for parameter in command.params for name in parameter.opts}


NETWORK = Dense(hidden=(200, 100))


def course(loss: Any, *, model: ModelSpec = NETWORK, **plan: Any) -> Course:
    losses = np.asarray(loss, dtype=np.float64)
    columns = dict.fromkeys(METRICS, np.full(len(losses), 0.5)) | dict.fromkeys(("train_loss", "validation_loss"), losses)
    data = DataFacts(1257, 270, 270, tuple("0123456789"), (8, 8, 1))
    return Course(History(columns), RunSpec(model=model, plan=Plan(epochs=len(losses), **plan)), data, None, False)


def test_every_option_that_is_advised_exists() -> None:
    for curve in judged_curves():
        advice = diagnose(curve.history, curve.run, curve.data, curve.last).advice
        options = set(re.findall(r"--[a-z0-9-]+", advice.split("seedbed")[0]))
        assert options <= OPTIONS, advice
        assert advice.endswith(".")


def test_every_kind_has_its_advice() -> None:
    assert set(ADVICE) == set(get_args(VerdictKind))


@pytest.mark.parametrize("scale", [3, 10, 30])
def test_the_epochs_to_try_reach_nearly_the_end_of_an_exponential_fall(scale: int) -> None:
    epochs = np.arange(1, 2 * scale + 1)
    proposed = epochs_to_try(course(0.1 + 2 * np.exp(-epochs / scale)))
    assert 0.1 + 2 * np.exp(-proposed / scale) <= 1.1 * 0.1
    assert proposed <= 10 * scale


def test_a_straight_fall_is_continued_to_where_it_would_end() -> None:
    assert epochs_to_try(course(2.0 - 0.05 * np.arange(1, 21))) == 40


@pytest.mark.parametrize(
    ("kind", "plan", "advice"),
    [
        ("still_improving", {}, "Try --epochs 40 --resume."),
        ("still_improving", {"schedule": "cosine"}, "Try --epochs 40."),
        ("too_short", {}, "Try --epochs 20 --resume."),
        ("diverged", {"learning_rate": 0.03}, "Try a tenth of the learning rate: --lr 0.003."),
        ("collapsed", {"l2": 0.1}, "Try a weaker penalty: --l2 0.01."),
        ("collapsed", {"learning_rate": 0.1}, "Try --lr 0.01."),
        ("collapsed", {"learning_rate": 1e-6}, "Try --lr 0.001."),
        ("underfits", {}, "Try --hidden 400,200 or --lr 0.003."),
        ("underfits", {"l2": 0.01}, "Try --l2 0.001 or --lr 0.003."),
        ("fits_training_better", {"l2": 1e-4, "augment": "shift"}, "Try --l2 0.001 or --dropout 0.2."),
    ],
)
def test_advice_follows_the_plan(kind: VerdictKind, plan: dict[str, Any], advice: str) -> None:
    assert advise(kind, course(2.0 - 0.05 * np.arange(1, 21), **plan)) == advice


def test_a_conv_net_that_underfits_gets_more_filters() -> None:
    assert "--filters 40,20" in advise("underfits", course(np.full(20, 0.5), model=Conv()))


def test_a_deep_sigmoid_net_is_advised_another_activation() -> None:
    deep = Dense(hidden=(30, 30, 30), activation="sigmoid")
    assert "--activation relu" in advise("collapsed", course(np.full(20, 2.3), model=deep))


def test_a_training_loss_that_jumps_asks_for_smaller_steps() -> None:
    jumping = 0.5 + 0.2 * (-1.0) ** np.arange(20)
    assert advise("underfits", course(jumping)) == "Try smaller steps: --lr 3e-4."


def test_a_patience_that_was_too_short_is_advised_to_be_longer() -> None:
    falling = course(2.0 - 0.05 * np.arange(1, 21))
    stopped = replace(falling, run=falling.run.changed(plan=Plan(epochs=100, patience=5)))
    assert advise("still_improving", stopped) == "Try --patience 20 --resume."
