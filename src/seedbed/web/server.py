"""Running the page: an address that no one else has, a server in this process, and its end."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from seedbed.errors import SeedbedError, SpecError, StorageError
from seedbed.runs import LiveRuns, RunStore
from seedbed.statistics.interval import t_quantile
from seedbed.web.application import application
from seedbed.web.guard import LOOPBACK, Access, Guard
from seedbed.web.site import template

if TYPE_CHECKING:
    import uvicorn

PORT = 8000
CONNECTIONS = 256
"""Connections at the same time; further ones get 503."""

IDLE = 5
"""Seconds after which an idle connection is closed."""

SHARED_TEMPLATES = ("shell.html.jinja", "views.html.jinja", "parts.html.jinja")
"""Templates that each view's own one extends or reads."""

NOTEBOOKS = ("http://localhost:*", "http://127.0.0.1:*", "https://localhost:*", "https://127.0.0.1:*", "vscode-webview:")
"""Origins of notebooks on this machine, which may show the page in a frame."""


@dataclass(frozen=True, eq=False)
class PageServer:
    """A server that listens, before or while it answers.

    Attributes:
        address: what to open in a browser; holds the entry token where there is one.
    """

    address: str
    listening: socket.socket
    server: uvicorn.Server

    @classmethod
    def of(
        cls, home: RunStore, *, host: str = "127.0.0.1", port: int | None = None, token: str = "", framed: bool = False
    ) -> PageServer:
        """Make the application, and listen on an address where it will answer; the first page has nothing to wait for then.

        Args:
            home: the run store that the page shows.
            host: address of the interface to listen on; others than the loopback interface need a token.
            port: number of the port, 0 for any. None means 8000, or any where that is taken.
            token: what every request must show. Empty means that all programs of this machine may look.
            framed: whether notebooks of this machine may show the page in a frame.

        Raises:
            SpecError: another host than the loopback interface without a token.
            SeedbedError: the address cannot be had.
        """
        if host not in LOOPBACK and not token:
            raise SpecError(
                f"--host = {host!r}: a page that others can reach needs a token; give one by --token, or leave --host out."
            )
        name = f"[{host}]" if ":" in host else host
        hosts = frozenset({*LOOPBACK, name.lower()}) if name in LOOPBACK else _own_names(name)
        guard = application(home, Access(secrets.token_urlsafe(24), hosts, token, NOTEBOOKS if framed else ()))
        server = _server(guard)
        _load(server, guard.app.state.site.live)
        listening = _listening(host, port)
        address = f"http://{name}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
        return cls(address, listening, server)

    def run(self) -> None:
        """Answer until SIGINT or SIGTERM, or until `stop` is called from another thread."""
        with closing(self.listening):
            self.server.run([self.listening])

    def stop(self) -> None:
        """Stop answering; trainings are not affected."""
        self.server.should_exit = True


def _load(server: uvicorn.Server, live: LiveRuns) -> None:
    """Load what any first page needs and what takes a while: the protocol, all runs, the frame of all pages, Student's t."""
    server.config.load()
    with suppress(StorageError):  # the pages say so
        live.refresh()
    for name in SHARED_TEMPLATES:
        template(name)
    t_quantile(0.95, 1)


def _listening(host: str, port: int | None) -> socket.socket:
    wanted = [port] if port is not None else [PORT, 0]
    for number in wanted:
        try:
            return _bound(host.strip("[]"), number)
        except OSError as error:
            if number == wanted[-1]:
                raise SeedbedError(
                    f"{host}:{number}: this address cannot be had ({error.strerror or error}). Choose another --port."
                ) from None
    raise AssertionError("there is a last one")


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens. It names its protocol, or asyncio would not switch Nagle's delay of 40 ms off."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":  # there it would share the port with another process
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(CONNECTIONS)
    except OSError:
        listening.close()
        raise
    return listening


def _own_names(name: str) -> frozenset[str]:
    """Names under which other machines may ask for a page on this interface."""
    names = {name, socket.gethostname(), socket.getfqdn()}
    if name in ("0.0.0.0", "[::]"):  # noqa: S104  # the user asked for all interfaces, with a token
        addresses = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
        names |= {str(address[4][0]) for address in addresses} | set(LOOPBACK)
    return frozenset(each.lower() for each in names)


def _server(guard: Guard) -> uvicorn.Server:
    import uvicorn

    class StreamingServer(uvicorn.Server):
        """Ends the streams of events first: without that it would wait for pages to close them. Then late answers are cut."""

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            guard.app.state.site.hub.close()
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # it would log a traceback for each of these answers
            await super().shutdown(sockets)

    config = uvicorn.Config(
        guard,
        log_level="error",
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=2,
        h11_max_incomplete_event_size=16 << 10,
        loop="asyncio",
        http="h11",
        ws="none",
        interface="asgi3",
    )
    return StreamingServer(config)


@dataclass(frozen=True, eq=False)
class Served:
    """A page that is served from this process in the background, as a notebook shows it.

    Attributes:
        address: what to open in a browser.
    """

    address: str
    _server: PageServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop the server; what was trained stays."""
        self._server.stop()
        self._thread.join(timeout=10)

    def __repr__(self) -> str:
        return f"Served({self.address})"

    def _repr_html_(self) -> str:
        address = escape(self.address, quote=True)
        link = f'<a href="{address}" target="_blank" rel="noopener">{address}</a>'
        return f'<p>{link}</p><iframe src="{address}" width="100%" height="720" title="seedbed"></iframe>'


def serve(home: str | None = None, *, port: int | None = None, token: str = "") -> Served:
    """Serve the page of a home from this process, in the background; in a notebook it is shown in a frame.

        page = sb.serve()
        page.address, page.stop()

    Args:
        home: folder of the runs. None means `SEEDBED_HOME`, or `./runs`.
        port: number of the port. None means 8000, or any where that is taken.
        token: what every request must show, on a machine that others use too. Empty means that all programs of this machine
            may look.

    Raises:
        SeedbedError: the port cannot be had.
    """
    server = PageServer.of(RunStore.at(home), port=port, token=token, framed=True)
    thread = threading.Thread(target=server.run, name="seedbed serve", daemon=True)
    thread.start()
    return Served(server.address, server, thread)
