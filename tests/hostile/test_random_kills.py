"""`seedbed train` killed again and again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostile.engine import check_sound, leftovers, outcome
from hostile.processes import run, start, training
from seedbed.runs import RunStore

SAVING = {"save_every": 0.1}


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.slow
def test_killed_at_random_times_the_bits_are_those_of_an_undisturbed_run(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Ten times, or a hundred where every point is asked for."""
    wanted = 100 if request.config.getoption("--every-point") else 10
    settings, names = ("--seeds", 2), ["k.0", "k.1"]
    began = time.monotonic()
    assert run(*training(tmp_path / "whole", *settings), **SAVING).returncode == 0
    latest = (time.monotonic() - began) / 2  # so that most are killed several times
    expected = outcome(tmp_path / "whole", names)
    draw, kills, homes, saves = random.Random(6), 0, 0, 0
    while kills < wanted:
        home = tmp_path / str(homes)
        with start(*training(home, *settings, "--resume"), **SAVING) as trainer:
            try:
                trainer.wait(draw.uniform(0.1, latest))
            except subprocess.TimeoutExpired:
                trainer.kill()
                kills += 1
                saves += bool(RunStore(home).populations())
        check_sound(home)
        if trainer.returncode == 0:
            assert outcome(home, names) == expected
            homes += 1
    assert saves > 0
    ended = run(*training(home, *settings, "--resume"), **SAVING)
    assert ended.returncode == 0, ended.stderr
    assert outcome(home, names) == expected
    assert leftovers(home) == []
