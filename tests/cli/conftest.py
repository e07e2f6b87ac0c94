"""What tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import pytest

from hostile.engine import install


@pytest.fixture
def engine_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The engine in this process, where its workers are not the question."""
    install(monkeypatch)
    with jax.numpy_dtype_promotion("strict"):
        yield
