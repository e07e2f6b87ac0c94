"""Asks a page for its runs, as often as it is told, until its input ends: `python -m bench.flood PORT PER_SECOND`.

Prints how often each status was answered, as JSON. A connection stays open as long as the server lets it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import Counter

CONNECTIONS = 200
PATIENCE = 20.0
"""Seconds after which an answer is given up."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _ask(port: int, connection: Connection | None) -> tuple[str, Connection | None]:
    """One request: its status, and the connection if it stays open."""
    reader, writer = connection or await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = re.search(rb"content-length: (\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    if b"connection: close" in head:
        writer.close()
        return head.split()[1].decode(), None
    return head.split()[1].decode(), (reader, writer)


async def _client(port: int, period: float, counts: Counter[str]) -> None:
    """Asks once per period (s), or as soon as the answer before is there."""
    connection: Connection | None = None
    while True:
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                status, connection = await _ask(port, connection)
        except (OSError, EOFError, TimeoutError) as error:
            status, connection = type(error).__name__, None
        counts[status] += 1
        await asyncio.sleep(max(0.0, period - (time.monotonic() - began)))


async def _flood(port: int, rate: float) -> Counter[str]:
    counts: Counter[str] = Counter()
    clients = [asyncio.create_task(_client(port, CONNECTIONS / rate, counts)) for _ in range(CONNECTIONS)]
    await asyncio.to_thread(sys.stdin.read)
    for client in clients:
        client.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*clients)
    return counts


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_flood(int(sys.argv[1]), float(sys.argv[2])))))
