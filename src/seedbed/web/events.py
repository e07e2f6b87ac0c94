"""Events for all open pages on one stream, which resumes where it broke off.

An event has a topic and JSON values; its id is the number of the server and its own. Pages hold one stream for all topics
(server-sent events), or ask again and again for what is new. A page that was away for longer than events are kept gets the
event `reset`: it reads everything again. No reader has a queue of its own, so a slow one costs no memory.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seedbed.records import finite

KEPT = 2_000
READERS = 64
"""Streams at the same time."""

HEARTBEAT = 15.0
"""Seconds of silence after which a comment shows that the stream still lives."""

RETRY = 1_000
"""Milliseconds after which a browser connects again."""


@dataclass(frozen=True)
class PageEvent:
    """An event, numbered from 1.

    Attributes:
        topic: what it is about; each view names its own.
        data: finite JSON values.
    """

    number: int
    topic: str
    data: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"topic": self.topic, "data": self.data}


class Hub:
    """All events of a server, in order.

    `publish` may be called from any thread; the other methods belong to the server's event loop.
    """

    def __init__(self) -> None:
        self._server = secrets.token_hex(4)
        self._events: deque[PageEvent] = deque(maxlen=KEPT)
        self._number = 0
        self._closed = False
        self._changing = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def last(self) -> str:
        """Id of the newest event."""
        return f"{self._server}-{self._number}"

    @property
    def readers(self) -> int:
        """Number of open streams."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        return self.readers >= READERS

    def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Add an event, and wake all readers."""
        with self._changing:
            self._number += 1
            self._events.append(PageEvent(self._number, topic, finite(dict(data))))
            self._wake()

    def close(self) -> None:
        """End all streams; none begins again."""
        with self._changing:
            self._closed = True
            self._wake()

    def after(self, last: str) -> list[PageEvent] | None:
        """The events after the one of this id; None where some of them are no longer kept, or the id is of another server."""
        server, _, text = last.partition("-")
        if server != self._server or not text.isdecimal():
            return None
        with self._changing:
            events = list(self._events)
        number = int(text)
        if number > self._number or (number < self._number and events[0].number > number + 1):
            return None
        return [event for event in events if event.number > number]

    async def stream(self, last: str) -> AsyncIterator[bytes]:
        """The events after the one of this id as server-sent events, without an end.

        Args:
            last: id of the last event that the reader has. Empty means the newest one.
        """
        yield f"retry: {RETRY}\n\n".encode()
        last = last or self.last
        yield _encoded("ready", {}, last)
        news = asyncio.Event()
        self._waiting[news] = asyncio.get_running_loop()
        try:
            while not self._closed:
                news.clear()
                events = self.after(last)
                if events is None:
                    last = self.last
                    yield _encoded("reset", {}, last)
                    continue
                for event in events:
                    last = f"{self._server}-{event.number}"
                    yield _encoded(event.topic, event.data, last)
                if not events and not await _waited(news):
                    yield b": alive\n\n"
        finally:
            self._waiting.pop(news, None)

    def _wake(self) -> None:
        for news, loop in list(self._waiting.items()):
            with suppress(RuntimeError):  # its loop has ended, and with it its stream
                loop.call_soon_threadsafe(news.set)


async def _waited(news: asyncio.Event) -> bool:
    """Wait for news; False after `HEARTBEAT` seconds of silence."""
    try:
        async with asyncio.timeout(HEARTBEAT):
            return await news.wait()
    except TimeoutError:
        return False


def _encoded(topic: str, data: Mapping[str, Any], last: str) -> bytes:
    text = json.dumps({"topic": topic, "data": data}, ensure_ascii=False, allow_nan=False)
    return f"id: {last}\ndata: {text}\n\n".encode()
