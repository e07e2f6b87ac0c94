"""Quick studies of all modules train in this process, in one home: what one of them compiled or trained serves the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hostile.engine import here


@pytest.fixture(scope="package")
def study_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all quick studies keep their runs."""
    return tmp_path_factory.mktemp("studies") / "runs"


@pytest.fixture(scope="package", autouse=True)
def engine_in_process() -> Iterator[None]:
    with here():
        yield
