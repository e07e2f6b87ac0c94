"""Messages over a pipe: a length, then a pickle. Both ends are processes of seedbed; nothing from a disk is unpickled."""

from __future__ import annotations

import pickle
import struct
import threading
from typing import Any, BinaryIO

STOP = "stop"
"""The message that makes a worker end its job after the current segment."""

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
