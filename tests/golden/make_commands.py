"""Make the golden folder of commands: `python -m golden.make_commands` in tests/.

It is what a user has after five commands on the embedded digits: a finished sweep, and a sweep, a search, a study and a
`smallest` that Ctrl-C interrupted. A folder of an older seedbed is never made again: it is there to show that this seedbed
continues the work of an older one. Where Ctrl-C arrives depends on the machine, so `recorded.json` holds what the tests expect
of the half-done work. `golden.make_names` writes `names.json`.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "commands-1"

HALF_SWEEP = shlex.split("sweep -m half --data digits --epochs 60 --seeds 2 --set hidden=5 --set hidden=5,4 --select accuracy")
SEARCH = shlex.split(
    "search -m hunt --budget params=400 --family dense --data digits --trials 8 --epochs 4 --finalists 1 --seeds 2 --batch 4 "
    "--select accuracy"
)
STUDY = shlex.split("study hidden-units --quick --data digits --select accuracy")
SMALLEST = shlex.split("smallest -m few --target 0.8 --data digits --depth 1 --epochs 8")
SWEEP = shlex.split("sweep -m done --data digits --epochs 3 --seeds 3 --set hidden=3 --set hidden=4,3 --set lr=1e-2,1e20")
# They name the rule of the best epoch that was the only one when the folder was made.

ON_ONE = ["--device", "cpu", "--workers", "1", "--home", "runs"]
"""One worker, so that populations are composed alike everywhere."""

KEPT_OF_STUDY = ("digits-h6-6-", "digits-h10-25-")
"""Cells whose networks are small enough to be kept; of the second one seed is left to train."""


def make(folder: Path) -> None:
    """Give all five commands in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    called(folder, *SWEEP, *ON_ONE)
    stopped(folder, HALF_SWEEP, lambda: epochs(folder, "half-h5-4.1") >= 3)
    stopped(folder, SEARCH, lambda: epochs(folder, "hunt-trial-4") >= 1)
    stopped(folder, STUDY, lambda: any(epochs(folder, name) for name in fresh(folder)))
    stopped(folder, SMALLEST, lambda: finished(folder, "few-") >= 32)
    remove_large_cells(folder)
    write_recorded(folder)
    for each in (folder / "runs" / ".locks", folder / "sweeps" / "done" / "figures", folder / "sweeps" / "done" / ".lock"):
        shutil.rmtree(each) if each.is_dir() else each.unlink(missing_ok=True)


def called(folder: Path, *arguments: str) -> Any:
    """Run a command to its end; its output, parsed where it is JSON."""
    ended = subprocess.run([sys.executable, "-m", "seedbed", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE)
    return json.loads(ended.stdout) if "--json" in arguments else ended.stdout


def stopped(folder: Path, arguments: list[str], when: Callable[[], bool]) -> None:
    """Start a command, and press Ctrl-C as soon as `when` holds."""
    process = subprocess.Popen([sys.executable, "-m", "seedbed", *arguments, *ON_ONE], cwd=folder)
    while process.poll() is None and not when():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    if process.wait() != 128 + signal.SIGINT:
        raise RuntimeError(f"{arguments[0]} was over before it was stopped; make again.")


def epochs(folder: Path, name: str) -> int:
    path = folder / "runs" / name / "metrics.jsonl"
    return len(path.read_text().splitlines()) if path.exists() else 0


def fresh(folder: Path) -> list[str]:
    """The study's runs with fresh seeds, which follow when its first runs are finished."""
    return [path.name for path in (folder / "runs").glob("digits-*.3")]


def finished(folder: Path, prefix: str) -> int:
    records = (folder / "runs").glob(f"{prefix}*/run.json")
    return sum('"status": "finished"' in path.read_text() for path in records)


def remove_large_cells(folder: Path) -> None:
    names = sorted(path.name for path in (folder / "runs").glob("digits-*"))
    gone = [
        name
        for name in names
        if not name.startswith(KEPT_OF_STUDY) or (name.startswith("digits-h10-25-") and name.endswith(".2"))
    ]
    called(folder, "runs", "remove", *gone, "--yes", "--home", "runs")


def write_recorded(folder: Path) -> None:
    """Write what commands print: the runs and, from a resumed copy, the trials and the settings that `smallest` tried."""
    listed = called(folder, "runs", "list", "--json", "--home", "runs")["runs"]
    facts = ("group", "identity", "status")
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    tried = called(copy, *SMALLEST, *ON_ONE, "--resume", "--minutes", "1e-9", "--json")
    called(copy, *SEARCH, *ON_ONE, "--resume")
    trials = (copy / "searches" / "hunt" / "trials.csv").read_text().splitlines()
    recorded = {
        "runs": {run["name"]: {key: run[key] for key in facts} for run in listed},
        "trials": trials,
        "choosing": tried["choosing"],
    }
    shutil.rmtree(copy)
    (folder / "recorded.json").write_text(json.dumps(recorded, indent=1) + "\n")


if __name__ == "__main__":
    os.environ.pop("SEEDBED_HOME", None)
    make(FOLDER)
