"""`seedbed train` stopped and killed, again and again, against one that was left alone."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hostile.engine import check_sound, leftovers, outcome
from hostile.processes import run, start, training
from seedbed.runs import RunStore

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs signals")]

SAVING = {"save_every": 0.1}
SETTINGS, NAMES = ("--seeds", 2, "--epochs", 300), ["k.0", "k.1"]


@dataclass(frozen=True)
class Undisturbed:
    """What an undisturbed `seedbed train` gives, and the seconds that it took."""

    outcome: dict[str, Any]
    seconds: float


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    home = tmp_path_factory.mktemp("whole")
    began = time.monotonic()
    assert run(*training(home, *SETTINGS), **SAVING).returncode == 0
    return Undisturbed(outcome(home, NAMES), time.monotonic() - began)


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path: Path, whole: Undisturbed) -> None:
    assert run(*training(tmp_path, *SETTINGS), at="training").returncode == 130
    assert run(*training(tmp_path, *SETTINGS, "--resume")).returncode == 0
    assert outcome(tmp_path, NAMES) == whole.outcome


def test_killed_at_random_times_the_bits_are_those_of_an_undisturbed_run(
    tmp_path: Path, whole: Undisturbed, request: pytest.FixtureRequest
) -> None:
    """Four times, or a hundred where every point is asked for: while it starts or trains, and while it trains, in turn."""
    wanted = 100 if request.config.getoption("--every-point") else 4
    draw, kills, homes, saves = random.Random(6), 0, 0, 0
    while kills < wanted:
        home = tmp_path / str(homes)
        with start(*training(home, *SETTINGS, "--resume"), **SAVING) as trainer:
            if kills % 2:
                _await_an_epoch(trainer, home)
            try:
                trainer.wait(draw.uniform(0.0, 0.4) if kills % 2 else draw.uniform(0.1, whole.seconds))
            except subprocess.TimeoutExpired:
                trainer.kill()
                kills += 1
                saves += bool(RunStore(home).populations())
        check_sound(home)
        if trainer.returncode == 0:
            assert outcome(home, NAMES) == whole.outcome
            homes += 1
    assert saves > 0
    ended = run(*training(home, *SETTINGS, "--resume"), **SAVING)
    assert ended.returncode == 0, ended.stderr
    assert outcome(home, NAMES) == whole.outcome
    assert leftovers(home) == []


def _await_an_epoch(trainer: subprocess.Popen[str], home: Path) -> None:
    """Wait until the process stores the metrics of one more epoch, or ends."""
    metrics = home / "k.0" / "metrics.jsonl"
    before = metrics.stat().st_size if metrics.exists() else 0
    while trainer.poll() is None and not (metrics.exists() and metrics.stat().st_size > before):
        time.sleep(0.01)
