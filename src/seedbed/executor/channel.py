"""Messages over a pipe: a length, then a pickle. Both ends are processes of seedbed; nothing from a disk is unpickled."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO, cast

STOP = "stop"
"""The message that makes a worker end its job after the current segment."""

OWN_GROUP: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    OWN_GROUP = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
"""Arguments of `Popen` for a separate process group: Ctrl-C in a terminal reaches the driver alone, which stops the workers."""

_LENGTH = struct.Struct("<Q")


class Channel:
    """One end of a pair of pipes; `send` may be called from several threads."""

    def __init__(self, incoming: BinaryIO, outgoing: BinaryIO) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message.

        Raises:
            OSError: the other process has ended.
        """
        content = pickle.dumps(message, protocol=5)
        with self._sending:
            self._outgoing.write(_LENGTH.pack(len(content)))
            self._outgoing.write(content)
            self._outgoing.flush()

    def receive(self) -> Any:
        """Wait for the next message.

        Raises:
            EOFError: the other process has ended.
        """
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        return pickle.loads(self._exactly(length))  # noqa: S301 - written by our own process at the other end

    def _exactly(self, length: int) -> bytes:
        content = self._incoming.read(length)
        if len(content) < length:
            raise EOFError("The other process has ended.")
        return content


def of_standard_streams() -> Channel:
    """The channel of a process to the one that started it with two pipes; what this process prints goes to standard error."""
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Channel(sys.stdin.buffer, outgoing)


def child(module: str, *arguments: str) -> tuple[subprocess.Popen[bytes], Channel]:
    """Start a module of seedbed as a process in a group of its own, and return it with the channel to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **OWN_GROUP
    )
    return process, Channel(cast("BinaryIO", process.stdout), cast("BinaryIO", process.stdin))


def ended(process: subprocess.Popen[bytes]) -> int:
    """End a child process at once, even one that has closed its output and still runs; return its exit code."""
    process.kill()
    exit_code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            with suppress(OSError):  # what was not yet sent
                pipe.close()
    return exit_code
