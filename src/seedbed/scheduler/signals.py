"""Ctrl-C and SIGTERM while networks train."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from seedbed.errors import Interrupted
from seedbed.notebook import option


@contextlib.contextmanager
def signals(stop: Callable[[], None]) -> Iterator[list[int]]:
    """Stop at the next segment's end on the first Ctrl-C or SIGTERM, at once on the second. Yields the signals received."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            raise Interrupted(f"Stopped at once; the last save is kept. Continue from it with {option('resume')}.", number)
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
