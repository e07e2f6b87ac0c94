"""Every test session has a cache and a home of its own; no test sees the user's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEDBED_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SEEDBED_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("SEEDBED_DATA", raising=False)
        yield
