"""Slopes of activations at a network's own pre-activations."""

from __future__ import annotations

import numpy as np
import pytest

from seedbed.figures.slopes import BINS, REACH, USED, ActivationUse, grid, slope_rows
from seedbed.studies.slopes import pre_activations, slope_at


@pytest.mark.parametrize(("activation", "slope"), [("relu", 1.0), ("tanh", 1 - np.tanh(1.0) ** 2), ("sigmoid", 0.19661193)])
def test_slopes_are_the_derivatives(activation: str, slope: float) -> None:
    found = slope_at(activation, np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert found.shape == (2, 2)
    assert found == pytest.approx(slope, rel=1e-5)


def test_pre_activations_are_those_of_each_hidden_layer() -> None:
    weights = {
        "dense_0/kernel": np.array([[1.0, -2.0]], np.float32),
        "dense_0/bias": np.array([0.5, 0.0], np.float32),
        "dense_1/kernel": np.array([[1.0], [10.0]], np.float32),
        "dense_1/bias": np.array([-1.0], np.float32),
        "dense_2/kernel": np.ones((1, 3), np.float32),
        "dense_2/bias": np.zeros(3, np.float32),
    }
    first, second = pre_activations(weights, "relu", np.array([[1.0], [-1.0]], np.float32))
    assert first.tolist() == [[1.5, -2.0], [-0.5, 2.0]]
    assert second.tolist() == [[0.5], [19.0]]


def test_pre_activations_beyond_the_panel_count_in_its_outermost_bins() -> None:
    used = {"layer 1": np.array([-100.0, 0.1, 0.1, REACH])}
    rows = [row for row in slope_rows([ActivationUse("tanh", slope_at("tanh", grid()), used)]) if row["of"] == USED]
    shares = [row["mean"] for row in rows]
    assert (len(shares), shares[0], shares[-1], sum(shares)) == (BINS, 0.25, 0.25, 1.0)
    assert shares[BINS // 2] == 0.5
