"""What computes is tested as in a worker: on the CPU, with strict promotion of dtypes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("KERAS_BACKEND", "jax")


@pytest.fixture(autouse=True)
def strict_promotion() -> Iterator[None]:
    import jax

    with jax.numpy_dtype_promotion("strict"):
        yield
