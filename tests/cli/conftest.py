"""What tests of commands share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hostile.engine import here


@pytest.fixture
def engine_here() -> Iterator[None]:
    """The engine in this process, where its workers are not the question."""
    with here():
        yield
