"""The classroom scripts, run as a student runs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPTS = Path(__file__).parents[1] / "examples" / "exercise"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Runs a script in an empty folder, which is also the home's."""
    monkeypatch.delenv("SEEDBED_HOME")

    def ran(name: str, *arguments: str, code: int = 0) -> str:
        command = [sys.executable, SCRIPTS / f"{name}.py", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    return ran


def shows_something(path: Path) -> bool:
    with Image.open(path) as picture:
        return picture.width > 300 and len(picture.convert("L").getcolors()) > 10


def test_visualize_draws_training_and_validation_images(script, tmp_path):
    out = script("visualize", "--data", "digits")
    for part in ("training", "validation"):
        assert f"img/{part}_example.png" in out
        assert shows_something(tmp_path / "img" / f"{part}_example.png")


def test_train_again_with_other_settings_and_evaluate(script, tmp_path):
    out = script("train", "-m", "a", "-c", "--data", "digits")
    assert "Parameters: " in out
    assert "Best epoch: " in out
    assert "Verdict: " in out
    refused = script("train", "-m", "a", "-d", "-r", "0.0001", "--data", "digits", code=1)
    assert refused.strip().splitlines()[-1].startswith("error: ")
    assert "Traceback" not in refused
    out = script("train", "-m", "a", "-d", "-r", "0.0001", "--data", "digits", "--replace")
    assert "epoch 10/10" in out
    assert "Parameters: 34,110" in out
    assert shows_something(tmp_path / "img" / "a_learn.png")
    out = script("evaluate", "-m", "a")
    assert "training:   loss" in out
    assert "validation: loss" in out
    assert "verdict: " in out
    assert shows_something(tmp_path / "img" / "a_mistakes.png")
    assert {path.name for path in (tmp_path / "runs").iterdir() if not path.name.startswith(".")} == {"a"}


@pytest.mark.parametrize(("name", "flags"), [("visualize", []), ("train", ["-m", "-r", "-d", "-c"]), ("evaluate", ["-m"])])
def test_help_lists_the_exercises_flags(script, name, flags):
    out = script(name, "-h")
    assert all(f"{flag} " in out for flag in flags)


@pytest.mark.parametrize("arguments", [[], ["-m", "a"], ["-m", "a", "-d", "-c"], ["-m", "a", "-d", "-r", "much"]])
def test_wrong_flags_are_refused(script, arguments):
    assert "usage:" in script("train", *arguments, code=2)


def test_a_run_that_is_not_there_is_named(script):
    assert "'nobody'" in script("evaluate", "-m", "nobody", code=1)
