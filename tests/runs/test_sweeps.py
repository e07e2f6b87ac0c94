"""Every change that the run store makes on the disk, hit in turn: the old state or the new, and a way on from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import faults
from faults import Kind, sweep
from runs import samples

SCENARIOS = ("CLAIM", "FINISH", "REPLACE", "REMOVE", "SAVE", "LOOK")


@pytest.mark.parametrize("kind", ["fails", "full", "dies"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str, kind: Kind) -> None:
    sweep(getattr(samples, name), tmp_path, kind)


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals and forks")
@pytest.mark.parametrize("name", ["FINISH", "REPLACE", "SAVE"])
def test_a_kill_at_any_change_leaves_the_old_or_the_new(tmp_path: Path, name: str) -> None:
    swept = subprocess.run(
        [sys.executable, faults.__file__, f"runs.samples:{name}", str(tmp_path)], capture_output=True, text=True
    )
    assert swept.returncode == 0, swept.stderr
    assert int(swept.stdout) >= 5
