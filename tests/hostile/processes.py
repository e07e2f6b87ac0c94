"""Processes of seedbed for tests: started, awaited, read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
LIMIT = 120.0
"""Seconds after which a process that should have ended long ago is a failure."""


def command(*arguments: object, **settings: Any) -> list[str]:
    """The command line of `hostile.child`."""
    return [sys.executable, "-m", "hostile.child", json.dumps(settings), *map(str, arguments)]


def environment() -> dict[str, str]:
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONWARNINGS": "default"}


def start(*arguments: object, **settings: Any) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(command(*arguments, **settings), stdout=pipe, stderr=pipe, text=True, env=environment())


def run(*arguments: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments, **settings), capture_output=True, text=True, env=environment(), timeout=LIMIT, check=False
    )


def complaint(ended: subprocess.CompletedProcess[str]) -> str:
    """The last line on stderr, where a command says what went wrong; there is no traceback above it."""
    assert "Traceback" not in ended.stderr, ended.stderr
    assert "not foreseen" not in ended.stderr, ended.stderr
    return ended.stderr.splitlines()[-1]


def training(home: Path, *more: object, epochs: int = 200) -> tuple[object, ...]:
    """The arguments of a `seedbed train` on the digits."""
    return ("train", "-m", "k", "--data", "digits", "--hidden", 4, "--epochs", epochs, "--workers", 1, "--home", home, *more)
