"""What the tests of files share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and forks")
ROWS: list[dict[str, Any]] = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": None}, {"epoch": 3, "name": "é\n\u2028"}]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
