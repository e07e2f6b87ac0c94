"""A Ray cluster that a module's tests start ends with the module: it computes all the time, if only a little."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def ray_ends_with_the_module() -> Iterator[None]:
    yield
    if "ray" in sys.modules:
        from seedbed.executor.ray import cluster

        cluster.close()
