from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from typing import Any

from seedbed.web.events import KEPT, Hub
from web.samples import run


async def some(stream: AsyncIterator[bytes], count: int) -> list[dict[str, Any]]:
    """The next events of a stream, with their ids."""
    found: list[dict[str, Any]] = []
    async for block in stream:
        fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line)
        if "data" in fields:
            found.append({**json.loads(fields["data"]), "id": fields["id"]})
        if len(found) == count:
            break
    return found


def topics(events: list[dict[str, Any]]) -> list[Any]:
    return [event["data"].get("n", event["topic"]) for event in events]


def test_a_stream_begins_after_the_newest_event_and_goes_on() -> None:
    async def heard() -> list[dict[str, Any]]:
        hub = Hub()
        hub.publish("runs", {"n": 1})
        stream = hub.stream("")
        first = await some(stream, 1)
        hub.publish("runs", {"n": 2})
        return first + await some(stream, 1)

    assert topics(run(heard())) == ["ready", 2]


def test_a_stream_resumes_where_it_broke_off() -> None:
    async def heard() -> list[dict[str, Any]]:
        hub = Hub()
        for n in range(1, 6):
            hub.publish("runs", {"n": n})
        third = f"{hub.last.partition('-')[0]}-3"
        return await some(hub.stream(third), 3)

    assert topics(run(heard())) == ["ready", 4, 5]


def test_who_was_away_too_long_or_knew_another_server_reads_everything_again() -> None:
    async def heard(last: str, count: int) -> list[dict[str, Any]]:
        hub = Hub()
        for n in range(count):
            hub.publish("runs", {"n": n})
        return await some(hub.stream(last.replace("HERE", hub.last.partition("-")[0])), 2)

    assert topics(run(heard("other-1", 3))) == ["ready", "reset"]
    assert topics(run(heard("HERE-1", KEPT + 5))) == ["ready", "reset"]
    assert topics(run(heard("HERE-99", 3))) == ["ready", "reset"]
    assert topics(run(heard("HERE-x", 3))) == ["ready", "reset"]


def test_events_come_from_any_thread_and_the_streams_end_with_the_server() -> None:
    async def heard() -> list[dict[str, Any]]:
        hub = Hub()

        def publish() -> None:
            for n in range(50):
                hub.publish("runs", {"n": n})
            hub.close()

        thread = threading.Thread(target=publish)
        stream = hub.stream("")
        events = await some(stream, 1)
        thread.start()
        events += [event async for event in _all(stream)]
        thread.join()
        return events

    async def _all(stream: AsyncIterator[bytes]) -> AsyncIterator[dict[str, Any]]:
        while True:
            block = await some(stream, 1)
            if not block:
                return
            yield block[0]

    found = topics(run(asyncio.wait_for(heard(), 10)))
    assert found[1:] == list(range(len(found) - 1))


def test_ids_are_of_this_server() -> None:
    assert Hub().last != Hub().last
