"""What follows from stacking members of equal shapes."""

from __future__ import annotations

import jax
import numpy as np

from models.samples import CLASSES, CONV, IMAGE_SHAPE, SEPARABLE
from seedbed import models


def test_a_layer_of_two_kernels_counts_both() -> None:
    """As Keras's SeparableConv2D has them."""
    population = models.build(SEPARABLE, IMAGE_SHAPE, CLASSES)
    weights = population.initial(0)
    params, _ = population.pack([{name: np.full_like(array, 2.0) for name, array in own.items()} for own in weights])
    sums = population.squares([params, params])
    assert sums.keys() == {"conv_0", "conv_1", "dense_0"}
    both = sum(weights[0][f"conv_1/{name}"].size for name in ("depthwise_kernel", "pointwise_kernel"))
    np.testing.assert_allclose(sums["conv_1"], np.full((2, 2), 4.0 * both))
    np.testing.assert_allclose(sums["dense_0"], np.full((2, 2), 4.0 * weights[0]["dense_0/kernel"].size))


def test_arrays_apart_are_joined_to_the_same_rows() -> None:
    population = models.build(CONV, IMAGE_SHAPE, CLASSES)
    params, _ = population.pack([population.initial(seed)[0] for seed in (0, 1)])
    arrays = population.apart(params)
    assert {name: array.shape[1:] for name, array in arrays.items()} == {
        n: a.shape for n, a in population.initial(0)[0].items()
    }
    assert jax.tree.all(jax.tree.map(np.array_equal, population.joined(arrays), params))
