"""Write the names and identities that commands give their runs: `python -m golden.make_names HOME` in tests/.

HOME is a home in which `seedbed report --quick --data digits` is complete. If a name or an identity changes, users lose what
they have trained: the commands look for it elsewhere and train it again. So a changed name is never a reason to write
`commands-1/names.json` again; new commands are.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
from contextlib import chdir, suppress
from pathlib import Path
from typing import Any

import seedbed as sb
from golden.asked import Asked, runs
from hostile.engine import here
from seedbed.cli.frame import run
from seedbed.specs import Select

NAMES = Path(__file__).parent / "commands-1" / "names.json"

STUDIES = ("hidden-units", "regularization", "activations", "budget", "convolution")
"""Those that train runs under names; `polynomial` trains no networks, and `device` only measures times."""

COMMANDS = {
    **{f"study {name} --quick --data digits": 0 for name in STUDIES},
    "report --quick --data digits --studies hidden-units,activations": 0,
    "report --quick --data digits --studies budget": 1,
    "train -m one --data digits --hidden 3": 0,
    "train -m some --data digits -c --seeds 3": 0,
    "sweep -m net --data digits --seeds 2 --set hidden=3 --set hidden=4,3 --set activation=relu,tanh --set dropout=0,0.25 "
    "--set l2=0,1e-4": 0,
    "sweep -m plan --data digits --seeds 1 --set optimizer=sgd,adamw --set lr=1e-3,0.025 --set schedule=constant,cosine "
    "--set augment=none,shift --set batch-size=64,128": 0,
    "sweep -m data --data digits --seeds 1 --set family=dense,conv --set first=200,all --set permutation=none,1 "
    "--set label_noise=0,0.2": 0,
    "search --budget params=400 --data digits --trials 2 --batch 2": 0,
    "smallest --target 0.8 --data digits": 0,
    "smallest --target 0.975 --data digits --family conv": 0,
}
"""Command line -> number of its calls for workers that are trained first; the search of a budget study is its second call."""


SELECT: Select = "accuracy"
"""The rule of the best epoch that was the only one when the names were written."""


def asked_by(command: str, folder: Path) -> dict[str, str]:
    """Run a command in an empty folder; name -> identity of the runs that it asks for."""
    Asked.begin(COMMANDS[command])
    with chdir(folder):
        then = [] if command.startswith("smallest") else ["--select", SELECT]
        then += ["--folds", "1"] if command.startswith(("study", "report")) else []  # there was one validation part then
        run([*shlex.split(command), *then, "--device", "cpu", "--workers", "1", "--home", "runs"])
    return runs(folder / "runs")


def asked_by_python(folder: Path) -> dict[str, str]:
    """The same for calls of `train` and `sweep` without a name."""
    models = [sb.Dense(), sb.Dense(hidden=(4, 3), activation="leaky_relu", dropout=0.1), sb.Conv(), sb.Conv(filters=(4,))]
    how: dict[str, Any] = {"home": folder / "runs", "device": "cpu", "workers": 1, "epochs": 2, "select": SELECT}
    Asked.begin(0)
    with suppress(sb.SeedbedError):
        sb.train(models, "digits", seeds=2, **how)
    with suppress(sb.SeedbedError):
        sb.sweep(sb.Dense(hidden=(3,)), "digits", grid={"l2": [0, 1e-4]}, seeds=2, **how)
    return runs(folder / "runs")


def cells(home: Path) -> dict[str, Any]:
    """Group -> the settings that differ from their defaults, and seed -> identity; for all cells of studies in a home."""
    found: dict[str, Any] = {}
    for name, identity in runs(home).items():
        record = json.loads((home / name / "run.json").read_text())
        if not name.startswith("study-"):
            cell = found.setdefault(record["group"], {"run": unusual(record["run"]), "identities": {}})
            cell["identities"][record["run"]["seed"]] = identity
    return found


def unusual(settings: dict[str, Any]) -> dict[str, Any]:
    run = sb.RunSpec(**settings)
    parts = {name: getattr(run, name).model_dump(mode="json", exclude_defaults=True) for name in ("model", "plan", "data")}
    return {**parts, "model": {"family": run.model.family, **parts["model"]}}


def make(home: Path) -> None:
    found: dict[str, Any] = {"commands": {}}
    with here(Asked), tempfile.TemporaryDirectory() as folder:
        for number, command in enumerate(COMMANDS):
            place = Path(folder) / str(number)
            place.mkdir()
            found["commands"][command] = asked_by(command, place)
            if not found["commands"][command]:
                raise RuntimeError(f"{command} asks for no runs.")
        found["python"] = asked_by_python(Path(folder))
    found["cells"] = cells(home)
    NAMES.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    os.environ.pop("SEEDBED_HOME", None)
    make(Path(sys.argv[1]))
