"""`--dry-run`: what would be trained, and nothing is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seedbed.cli.frame import run

COMMANDS = {
    "sweep": (["sweep", "-m", "s", "--set", "l2=0,1e-4,1e-3", "--seeds", "2", "--epochs", "3"], 6),
    "study": (["study", "regularization", "--quick"], None),
    "report": (["report", "--quick", "--studies", "hidden-units"], None),
    "search": (["search", "--budget", "units=40", "--trials", "16", "--finalists", "2", "--seeds", "3"], 22),
    "smallest": (["smallest", "--target", "0.9"], None),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_dry_run_gives_runs_and_time_and_leaves_no_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command, runs = COMMANDS[name]
    assert run([*command, "--data", "digits", "--dry-run", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.strip().endswith("Nothing was trained.")
    assert run([*command, "--data", "digits", "--dry-run", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == runs or (runs is None and found["runs"] > 3)
    assert found["there"] == 0
    assert 1 < found["seconds"] < 3_600
    assert list(tmp_path.iterdir()) == []
