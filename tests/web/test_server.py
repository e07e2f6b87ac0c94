from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

import seedbed as sb
from browsing import served
from seedbed.cli.frame import run
from seedbed.errors import SeedbedError, SpecError
from seedbed.runs import RunStore
from seedbed.web import PageServer
from web.samples import Training


def test_the_command_serves_an_empty_folder_and_ends_by_a_signal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seedbed", "serve", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=_environment()) as process:
        assert process.stdout
        address = process.stdout.readline().split()[-1]
        assert "holds no runs yet" in requests.get(f"{address}runs", timeout=20).text
        process.terminate()
        assert process.wait(20) == 0
    assert not (tmp_path / "runs").exists()


def _environment() -> dict[str, str]:
    import os

    return {name: value for name, value in os.environ.items() if name != "SEEDBED_HOME"}


def test_another_host_needs_a_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--host", "0.0.0.0", "--no-browser", "--home", str(tmp_path)]) == 2
    assert "needs a token" in capsys.readouterr().err
    with pytest.raises(SpecError, match="needs a token"):
        PageServer.of(RunStore(tmp_path), host="192.168.0.1")


def test_a_port_that_is_taken_is_an_error_only_if_it_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SeedbedError, match=f"127.0.0.1:{port}: this address cannot be had"):
            PageServer.of(RunStore(tmp_path), port=port)
        monkeypatch.setattr("seedbed.web.server.PORT", port)
        other = PageServer.of(RunStore(tmp_path))
        assert str(port) not in other.address
        other.listening.close()


def test_the_server_listens_once_it_has_what_a_first_page_needs(tmp_path: Path) -> None:
    program = """
import sys
from seedbed import pages
from seedbed.runs import RunStore
from seedbed.web import PageServer, server
from pathlib import Path

def listening(host, port):
    print("scipy.special" in sys.modules, "h11" in sys.modules, "shell.html.jinja" in str(list(environment.cache.keys())))
    return bound(host, port)

environment = pages.environment("seedbed.web")
bound, server._listening = server._listening, listening
page = PageServer.of(RunStore(Path(sys.argv[1])), port=0)
page.listening.close()
print(*(name in sys.modules for name in ("numpy.f2py.crackfortran", "altair", "jax")))
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == ["True True True", "False False False"], run.stderr


def test_a_notebook_shows_the_page_in_a_frame_and_can_stop_it(tmp_path: Path) -> None:
    page = sb.serve(str(tmp_path), port=0)
    try:
        answer = requests.get(page.address + "runs", timeout=20)
        assert "frame-ancestors http://localhost:*" in answer.headers["content-security-policy"]
        assert f'<iframe src="{page.address}"' in page._repr_html_()
    finally:
        page.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(page.address, timeout=2)


def test_streams_are_pushed_and_end_with_the_server(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with served(store) as address:
        requests.get(f"{address}/runs", timeout=20)
        with requests.get(f"{address}/api/events", stream=True, timeout=20) as stream:
            lines = stream.iter_lines(decode_unicode=True)
            assert next(line for line in lines if line.startswith("data")).endswith('{"topic": "ready", "data": {}}')
            time.sleep(0.5)  # the first look at the run store is no event
            training = Training(store)
            event = next(line for line in lines if line.startswith("data"))
            assert '"changed": ["live"]' in event
            training.end() if training.epochs else training._held.close()
        changes = requests.get(f"{address}/api/changes", timeout=20).json()
        assert changes["events"] == []


def test_an_answer_that_is_late_when_the_server_stops_is_cut_without_a_word(tmp_path: Path) -> None:
    program = """
import asyncio, sys, threading
from contextlib import suppress
from pathlib import Path
import requests
from seedbed.runs import RunStore
from seedbed.web import PageServer

async def late(scope, receive, send):
    assert scope["type"] == "http"
    threading.Thread(target=page.stop).start()
    await asyncio.sleep(60)

page = PageServer.of(RunStore(Path(sys.argv[1])), port=0)
page.server.config.loaded_app = late
def ask():
    with suppress(requests.RequestException):
        requests.get(page.address)

asking = threading.Thread(target=ask)
asking.start()
page.run()
asking.join()
"""
    run = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


def test_slow_clients_hold_no_one_up(tmp_path: Path) -> None:
    with served(RunStore(tmp_path)) as address:
        host, port = address.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(100)]
        for client in slow[:50]:
            client.sendall(b"GET /runs HTTP/1.1\r\nHost: 127")
        for client in slow[50:]:
            client.sendall(b"POST /api/data/survey HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nx")
        assert requests.get(f"{address}/api/runs", timeout=20).status_code == 200
        for client in slow:
            client.close()
