"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from typing import Any

from seedbed.devices import WorkerKind, worker_environment
from seedbed.executor.channel import OWN_GROUP, STOP, Channel, ended
from seedbed.executor.pool import Pool
from seedbed.executor.protocol import Death, Gone, Post, Ready
from seedbed.training.reports import Task

SHORT_OF_MEMORY = frozenset({-getattr(signal, "SIGKILL", 9), -signal.SIGABRT})
"""Exit codes of a worker that the operating system killed for its memory, or whose allocation failed."""


class LocalExecutor(Pool):
    """An executor with worker processes on this machine. A context manager: leaving it ends the workers."""

    def _start_worker(self, kind: WorkerKind, number: int, post: Post) -> LocalWorker:
        return LocalWorker(kind, post)


class LocalWorker:
    """A worker process, and the thread that receives its messages."""

    def __init__(self, kind: WorkerKind, post: Post) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seedbed.executor.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **worker_environment(kind)},
            **OWN_GROUP,
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._channel = Channel(self.process.stdout, self.process.stdin)  # type: ignore[arg-type]
        self._post = post
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, task: Task) -> None:
        """Send the task; the pipe holds it until the process is ready."""
        self._send(task)

    def stop(self) -> None:
        self._send(STOP)

    def kill(self) -> None:
        self.process.kill()

    def end(self) -> Death:
        exit_code = ended(self.process)
        return Death(f"exit code {exit_code}", short_of_memory=exit_code in SHORT_OF_MEMORY)

    def _listen(self) -> None:
        self._post(Ready())
        while True:
            try:
                message = self._channel.receive()
            except Exception:  # after a message that cannot be read, no other can be trusted
                self._post(Gone())
                return
            self._post(message)

    def _send(self, message: Any) -> None:
        with contextlib.suppress(OSError):  # a worker that has ended is noticed by the thread that receives its messages
            self._channel.send(message)
