"""A piece of work, its result in the cache, and the process that makes it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seedbed import storage
from seedbed.devices import cache_folder
from seedbed.errors import SeedbedError, StorageError

FORMAT = 1
MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class BackgroundWork:
    """Something to compute, once for all servers of this user.

    Attributes:
        kind: name of the function that does it, see `seedbed.background.kinds`.
        given: JSON object with the function's arguments; the result depends on nothing else.
    """

    kind: str
    given: str

    @classmethod
    def of(cls, kind: str, **given: Any) -> BackgroundWork:
        """The work of calling a function with these JSON values."""
        return cls(kind, json.dumps(given, sort_keys=True))

    @property
    def file(self) -> Path:
        """Where the result is kept."""
        digest = storage.sha256(f"{FORMAT} {self.given}".encode())
        return cache_folder() / "background" / self.kind / f"{digest}.json"

    def find(self) -> Any:
        """The result as JSON values; None where it was not made yet."""
        try:
            return storage.read_json(self.file, MOST_BYTES)["result"]
        except (StorageError, KeyError, TypeError):
            return None

    def result(self, on_event: Callable[[str], None] = lambda _: None) -> Any:
        """The result as JSON values; where it was not made yet, wait for the process that makes it.

        Args:
            on_event: callback for the lines that say what the process is doing.

        Raises:
            SeedbedError: the work cannot be done; the process's last line says why.
        """
        found = self.find()
        if found is None:
            self._make(on_event)
            found = self.find()
        if found is None:
            raise StorageError(f"{self.file.parent} cannot be written, or was emptied: SEEDBED_CACHE names another folder.")
        return found

    def _make(self, on_event: Callable[[str], None]) -> None:
        command = [sys.executable, "-m", "seedbed.background", self.kind]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as process:
            assert process.stdin
            assert process.stderr
            with process.stdin as given:
                given.write(self.given)
            last = ""
            for line in process.stderr:
                last = line.strip()
                on_event(last)
        if process.returncode:
            raise SeedbedError(last or f"The process for {self.kind.replace('_', ' ')} was ended.")


class Background:
    """Work that goes on while a server answers, each piece at most once at the same time."""

    def __init__(self) -> None:
        self._doing: dict[BackgroundWork, str] = {}
        self._problems: dict[BackgroundWork, str] = {}
        self._lock = threading.Lock()

    def doing(self, work: BackgroundWork) -> str:
        """What the work's process is doing; empty if there is none."""
        return self._doing.get(work, "")

    def problem(self, work: BackgroundWork) -> str:
        """Why the work could not be done the last time; empty if it could, or was not begun."""
        return self._problems.get(work, "")

    def begin(self, work: BackgroundWork, on_event: Callable[[str], None], on_end: Callable[[str], None]) -> None:
        """Begin the work, unless that is going on.

        Args:
            on_event: callback for the lines that say what the process is doing.
            on_end: callback for the end, with what went wrong, or an empty text; both are called from another thread.
        """
        with self._lock:
            if work in self._doing:
                return
            self._doing[work] = "starting"
            self._problems.pop(work, None)
        threading.Thread(target=self._do, args=(work, on_event, on_end), name=work.kind, daemon=True).start()

    def _do(self, work: BackgroundWork, on_event: Callable[[str], None], on_end: Callable[[str], None]) -> None:
        def heard(line: str) -> None:
            self._doing[work] = line
            on_event(line)

        try:
            work.result(heard)
        except SeedbedError as error:
            self._problems[work] = str(error)
        finally:
            self._doing.pop(work, None)
            on_end(self.problem(work))
