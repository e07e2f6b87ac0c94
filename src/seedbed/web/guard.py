"""What every request passes before any route: who may ask, how much, and how often. Pure ASGI.

A page on this machine can be reached by every site that its user visits, so that being on the loopback interface protects
nothing by itself:

- The `Host` must be one of ours: a foreign name that was pointed at this machine (DNS rebinding) gets 403.
- `Origin` and `Sec-Fetch-Site` must be ours, but for following a link to a view; nothing is offered to other origins (no CORS).
- A change of state needs the token that only our own pages hold.
- Where the page is open to the network, every request needs a second token, which a browser then keeps as a cookie.

Source: OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet"; W3C, "Fetch Metadata Request Headers".
"""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

CHANGE_TOKEN = "x-seedbed-token"  # noqa: S105  # the name of a header
SAFE = ("GET", "HEAD")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; base-uri 'none'"
)

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        token: what our own pages send with a change of state.
        hosts: names under which the page answers, in lower case and without a port.
        entry: token without which nothing is answered. Empty means that everything on this machine may look.
        framed_by: origins that may show the page in a frame, as a content security policy writes them.
    """

    token: str
    hosts: frozenset[str] = frozenset(LOOPBACK)
    entry: str = ""
    framed_by: tuple[str, ...] = ()

    @property
    def policy(self) -> str:
        """The content security policy of every response."""
        return f"{POLICY}; frame-ancestors " + (" ".join(self.framed_by) or "'none'")


@dataclass(frozen=True)
class RequestLimits:
    """How much and how often.

    Attributes:
        body: largest body of a request (bytes).
        bodies: largest size of all bodies that arrive at the same time (bytes).
        seconds: longest time that a body may take to arrive (s).
        rate: requests per second that are answered in the long run; more wait.
        burst: requests that are answered at once before that.
        wait: longest time that a request waits for its turn (s).
    """

    body: int = 4 << 20
    bodies: int = 24 << 20
    seconds: float = 10.0
    rate: float = 30.0
    burst: int = 400
    wait: float = 5.0


class Refusal(Exception):  # an answer, not a fault
    """A request that is not passed on: status, one line of explanation, and further headers."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers


@dataclass
class Turnstile:
    """Turns for requests at a steady rate, after a burst.

    Source: ITU-T I.371, the generic cell rate algorithm.
    """

    limits: RequestLimits
    next: float = field(default=0.0, init=False)
    """When the next turn would be, were there no burst (s, monotonic)."""

    def turn(self, now: float) -> float | None:
        """How long the next request waits (s); None where it would be too long, and no turn is taken."""
        due = max(self.next, now)
        wait = max(0.0, due - now - self.limits.burst / self.limits.rate)
        if wait > self.limits.wait:
            return None
        self.next = due + 1 / self.limits.rate
        return wait


class Guard:
    """The middleware: refuses, limits, and sets the headers of every response.

    Args:
        app: what answers the requests that pass.
        access: who may ask.
        limits: how much and how often.
    """

    def __init__(self, app: FastAPI, access: Access, limits: RequestLimits | None = None) -> None:
        self.app, self._access, self._limits = app, access, limits or RequestLimits()
        self._turnstile = Turnstile(self._limits)
        self._arriving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, self._with_headers(scope, send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check(scope)
            await self._wait()
            body = await self._body(scope, receive)
        except Refusal as refusal:
            await _refuse(refusal, send)
            return
        await self.app(scope, _replayed(body, receive), send)

    # Who

    def _check(self, scope: Scope) -> None:
        headers = _headers(scope)
        host = headers.get("host", "")
        if _hostname(host) not in self._access.hosts:
            raise Refusal(403, "This address is not one of the page's own. Use the address that `seedbed serve` printed.")
        self._check_site(scope, headers, host)
        if self._access.entry:
            self._check_entry(scope, headers)
        if scope["method"] not in SAFE and not _equal(headers.get(CHANGE_TOKEN, ""), self._access.token):
            raise Refusal(403, "A change needs the token of this page. Reload the page.")

    def _check_site(self, scope: Scope, headers: dict[str, str], host: str) -> None:
        """Refuse what another site's page sends; a link to a view may be followed from anywhere."""
        origin = headers.get("origin")
        if origin is not None and origin != f"{scope['scheme']}://{host}":
            raise Refusal(403, "Requests from other origins are not answered.")
        if headers.get("sec-fetch-site", "none") in ("same-origin", "none"):
            return
        followed = scope["method"] in SAFE and headers.get("sec-fetch-mode") == "navigate"
        if not followed or scope["path"].startswith("/api/"):
            raise Refusal(403, "Requests from other sites are not answered.")

    def _check_entry(self, scope: Scope, headers: dict[str, str]) -> None:
        given = headers.get("authorization", "").removeprefix("Bearer ") or _cookies(headers).get(cookie(scope), "")
        if _equal(given, self._access.entry):
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if scope["method"] == "GET" and any(name == "token" and _equal(value, self._access.entry) for name, value in query):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            kept = f"{cookie(scope)}={self._access.entry}; HttpOnly; SameSite=Strict; Path=/"
            place = quote(scope["path"], safe="/") + (f"?{rest}" if rest else "")
            raise Refusal(303, "", **{"location": place, "set-cookie": kept})
        raise Refusal(401, "This page needs its token: open the address that `seedbed serve` printed.")

    # How much and how often

    async def _wait(self) -> None:
        wait = self._turnstile.turn(time.monotonic())
        if wait is None:
            await asyncio.sleep(self._limits.wait)  # so that the refusals of a flood take no time from a training
            raise Refusal(429, "Too many requests at once.", **{"retry-after": "2"})
        if wait:
            await asyncio.sleep(wait)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body, which is small; so a slow or endless one never reaches a route."""
        headers = _headers(scope)
        if not ({"content-length", "transfer-encoding"} & headers.keys()):
            return b""
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await self._arrived(headers, receive)
        except TimeoutError:
            raise Refusal(408, "The body of the request took too long.", connection="close") from None

    async def _arrived(self, headers: dict[str, str], receive: Receive) -> bytes:
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > self._limits.body:
            raise self._too_large()
        body = bytearray()
        try:
            while True:
                message = await receive()
                piece = message.get("body", b"")
                body += piece
                self._arriving += len(piece)
                if len(body) > self._limits.body:
                    raise self._too_large()
                if self._arriving > self._limits.bodies:
                    raise Refusal(503, "Too many uploads at once.", **{"retry-after": "2", "connection": "close"})
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return bytes(body)
        finally:
            self._arriving -= len(body)

    def _too_large(self) -> Refusal:
        return Refusal(413, f"A request may have {self._limits.body:,} bytes.", connection="close")

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower(), value) for name, value in message.get("headers", [])]
                given = {name for name, _ in own}
                ours = HEADERS | {"content-security-policy": self._access.policy, "cache-control": "no-store"}
                added = [(name.encode(), value.encode()) for name, value in ours.items() if name.encode() not in given]
                message = {**message, "headers": [*own, *added]}
            await send(message)

        return sending


def cookie(scope: Scope) -> str:
    """Name of the cookie that holds the entry token; ports of one host share their cookies, so it has the port."""
    server = scope.get("server")
    return f"seedbed-{server[1] if server else 0}"


def _headers(scope: Scope) -> dict[str, str]:
    """Header -> value; two values of one name make neither valid."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        headers[key] = f"{headers[key]}, {value.decode('latin-1')}" if key in headers else value.decode("latin-1")
    return headers


def _hostname(host: str) -> str:
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _cookies(headers: dict[str, str]) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return waiting.pop() if waiting else await receive()

    return received


async def _refuse(refusal: Refusal, send: Send) -> None:
    content = json.dumps({"error": refusal.reason}).encode()
    headers: Iterable[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
        *((name.encode(), value.encode()) for name, value in refusal.headers.items()),
    ]
    start: dict[str, Any] = {"type": "http.response.start", "status": refusal.status, "headers": list(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": content})
