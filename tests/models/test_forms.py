"""What the forms of a convolution must agree on beyond the contract of populations."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from models.samples import VARIANTS
from seedbed.kernels.library import INSTRUCTION_SETS
from seedbed.kinds import ACTIVATIONS
from seedbed.models.forms import NativeKernels, Products
from seedbed.models.protocol import MatMul

LANES = INSTRUCTION_SETS[VARIANTS[0]] if VARIANTS else 4


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_images_that_fill_up_a_vector_do_not_count_as_saturated_or_awake(activation: str) -> None:
    kind, images = ACTIVATIONS[activation], LANES + 1
    maps = np.random.default_rng(0).normal(size=(images, 3, 2, 5)).astype(np.float32)
    maps[:, 0] = -1.5  # never positive, and below -0.97
    maps[-1, 1] += 4  # awake for the last image alone
    native, products = NativeKernels(kind, LANES, "any"), Products(kind, MatMul("f32"))
    found, expected = (form.saturated(form.enter(jnp.asarray(maps)), images) for form in (native, products))
    assert float(found) == pytest.approx(float(expected), abs=1e-6)
    assert 0.3 < float(found) < 0.9
