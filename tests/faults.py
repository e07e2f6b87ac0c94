"""Faults of the disk and of the process: make the Nth change of the disk fail, or be the last thing that a process does.

`sweep` tries every N, and sees that whoever opens the place afterwards finds the old state or the new one, never a mixture.
Run as a script it does the same with processes that really are killed:

    python faults.py MODULE:SCENARIO FOLDER
"""

from __future__ import annotations

import errno
import importlib
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from seedbed.errors import SeedbedError
from seedbed.storage import changes

CHANGES = ("make_folder", "make_file", "put", "truncate", "sync", "rename", "sync_folder", "remove", "remove_tree")
"""The functions of `storage.changes` through which all that changes the disk goes."""

NEED_SPACE = frozenset({"make_folder", "make_file", "put", "sync"})

Kind = Literal["fails", "full", "dies", "killed"]
"""The Nth change fails; it and all later ones that need space do; the process does nothing from it on; it is killed there."""


class Died(BaseException):
    """Stands for the death of the process: no `except Exception` and no clean-up of the disk outlives it."""


@dataclass
class Struck:
    """How many changes were asked for, and their names."""

    changes: list[str] = field(default_factory=list)


@contextmanager
def faulty(number: int, kind: Kind) -> Iterator[Struck]:
    """Within the block, the change `number` (from 1) is hit; a hit write puts down half its bytes first, and a hit
    removal of a folder removes one file of it."""
    struck, counting = Struck(), threading.Lock()

    def wrapped(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def change(*arguments: Any) -> Any:
            with counting:  # the disk is waited for in several threads
                struck.changes.append(name)
                reached = len(struck.changes)
            later = reached > number and (kind == "dies" or (kind == "full" and name in NEED_SPACE))
            if not (reached == number or later):
                return real(*arguments)
            if name == "put" and reached == number:
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if name == "remove_tree" and reached == number:
                next(path for path in sorted(arguments[0].rglob("*")) if path.is_file()).unlink()
            if kind == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if kind == "dies" and later and name.startswith("remove"):
                return None  # the clean-up of somebody dead does nothing, and need not say so
            if kind == "dies":
                raise Died
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        return change

    with mock.patch.multiple(changes, **{name: wrapped(name, getattr(changes, name)) for name in CHANGES}):
        yield struck


@dataclass(frozen=True)
class Scenario:
    """What `sweep` does in a folder: prepare it, change it, read it back; `again` is what a user does after the fault."""

    before: Callable[[Path], None]
    change: Callable[[Path], None]
    read: Callable[[Path], object]
    again: Callable[[Path], None]
    between: tuple[object, ...] = ()
    """Other states that are allowed, beside the old and the new."""

    def states(self, folder: Path) -> tuple[object, object]:
        """The old state and the new one, without a fault."""
        self.before(folder)
        old = self.read(folder)
        self.change(folder)
        new = self.read(folder)
        assert old != new
        return old, new


def _no_wait(handle: int) -> None:
    """Stands for `os.fsync`."""


WITHOUT_WAITING = mock.patch("os.fsync", new=_no_wait)
"""No disk is waited for: what a process wrote before it died is there for the next one, on the disk or not."""


@WITHOUT_WAITING
def sweep(scenario: Scenario, place: Path, kind: Kind) -> None:
    """Hit every change of the scenario in turn, each in a fresh folder."""
    old, new = scenario.states(place / "whole")
    for number in itertools.count(1):
        folder = place / str(number)
        scenario.before(folder)
        with faulty(number, kind) as struck:
            try:
                scenario.change(folder)
            except (Died, SeedbedError):
                assert len(struck.changes) >= number
        check(scenario, folder, old, new, f"change {number}: {struck.changes}")
        if len(struck.changes) < number:
            assert number > 1, "nothing was changed"
            return


def check(scenario: Scenario, folder: Path, old: object, new: object, where: str) -> None:
    """See that the old state or the new one is there, and that going on leads to the new one, with nothing left lying about."""
    found = scenario.read(folder)
    assert found in (old, new, *scenario.between), f"{where}: {found}"
    if found != new:
        scenario.again(folder)
        assert scenario.read(folder) == new, where


@WITHOUT_WAITING
def killed(scenario: Scenario, place: Path) -> int:
    """As `sweep`, with a forked process for every change, killed there by the kernel; returns how many."""
    old, new = scenario.states(place / "whole")
    for number in itertools.count(1):
        folder = place / str(number)
        scenario.before(folder)
        child = os.fork()
        if child == 0:
            with faulty(number, "killed"):
                scenario.change(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert os.WEXITSTATUS(status) == 0, number
            return number - 1
        assert os.WTERMSIG(status) == signal.SIGKILL
        check(scenario, folder, old, new, f"change {number}")
    return 0


if __name__ == "__main__":
    module, name = sys.argv[1].split(":")
    print(killed(getattr(importlib.import_module(module), name), Path(sys.argv[2])))
