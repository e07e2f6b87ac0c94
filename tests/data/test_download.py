"""A mirror may lie, break off, stall or be gone: nothing wrong gets a name, every wait ends, and the next mirror is asked."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seedbed.data.builtin import BUILTIN, Remote
from seedbed.data.download import Patience, fetch
from seedbed.data.progress import DownloadProgress
from seedbed.errors import DataUnavailable

CONTENT = bytes(range(256)) * 800
PACKED = gzip.compress(CONTENT)
QUICK = Patience(connect=2, read=0.3, attempts=2, pause=0.01, window=0.3, least=1000)


class Mirror(BaseHTTPRequestHandler):
    """Behaves as the first folder of the address says."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        behaviour = self.path.split("/")[1]
        if behaviour == "flaky":
            behaviour = "good" if len(self.server.asked) > 1 else "status-503"
        with contextlib.suppress(OSError):
            getattr(self, behaviour.partition("-")[0])(*behaviour.split("-")[1:])
        self.close_connection = True

    def start(self, length, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def good(self):
        self.start(len(PACKED))
        self.wfile.write(PACKED)

    def status(self, code):
        self.start(0, int(code))

    def truncates(self):
        self.start(len(PACKED))
        self.wfile.write(PACKED[:-40])

    def wrong(self):
        body = gzip.compress(CONTENT[:-1] + b"x")
        self.start(len(body))
        self.wfile.write(body)

    def page(self):
        body = b"<html>Please log in to this network</html>"
        self.start(len(body))
        self.wfile.write(body)

    def stalls(self):
        self.start(len(PACKED))
        self.wfile.write(PACKED[:100])
        self.wfile.flush()
        self.server.stop.wait(5)

    def silent(self):
        self.server.stop.wait(5)

    def trickles(self):
        self.start(len(PACKED))
        for byte in PACKED[:500]:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.stop.wait(0.02):
                return

    def endless(self):
        self.send_response(200)
        self.end_headers()
        while not self.server.stop.is_set():
            self.wfile.write(bytes(1 << 20))

    def log_message(self, *_):
        """Nothing on stderr."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that goes away is no news."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with Server(("127.0.0.1", 0), Mirror) as running:
        running.asked, running.stop = [], threading.Event()
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.stop.set()
        running.shutdown()
        thread.join()


def data_set(server, *behaviours, how="sha256 unpacked"):
    digest = hashlib.sha256(CONTENT) if how == "sha256 unpacked" else hashlib.md5(PACKED)
    mirrors = tuple(f"http://127.0.0.1:{server.server_port}/{name}/" for name in behaviours)
    return replace(BUILTIN["mnist"], files=(Remote("x.gz", how, digest.hexdigest()),), mirrors=mirrors, megabytes=3)


@pytest.mark.parametrize("how", ["md5", "sha256 unpacked"])
def test_a_file_with_the_right_digest_is_kept_and_its_progress_told(server, tmp_path, how):
    told: list[DownloadProgress] = []
    [path] = fetch(data_set(server, "good", how=how), tmp_path / "in", on_progress=told.append, patience=QUICK)
    assert path.read_bytes() == PACKED
    assert told[-1] == DownloadProgress("x.gz", len(PACKED), len(PACKED))
    assert [entry.name for entry in (tmp_path / "in").iterdir()] == ["x.gz"]


def test_what_is_there_already_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        fetch(data_set(server, "good"), tmp_path / "in", patience=QUICK)
    assert len(server.asked) == 1
    (tmp_path / "in" / "x.gz").write_bytes(b"damaged")
    fetch(data_set(server, "good"), tmp_path / "in", patience=QUICK)
    assert (tmp_path / "in" / "x.gz").read_bytes() == PACKED


@pytest.mark.parametrize(
    ("behaviour", "reason", "attempts"),
    [
        ("status-404", "answered 404", 1),
        ("status-500", "answered 500", 2),
        ("truncates", "cut the file short", 2),
        ("wrong", "its digest differs", 1),
        ("page", "no gzip file", 1),
        ("stalls", "did not answer in time", 2),
        ("silent", "did not answer in time", 1),
        ("trickles", "stalled", 2),
        ("endless", "sent more than|no gzip file", 1),
    ],
)
def test_a_mirror_that_misbehaves_is_left_for_the_next(server, tmp_path, behaviour, reason, attempts):
    fetch(data_set(server, behaviour, "good"), tmp_path / "in", patience=QUICK)
    assert (tmp_path / "in" / "x.gz").read_bytes() == PACKED
    assert [path.split("/")[1] for path in server.asked] == [behaviour] * attempts + ["good"]
    (tmp_path / "in" / "x.gz").unlink()
    with pytest.raises(DataUnavailable, match=reason) as caught:
        fetch(data_set(server, behaviour), tmp_path / "in", patience=QUICK)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "in").iterdir()) == []


def test_a_mirror_that_fails_once_is_asked_again(server, tmp_path):
    fetch(data_set(server, "flaky"), tmp_path / "in", patience=QUICK)
    assert len(server.asked) == 2


def test_an_endless_answer_is_cut_off(server, tmp_path):
    with pytest.raises(DataUnavailable, match="sent more than 6,000,000 bytes"):
        fetch(data_set(server, "endless", how="md5"), tmp_path / "in", patience=QUICK)


def test_a_mirror_that_refuses_the_connection_is_told(server, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        one = replace(data_set(server), mirrors=(f"http://127.0.0.1:{closed.getsockname()[1]}/",))
        with pytest.raises(DataUnavailable, match="refused the connection"):
            fetch(one, tmp_path / "in", patience=QUICK)


def test_every_mirror_that_was_asked_is_told(server, tmp_path):
    with pytest.raises(DataUnavailable, match=r"x\.gz could not be downloaded \(.*answered 404; .*its digest differs\)"):
        fetch(data_set(server, "status-404", "wrong"), tmp_path / "in", patience=QUICK)
