"""Quick studies of all modules train in this process, in one home: what one of them compiled or trained serves the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from hostile.engine import install
from seedbed.training import program


@pytest.fixture(scope="package")
def study_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all quick studies keep their runs."""
    return tmp_path_factory.mktemp("studies") / "runs"


@pytest.fixture(scope="package", autouse=True)
def engine_in_process() -> Iterator[None]:
    options = {**program._options(), "xla_backend_optimization_level": 1}  # they take many steps: 0 costs as much as it saves
    with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion("strict"):
        install(patch)
        patch.setattr(program, "_options", lambda: options)
        yield
