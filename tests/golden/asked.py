"""The runs that commands ask their workers for: names and identities, known before any run is trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from hostile.engine import InProcess
from seedbed.training.reports import Task


class Asked(InProcess):
    """An executor that records the runs it is asked for, and trains only those of its first calls.

    Attributes:
        calls: number of calls that are still trained.
        identities: identities of all runs that were asked for.
    """

    calls: ClassVar[int] = 0
    identities: ClassVar[set[str]] = set()

    @classmethod
    def begin(cls, calls: int) -> None:
        cls.calls, cls.identities = calls, set()

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Any]]:
        asked = type(self)
        asked.identities |= {run.identity for task in tasks for block in task.blocks for run in block}
        asked.calls -= 1
        return super().run(tasks) if asked.calls >= 0 else iter(())


def runs(home: Path) -> dict[str, str]:
    """Name -> identity of every run in a home, in the order of the names."""
    return {path.parent.name: json.loads(path.read_text())["identity"] for path in sorted(home.glob("*/run.json"))}
