"""What follows from stacking members of equal shapes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from models.samples import CONV, IMAGE_SHAPE
from seedbed import models


def test_a_layer_of_two_kernels_counts_both() -> None:
    """As Keras's SeparableConv2D has them."""
    kernels = {"apart/depthwise_kernel": jnp.full((2, 3, 3, 1), 2.0), "apart/pointwise_kernel": jnp.full((2, 4), 3.0)}
    tree = {**kernels, "apart/bias": jnp.full((2, 4), 9.0), "say/kernel": jnp.ones((2, 5))}
    sums = models.build(CONV, IMAGE_SHAPE, 4).squares([tree, tree])
    assert sums.keys() == {"apart", "say"}
    np.testing.assert_allclose(sums["apart"], np.full((2, 2), 9 * 4.0 + 4 * 9.0))
    np.testing.assert_allclose(sums["say"], np.full((2, 2), 5.0))
