"""Keras, loaded on the JAX backend."""

from __future__ import annotations

import os
from typing import Any

from seedbed.errors import ModelError


def load_keras() -> Any:
    """Import the module `keras` on its JAX backend.

    Raises:
        ModelError: this process has imported Keras with another backend.
    """
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    if keras.backend.backend() != "jax":
        raise ModelError(
            f"Keras runs on its {keras.backend.backend()!r} backend in this process, and seedbed trains on 'jax'. "
            f"Set KERAS_BACKEND=jax before anything imports keras, or import seedbed first."
        )
    return keras
