"""Names of runs by their specs alone."""

from __future__ import annotations

import doctest

import pytest

from seedbed.groups import naming
from seedbed.groups.naming import setting_name
from seedbed.names import checked_name
from seedbed.specs import Conv, DataSpec, Dense, Plan, RunSpec


@pytest.mark.parametrize(
    "run",
    [
        RunSpec(),
        RunSpec(model=Dense(hidden=(400,) * 30, activation="leaky_relu"), plan=Plan(l2=1.23456789e-5, learning_rate=0.0123)),
        RunSpec(model=Conv(filters=(20, 10, 5)), data=DataSpec(name="my images/ü", first=1000, label_noise=0.2, permutation=3)),
    ],
)
def test_runs_have_names_that_every_system_takes(run):
    assert checked_name(f"{setting_name(run)}.1000")


def test_a_setting_has_one_name_whatever_its_seed_and_no_other_has_it():
    base = RunSpec(data=DataSpec(name="digits"))
    assert setting_name(base) == setting_name(base.changed(seed=7))
    other = base.changed(plan=Plan(learning_rate=0.0010000001))
    assert setting_name(base) != setting_name(other)


def test_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(naming).failed == 0
