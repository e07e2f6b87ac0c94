"""Keras, loaded on the JAX backend, and sessions of its own for the user's networks."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from seedbed.errors import ModelError
from seedbed.lazy import loaded_when_used

BACKEND = "KERAS_BACKEND"

TENSORFLOW = "tensorflow"
RARELY_USED = ("keras.wrappers", "jax.experimental.sparse.linalg")
"""Modules that Keras imports for other work than building networks: with scikit-learn and most of SciPy they take 0.65 of the
1.0 s of its import."""


def load_keras() -> Any:
    """Import the module `keras` on its JAX backend, whatever `KERAS_BACKEND` says in the shell.

    Raises:
        ModelError: this process has imported Keras with another backend.
    """
    if "keras" not in sys.modules:
        asked = os.environ.get(BACKEND)
        os.environ[BACKEND] = "jax"
        try:
            with loaded_when_used(*RARELY_USED):
                import keras
        finally:
            _restore(asked)
    import keras

    if keras.backend.backend() != "jax":
        raise ModelError(
            f"Keras was imported with its {keras.backend.backend()!r} backend in this Python process, and seedbed trains on "
            f"'jax'. Restart it (in a notebook, the kernel), and before the first `import keras` write: "
            f"import os; os.environ['{BACKEND}'] = 'jax'"
        )
    return keras


def _restore(asked: str | None) -> None:
    if asked is None:
        os.environ.pop(BACKEND, None)
    else:
        os.environ[BACKEND] = asked


def _seed(keras: Any, seed: int) -> None:
    """Seed all random numbers, those of TensorFlow only if this process uses it: importing it takes seconds."""
    tensorflow = importlib.import_module("keras.src.utils.rng_utils").tf
    known = tensorflow._available
    if TENSORFLOW not in sys.modules:
        tensorflow._available = False
    try:
        keras.utils.set_random_seed(seed)
    finally:
        tensorflow._available = known


@dataclass(frozen=True)
class KerasSettings:
    """Keras's settings for the whole process, which a user's file may change."""

    policy: Any
    floatx: str
    epsilon: float
    image_data_format: str

    @classmethod
    def current(cls) -> Self:
        """The settings of this process."""
        config = load_keras().config
        return cls(config.dtype_policy(), config.floatx(), config.epsilon(), config.image_data_format())

    @classmethod
    def default(cls) -> Self:
        """The settings with which Keras starts."""
        return cls("float32", "float32", 1e-7, "channels_last")

    def apply(self) -> None:
        config = load_keras().config
        config.set_floatx(self.floatx)
        config.set_epsilon(self.epsilon)
        config.set_image_data_format(self.image_data_format)
        config.set_dtype_policy(self.policy)


@contextlib.contextmanager
def quick_compilation() -> Iterator[None]:
    """Let JAX optimize little within the block, for functions that run once: initial weights, and trial calls.

    Keras draws each shape of weights by a program of its own, which takes half a second to compile as usual, and a fourth of it
    so. Drawn weights may differ in the last bit.
    """
    import jax

    name = "jax_disable_most_optimizations"
    before = jax.config.values[name]
    jax.config.update(name, True)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        jax.config.update(name, before)  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def keras_session(seed: int, settings: KerasSettings | None = None) -> Iterator[Any]:
    """Give the block a fresh Keras: names counted from the start, random numbers from the seed, given settings.

    Afterwards the names, settings and random states of the process are as before. Prints go to standard error, since
    standard output is reserved for results.
    """
    keras = load_keras()
    state = importlib.import_module("keras.src.backend.common.global_state")
    trackers = {name: value for name, value in vars(state).items() if name.endswith("_TRACKER")}
    before, draws = KerasSettings.current(), (random.getstate(), np.random.get_state())
    try:
        keras.utils.clear_session(free_memory=False)  # the garbage collector runs on its own schedule
        (settings or KerasSettings.default()).apply()
        _seed(keras, seed)
        with contextlib.redirect_stdout(sys.stderr):
            yield keras
    finally:
        vars(state).update(trackers)
        before.apply()
        random.setstate(draws[0])
        np.random.set_state(draws[1])
