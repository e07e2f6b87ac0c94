"""The sentences that probes give."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from seedbed.diagnosis import explain
from seedbed.records import METRICS, History


def history(values: ArrayLike, **probes: ArrayLike) -> History:
    columns = dict.fromkeys(METRICS, np.asarray(values, dtype=np.float64))
    return History({**columns, **{name.replace("__", "/"): np.asarray(probe, float) for name, probe in probes.items()}})


def test_saturation_is_told_with_the_measured_shares() -> None:
    shares = {"saturation__dense_0": [0.12, 0.4, 0.63], "saturation__dense_1": [0.0, 0.01, 0.02]}
    assert explain(history([1, 1, 1], **shares), "sigmoid") == [
        "In layer dense_0 63 % of the sigmoid units are saturated at epoch 3 (12 % at epoch 1)."
    ]
    assert explain(history([1, 1, 1], **shares), "relu")[0].startswith("In layer dense_0 63 % of the relu units are off for")


def test_where_nothing_saturates_the_largest_share_is_told() -> None:
    found = explain(history([1, 1], saturation__dense_0=[0, 0.01], saturation__dense_1=[0, 0.052]))
    assert found == ["At the last epoch no layer has more than 5.2 % of its units saturated (dense_1)."]


def test_a_vanishing_gradient_is_told_in_the_networks_order() -> None:
    norms = {f"gradient__dense_{number}": [10.0 ** (number - 10)] * 3 for number in (0, 10, 9)}
    found = explain(history([1, 1, 1], **norms))
    assert found == [
        "The gradient shrinks 10000000000 times on its way from the last layer to the first "
        "(median norms: 1 at dense_10, 1e-10 at dense_0)."
    ]


def test_a_layer_without_gradient_does_not_learn() -> None:
    assert explain(history([1, 1], gradient__dense_0=[0, 0], gradient__dense_1=[1, 1])) == [
        "The gradient of dense_0 is 0: it does not learn."
    ]


def test_steps_and_norms_are_told_where_they_are_out_of_the_ordinary() -> None:
    usual = explain(history([1, 1], update__dense_0=[1e-3, 1e-3], weights__dense_0=[10, 11]))
    found = explain(history([1, 1], update__dense_0=[1e-7, 1e-7], weights__dense_0=[10, 30]))
    assert usual == []
    assert found == [
        "Layer dense_0 hardly moves: each step changes its weights by 1e-07 of their norm (median over epochs).",
        "The norm of the weights of dense_0 went from 10 at epoch 1 to 30 at epoch 2.",
    ]


def test_without_probes_nothing_is_explained() -> None:
    assert explain(history([1, 1])) == []
    assert explain(history([1, 1], saturation__dense_5=[math.nan, math.nan])) == []
