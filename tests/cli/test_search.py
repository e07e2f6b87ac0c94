"""`seedbed search` from end to end, on the embedded digits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from hostile.engine import check_sound, leftovers
from hostile.pictures import hashed
from seedbed.cli.frame import run
from seedbed.figures import drawing
from seedbed.runs import RunStore

ENDED = ("finished", "pruned")
SHORT = ["--budget", "units=5", "--data", "digits", "--first", "200", "--trials", "3", "--epochs", "3"]
SHORT += ["--finalists", "1", "--seeds", "2", "--workers", "1"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys):
    """Runs `seedbed search`: exit code, stdout, stderr."""

    def called(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return run(["search", *arguments, "--home", "runs"]), *capsys.readouterr()

    return called


@pytest.mark.usefixtures("engine_here")
def test_a_search_is_told_written_and_repeated_without_training(call, folder):
    code, out, err = call(*SHORT)
    assert code == 0, err
    assert "Search units-5-digits: 3 trials of dense networks with at most 5 hidden units" in err
    assert "The best of 3 trials within 5 hidden units" in out
    assert "optuna-dashboard runs/.searches/units-5-digits.journal" in out
    for name in ("best.csv", "trials.csv", "results.json", "figures/trials.png"):
        assert (folder / "searches" / "units-5-digits" / name).stat().st_size > 0
    code, out, err = call(*SHORT, "--json", "--out", "elsewhere")
    assert code == 0
    assert "Training" not in err
    found: dict[str, Any] = json.loads(out)
    assert found["budget"] == {"units": 5}
    assert found["trials"] == 3
    (best,) = found["best"]
    assert best["name"].startswith("units-5-digits-best-")
    assert best["model"]["family"] == "dense"
    assert best["model"]["units"] == 5
    assert {"parameters", "operations"} <= best["model"].keys()
    assert best["validation"]["interval"][0] <= best["validation"]["mean"] <= best["validation"]["interval"][1]
    assert best["validation"]["n"] == 2
    assert [one["name"] for one in found["pareto"]] == [best["name"]]
    code, _, err = call(*SHORT[:-2], "--epochs", "4")
    assert code == 1
    assert "epochs: 3 there, 4 here" in err


WRONG = {
    "unit=3": (["--budget", "unit=3"], 1, "Did you mean 'units'?"),
    "units=0": (["--budget", "units=0"], 1, "whole number from 1 on"),
    "too small": (["--budget", "flops=10"], 1, "allow more, or another --family"),
    "no trials": (["--budget", "units=5", "--trials", "0"], 1, "trials = 0: it must be at least 1"),
    "one seed": (["--budget", "units=5", "--seeds", "1"], 1, "seeds = 1: it must be at least 2"),
    "no sampler": (["--budget", "units=5", "--sampler", "tpa"], 1, "Did you mean 'tpe'?"),
    "many folds": (["--budget", "units=5", "--folds", "900"], 1, "900 folds need 900 images of each class"),
    "no storage": (["--budget", "units=5", "--storage", "nonsense://x"], 1, "this storage cannot be opened"),
    "no budget": ([], 2, "Missing option '--budget'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_user_gets_wrong_is_one_line(what, call):
    arguments, code, said = WRONG[what]
    found, _, err = call("--data", "digits", *arguments)
    assert found == code
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


def start(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seedbed", "search", *SHORT, "--home", str(home), "--resume"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def ended(home: Path) -> dict[str, str]:
    """The runs that are stored whole, with their identities."""
    return {each.name: each.record.identity for each in RunStore(home).listing() if each.record and each.status in ENDED}


def curves(home: Path, names: Iterable[str]) -> dict[str, bytes]:
    return {name: (home / name / "metrics.jsonl").read_bytes() for name in names}


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.slow
@pytest.mark.usefixtures("engine_here")
def test_killed_and_resumed_it_trains_what_was_missing_and_nothing_again(call, folder, step_of, monkeypatch):
    """Killed with two runs stored, or at three times where every point is asked for. That the results are those of an
    undisturbed search is seen where it dies within this process: `tests/searches/test_loop.py`."""
    home = folder / "runs"
    for least in (2,) if step_of(2) > 1 else (1, 2, 4):
        with start(home) as killed:
            while killed.poll() is None and len(ended(home)) < least:
                time.sleep(0.02)
            killed.send_signal(signal.SIGKILL)
    check_sound(home)
    stored = ended(home)
    seen = curves(home, stored)
    monkeypatch.setattr(drawing, "draw", hashed)
    code, out, err = call(*SHORT, "--resume", "--json")
    assert code == 0, err
    assert json.loads(out)["trials"] == 3
    assert len(ended(home)) == 3 + 2  # the best is trained again with two seeds
    assert ended(home).items() > stored.items()
    assert curves(home, stored) == seen
    assert leftovers(home) == []
