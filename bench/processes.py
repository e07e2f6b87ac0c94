"""Processes from start to end: how long, how much memory, what they said."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 1200.0
"""Seconds after which a process is given up."""
SAMPLE_SECONDS = 0.25
"""How often memory is looked at, where it is asked for."""


@dataclass(frozen=True)
class Command:
    """A program with its arguments, what it reads, and what its environment has beside ours."""

    arguments: tuple[str, ...]
    text: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path = ROOT


@dataclass
class Memory:
    """Peaks in bytes: `own` leaves out pages of mapped files, which the system can drop at any time.

    Attributes:
        together: the largest sum over the process and all its descendants at one time.
        processes: the peak of each, the process itself first, in the order in which they were seen.
    """

    together: int = 0
    own_together: int = 0
    processes: dict[int, int] = field(default_factory=dict)
    own_processes: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """A process that ended.

    Attributes:
        seconds: from its start to its end, as a shell sees it.
        code: its exit code; None where it was given up.
        output, errors: what it wrote.
    """

    seconds: float
    code: int | None
    output: str
    errors: str
    memory: Memory

    @property
    def why(self) -> str:
        """One line on why it failed."""
        if self.code is None:
            return f"given up after {PATIENCE:,.0f} s"
        said = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return f"exit code {self.code}: {said[-1][:200] if said else 'it said nothing'}"


def python(module: str, *arguments: str, text: str = "", environment: Mapping[str, str] | None = None) -> Command:
    """`python -m MODULE ARGUMENTS` with the interpreter of this process."""
    return Command((sys.executable, "-m", module, *arguments), text, environment or {})


def run(command: Command, *, memory: bool = False) -> Finished:
    """Runs one process to its end."""
    return together([command], memory=memory)[0]


def together(commands: Sequence[Command], *, memory: bool = False) -> list[Finished]:
    """Runs processes side by side; each one's seconds count from the common start. None outlives this call."""
    began = time.perf_counter()
    started: list[subprocess.Popen[str]] = []
    with ThreadPoolExecutor(len(commands)) as threads:
        try:
            started += (_start(command) for command in commands)
            work = [threads.submit(_follow, *each, began, memory) for each in zip(started, commands, strict=True)]
            return [each.result() for each in work]
        finally:
            for process in started:
                process.kill()


def _start(command: Command) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command.arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=command.folder,
        env={**os.environ, **command.environment},
    )


def _follow(process: subprocess.Popen[str], command: Command, began: float, sample: bool) -> Finished:
    memory, ended = Memory(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, memory, ended), daemon=True)
    if sample:
        watcher.start()
    try:
        output, errors = process.communicate(command.text, timeout=PATIENCE)
        code: int | None = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        code = None
    seconds = time.perf_counter() - began
    ended.set()
    return Finished(seconds, code, output, errors, memory)


def _watch(pid: int, memory: Memory, ended: threading.Event) -> None:
    while not ended.wait(SAMPLE_SECONDS):
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            _look([root, *root.children(recursive=True)], memory)


def _look(processes: Sequence[psutil.Process], memory: Memory) -> None:
    whole = own = 0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            info = process.memory_info()
            private = info.rss - getattr(info, "shared", 0)
            memory.processes[process.pid] = max(memory.processes.get(process.pid, 0), info.rss)
            memory.own_processes[process.pid] = max(memory.own_processes.get(process.pid, 0), private)
            whole, own = whole + info.rss, own + private
    memory.together, memory.own_together = max(memory.together, whole), max(memory.own_together, own)
